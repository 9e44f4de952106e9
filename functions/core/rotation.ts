import type { ChangeDeps } from './agents.ts';
import type { Actor, AgentRecord } from './records.ts';
import type { Ctx } from './surroundings.ts';
import { rotateSecrets } from './verbs.ts';

export interface RotationDeps extends ChangeDeps {
  readonly planeId: string;
}

/** Rotates the secrets of every agent that should run and for which `due` holds; answers how many there were. */
export async function rotateWhere(due: (agent: AgentRecord) => boolean, actor: Actor, deps: RotationDeps, ctx?: Ctx): Promise<number> {
  const { store, planeId } = deps;
  let rotated = 0;
  let from = '';
  for (;;) {
    const agents = await store.query('agents', 'byPlane', { equals: [planeId], from, limit: 500 });
    for (const agent of agents) {
      ctx?.signal.throwIfAborted();
      if (agent.desired !== 'running' || agent.paused || !due(agent)) continue;
      await rotateSecrets(agent, actor, deps);
      rotated += 1;
    }
    const last = agents.at(-1);
    if (agents.length < 500 || !last) return rotated;
    from = `${last.agentId}\u0000`;
  }
}

/** What the plane makes itself is rotated by itself when it is so old, in milliseconds. */
export const rotateOld = (afterMs: number, deps: RotationDeps, ctx: Ctx): Promise<number> =>
  rotateWhere(({ secretsRotatedAt }) => deps.clock.now() - secretsRotatedAt >= afterMs, { kind: 'plane', id: 'rotation' }, deps, ctx);
