import { agentChain, append, readHead } from './audit.ts';
import { moveAssignment } from './assignments.ts';
import { PlaneError } from './errors.ts';
import type { Actor, AgentRecord, CommandKind, CommandRecord } from './records.ts';
import type { Store } from './store.ts';
import type { Clock, Hashing } from './surroundings.ts';

export interface CommandDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
  /** Another one at every call. */
  readonly random: () => string;
}

/** How long a command may wait and take, in milliseconds; the sidecar's own patience is shorter for each. */
const patienceMs = {
  backup: 60 * 60_000,
  restore: 60 * 60_000,
  reloadSecrets: 10 * 60_000,
  introduce: 30 * 60_000,
  upgrade: 2 * 60 * 60_000,
  whatsappLogin: 10 * 60_000,
} as const satisfies Record<CommandKind, number>;

/** How many commands may wait for one agent. */
const mostWaiting = 20;
const longestResult = 20_000;

/** Ending commands makes no ids. */
type EndingDeps = Omit<CommandDeps, 'random'>;

const waitingOf = (store: Store, { agentId, incarnation }: Pick<AgentRecord, 'agentId' | 'incarnation'>) =>
  store.query('commands', 'byState', { equals: [agentId, incarnation, 'waiting'], limit: mostWaiting });

/**
 * Asks an agent's sidecar to do something once. The command, its audit row and the move of the assignment commit together, so a
 * sidecar that waits hears of it at once and one that is away hears of it later. With an `id`, asking again answers what was asked under
 * it before. Throws `conflict` where the agent is not to run.
 */
export async function askSidecar(
  agent: Pick<AgentRecord, 'agentId' | 'incarnation'>,
  kind: CommandKind,
  args: Readonly<Record<string, string>>,
  actor: Actor,
  { store, clock, hashing, random }: CommandDeps,
  id = `c-${random()}`,
): Promise<CommandRecord> {
  const { agentId, incarnation } = agent;
  if ((await waitingOf(store, agent)).length >= mostWaiting) {
    const fact = `${mostWaiting} commands wait for it`;
    throw new PlaneError('tooManyRequests', `cannot ask agent ${agentId} to ${kind}: ${fact}; wait until it has done some`);
  }
  return store.transact(async (tx) => {
    const asked = await tx.get('commands', id);
    if (asked) return asked;
    const [current, row] = [await tx.get('agents', agentId), await tx.get('assignments', agentId)];
    const head = await readHead(tx, agentChain(agentId));
    if (current?.desired !== 'running' || current.incarnation !== incarnation)
      throw new PlaneError('conflict', `cannot ask agent ${agentId} to ${kind}: it is not to run; enable it first`);
    const now = clock.now();
    const command: CommandRecord = { id, agentId, incarnation, kind, args, state: 'waiting', askedAt: now, until: now + patienceMs[kind] };
    tx.set('commands', id, command);
    const changes = [{ field: 'state', from: null, to: command.state }];
    append(tx, head, [{ at: now, actor, action: 'command.ask', target: kind, detail: { id, args, changes } }], hashing);
    moveAssignment(tx, agentId, row, now);
    return command;
  });
}

/** Ends a command that still waits; one that ended before keeps its result. Answers whether it was this call that ended it. */
async function end(
  id: string,
  owner: Pick<AgentRecord, 'agentId' | 'incarnation'>,
  { state, result, actor }: { readonly state: 'done' | 'failed'; readonly result: string; readonly actor: Actor },
  { store, clock, hashing }: EndingDeps,
): Promise<boolean> {
  const { agentId, incarnation } = owner;
  return store.transact(async (tx) => {
    const [command, row] = [await tx.get('commands', id), await tx.get('assignments', agentId)];
    const head = await readHead(tx, agentChain(agentId));
    if (command?.state !== 'waiting' || command.agentId !== agentId || command.incarnation !== incarnation) return false;
    const now = clock.now();
    tx.set('commands', id, { ...command, state, result: result.slice(0, longestResult), endedAt: now });
    const changes = [{ field: 'state', from: command.state, to: state }];
    // What an agent wrote may be in the result: the audit says how it ended, not what was said.
    append(tx, head, [{ at: now, actor, action: `command.${state}`, target: command.kind, detail: { id, changes } }], hashing);
    moveAssignment(tx, agentId, row, now);
    return true;
  });
}

/** Takes over what a sidecar says came of its commands. What is not its own, or has ended, changes nothing. */
export async function takeResults(
  agent: Pick<AgentRecord, 'agentId' | 'incarnation'>,
  results: readonly { readonly id: string; readonly ok: boolean; readonly result: string }[],
  deps: EndingDeps,
): Promise<readonly CommandRecord[]> {
  const ended: CommandRecord[] = [];
  for (const { id, ok, result } of results) {
    const command = await deps.store.get('commands', id);
    // A heartbeat repeats its results until the assignment moves: most of them are known by then.
    if (command?.state !== 'waiting' || command.agentId !== agent.agentId) continue;
    const outcome = { state: ok ? 'done' : 'failed', result, actor: { kind: 'agent', id: agent.agentId } } as const;
    if (!(await end(id, agent, outcome, deps))) continue;
    const after = await deps.store.get('commands', id);
    if (after) ended.push(after);
  }
  return ended;
}

/** The commands an agent's sidecar is to be told of, oldest first; gives up those whose time is over. */
export async function waitingCommands(
  agent: Pick<AgentRecord, 'agentId' | 'incarnation'>,
  deps: EndingDeps,
): Promise<readonly CommandRecord[]> {
  const waiting = await waitingOf(deps.store, agent);
  const now = deps.clock.now();
  for (const { id, until } of waiting) {
    if (until > now) continue;
    const outcome = { state: 'failed', result: 'the agent did not do it in time', actor: { kind: 'plane', id: 'commands' } } as const;
    await end(id, agent, outcome, deps);
  }
  return waiting.filter(({ until }) => until > now);
}
