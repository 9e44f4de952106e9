import { channels, modelTiers, tools, type AgentSpec, type Channel, type ModelTier, type Tool } from './agent.ts';
import type { UserRequests } from './directory-schema.ts';
import type { Plane, PolicySpec } from './plane.ts';

/** Who said a value: `default`, `organization`, `ou:/Sales`, `group:x@acme.test`, `grant`, `user` or `planes.yaml`. */
export type Origin = string;

export interface Layer {
  readonly origin: Origin;
  readonly values: Partial<Pick<PolicySpec, 'agentEnabled' | 'modelTier' | 'budgetCap' | 'machineType'>> & {
    readonly tools?: readonly Tool[] | undefined;
    readonly channels?: readonly Channel[] | undefined;
  };
  readonly limits?: NonNullable<PolicySpec['limits']> | undefined;
}

export type PolicyField = 'agentEnabled' | 'modelTier' | 'budgetCap' | 'tools' | 'channels' | 'machineType';

/** One effective value, who said it, and what a limit took away. */
export interface Effective<T> {
  readonly value: T;
  readonly origin: Origin;
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

/** Where a user stands in the Directory, as far as policy cares. Groups hold every group the user is in, nested ones too. */
export interface Standing {
  readonly ouPath: string;
  readonly groups: readonly string[];
}

/** REQUIREMENTS §2.2.2: organisation-wide settings before anyone has set any. Default limit: $200, all tiers. */
const defaults = {
  origin: 'default',
  values: { agentEnabled: false, modelTier: 'sonnet', budgetCap: 50, tools: ['email', 'calendar'], channels: ['email'] },
} as const satisfies Layer;

/** In force until an organisation layer states a limit of its own, in whole US dollars a month. */
const defaultBudgetLimit = 200;

const within = (ouPath: string, ou: string): boolean => ou === '/' || ouPath === ou || ouPath.startsWith(`${ou}/`);
const depth = (ou: string): number => (ou === '/' ? 0 : ou.split('/').length);

function toLayer(origin: Origin, { limits, ...values }: PolicySpec): Layer {
  return { origin, values, limits };
}

/** The layers that speak about one user, weakest first: defaults, organisation, org units from the root down, groups as listed, user. */
export function layersFor(plane: Plane, standing: Standing, user: UserRequests, fromYaml?: Layer['values']): Layer[] {
  const { policies, infrastructure } = plane.spec;
  const organization = policies.flatMap(({ match, spec }) => ('organization' in match ? [toLayer('organization', spec)] : []));
  const ous = policies
    .flatMap(({ match, spec }) =>
      'ou' in match && within(standing.ouPath, match.ou) ? [{ ou: match.ou, layer: toLayer(`ou:${match.ou}`, spec) }] : [],
    )
    .sort((a, b) => depth(a.ou) - depth(b.ou))
    .map(({ layer }) => layer);
  const groups = policies.flatMap(({ match, spec }) =>
    'group' in match && standing.groups.includes(match.group) ? [toLayer(`group:${match.group}`, spec)] : [],
  );
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
    ...(fromYaml ? [{ origin: 'planes.yaml', values: fromYaml }] : []),
    { origin: 'user', values: user },
  ];
}

function winner<T>(layers: readonly Layer[], pick: (layer: Layer) => T | undefined, fallback: T): Effective<T> {
  for (const layer of layers.toReversed()) {
    const value = pick(layer);
    if (value !== undefined) return { value, origin: layer.origin };
  }
  return { value: fallback, origin: defaults.origin };
}

/** Narrows a value layer by layer; the note names the last layer that took something away. */
function clampWith<T>(
  effective: Effective<T>,
  layers: readonly Layer[],
  clamp: (value: T, limits: NonNullable<Layer['limits']>) => T,
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
  return by === undefined ? effective : { value, origin: effective.origin, clamped: { from: effective.value, by } };
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

/** A switched-off service is a veto only through `agentEnabled: false` in a later layer; an explicit user value wins. Pure. */
export function resolvePolicy(layers: readonly Layer[]): EffectivePolicy {
  // Limits intersect along the chain, so a later layer never opens what an earlier one closed.
  let permitted: readonly ModelTier[] = modelTiers;
  const narrow = (tiers: readonly ModelTier[] | undefined): readonly ModelTier[] => {
    if (tiers) permitted = permitted.filter((tier) => tiers.includes(tier));
    return permitted;
  };
  return {
    agentEnabled: winner(layers, ({ values }) => values.agentEnabled, false),
    modelTier: clampWith(
      winner<ModelTier>(layers, ({ values }) => values.modelTier, 'sonnet'),
      layers,
      (tier, limits) => clampTier(tier, narrow(limits.modelTiers)),
      Object.is,
    ),
    budgetCap: clampWith(
      winner(layers, ({ values }) => values.budgetCap, 50),
      layers,
      (cap, limits) => Math.min(cap, limits.budgetCap ?? cap),
      Object.is,
    ),
    tools: clampWith(
      winner<readonly Tool[]>(layers, ({ values }) => values.tools && tools.filter((tool) => values.tools?.includes(tool)), []),
      layers,
      (list, limits) => list.filter((tool) => limits.tools?.includes(tool) ?? true),
      sameList,
    ),
    channels: clampWith(
      winner<readonly Channel[]>(
        layers,
        ({ values }) => values.channels && channels.filter((channel) => values.channels?.includes(channel)),
        [],
      ),
      layers,
      (list, limits) => list.filter((channel) => limits.channels?.includes(channel) ?? true),
      sameList,
    ),
    machineType: winner(layers, ({ values }) => values.machineType, 'e2-medium'),
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
