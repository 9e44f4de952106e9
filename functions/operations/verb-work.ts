import type { ChangeDeps } from '../core/agents.ts';
import { PlaneError } from '../core/errors.ts';
import type { AgentRecord } from '../core/records.ts';
import { isTakenUp, pauseAgent, restartAgent, resumeAgent, rotateSecrets } from '../core/verbs.ts';
import { done, running, skipped, type Work } from './work.ts';

const minuteMs = 60_000;

/** What a pass alone brings about: restart, pause, resume, rotation. */
export function createVerbWork(deps: ChangeDeps): Readonly<Record<'restart' | 'pause' | 'resume' | 'rotateSecrets', Work>> {
  const { store, clock } = deps;

  /** What the last pass saw, where it acted on the record as it is now. */
  async function seenOf({ agentId, incarnation, revision }: AgentRecord) {
    const status = await store.get('statuses', agentId);
    return status?.incarnation === incarnation && status.revision >= revision ? status : undefined;
  }

  /** Whether the agent said that it is ready after the last pass changed anything. */
  async function isUp(agent: AgentRecord): Promise<boolean> {
    const [status, beat] = [await seenOf(agent), await store.get('heartbeats', agent.agentId)];
    if (status?.phase !== 'running' || status.restarts < agent.restarts) return false;
    return beat?.incarnation === agent.incarnation && beat.live && beat.ready && beat.at > status.changedAt;
  }

  const restart: Work = {
    patienceMs: 10 * minuteMs,
    before: async ({ restarts }) => String(restarts),
    async look(agent, { before }, by) {
      if (agent.restarts > Number(before)) return (await isUp(agent)) ? done : running;
      if (agent.paused) return skipped(`it is paused (${agent.paused.reason})`);
      await restartAgent(agent, by, deps, Number(before) + 1);
      return running;
    },
  };
  const pause: Work = {
    patienceMs: 10 * minuteMs,
    before: async ({ paused }) => paused?.reason ?? '',
    async look(agent, { before, args }, by) {
      if (before !== '') return skipped(`it was paused already (${before})`);
      if (agent.paused) return (await seenOf(agent))?.phase === 'paused' ? done : running;
      await pauseAgent(agent, by, args['reason'] ?? 'paused by an admin', deps);
      return running;
    },
  };
  const resume: Work = {
    patienceMs: 20 * minuteMs,
    before: async ({ paused }) => (paused ? 'paused' : ''),
    async look(agent, { before }, by) {
      if (before === '') return skipped('it was not paused');
      if (!agent.paused) return (await isUp(agent)) ? done : running;
      await resumeAgent(agent, by, deps);
      return running;
    },
  };
  const rotate: Work = {
    patienceMs: 20 * minuteMs,
    before: async ({ secretsVersion }) => String(secretsVersion),
    async look(agent, { before }, by) {
      const isReady = isTakenUp(agent, await store.get('heartbeats', agent.agentId), clock.now());
      if (agent.secretsVersion > Number(before)) return isReady ? done : running;
      if (agent.paused) return skipped(`it is paused (${agent.paused.reason}); rotate its secrets when it is resumed`);
      // The last rotation is under way; this one may have to end an exposure that came after it.
      if (!isReady) return running;
      try {
        await rotateSecrets(agent, by, deps, Number(before) + 1);
      } catch (error) {
        if (!(error instanceof PlaneError) || error.code !== 'conflict') throw error;
      }
      return running;
    },
  };
  return { restart, pause, resume, rotateSecrets: rotate };
}
