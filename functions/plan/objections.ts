import { modelTiers, type ModelTier } from '../../shared/agent.ts';
import { toDisplayName } from '../../shared/display-names.ts';
import { explain } from '../../shared/explain.ts';
import type { Plane } from '../../shared/plane.ts';
import { policyFields } from '../../shared/policy.ts';
import type { PlanChange } from '../../shared/views-fleet.ts';
import type { AgentRecord } from '../core/records.ts';
import type { UserIdentity } from '../core/providers.ts';
import { layersOf, type Circumstances } from '../directory/standing.ts';
import { matchKey, sameMatch } from './apply-change.ts';

/** Machines with less memory than OpenClaw needs in use: 1.1 GB (measured 2026-11-22) besides the system's own. */
const tooSmall: readonly string[] = ['e2-micro', 'e2-small', 't3.micro', 't3.small', 'Standard_B1s', 'Standard_B1ms'];

const sections = ['identity', 'infrastructure', 'secrets', 'networking'] as const;

/** Why a definition may not follow another, whatever agents it touches. Pure. */
export function refusalsOf(
  before: Plane,
  after: Plane,
  change: PlanChange,
  plane: { readonly managedBy: 'file' | 'api'; readonly agents: number },
): string[] {
  const name = before.metadata.name;
  const refusals: string[] = [];
  if (after.metadata.name !== name)
    refusals.push(`the definition is of plane ${after.metadata.name}, not of ${name}: a plane cannot change its name`);
  if (plane.managedBy === 'file' && change.kind !== 'definition' && change.kind !== 'user')
    refusals.push(`plane ${name} is managed by its file: edit that and run planes apply -f, or hand the plane over to the API`);
  for (const section of sections) {
    const [from, to] = [before.spec[section].provider, after.spec[section].provider];
    if (from !== to)
      refusals.push(`spec.${section}.provider cannot go from ${from} to ${to}: create another plane and let people move there`);
  }
  if (after.spec.identity.domain !== before.spec.identity.domain && plane.agents > 0)
    refusals.push(`spec.identity.domain cannot change while ${plane.agents} agents of ${before.spec.identity.domain} live here`);
  return refusals;
}

type Layer = Plane['spec']['policies'][number];

/** What a layer says and then forbids itself. */
function contradictionsOf({ match, spec: { limits, ...values } }: Layer): string[] {
  if (!limits) return [];
  const lists = (['tools', 'channels'] as const).flatMap((field) => {
    const [allowed, said] = [limits[field] as readonly string[] | undefined, values[field] as readonly string[] | undefined];
    const beyond = allowed && said ? said.filter((item) => !allowed.includes(item)) : [];
    return beyond.length > 0 ? [`it gives ${beyond.map(toDisplayName).join(', ')} and its own limit on ${field} takes that away`] : [];
  });
  const tier = values.modelTier;
  const found = [
    ...(limits.budgetCap !== undefined && (values.budgetCap ?? 0) > limits.budgetCap
      ? [`it gives $${values.budgetCap} and limits to $${limits.budgetCap}`]
      : []),
    ...(tier !== undefined && limits.modelTiers && !limits.modelTiers.includes(tier)
      ? [`it says ${toDisplayName(tier)} and permits ${limits.modelTiers.map(toDisplayName).join(', ') || 'no model'}`]
      : []),
    ...lists,
  ];
  return found.map((what) => `${matchKey(match)} contradicts itself: ${what}`);
}

const tiersOf = (policies: readonly Layer[]): readonly ModelTier[] | undefined =>
  policies.find(({ match }) => 'organization' in match)?.spec.limits?.modelTiers;

/** What may be done but should be thought of. Pure. */
export function warningsOf(before: Plane, after: Plane, unknownGroups: readonly string[]): string[] {
  const { policies, infrastructure, agents } = after.spec;
  const whole = tiersOf(policies);
  const closed = policies.flatMap(({ match, spec }) => {
    const own = spec.limits?.modelTiers;
    const left = whole && own ? modelTiers.filter((tier) => whole.includes(tier) && own.includes(tier)) : modelTiers;
    return left.length === 0 ? [`the limits of organization and ${matchKey(match)} leave no model: everybody there gets Haiku`] : [];
  });
  const machines = new Set(
    [
      infrastructure.defaults.machineType,
      ...policies.map(({ spec }) => spec.machineType),
      ...agents.map((agent) => agent.machineType),
    ].filter((type): type is string => type !== undefined && tooSmall.includes(type)),
  );
  const again = policies.filter(({ match }, at) => policies.findIndex((layer) => sameMatch(layer.match, match)) !== at);
  const twice = new Set(again.map(({ match }) => matchKey(match)));
  const [old, next] = [before.spec.infrastructure, infrastructure];
  return [
    ...[...machines].map(
      (type) => `${type} has too little memory for OpenClaw, which needs 1.1 GB in use: e2-medium is the smallest that fits`,
    ),
    ...policies.flatMap(contradictionsOf),
    ...closed,
    ...[...twice].map((key) => `${key} has more than one layer: the later wins`),
    ...unknownGroups.map((group) => `the directory knows no group ${group}: nobody is in it`),
    ...(old.region === next.region
      ? []
      : [`machines are made anew in ${next.region}: what only their disks hold is lost unless it is backed up`]),
    ...(old.defaults.image === next.defaults.image
      ? []
      : ['the image is for new machines; those that run keep theirs until they are reprovisioned']),
  ];
}

/** Which of an admin's wishes for one user a lock leaves without effect. Pure. */
export function locksOf(
  plane: Plane,
  user: UserIdentity,
  change: Extract<PlanChange, { kind: 'user' }>,
  current: AgentRecord | undefined,
  circumstances: Circumstances,
): string[] {
  if (plane.spec.agents.some(({ owner }) => owner === user.email))
    return [`the file of plane ${plane.metadata.name} owns the agent of ${user.email}: edit it there`];
  const fields = explain(layersOf(plane, user, current?.requests, circumstances).layers);
  return policyFields.flatMap((field) => {
    const wished = field === 'machineType' ? undefined : change.requests[field];
    const found = fields.find((candidate) => candidate.field === field);
    if (wished === undefined || wished === null || !found?.locked) return [];
    const got = JSON.stringify(typeof wished === 'object' ? [...wished].sort() : wished);
    const has = JSON.stringify(typeof found.value === 'object' ? [...found.value].sort() : found.value);
    return got === has ? [] : [`${field} is locked by ${found.locked}`];
  });
}
