import { toAgentId } from '../../shared/agent.ts';
import { requestFieldOf, type UserRequests } from '../../shared/directory-schema.ts';
import type { Plane } from '../../shared/plane.ts';
import type { PlanChange, PlannedAgent } from '../../shared/views-fleet.ts';
import { PlaneError } from '../core/errors.ts';
import type { IdentityProvider, UserIdentity } from '../core/providers.ts';
import type { PlanRecord } from '../core/records.ts';
import type { Ctx, Hashing, Json } from '../core/surroundings.ts';
import { canonical } from '../core/surroundings.ts';
import type { Flip } from '../directory/flips.ts';
import { grantsOf } from '../directory/grants.ts';
import { listServices } from '../directory/services.ts';
import { applyChange, isWithin } from './apply-change.ts';
import { readCompany, type CompanyDeps } from './company.ts';
import { diffDefinitions } from './definition-diff.ts';
import { locksOf, refusalsOf, warningsOf } from './objections.ts';
import { planSubject, type Situation, type Subject, type SubjectPlan } from './planned.ts';
import { sumUp } from './sentences.ts';

/** A plane's definition as it stands. */
export interface Standing {
  readonly revision: number;
  readonly managedBy: 'file' | 'api';
  readonly definition: Plane;
}

export interface MakePlanDeps extends CompanyDeps {
  readonly hashing: Hashing;
  readonly identity: Pick<IdentityProvider, 'listPage' | 'membersOf' | 'resolveUser'>;
  /** Every plane of this deployment. */
  readonly planes: () => readonly Plane[];
}

export interface MadePlan extends Pick<
  PlanRecord,
  'base' | 'hash' | 'definition' | 'counts' | 'budgetDeltaUsd' | 'machineDeltaUsd' | 'changes' | 'sentences' | 'refusals' | 'warnings'
> {
  readonly agents: readonly PlannedAgent[];
  readonly flips: readonly Flip[];
}

/** How many people a sentence names. */
const mostNamed = 20;
const named = (emails: readonly string[]): string =>
  emails.length > mostNamed ? `${emails.slice(0, mostNamed).join(', ')} and ${emails.length - mostNamed} more` : emails.join(', ');

/** The user's page as the directory will show it. */
function withRequests(
  user: UserIdentity,
  requests: { readonly [K in keyof UserRequests]?: UserRequests[K] | null | undefined },
): UserIdentity {
  const fields: Record<string, unknown> = { ...user.fields };
  for (const key of Object.keys(requestFieldOf) as (keyof UserRequests)[]) {
    const value = requests[key];
    if (value === undefined) continue;
    fields[requestFieldOf[key]] = value === null ? undefined : typeof value === 'object' ? value.join(',') : value;
  }
  return { ...user, fields };
}

/** What is said of many at once, counted while users go by. */
function createRemarks(change: PlanChange) {
  const limited = new Map<string, number>();
  const ambiguous = new Map<string, string[]>();
  const kept = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, key: string, email: string): void => void map.set(key, [...(map.get(key) ?? []), email]);

  return {
    take({ user }: Subject, { held, ambiguous: between, standing, former }: SubjectPlan): void {
      for (const sentence of held) limited.set(sentence, (limited.get(sentence) ?? 0) + 1);
      if (between) add(ambiguous, between.join(' and '), user.email);
      if (change.kind !== 'tier' || !standing) return;
      const { match, from, to } = change;
      const inScope = 'group' in match ? user.groups.includes(match.group) : isWithin({ ou: user.ouPath }, match);
      const { value, origin, clamped } = standing.modelTier;
      if (!inScope || value === to || (from !== undefined && former && former.modelTier.value !== from)) return;
      const why = clamped ? `${clamped.by} allows no more` : origin === 'user' ? 'their own page says so' : `${origin} says so`;
      add(kept, `${value}, because ${why}`, user.email);
    },
    refusals: () =>
      [...ambiguous].map(([planes, emails]) => `${planes} would both claim ${named(emails)}: narrow a selector (AmbiguousPlane)`),
    warnings: () => [
      ...[...kept].map(([why, emails]) => `${emails.length} keep ${why}: ${named(emails)}`),
      ...[...limited].map(([sentence, times]) => `for ${times === 1 ? '1 agent' : `${times} agents`}, ${sentence}`),
    ],
  };
}

