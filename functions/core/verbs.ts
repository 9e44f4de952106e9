import { changeAgent, toDraft, type AgentDraft, type ChangeDeps } from './agents.ts';
import { retiringMs } from './credentials.ts';
import { PlaneError } from './errors.ts';
import type { Actor, AgentRecord, HeartbeatRecord } from './records.ts';
import type { Reads } from './store.ts';

/** What the audit log calls each verb, as it stands in sentences. */
const actions = {
  pause: 'agent.pause',
  resume: 'agent.resume',
  restart: 'agent.restart',
  'rotate the secrets of': 'agent.rotate',
} as const;

/** Changes a running agent, or says why there is nothing to change. */
async function changeRunning(
  agent: AgentRecord,
  verb: keyof typeof actions,
  actor: Actor,
  change: (current: AgentRecord, tx: Reads) => AgentDraft | Promise<AgentDraft>,
  deps: ChangeDeps,
): Promise<AgentRecord> {
  const changed = await changeAgent(
    agent.agentId,
    actor,
    (current, tx) => {
      if (current?.desired === 'running') return change(current, tx);
      throw new PlaneError('conflict', `cannot ${verb} agent ${agent.agentId}: it is ${current?.reason ?? 'gone'}; switch it on first`);
    },
    deps,
    actions[verb],
  );
  return changed ?? agent;
}

const refusePaused = (verb: string, { agentId, paused }: AgentRecord): void => {
  if (paused) throw new PlaneError('conflict', `cannot ${verb} agent ${agentId}: it is paused (${paused.reason}); resume it first`);
};

/** Turns the machine off and keeps its disk; every credential of the agent is refused until it is resumed. */
export const pauseAgent = (agent: AgentRecord, actor: Actor, reason: string, deps: ChangeDeps): Promise<AgentRecord> =>
  changeRunning(
    agent,
    'pause',
    actor,
    (current) => ({ ...toDraft(current), paused: current.paused ?? { by: actor.id, at: deps.clock.now(), reason } }),
    deps,
  );

export const resumeAgent = (agent: AgentRecord, actor: Actor, deps: ChangeDeps): Promise<AgentRecord> =>
  changeRunning(agent, 'resume', actor, (current) => (({ paused: _paused, ...draft }) => draft)(toDraft(current)), deps);

/** With `upTo` no more often than up to that count in all, so that it may be repeated. */
export const restartAgent = (agent: AgentRecord, actor: Actor, deps: ChangeDeps, upTo = Infinity): Promise<AgentRecord> =>
  changeRunning(
    agent,
    'restart',
    actor,
    (current) => {
      if (current.restarts >= upTo) return toDraft(current);
      refusePaused('restart', current);
      return { ...toDraft(current), restarts: current.restarts + 1 };
    },
    deps,
  );

/**
 * Whether nothing can still need the version before the newest: a machine may run with it from a rotation on until it reports the
 * newest, and no longer than that version lives.
 */
export const isTakenUp = (
  { incarnation, enabledAt, secretsVersion, secretsRotatedAt }: AgentRecord,
  heartbeat: HeartbeatRecord | undefined,
  now: number,
): boolean =>
  secretsRotatedAt <= enabledAt ||
  now >= secretsRotatedAt + retiringMs ||
  (heartbeat?.incarnation === incarnation && heartbeat.secretsVersion === `${incarnation}.${secretsVersion}`);

/**
 * Makes new values of the secrets that the plane itself makes; the former ones live until the machine runs with the new ones. Throws
 * `conflict` before it does: only two versions live at once. With `upTo` no further than to that version, so that it may be repeated.
 */
export const rotateSecrets = (agent: AgentRecord, actor: Actor, deps: ChangeDeps, upTo = Infinity): Promise<AgentRecord> =>
  changeRunning(
    agent,
    'rotate the secrets of',
    actor,
    async (current, tx) => {
      if (current.secretsVersion >= upTo) return toDraft(current);
      refusePaused('rotate the secrets of', current);
      const { agentId, secretsVersion } = current;
      if (!isTakenUp(current, await tx.get('heartbeats', agentId), deps.clock.now())) {
        const remedy = `wait until its machine has taken up version ${secretsVersion}`;
        throw new PlaneError('conflict', `cannot rotate the secrets of agent ${agentId}: its last rotation is under way; ${remedy}`);
      }
      return { ...toDraft(current), secretsVersion: current.secretsVersion + 1 };
    },
    deps,
  );
