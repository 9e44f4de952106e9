import { channels, modelTiers, tools, type AgentSpec, type Channel, type ModelTier, type Tool } from './agent.ts';
import type { UserRequests } from './directory-schema.ts';
import { isInUnit } from './org-unit.ts';
import type { Plane, PolicySpec } from './plane.ts';

/**
 * Who said a value: `default`, `organization`, `ou:/Sales`, `group:x@acme.test`, `service:` and the scope of a switch
 * (`service:ou:/Sales`), `grant`, `planes.yaml` or `user`.
 */
export type Origin = string;

/** What a layer permits at most. `agentEnabled: false` is the veto of a switched-off service. */
export type Limits = NonNullable<PolicySpec['limits']> & { readonly agentEnabled?: false | undefined };

/** What a layer adds to the list that won, whichever layer that was. */
export interface Additions {
  readonly tools?: readonly Tool[] | undefined;
  readonly channels?: readonly Channel[] | undefined;
}

/** An approved request of one user's, and who approved it. */
export interface Grant extends Additions {
  readonly by: string;
}

export interface Layer {
  readonly origin: Origin;
  readonly values: Partial<Pick<PolicySpec, 'agentEnabled' | 'modelTier' | 'budgetCap' | 'machineType'>> & Additions;
  readonly adds?: Additions | undefined;
  readonly limits?: Limits | undefined;
}

export const policyFields = ['agentEnabled', 'modelTier', 'budgetCap', 'tools', 'channels', 'machineType'] as const;
export type PolicyField = (typeof policyFields)[number];

/** One effective value, who said it, what others added to a list, and what a limit took away from all of that. */
export interface Effective<T> {
  readonly value: T;
  readonly origin: Origin;
  readonly added?: readonly { readonly origin: Origin; readonly items: T }[];
  readonly clamped?: { readonly from: T; readonly by: Origin };
}

export interface EffectivePolicy {
  readonly agentEnabled: Effective<boolean>;
  readonly modelTier: Effective<ModelTier>;
  readonly budgetCap: Effective<number>;
  readonly tools: Effective<readonly Tool[]>;
  readonly channels: Effective<readonly Channel[]>;
  readonly machineType: Effective<string>;
}

/** A Marketplace app or service switched on or off for a part of the company; one switch for each scope. */
export interface ServiceToggle {
  readonly scope: 'organization' | `ou:${string}` | `group:${string}`;
  readonly enabled: boolean;
}

/** Where a user stands in the Directory, as far as policy cares. Groups hold every group the user is in, nested ones too. */
export interface Standing {
  readonly ouPath: string;
  readonly groups: readonly string[];
  /** Every switch that is known; which of them counts for this user is decided here. */
  readonly services?: readonly ServiceToggle[];
}

/** REQUIREMENTS §2.2.2: organisation-wide settings before anyone has set any. Default limit: $200, all tiers. */
const defaults = {
  origin: 'default',
  values: { agentEnabled: false, modelTier: 'sonnet', budgetCap: 50, tools: ['calendar', 'email'], channels: ['email'] },
} as const satisfies Layer;

/** In force until an organisation layer states a limit of its own, in whole US dollars a month. */
const defaultBudgetLimit = 200;

const depth = (ou: string): number => (ou === '/' ? 0 : ou.split('/').length);

/**
 * The one switch that counts for a user. As in Google's own access settings, groups come before org units: a group that is on
 * beats a group that is off, and without either the nearest org unit decides, the whole organisation last.
 */
export function decidingToggle({ ouPath, groups, services = [] }: Standing): ServiceToggle | undefined {
  const ofGroups = services.filter(({ scope }) => scope.startsWith('group:') && groups.includes(scope.slice('group:'.length)));
  const ofUnits = services
    .flatMap((toggle) => {
      const ou = toggle.scope.startsWith('ou:') ? toggle.scope.slice('ou:'.length) : undefined;
      if (ou !== undefined && isInUnit(ouPath, ou)) return [{ toggle, near: depth(ou) }];
      return toggle.scope === 'organization' ? [{ toggle, near: -1 }] : [];
    })
    .sort((a, b) => b.near - a.near);
  return ofGroups.find(({ enabled }) => enabled) ?? ofGroups[0] ?? ofUnits[0]?.toggle;
}

