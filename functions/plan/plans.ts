import type { UserRequests } from '../../shared/directory-schema.ts';
import type { PlanChange, PlannedAgent } from '../../shared/views-fleet.ts';
import type { ChangeDeps } from '../core/agents.ts';
import { append, planeChain, readHead } from '../core/audit.ts';
import { PlaneError } from '../core/errors.ts';
import type { Actor, PlanRecord } from '../core/records.ts';
import type { Sent } from '../core/sent.ts';
import type { Ctx } from '../core/surroundings.ts';
import { approveFlips } from '../directory/approvals.ts';
import { changePlane, toPlaneDraft, type Planes } from '../planes.ts';
import { createMakePlan, type MadePlan, type MakePlanDeps, type Standing } from './make-plan.ts';
import { forgetOldPlans, readPlanned, storePlan } from './plan-store.ts';

export interface Call {
  readonly actor: Actor;
  readonly authorize: () => Promise<void>;
  readonly sent: Sent;
  readonly ctx: Ctx;
}
type Requests = { readonly [K in keyof UserRequests]: UserRequests[K] | null };

export interface PlansDeps extends ChangeDeps, Omit<MakePlanDeps, 'planes' | 'store' | 'hashing'> {
  readonly planes: Planes;
  /** Writes an admin's wishes for one user into the directory and takes them in at once; safe to repeat. */
  readonly wish: (planeId: string, userKey: string, requests: Requests, call: Call) => Promise<unknown>;
}

