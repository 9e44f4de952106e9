import type { Backups } from '../backup/backups.ts';
import { changeAgent, toDraft, type ChangeDeps } from '../core/agents.ts';
import { agentChain, append, readHead } from '../core/audit.ts';
import { askSidecar, waitingCommands, type CommandDeps } from '../core/commands.ts';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { Actor, AgentRecord, CareRecord } from '../core/records.ts';
import { makeDue, type Handler } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import { readIdle } from './one-at-a-time.ts';

export interface CareDeps extends ChangeDeps, CommandDeps {
  readonly backups: Pick<Backups, 'begin' | 'latest'>;
}

export const careKey = (agentId: string): string => `care/${agentId}`;

/** How soon a step that waits is looked at again, in milliseconds. */
const pollMs = 1_000;
/** How long a machine that is replaced may take to run, in milliseconds. */
const replacePatienceMs = 20 * 60_000;
/** An agent that was silent for so long cannot make a backup any more, in milliseconds. */
const silentMs = 5 * 60_000;

const actor: Actor = { kind: 'plane', id: 'care' };

/** A fresh machine with the memory and configuration of the old one: backup, replace, restore (REQ-MAINT-03). */
export function createReprovision(deps: CareDeps) {
  const { store, clock, hashing, wake, backups } = deps;

  async function begin(
    agent: AgentRecord,
    by: Actor,
    { acceptLoss = false } = {},
    within: Pick<Store, 'transact'> = store,
  ): Promise<CareRecord> {
    const { agentId, incarnation } = agent;
    const key = careKey(agentId);
    const begun = await within.transact(async (tx) => {
      await readIdle('reprovision', agent, tx);
      const [before, due] = [await tx.get('cares', agentId), await tx.get('schedule', key)];
      const head = await readHead(tx, agentChain(agentId));
      const now = clock.now();
      // It names this one, also where a clock stands still.
      const startedAt = Math.max(now, (before?.startedAt ?? 0) + 1);
      const care: CareRecord = { agentId, incarnation, step: 'backup', startedAt, stepAt: now, by: by.id, acceptLoss };
      tx.set('cares', agentId, care);
      const changes = [{ field: 'reprovision', from: before?.step ?? null, to: care.step }];
      const detail = { changes, ...(acceptLoss ? { acceptLoss } : {}) };
      append(tx, head, [{ at: now, actor: by, action: 'agent.reprovision', target: agentId, detail }], hashing);
      makeDue(tx, key, due, now);
      return care;
    });
    wake.wake(key);
    return begun;
  }

  /** Writes the next state unless somebody else has moved it on; an end and its audit row commit together. */
  async function move(from: CareRecord, change: Partial<CareRecord>): Promise<void> {
    const { agentId } = from;
    const stepAt = change.step === undefined ? from.stepAt : clock.now();
    await store.transact(async (tx) => {
      const [current, head] = [await tx.get('cares', agentId), await readHead(tx, agentChain(agentId))];
      if (current?.step !== from.step || current.startedAt !== from.startedAt) return;
      tx.set('cares', agentId, { ...current, stepAt, ...change });
      if (change.step !== 'done' && change.step !== 'failed') return;
      const detail = change.failure === undefined ? {} : { detail: change.failure };
      append(tx, head, [{ at: clock.now(), actor, action: `agent.reprovision ${change.step}`, target: agentId, ...detail }], hashing);
    });
  }

  /** Asked once for each step, however often a crash repeats it. */
  const commandId = ({ agentId, startedAt }: CareRecord, kind: 'backup' | 'restore'): string => `c-${kind}-${agentId}-${startedAt}`;

  const fail = (care: CareRecord, failure: string): Promise<void> => move(care, { step: 'failed', failure });

  async function isSilent({ agentId, incarnation }: AgentRecord): Promise<boolean> {
    const beat = await store.get('heartbeats', agentId);
    return beat?.incarnation !== incarnation || !beat.live || clock.now() - beat.at > silentMs;
  }

  async function backUp(care: CareRecord, agent: AgentRecord): Promise<void> {
    if (care.commandId !== undefined) {
      const command = await store.get('commands', care.commandId);
      if (command?.state === 'waiting') return;
      if (command?.state !== 'done') return fail(care, `the backup failed, nothing was changed: ${command?.result ?? 'no answer'}`);
      return move(care, { step: 'replace', replacements: agent.replacements + 1 });
    }
    if (await isSilent(agent)) {
      // What cannot speak any more comes back as it last was.
      const [last] = await backups.latest(agent.agentId);
      if (!last && !care.acceptLoss) {
        const fact = 'the agent is silent and has no backup';
        return fail(care, `nothing to restore from: ${fact}; restart it, or reprovision with \`acceptLoss\``);
      }
      return move(care, { step: 'replace', replacements: agent.replacements + 1, ...(last ? { backupId: last.id } : {}) });
    }
    const id = commandId(care, 'backup');
    const asked = await store.get('commands', id);
    const args = asked?.args ?? { backupId: (await backups.begin(agent, 'reprovision', actor)).id };
    const command = await askSidecar(agent, 'backup', args, actor, deps, id);
    return move(care, { backupId: command.args['backupId'] ?? '', commandId: id });
  }

  async function replace(care: CareRecord, agent: AgentRecord): Promise<void> {
    const wanted = care.replacements ?? agent.replacements;
    if (agent.replacements < wanted) {
      await changeAgent(agent.agentId, actor, (current) => current && { ...toDraft(current), replacements: wanted }, deps);
      return;
    }
    const [status, beat] = await Promise.all([store.get('statuses', agent.agentId), store.get('heartbeats', agent.agentId)]);
    const fresh = status?.replacements === wanted && beat !== undefined && beat.live && beat.at > care.stepAt && status.phase === 'running';
    if (fresh) return move(care, care.backupId === undefined ? { step: 'done' } : { step: 'restore', commandId: '' });
    if (clock.now() - care.stepAt > replacePatienceMs) {
      return fail(care, `the fresh machine does not run; backup ${care.backupId ?? 'none'} is kept; read its logs and reprovision again`);
    }
  }

  async function restore(care: CareRecord, agent: AgentRecord): Promise<void> {
    if (care.commandId) {
      const command = await store.get('commands', care.commandId);
      if (command?.state === 'waiting') return;
      return command?.state === 'done'
        ? move(care, { step: 'done' })
        : fail(care, `backup ${care.backupId ?? ''} was not restored: ${command?.result ?? 'no answer'}`);
    }
    const id = commandId(care, 'restore');
    await askSidecar(agent, 'restore', { backupId: care.backupId ?? '' }, actor, deps, id);
    return move(care, { commandId: id });
  }

  const steps = { backup: backUp, replace, restore } as const;

  const handle: Handler = async (agentId) => {
    const [care, agent] = [await store.get('cares', agentId), await store.get('agents', agentId)];
    if (!care || care.step === 'done' || care.step === 'failed') return undefined;
    if (agent?.desired !== 'running' || agent.incarnation !== care.incarnation) {
      await fail(care, `the agent is ${agent?.reason ?? 'gone'}`);
      return undefined;
    }
    try {
      // Gives up a command whose time is over, also where no sidecar asks any more.
      await waitingCommands(agent, deps);
      await steps[care.step](care, agent);
    } catch (error) {
      if (!(error instanceof PlaneError) || error.code !== 'conflict') throw error;
      await fail(care, toMessage(error));
    }
    return pollMs;
  };
  return { begin, handle };
}
export type Reprovision = ReturnType<typeof createReprovision>;
