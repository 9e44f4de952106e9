import { isDeepStrictEqual } from 'node:util';
import type { AgentView, OperationView, PlanChange, PlanView, Selection } from '../../shared/contract.ts';
import type { Plane } from '../../shared/plane.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { openTrail } from '../audit/trail-world.ts';
import { sampleAgent, sampleOperation, samplePlan, samplePlane } from './sample-views.ts';

const missing = (what: string): PlaneError => new PlaneError('notFound', `cannot find ${what}`);

interface Held {
  readonly definition: Plane;
  readonly revision: number;
}

/** What the loopback plane remembers: small, but it changes as a plane would. */
export function createCompany() {
  const planes = new Map<string, Held>([['acme', { definition: samplePlane('acme'), revision: 1 }]]);
  const agents = new Map<string, AgentView>();
  const operations = new Map<string, OperationView & { effect: () => void }>();
  const plans = new Map<string, PlanView & { apply: () => void }>();
  const put = (agent: AgentView): AgentView => {
    agents.set(agent.agentId, agent);
    return agent;
  };
  put(sampleAgent('acme', 'alice@acme.test', '/Engineering'));
  put(sampleAgent('acme', 'bob@acme.test', '/Sales'));
  let made = 0;
  const newId = (kind: string): string => `${kind}-${(made += 1)}`;

  const planeOf = (planeId: string): Held => {
    const found = planes.get(planeId);
    if (!found) throw missing(`plane ${planeId}`);
    return found;
  };
  const agentOf = (agentId: string): AgentView => {
    const found = agents.get(agentId);
    if (!found) throw missing(`agent ${agentId}`);
    return found;
  };
  const ownerOf = (key: string): AgentView => {
    const found = [...agents.values()].find(({ ownerEmail, ownerId }) => ownerEmail === key || ownerId === key);
    if (!found) throw missing(`user ${key}`);
    return found;
  };
  const change = (agentId: string, to: Partial<AgentView>): AgentView =>
    put({ ...agentOf(agentId), ...to, revision: agentOf(agentId).revision + 1 });
  const selected = ({ ou, agents: names }: Selection): AgentView[] =>
    [...agents.values()].filter(
      ({ ouPath, agentId, name, ownerEmail }) =>
        (ou === undefined || ouPath.startsWith(ou)) &&
        (names === undefined || names.some((one) => [agentId, name, ownerEmail].includes(one))),
    );

  function operate(
    planeId: string,
    kind: OperationView['kind'],
    touched: readonly AgentView[],
    each: (agent: AgentView) => void,
    dryRun = false,
  ) {
    const view = sampleOperation(planeId, dryRun ? 'none' : newId('op'), kind, touched.length);
    if (!dryRun) operations.set(view.id, { ...view, effect: () => touched.forEach(each) });
    return view;
  }
  /** Each look sees it further. */
  function look(id: string): OperationView {
    const found = operations.get(id);
    if (!found) throw missing(`operation ${id}`);
    if (found.state !== 'running') return found;
    if (found.waiting > 0) {
      const next = { ...found, waiting: 0, running: found.total, sentence: 'all at work' };
      operations.set(id, next);
      return next;
    }
    found.effect();
    const done = { ...found, running: 0, done: found.total, state: 'done' as const, sentence: `${found.total} of ${found.total} done` };
    operations.set(id, done);
    return done;
  }
  const setOperation = (id: string, state: OperationView['state']): OperationView => {
    const found = operations.get(id);
    if (!found) throw missing(`operation ${id}`);
    operations.set(id, { ...found, state });
    return { ...found, state };
  };

  const define = (planeId: string, definition: Plane): void =>
    void planes.set(planeId, { definition, revision: (planes.get(planeId)?.revision ?? 0) + 1 });

  function planFor(planeId: string, wanted: PlanChange): PlanView {
    const { definition, revision } = planeOf(planeId);
    const plan = samplePlan(planeId, newId('plan'), wanted.kind, revision);
    const toDefinition = (): Plane => {
      if (wanted.kind === 'definition') return wanted.definition;
      if (wanted.kind !== 'policy') return definition;
      const others = definition.spec.policies.filter(({ match }) => !isDeepStrictEqual(match, wanted.match));
      const layer = wanted.spec === null ? [] : [{ match: wanted.match, spec: wanted.spec }];
      return { ...definition, spec: { ...definition.spec, policies: [...others, ...layer] } };
    };
    const next = toDefinition();
    const differs = !isDeepStrictEqual(next, definition);
    const agentsTouched = wanted.kind === 'user' ? 1 : 0;
    const removes = wanted.kind === 'user' && wanted.requests.agentEnabled === false ? 1 : 0;
    const view: PlanView = {
      ...plan,
      counts: { agents: agentsTouched, creates: 0, removes, changes: agentsTouched - removes },
      definition: differs ? [{ path: 'spec', from: null, to: JSON.stringify(next.spec.policies) }] : [],
      needsApproval: definition.spec.changes.secondPerson,
    };
    plans.set(view.id, { ...view, apply: () => differs && define(planeId, next) });
    return view;
  }
  function planOf(id: string): PlanView & { apply: () => void } {
    const found = plans.get(id);
    if (!found) throw missing(`plan ${id}`);
    return found;
  }
  function applyPlan(id: string, approved = false): PlanView {
    const plan = planOf(id);
    if (plan.base !== planeOf(plan.planeId).revision) {
      plans.set(id, { ...plan, state: 'stale' });
      throw new PlaneError('preconditionFailed', `cannot apply plan ${id}: the definition moved on since; plan again`);
    }
    const waits = plan.needsApproval && !approved;
    if (!waits) plan.apply();
    const next = { ...plan, state: waits ? ('waiting' as const) : ('applied' as const) };
    plans.set(id, next);
    return next;
  }

  return {
    ...{ planes, agents, operations, plans, planeOf, agentOf, ownerOf, put, change, selected, operate, look, setOperation, define },
    ...{ planFor, planOf, applyPlan, newId, missing },
    trail: openTrail(),
    /** What else was done, in order. */
    deeds: [] as string[],
  };
}
export type Company = ReturnType<typeof createCompany>;
