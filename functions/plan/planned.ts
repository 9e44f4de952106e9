import type { Plane } from '../../shared/plane.ts';
import { policyFields, type EffectivePolicy, type Grant, type ServiceToggle } from '../../shared/policy.ts';
import type { PlannedAgent } from '../../shared/views-fleet.ts';
import { diff } from '../core/part.ts';
import type { Fields, UserIdentity } from '../core/providers.ts';
import type { AgentRecord } from '../core/records.ts';
import { wantedOf } from '../core/wanted.ts';
import { machineUsdPerMonth } from '../cost/machine-prices.ts';
import type { Flip } from '../directory/flips.ts';
import { claims, wishFor, type Wish } from '../directory/standing.ts';

/** Everything that decides on users beside themselves, before a change and after it. */
export interface Situation {
  readonly before: readonly Plane[];
  readonly after: readonly Plane[];
  /** The plane that changes. */
  readonly planeId: string;
  readonly services: readonly ServiceToggle[];
  readonly grantsOf: (planeId: string, userId: string) => readonly Grant[];
  readonly agentIdOf: (planeId: string, userId: string) => string;
}

export interface Subject {
  /** With groups. */
  readonly user: UserIdentity;
  /** As the directory will show the user after the change; the same unless the change is to the user's own page. */
  readonly changed?: UserIdentity;
  /** Every agent of this user's, in any plane. */
  readonly held: readonly AgentRecord[];
}

export interface Planned {
  readonly agent: PlannedAgent;
  /** What the guard over policy would ask an admin about. */
  readonly flip?: Flip;
}

export interface SubjectPlan {
  readonly planned: readonly Planned[];
  /** Names of the planes that would claim this user together, and did not before. */
  readonly ambiguous?: readonly string[];
  /** What limits hold back although nothing else changes for this agent, as `budgetCap` and a sentence. */
  readonly held: readonly string[];
  /** What policy says of a running agent in the plane that changes, after the change. */
  readonly standing?: EffectivePolicy | undefined;
  readonly former?: EffectivePolicy | undefined;
}

type Value = PlannedAgent['fields'][number]['from'];
const toValue = (value: EffectivePolicy[keyof EffectivePolicy]['value']): NonNullable<Value> =>
  typeof value === 'object' ? [...value] : value;
const show = (value: Value): string => (Array.isArray(value) ? value.join(', ') || 'none' : String(value));
const same = (a: Value, b: Value): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What one plane wants of one user's agent. */
interface Side {
  readonly plane: Plane | undefined;
  readonly wish: Wish | undefined;
  readonly running: boolean;
}

function sideOf(
  planes: readonly Plane[],
  claiming: readonly Plane[],
  { planeId, agentId, current }: { planeId: string; agentId: string; current: AgentRecord | undefined },
  user: UserIdentity,
  { services, grantsOf }: Situation,
): Side {
  const plane = planes.find(({ metadata }) => metadata.name === planeId);
  const claimed = claiming.some(({ metadata }) => metadata.name === planeId);
  if (!plane || !claimed) return { plane, wish: undefined, running: false };
  const wish = wishFor(plane, user, agentId, current, { services, grants: grantsOf(planeId, user.id) }, claiming);
  return { plane, wish, running: wish?.draft.desired === 'running' };
}

/** What limits take back, as sentences; only what they did not take back before. */
function clampsOf(after: EffectivePolicy, before: EffectivePolicy | undefined): string[] {
  return policyFields.flatMap((field) => {
    const { value, clamped } = after[field];
    if (!clamped || field === 'agentEnabled') return [];
    const former = before?.[field].clamped;
    if (former?.by === clamped.by && same(toValue(former.from), toValue(clamped.from))) return [];
    return [`${field} is asked to be ${show(toValue(clamped.from))}; ${clamped.by} allows ${show(toValue(value))}`];
  });
}

function fieldsOf(before: Side, after: Side): PlannedAgent['fields'] {
  const [from, to] = [before.wish?.draft.policy, after.wish?.draft.policy];
  return policyFields.flatMap((field) => {
    // Whether there is an agent is told of both sides; everything else only where there is one.
    const enabling = field === 'agentEnabled';
    const had = from && (before.running || enabling) ? from[field] : undefined;
    const has = to && (after.running || enabling) ? to[field] : undefined;
    const [former, next] = [had ? toValue(had.value) : null, has ? toValue(has.value) : null];
    return same(former, next) ? [] : [{ field, from: former, fromOrigin: had?.origin ?? null, to: next, toOrigin: has?.origin ?? null }];
  });
}

const wantedBy = ({ plane, wish, running }: Side): Readonly<Record<string, Fields>> =>
  plane && wish && running ? wantedOf(wish.draft, plane.spec.networking.egressPolicy) : {};

/** The core's own comparison, on what is wanted now and what would be wanted. */
function partsOf(before: Side, after: Side): PlannedAgent['parts'] {
  const [from, to] = [wantedBy(before), wantedBy(after)];
  return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((part): PlannedAgent['parts'] => {
    const [was, is] = [from[part], to[part]];
    // Errands leave nothing behind.
    if (part === 'introduction' || part === 'channels') return [];
    if (!was || !is) return [{ part, effect: was ? 'remove' : 'create' }];
    return diff(is, was).length > 0 ? [{ part, effect: 'change' }] : [];
  });
}

