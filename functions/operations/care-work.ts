import { PlaneError } from '../core/errors.ts';
import type { Actor, AgentRecord } from '../core/records.ts';
import { done, failed, running, type Work } from './work.ts';

/** Something that is done to one agent in several steps, and goes on by itself once it has begun. */
export interface Steps {
  /** Names the last time it was done to an agent, or is being done; empty for never. */
  last(agent: AgentRecord): Promise<string>;
  /** Begins once more. Throws `conflict` where that cannot be. */
  begin(agent: AgentRecord, by: Actor, args: Readonly<Record<string, string>>): Promise<unknown>;
  /** How the last time stands. */
  stateOf(agent: AgentRecord): Promise<'running' | 'done' | { readonly failed: string }>;
  /** Its own patience is shorter, so that it has come to an end when the operation gives up. */
  readonly patienceMs: number;
}

/** Work that functions/care does; `begun` again after a crash only where the last time is still the one before. */
export function createCareWork(steps: Steps): Work {
  async function look(agent: AgentRecord, before: string, args: Readonly<Record<string, string>>, by: Actor) {
    if ((await steps.last(agent)) === before) {
      try {
        await steps.begin(agent, by, args);
      } catch (error) {
        // Another process may have begun it in between.
        if (!(error instanceof PlaneError) || error.code !== 'conflict' || (await steps.last(agent)) === before) throw error;
      }
      return running;
    }
    const state = await steps.stateOf(agent);
    return state === 'done' ? done : state === 'running' ? running : failed(state.failed);
  }
  return {
    patienceMs: steps.patienceMs,
    before: (agent) => steps.last(agent),
    look: (agent, { before, args }, by) => look(agent, before, args, by),
  };
}

/** An upgrade, and the way back to the version that an agent had. */
export function createUpgradeWork(steps: Steps, versionOf: (agent: AgentRecord) => Promise<string | undefined>): Work {
  const work = createCareWork(steps);
  return {
    ...work,
    former: async (agent) => (await versionOf(agent)) ?? '',
    async look(agent, claim, by) {
      const version = claim.args['version'];
      if (version !== undefined && (await steps.last(agent)) === claim.before && (await versionOf(agent)) === version)
        return { state: 'skipped', message: `it has version ${version} already` };
      return work.look(agent, claim, by);
    },
    async undo(agent, claim, former, by) {
      if (former === '') return failed('nothing tells which version it had; upgrade it by itself');
      if ((await steps.last(agent)) === claim.before && (await versionOf(agent)) === former) return done;
      return work.look(agent, { ...claim, args: { version: former } }, by);
    },
  };
}
