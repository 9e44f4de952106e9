import type { ChangeDeps } from './agents.ts';
import { PlaneError } from './errors.ts';
import type { Actor, AgentRecord } from './records.ts';
import type { Ctx } from './surroundings.ts';
import { isTakenUp, rotateSecrets } from './verbs.ts';

export interface RotationDeps extends ChangeDeps {
  readonly planeId: string;
}

export interface Rotated {
  /** How many were rotated. */
  readonly agents: number;
  /** How many were left for another call, at least one when not all could be looked at. */
  readonly remaining: number;
}

/** How many agents one call rotates. */
const mostAtOnce = 500;
/** An agent that was rotated less than this ago is passed over, so that a call may be repeated, in milliseconds. */
const justNowMs = 10 * 60_000;

/** Rotates one agent; false where it went or was paused meanwhile, or its machine has yet to take up the last rotation. */
async function rotate(agent: AgentRecord, actor: Actor, deps: RotationDeps): Promise<boolean> {
  try {
    await rotateSecrets(agent, actor, deps);
    return true;
  } catch (error) {
    if (error instanceof PlaneError && error.code === 'conflict') return false;
    throw error;
  }
}

/**
 * Rotates the secrets of agents that should run and for which `due` holds, as many as one call may and until its signal aborts; to be
 * repeated until none remain. Passed over are those whose machine has yet to take up the last rotation, and those rotated just now.
 */
export async function rotateWhere(
  due: (agent: AgentRecord) => boolean,
  actor: Actor,
  { signal }: Pick<Ctx, 'signal'>,
  deps: RotationDeps,
): Promise<Rotated> {
  const { store, clock, planeId } = deps;

  function mayBeDue(agent: AgentRecord): boolean {
    if (agent.desired !== 'running' || agent.paused || !due(agent)) return false;
    const justRotated = agent.secretsRotatedAt > agent.enabledAt && clock.now() - agent.secretsRotatedAt < justNowMs;
    return !justRotated;
  }
  const isReady = async (agent: AgentRecord): Promise<boolean> =>
    isTakenUp(agent, await store.get('heartbeats', agent.agentId), clock.now());

  let [agents, remaining, from] = [0, 0, ''];
  for (;;) {
    const page = await store.query('agents', 'byPlane', { equals: [planeId], from, limit: 500 });
    for (const agent of page) {
      if (!mayBeDue(agent)) continue;
      if (signal.aborted) remaining += 1;
      else if (agents >= mostAtOnce) remaining += (await isReady(agent)) ? 1 : 0;
      else if (await rotate(agent, actor, deps)) agents += 1;
    }
    const last = page.at(-1);
    if (page.length < 500 || !last) return { agents, remaining };
    if (signal.aborted) return { agents, remaining: Math.max(remaining, 1) };
    from = `${last.agentId}\u0000`;
  }
}

/** What the plane makes itself is rotated by itself when it is so old, in milliseconds. */
export const rotateOld = (afterMs: number, deps: RotationDeps, ctx: Ctx): Promise<Rotated> =>
  rotateWhere(({ secretsRotatedAt }) => deps.clock.now() - secretsRotatedAt >= afterMs, { kind: 'plane', id: 'rotation' }, ctx, deps);
