import { z } from 'zod';
import type { PlanView } from '../../shared/views-fleet.ts';
import type { PlanRecord } from '../core/records.ts';
import { createPlans, type PlansDeps } from '../plan/plans.ts';
import { chunkSize, readPlanned } from '../plan/plan-store.ts';
import type { Handlers } from './handlers.ts';
import { readPage } from './paging.ts';

const toIso = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

function toView(plan: PlanRecord): Omit<PlanView, 'agents'> {
  const { id, planeId, state, hash, base, needsApproval, counts, budgetDeltaUsd, machineDeltaUsd } = plan;
  return {
    ...{ id, planeId, state, hash, base, needsApproval, counts, budgetDeltaUsd, machineDeltaUsd },
    kind: plan.change.kind,
    createdAt: new Date(plan.askedAt).toISOString(),
    createdBy: plan.askedBy,
    decidedAt: toIso(plan.decidedAt),
    decidedBy: plan.decidedBy ?? null,
    reason: plan.reason ?? null,
    definition: plan.changes.map(({ path, from, to }) => ({ path, from: z.json().parse(from), to: z.json().parse(to) })),
    sentences: [...plan.sentences],
    refusals: [...plan.refusals],
    warnings: [...plan.warnings],
  };
}

/** What a change would do, before it is done (REQ-MAINT-06). */
export function createPlanHandlers(
  deps: PlansDeps,
): Pick<Handlers, 'createPlan' | 'listPlans' | 'getPlan' | 'listPlanAgents' | 'applyPlan' | 'decidePlan'> {
  const { store } = deps;
  const plans = createPlans(deps);
  const show = async (plan: PlanRecord): Promise<PlanView> => ({
    ...toView(plan),
    agents: await readPlanned(plan.id, 0, chunkSize, store),
  });

  return {
    createPlan: async ({ params, body, ...call }) => show(await plans.create(params.planeId, body.change, call)),
    async listPlans({ params: { planeId }, query: { state, ...page } }) {
      const { shown, next } = await readPage(
        (range) =>
          state === undefined
            ? store.query('plans', 'byPlane', { equals: [planeId], ...range })
            : store.query('plans', 'byState', { equals: [planeId, state], ...range }),
        page,
      );
      return { plans: shown.map(toView), next };
    },
    getPlan: async ({ params }) => show(await plans.find(params.planeId, params.planId)),
    async listPlanAgents({ params, query: { cursor, limit } }) {
      const { id, counts } = await plans.find(params.planeId, params.planId);
      const from = Math.max(0, Math.trunc(Number(cursor ?? 0)) || 0);
      const agents = await readPlanned(id, from, limit, store);
      return { agents, next: from + limit < counts.agents ? String(from + limit) : null };
    },
    applyPlan: async ({ params, body, ...call }) => show(await plans.apply(params.planeId, params.planId, body.maxRemovals, call)),
    decidePlan: async ({ params, body, ...call }) =>
      show(await plans.decide(params.planeId, params.planId, body.decision, body.reason, call)),
  };
}
