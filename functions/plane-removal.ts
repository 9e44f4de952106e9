import { changeAgent, toDraft, type ChangeDeps } from './core/agents.ts';
import { PlaneError } from './core/errors.ts';
import type { Actor, AgentRecord, PlaneRecord } from './core/records.ts';
import { makeDue } from './core/schedule.ts';
import type { Ctx } from './core/surroundings.ts';
import { planeRemoved } from './directory/look.ts';
import { changePlane, toPlaneDraft, type Planes } from './planes.ts';

const removalsKey = 'plane/removals';
/** How soon a plane that is being removed is looked at again, and how soon one is looked for, in milliseconds. */
const [pollMs, restMs] = [2_000, 60_000] as const;

const actor: Actor = { kind: 'plane', id: 'removals' };

/** Has a plane and every agent of it removed; safe to repeat. That was asked for as it is: the guard of policy's changes never holds it. */
export async function condemn(planeId: string, by: Actor, deps: ChangeDeps): Promise<PlaneRecord> {
  const { clock, wake } = deps;
  const condemned = await changePlane(
    planeId,
    by,
    (current) => current && (current.state === 'active' ? { ...toPlaneDraft(current), state: 'removing' } : undefined),
    deps,
  );
  if (!condemned) throw new PlaneError('notFound', `cannot remove plane ${planeId}: there is none; GET /v1/planes lists them`);
  // Should a crash lose this wish, the errand comes by itself within a minute.
  await deps.store.transact(async (tx) => makeDue(tx, removalsKey, await tx.get('schedule', removalsKey), clock.now()));
  wake.wake(removalsKey);
  return condemned;
}

/** Takes the agents of condemned planes away, and the planes once nothing of them is left. Answers when to look again, in milliseconds. */
export function createPlaneRemoval({ planes, ...deps }: ChangeDeps & { readonly planes: Planes }) {
  const { store } = deps;

  async function dismiss({ agentId }: AgentRecord): Promise<void> {
    const decide = (current: AgentRecord | undefined) => {
      if (current?.desired !== 'running') return undefined;
      const { paused: _paused, ...draft } = toDraft(current);
      return { ...draft, desired: 'removed' as const, reason: planeRemoved };
    };
    await changeAgent(agentId, actor, decide, deps);
  }

  /** Dismisses who is still to run; answers how many are not gone yet. */
  async function empty(planeId: string, ctx: Ctx): Promise<number> {
    let [left, from] = [0, ''];
    for (;;) {
      const agents = await store.query('agents', 'byPlane', { equals: [planeId], from, limit: 500 });
      for (const agent of agents) {
        ctx.signal.throwIfAborted();
        await dismiss(agent);
        const status = await store.get('statuses', agent.agentId);
        if (status?.phase !== 'removed' || status.incarnation !== agent.incarnation) left += 1;
      }
      const last = agents.at(-1);
      if (agents.length < 500 || !last) return left;
      from = `${last.agentId}\u0000`;
    }
  }

  return async function removePlanes(ctx: Ctx): Promise<number> {
    await planes.refresh();
    const active = new Set(planes.active().map(({ metadata }) => metadata.name));
    let waiting = false;
    for (const { metadata } of planes.all()) {
      if (active.has(metadata.name)) continue;
      if ((await empty(metadata.name, ctx)) > 0) waiting = true;
      else {
        await changePlane(
          metadata.name,
          actor,
          (current) => (current?.state === 'removing' ? { ...toPlaneDraft(current), state: 'removed' } : undefined),
          deps,
        );
      }
    }
    return waiting ? pollMs : restMs;
  };
}
