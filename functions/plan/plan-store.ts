import type { PlannedAgent } from '../../shared/views-fleet.ts';
import type { PlanRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';

/** A document of a store holds at most 1 MiB; one agent of a plan takes some 1.5 KB. Also what a plan shows of itself. */
export const chunkSize = 100;
const mostAtOnce = 500;
const chunkId = (planId: string, chunk: number): string => `${planId}/${String(chunk).padStart(5, '0')}`;

/** Plans that nobody applied are forgotten after this time, in milliseconds; those that were applied are kept as long as their audit. */
const keptMs = 30 * 24 * 3_600_000;
/** How many are forgotten whenever one is made. */
const mostForgotten = 10;

/** The agents first: whoever finds the plan finds them all. */
export async function storePlan(plan: PlanRecord, agents: readonly PlannedAgent[], store: Store): Promise<void> {
  for (let chunk = 0; chunk * chunkSize < agents.length; chunk += 1) {
    const some = agents.slice(chunk * chunkSize, (chunk + 1) * chunkSize);
    await store.transact(async (tx) => tx.set('planChunks', chunkId(plan.id, chunk), { planId: plan.id, chunk, agents: some }));
  }
  await store.transact(async (tx) => tx.set('plans', plan.id, plan));
}

/** So many of a plan's agents from a place in it on. */
export async function readPlanned(planId: string, from: number, limit: number, store: Store): Promise<PlannedAgent[]> {
  const first = Math.floor(from / chunkSize);
  const count = Math.ceil((from + limit) / chunkSize) - first;
  const found: PlannedAgent[] = [];
  for (let read = 0; read < count; read += mostAtOnce) {
    const range = { from: first + read, before: first + Math.min(count, read + mostAtOnce), limit: mostAtOnce };
    const chunks = await store.query('planChunks', 'byPlan', { equals: [planId], ...range });
    found.push(...chunks.flatMap(({ agents }) => agents));
  }
  return found.slice(from - first * chunkSize, from - first * chunkSize + limit);
}

/** Forgets plans of a plane that were never applied and that nobody can use any more. */
export async function forgetOldPlans(planeId: string, now: number, store: Store): Promise<void> {
  for (const state of ['ready', 'stale', 'denied'] as const) {
    const old = await store.query('plans', 'byState', { equals: [planeId, state], before: now - keptMs, limit: mostForgotten });
    for (const { id, counts } of old) {
      for (let chunk = 0; chunk * chunkSize < counts.agents; chunk += 1)
        await store.transact(async (tx) => void tx.delete('planChunks', chunkId(id, chunk)));
      await store.transact(async (tx) => void tx.delete('plans', id));
    }
  }
}