const budgetOf = ({ wish, running }: Side): number => (wish && running ? wish.draft.spec.budgetCap : 0);

function machineUsd({ plane, wish, running }: Side): number | null {
  if (!plane || !wish || !running || wish.draft.paused) return 0;
  const { region, machineType } = wish.draft.spec;
  return machineUsdPerMonth(plane.spec.infrastructure.provider, region, machineType);
}

function deltaUsd(before: Side, after: Side): number | null {
  const [from, to] = [machineUsd(before), machineUsd(after)];
  return from === null || to === null ? null : Math.round((to - from) * 100) / 100;
}

function notesOf(before: Side, after: Side): string[] {
  const [from, to] = [before.wish?.draft, after.wish?.draft];
  const notes = to && after.running ? clampsOf(to.policy, before.running ? from?.policy : undefined) : [];
  if (before.running && !after.running && (to ? to.conditions.length > 0 : true)) notes.push(to?.reason ?? 'no plane claims this user');
  if (!from || !to || !before.running || !after.running) return notes;
  if (from.name !== to.name) notes.push(`is called ${to.name} instead of ${from.name}`);
  if (from.spec.region !== to.spec.region) notes.push(`its machine is made anew in ${to.spec.region}`);
  return notes;
}

function flipOf({ wish }: Side, current: AgentRecord | undefined, planeId: string, user: UserIdentity, agentId: string): Flip | undefined {
  const unclaimed = !wish && user.active && current?.desired === 'running' ? ('removed' as const) : undefined;
  const to = wish?.flip ?? unclaimed;
  return to && { planeId, agentId, userId: user.id, ownerEmail: user.email, to };
}

function planAgent(before: Side, after: Side, planeId: string, subject: Subject, current: AgentRecord | undefined, agentId: string) {
  const { user } = subject;
  const exists = current?.desired === 'running';
  // What waits for an admin either way is not this change's doing.
  if (before.running !== after.running && exists === after.running) return undefined;
  const effect = before.running === after.running ? 'change' : after.running ? 'create' : 'remove';
  // Of those who wait for their agent either way, nothing stands yet that could change.
  if (effect === 'change' && (!after.running || !exists)) return undefined;
  const [fields, parts] = [fieldsOf(before, after), partsOf(before, after)];
  const notes = notesOf(before, after);
  const renamed = effect === 'change' && before.wish?.draft.name !== after.wish?.draft.name;
  if (effect === 'change' && fields.length === 0 && parts.length === 0 && !renamed) return { held: notes };
  const agent: PlannedAgent = {
    ...{ agentId, ownerEmail: user.email, ownerName: user.name, ouPath: user.ouPath, effect, fields, parts, notes },
    budgetDeltaUsd: budgetOf(after) - budgetOf(before),
    machineDeltaUsd: deltaUsd(before, after),
  };
  const flip = effect === 'change' ? undefined : flipOf(after, current, planeId, subject.changed ?? user, agentId);
  return { held: [], planned: { agent, ...(flip ? { flip } : {}) } };
}

/** What a change means for one user: for each plane, what is wanted of the agent now against what would be. Pure. */
export function planSubject(subject: Subject, situation: Situation): SubjectPlan {
  const { user, changed = user, held } = subject;
  const claimsNow = situation.before.filter((plane) => claims(plane, user));
  const claimsThen = situation.after.filter((plane) => claims(plane, changed));
  const names = (planes: readonly Plane[]): string => planes.map(({ metadata }) => metadata.name).join(' and ');
  const moved = names(claimsNow) !== names(claimsThen);
  // Another plane's agent is touched only where it is claimed by fewer or by more than before.
  const concerned = moved ? [...new Set([...claimsNow, ...claimsThen].map(({ metadata }) => metadata.name))] : [situation.planeId];
  const planned: Planned[] = [];
  const heldBack: string[] = [];
  let standing: Pick<SubjectPlan, 'standing' | 'former'> = {};
  for (const planeId of concerned) {
    const agentId = situation.agentIdOf(planeId, user.id);
    const current = held.find((record) => record.agentId === agentId);
    const agent = { planeId, agentId, current };
    const before = sideOf(situation.before, claimsNow, agent, user, situation);
    const after = sideOf(situation.after, claimsThen, agent, changed, situation);
    const outcome = planAgent(before, after, planeId, subject, current, agentId);
    if (outcome?.planned) planned.push(outcome.planned);
    heldBack.push(...(outcome?.held ?? []));
    if (planeId === situation.planeId && after.running)
      standing = { standing: after.wish?.draft.policy, former: before.running ? before.wish?.draft.policy : undefined };
  }
  const ambiguous = user.active && moved && claimsThen.length > 1 ? { ambiguous: claimsThen.map(({ metadata }) => metadata.name) } : {};
  return { planned, held: heldBack, ...ambiguous, ...standing };
}
