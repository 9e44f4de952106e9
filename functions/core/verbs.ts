import { changeAgent, toDraft, type AgentDraft, type ChangeDeps } from './agents.ts';
import { PlaneError } from './errors.ts';
import type { Actor, AgentRecord } from './records.ts';

/** Changes a running agent, or says why there is nothing to change. */
async function changeRunning(
  agent: AgentRecord,
  verb: string,
  actor: Actor,
  change: (current: AgentRecord) => AgentDraft,
  deps: ChangeDeps,
): Promise<AgentRecord> {
  const changed = await changeAgent(
    agent.agentId,
    actor,
    (current) => {
      if (current?.desired === 'running') return change(current);
      throw new PlaneError('conflict', `cannot ${verb} agent ${agent.agentId}: it is ${current?.reason ?? 'gone'}; switch it on first`);
    },
    deps,
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

export const restartAgent = (agent: AgentRecord, actor: Actor, deps: ChangeDeps): Promise<AgentRecord> =>
  changeRunning(
    agent,
    'restart',
    actor,
    (current) => {
      refusePaused('restart', current);
      return { ...toDraft(current), restarts: current.restarts + 1 };
    },
    deps,
  );

/** Makes new values of the secrets that the plane itself makes; the former ones live until the machine runs with the new ones. */
export const rotateSecrets = (agent: AgentRecord, actor: Actor, deps: ChangeDeps): Promise<AgentRecord> =>
  changeRunning(
    agent,
    'rotate the secrets of',
    actor,
    (current) => {
      refusePaused('rotate the secrets of', current);
      return { ...toDraft(current), secretsVersion: current.secretsVersion + 1 };
    },
    deps,
  );