/** Works out what a change would do, and changes nothing. Reads everybody in pages, or the one user a change is about. */
export function createMakePlan(deps: MakePlanDeps) {
  const { store, identity, hashing, planes } = deps;

  async function readSubject(change: Extract<PlanChange, { kind: 'user' }>, ctx: Ctx): Promise<Subject> {
    const user = await identity.resolveUser(change.userKey, ctx);
    if (!user) throw new PlaneError('notFound', `cannot find user ${change.userKey} in the directory; check the address`);
    const held = await store.query('agents', 'byOwner', { from: user.id, before: `${user.id}\u0000`, limit: 100 });
    return { user, changed: withRequests(user, change.requests), held };
  }

  async function open(standing: Standing, change: PlanChange, after: Plane, ctx: Ctx) {
    const planeId = standing.definition.metadata.name;
    const others = planes().filter(({ metadata }) => metadata.name !== planeId);
    const agentIdOf = (plane: string, userId: string): string => toAgentId(plane, userId, hashing.sha256);
    const common = { planeId, agentIdOf, before: [...others, standing.definition], after: [...others, after] };
    if (change.kind === 'user') {
      const subject = await readSubject(change, ctx);
      const grants = await grantsOf(store, planeId, subject.user.id);
      const situation: Situation = {
        ...common,
        services: await listServices(store),
        grantsOf: (plane) => (plane === planeId ? grants : []),
      };
      const locks = locksOf(after, subject.changed ?? subject.user, change, subject.held[0], { services: situation.services, grants });
      return { situation, subjects: [subject], unknownGroups: [], locks };
    }
    const company = await readCompany([...others, standing.definition, after], ctx, deps);
    async function* everybody(): AsyncIterable<Subject> {
      for await (const user of company.users) yield { user, held: company.heldBy(user.id) };
    }
    const situation: Situation = { ...common, services: company.services, grantsOf: company.grantsOf };
    return { situation, subjects: everybody(), unknownGroups: company.unknownGroups, locks: [] };
  }

  return async function makePlan(standing: Standing, change: PlanChange, ctx: Ctx): Promise<MadePlan> {
    const { definition: before, revision, managedBy } = standing;
    const after = applyChange(before, change);
    const changes = diffDefinitions(before, after);
    const living = await store.query('agents', 'byPlane', { equals: [before.metadata.name], limit: 1 });
    const firm = refusalsOf(before, after, change, { managedBy, agents: living.length });
    const renamed = after.metadata.name !== before.metadata.name;
    const [agents, flips]: [PlannedAgent[], Flip[]] = [[], []];
    const remarks = createRemarks(change);
    // A change that changes nothing touches nobody, and needs nobody to be read.
    const empty = change.kind !== 'user' && changes.length === 0;
    const { situation, subjects, unknownGroups, locks } =
      empty || renamed ? { situation: undefined, subjects: [], unknownGroups: [], locks: [] } : await open(standing, change, after, ctx);
    for await (const subject of subjects) {
      ctx.signal.throwIfAborted();
      if (!situation) break;
      const plan = planSubject(subject, situation);
      remarks.take(subject, plan);
      for (const { agent, flip } of plan.planned) {
        agents.push(agent);
        if (flip) flips.push(flip);
      }
    }
    const refusals = [...firm, ...locks, ...remarks.refusals()];
    const warnings = [...(change.kind === 'user' ? [] : warningsOf(before, after, unknownGroups)), ...remarks.warnings()];
    const facts = { base: revision, change: JSON.parse(JSON.stringify(change)) as Json, refusals };
    let hash = hashing.sha256(canonical(facts));
    for (const agent of agents) hash = hashing.sha256(`${hash}\n${canonical(JSON.parse(JSON.stringify(agent)) as Json)}`);
    return { base: revision, hash, definition: after, changes, agents, flips, refusals, warnings, ...sumUp(agents) };
  };
}
export type MakePlan = ReturnType<typeof createMakePlan>;