/** On is a value like any other; off is a veto, which an explicit wish of the user does not lift. */
const toServiceLayer = ({ scope, enabled }: ServiceToggle): Layer =>
  enabled
    ? { origin: `service:${scope}`, values: { agentEnabled: true } }
    : { origin: `service:${scope}`, values: {}, limits: { agentEnabled: false } };

function toLayer(origin: Origin, { limits, ...values }: PolicySpec): Layer {
  return { origin, values, limits };
}

/**
 * The layers that speak about one user, weakest first: defaults, organisation, org units from the root down, groups as listed,
 * service, grants, planes.yaml, user. Grants add to the list that wins, even to one that the user page states: an admin has
 * approved them for this very user.
 */
export function layersFor(
  plane: Plane,
  standing: Standing,
  user: UserRequests,
  fromYaml?: Layer['values'],
  grants: readonly Grant[] = [],
): Layer[] {
  const { policies, infrastructure } = plane.spec;
  const organization = policies.flatMap(({ match, spec }) => ('organization' in match ? [toLayer('organization', spec)] : []));
  const ous = policies
    .flatMap(({ match, spec }) =>
      'ou' in match && isInUnit(standing.ouPath, match.ou) ? [{ ou: match.ou, layer: toLayer(`ou:${match.ou}`, spec) }] : [],
    )
    .sort((a, b) => depth(a.ou) - depth(b.ou))
    .map(({ layer }) => layer);
  const groups = policies.flatMap(({ match, spec }) =>
    'group' in match && standing.groups.includes(match.group) ? [toLayer(`group:${match.group}`, spec)] : [],
  );
  const toggle = decidingToggle(standing);
  const limited = organization.some(({ limits }) => limits?.budgetCap !== undefined);
  return [
    {
      ...defaults,
      ...(limited ? {} : { limits: { budgetCap: defaultBudgetLimit } }),
      values: { ...defaults.values, machineType: infrastructure.defaults.machineType },
    },
    ...organization,
    ...ous,
    ...groups,
    ...(toggle ? [toServiceLayer(toggle)] : []),
    ...grants.map(({ by, tools, channels }) => ({ origin: `grant:${by}`, values: {}, adds: { tools, channels } })),
    ...(fromYaml ? [{ origin: 'planes.yaml', values: fromYaml }] : []),
    { origin: 'user', values: user },
  ];
}

/** A list in the one order that everybody uses, each entry once. */
const inOrder = <T>(all: readonly T[], chosen: readonly T[] | undefined): readonly T[] | undefined =>
  chosen && all.filter((item) => chosen.includes(item));

type Said = { readonly [F in PolicyField]?: EffectivePolicy[F]['value'] | undefined };

/** What a layer says about each field. */
export const saidBy = ({ values }: Layer): Said => ({
  agentEnabled: values.agentEnabled,
  modelTier: values.modelTier,
  budgetCap: values.budgetCap,
  tools: inOrder(tools, values.tools),
  channels: inOrder(channels, values.channels),
  machineType: values.machineType,
});

function winner<F extends PolicyField>(
  layers: readonly Layer[],
  field: F,
  fallback: EffectivePolicy[F]['value'],
): Effective<EffectivePolicy[F]['value']> {
  for (const layer of layers.toReversed()) {
    const value = saidBy(layer)[field];
    if (value !== undefined) return { value, origin: layer.origin };
  }
  return { value: fallback, origin: defaults.origin };
}

/** Adds what layers add to a list; the note tells what came from where. */
function withAdditions<T>(
  won: Effective<readonly T[]>,
  layers: readonly Layer[],
  all: readonly T[],
  pick: (adds: Additions) => readonly T[] | undefined,
): Effective<readonly T[]> {
  let value = won.value;
  const added: { readonly origin: Origin; readonly items: readonly T[] }[] = [];
  for (const { origin, adds } of layers) {
    const items = all.filter((item) => adds && pick(adds)?.includes(item) && !value.includes(item));
    if (items.length === 0) continue;
    value = all.filter((item) => value.includes(item) || items.includes(item));
    added.push({ origin, items });
  }
  return added.length === 0 ? won : { ...won, value, added };
}