/** Plans: made, shown, approved by a second person where the plane asks for it, and applied if nothing moved since. */
export function createPlans(deps: PlansDeps) {
  const { store, clock, hashing, planes, wish } = deps;
  const make = createMakePlan({ ...deps, planes: () => planes.active() });

  async function standingOf(planeId: string): Promise<Standing> {
    await planes.refresh();
    const record = await planes.record(planeId);
    if (record?.state === 'active') return record;
    throw new PlaneError('conflict', `cannot plan a change of plane ${planeId}: it is ${record?.state ?? 'gone'}; create it first`);
  }

  async function find(planeId: string, planId: string): Promise<PlanRecord> {
    const plan = await store.get('plans', planId);
    if (plan?.planeId === planeId) return plan;
    throw new PlaneError('notFound', `cannot find plan ${planId} in plane ${planeId}; GET /v1/planes/${planeId}/plans lists them`);
  }

  async function create(planeId: string, change: PlanChange, { actor, sent, ctx }: Omit<Call, 'authorize'>): Promise<PlanRecord> {
    const id = `plan-${hashing.sha256(sent.random()).slice(0, 16)}`;
    const known = await store.get('plans', id);
    if (known) return known;
    const standing = await standingOf(planeId);
    const { agents, flips: _flips, ...made } = await make(standing, change, ctx);
    const askedAt = clock.now();
    const needsApproval = standing.definition.spec.changes.secondPerson;
    const plan: PlanRecord = { ...made, id, planeId, state: 'ready', change, askedAt, askedBy: actor.id, needsApproval };
    await storePlan(plan, agents, store);
    await forgetOldPlans(planeId, askedAt, store);
    return plan;
  }

  /** Moves a plan on with its audit row, unless somebody has already; answers what it is now. */
  async function move(plan: PlanRecord, to: Partial<PlanRecord> & Pick<PlanRecord, 'state'>, actor: Actor): Promise<PlanRecord> {
    return store.transact(async (tx) => {
      const current = await tx.get('plans', plan.id);
      if (current?.state !== plan.state) return current ?? plan;
      const head = await readHead(tx, planeChain(plan.planeId));
      const next = { ...current, ...to };
      tx.set('plans', plan.id, next);
      const changes = [{ field: 'state', from: plan.state, to: to.state }];
      const { changes: edits, ...counts } = plan.counts;
      const detail = { changes, hash: plan.hash, ...counts, edits, ...(to.reason === undefined ? {} : { reason: to.reason }) };
      append(tx, head, [{ at: clock.now(), actor, action: `plan.${to.state}`, target: plan.id, detail }], hashing);
      return next;
    });
  }

  /** What is otherwise than it was when the plan was made, for people. */
  async function whatMoved(plan: PlanRecord, now: MadePlan): Promise<string> {
    const then = new Map((await readPlanned(plan.id, 0, plan.counts.agents, store)).map((agent) => [agent.agentId, agent]));
    const differs = ({ agentId, ...agent }: PlannedAgent): boolean => {
      const { agentId: _agentId, ...former } = then.get(agentId) ?? {};
      return JSON.stringify(former) !== JSON.stringify(agent);
    };
    const ids = new Set(now.agents.map(({ agentId }) => agentId));
    const moved = [...now.agents.filter(differs), ...[...then.values()].filter(({ agentId }) => !ids.has(agentId))];
    const emails = moved.slice(0, 5).map(({ ownerEmail }) => ownerEmail);
    const facts = [
      ...(now.base === plan.base ? [] : [`the definition went from revision ${plan.base} to ${now.base}`]),
      ...(moved.length === 0
        ? []
        : [`it would do otherwise for ${moved.length} agents (${emails.join(', ')}${moved.length > 5 ? ', …' : ''})`]),
      ...(JSON.stringify(now.refusals) === JSON.stringify(plan.refusals)
        ? []
        : [`it is refused: ${now.refusals.join('; ') || 'no longer'}`]),
    ];
    return facts.join('; ') || 'what it was made from has moved';
  }

  /** Works the plan out anew; it is only good while that gives the very same. */
  async function confirm(plan: PlanRecord, actor: Actor, ctx: Ctx): Promise<MadePlan> {
    const now = await make(await standingOf(plan.planeId), plan.change, ctx);
    if (now.hash === plan.hash) return now;
    await move(plan, { state: 'stale' }, actor);
    throw new PlaneError('preconditionFailed', `cannot apply plan ${plan.id}: ${await whatMoved(plan, now)}; make the plan again`);
  }

  async function carryOut(plan: PlanRecord, now: MadePlan | undefined, decided: Partial<PlanRecord>, call: Call): Promise<PlanRecord> {
    const { planeId, id, change } = plan;
    const applied = { ...decided, state: 'applied', decidedAt: clock.now(), decidedBy: call.actor.id } as const;
    await call.authorize();
    if (change.kind === 'user') {
      const begun: PlanRecord = { ...plan, begun: true };
      if (!plan.begun) await store.transact(async (tx) => tx.set('plans', id, begun));
      const said = Object.entries(change.requests).filter(([, value]) => value !== undefined);
      await wish(planeId, change.userKey, Object.fromEntries(said), { ...call, actor: { ...call.actor, via: id } });
      return move(begun, applied, call.actor);
    }
    const flips = now?.flips ?? [];
    const decide: Parameters<typeof changePlane>[2] = async (current, tx) => {
      const stored = await tx.get('plans', id);
      if (!current || stored?.state !== plan.state) return undefined;
      if (current.revision !== plan.base) {
        const fact = `the definition went from revision ${plan.base} to ${current.revision}`;
        throw new PlaneError('preconditionFailed', `cannot apply plan ${id}: ${fact}; make the plan again`);
      }
      return { ...toPlaneDraft(current), definition: plan.definition };
    };
    await changePlane(planeId, { ...call.actor, via: id }, decide, deps, (tx) => {
      tx.set('plans', id, { ...plan, ...applied });
      for (const [plane, some] of Map.groupBy(flips, (flip) => flip.planeId))
        approveFlips(tx, { planeId: plane, planId: id, flips: some, by: call.actor.id, at: applied.decidedAt });
    });
    // A plan that changes nothing moves no plane, and is done all the same.
    const stored = await find(planeId, id);
    return stored.state === plan.state ? move(stored, applied, call.actor) : stored;
  }

  function assertReady(plan: PlanRecord, state: PlanRecord['state'], verb: string): void {
    if (plan.state === state) return;
    const facts = {
      ready: 'it does not wait for anybody',
      waiting: 'it waits for a second person to approve it',
      applied: 'it was applied already',
      denied: `${plan.decidedBy ?? 'somebody'} denied it`,
      stale: 'what it was made from has moved',
    } as const;
    throw new PlaneError('conflict', `cannot ${verb} plan ${plan.id}: ${facts[plan.state]}; look at it again`);
  }

  return {
    create,
    find,
    async apply(planeId: string, planId: string, asked: number | undefined, call: Call): Promise<PlanRecord> {
      const plan = await find(planeId, planId);
      if (plan.state === 'applied') return plan;
      if (plan.state === 'waiting' && plan.appliedBy === call.actor.id) return plan;
      assertReady(plan, 'ready', 'apply');
      const refuse = (fact: string): never => {
        throw new PlaneError('conflict', `cannot apply plan ${planId}: ${fact}`);
      };
      if (plan.refusals.length > 0) refuse(`${plan.refusals.join('; ')}; make another plan`);
      const { changes } = (await standingOf(planeId)).definition.spec;
      const most = asked ?? changes.maxRemovals;
      const { removes } = plan.counts;
      if (removes > most) refuse(`it removes ${removes} agents and ${most} may go; say --max-removals ${removes} if that is meant`);
      const now = plan.begun ? undefined : await confirm(plan, call.actor, call.ctx);
      if (!changes.secondPerson) return carryOut(plan, now, {}, call);
      await call.authorize();
      return move(plan, { state: 'waiting', needsApproval: true, maxRemovals: most, appliedBy: call.actor.id }, call.actor);
    },
    async decide(
      planeId: string,
      planId: string,
      decision: 'approve' | 'deny',
      reason: string | undefined,
      call: Call,
    ): Promise<PlanRecord> {
      const plan = await find(planeId, planId);
      if (plan.state === 'applied' && decision === 'approve' && plan.decidedBy === call.actor.id) return plan;
      if (plan.state === 'denied' && decision === 'deny' && plan.decidedBy === call.actor.id) return plan;
      assertReady(plan, 'waiting', decision);
      if (decision === 'approve' && plan.askedBy === call.actor.id) {
        throw new PlaneError('forbidden', `cannot approve plan ${planId}: ${call.actor.id} made it; ask another admin`);
      }
      const said = reason === undefined ? {} : { reason };
      if (decision === 'approve') {
        const now = plan.begun ? undefined : await confirm(plan, call.actor, call.ctx);
        return carryOut(plan, now, said, call);
      }
      await call.authorize();
      return move(plan, { state: 'denied', decidedAt: clock.now(), decidedBy: call.actor.id, ...said }, call.actor);
    },
  };
}
export type Plans = ReturnType<typeof createPlans>;