/** Narrows a value layer by layer; the note names the last layer that took something away. */
function clampWith<T>(
  effective: Effective<T>,
  layers: readonly Layer[],
  clamp: (value: T, limits: Limits) => T,
  same: (a: T, b: T) => boolean,
): Effective<T> {
  let value = effective.value;
  let by: Origin | undefined;
  for (const layer of layers) {
    if (!layer.limits) continue;
    const next = clamp(value, layer.limits);
    if (same(next, value)) continue;
    value = next;
    by = layer.origin;
  }
  // Of two limits on tiers that contradict each other the second may undo the first.
  return by === undefined || same(value, effective.value) ? effective : { ...effective, value, clamped: { from: effective.value, by } };
}

const sameList = <T>(a: readonly T[], b: readonly T[]): boolean => a.length === b.length && a.every((item, at) => item === b[at]);

/** The tier itself, the next cheaper one that is permitted, or the cheapest permitted; the cheapest of all where none is. */
function clampTier(tier: ModelTier, permitted: readonly ModelTier[]): ModelTier {
  const cheaper = modelTiers.slice(0, modelTiers.indexOf(tier) + 1).toReversed();
  return (
    cheaper.find((candidate) => permitted.includes(candidate)) ??
    modelTiers.find((candidate) => permitted.includes(candidate)) ??
    modelTiers[0]
  );
}

/**
 * For each field the last layer that says something wins; grants add to lists; then every limit of the chain narrows the value,
 * also an explicit one of the user. A lock is a limit equal to the value. Pure.
 */
export function resolvePolicy(layers: readonly Layer[]): EffectivePolicy {
  // Limits intersect along the chain, so a later layer never opens what an earlier one closed.
  let permitted: readonly ModelTier[] = modelTiers;
  const narrow = (tiers: readonly ModelTier[] | undefined): readonly ModelTier[] => {
    if (tiers) permitted = permitted.filter((tier) => tiers.includes(tier));
    return permitted;
  };
  const grantedTools = withAdditions<Tool>(winner(layers, 'tools', []), layers, tools, (adds) => adds.tools);
  const grantedChannels = withAdditions<Channel>(winner(layers, 'channels', []), layers, channels, (adds) => adds.channels);
  return {
    agentEnabled: clampWith(
      winner(layers, 'agentEnabled', false),
      layers,
      (enabled, limits) => enabled && limits.agentEnabled !== false,
      Object.is,
    ),
    modelTier: clampWith(
      winner(layers, 'modelTier', 'sonnet'),
      layers,
      (tier, limits) => clampTier(tier, narrow(limits.modelTiers)),
      Object.is,
    ),
    budgetCap: clampWith(winner(layers, 'budgetCap', 50), layers, (cap, limits) => Math.min(cap, limits.budgetCap ?? cap), Object.is),
    tools: clampWith(grantedTools, layers, (list, limits) => list.filter((tool) => limits.tools?.includes(tool) ?? true), sameList),
    channels: clampWith(
      grantedChannels,
      layers,
      (list, limits) => list.filter((channel) => limits.channels?.includes(channel) ?? true),
      sameList,
    ),
    machineType: winner(layers, 'machineType', 'e2-medium'),
  };
}

export function toSpec(policy: EffectivePolicy, plane: Plane): AgentSpec {
  const { region, defaults: machine } = plane.spec.infrastructure;
  return {
    modelTier: policy.modelTier.value,
    budgetCap: policy.budgetCap.value,
    tools: policy.tools.value,
    channels: policy.channels.value,
    machineType: policy.machineType.value,
    diskSizeGb: machine.diskSizeGb,
    region,
    ...(machine.image === undefined ? {} : { image: machine.image }),
  };
}
