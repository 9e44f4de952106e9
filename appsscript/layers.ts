import type { PlanChange, PlaneDefinitionView } from '../shared/contract.ts';
import type { Formats } from './formats.ts';
import { toBudget, toName, toNames } from './words.ts';

export type Layer = PlaneDefinitionView['definition']['spec']['policies'][number];
export type Match = Layer['match'];
export type LayerSpec = Layer['spec'];
export type Limits = NonNullable<LayerSpec['limits']>;

/** `all`, `ou:/Sales` or `group:x@acme.test`, as clicks carry a match. */
export const toScope = (match: Match): string =>
  'organization' in match ? 'all' : 'ou' in match ? `ou:${match.ou}` : `group:${match.group}`;

const scopeParts = /^(ou|group):(.+)$/s;

/** The other way round; `undefined` for what is none. */
export function toMatch(scope: string): Match | undefined {
  if (scope === 'all') return { organization: true };
  const [, kind, name = ''] = scopeParts.exec(scope) ?? [];
  return kind === undefined ? undefined : kind === 'ou' ? { ou: name } : { group: name };
}

/** `/Sales`, `group x@acme.test`, `the whole organization`. */
export const toScopeTitle = (scope: string): string =>
  scope === 'all' ? 'the whole organization' : scope.startsWith('ou:') ? scope.slice(3) : `group ${scope.slice(6)}`;

export const layerOf = (policies: readonly Layer[], scope: string): Layer | undefined =>
  policies.find(({ match }) => toScope(match) === scope);

export const groupLayers = (policies: readonly Layer[]): Layer[] => policies.filter(({ match }) => 'group' in match);

/** The units above a path, the nearest first: `/A/B` has `/A`, then `/`. */
export function unitsAbove(path: string): string[] {
  const parts = path.split('/').filter(Boolean);
  return parts.map((_part, at) => `/${parts.slice(0, parts.length - 1 - at).join('/')}`);
}

export interface Inherited {
  readonly value: unknown;
  readonly scope: string;
}

/** What a part of the company gets from above for one field; `undefined` where nothing above says anything, or for a group. */
export function inheritedOf(
  policies: readonly Layer[],
  scope: string,
  field: keyof Omit<LayerSpec, 'limits' | 'machineType'>,
): Inherited | undefined {
  if (!scope.startsWith('ou:')) return undefined;
  for (const above of [...unitsAbove(scope.slice(3)).map((unit) => `ou:${unit}`), 'all']) {
    const value = layerOf(policies, above)?.spec[field];
    if (value !== undefined) return { value, scope: above };
  }
  return undefined;
}

type Money = Pick<Formats, 'money'>;

/** One value of a layer in words. */
export function toValueWords(value: unknown, formats: Money): string {
  if (typeof value === 'boolean') return value ? 'On' : 'Off';
  if (typeof value === 'number') return toBudget(value, formats);
  if (typeof value === 'string') return toName(value);
  return Array.isArray(value) ? toNames(value.map(String)) : 'Nothing';
}

const sameList = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean =>
  a !== undefined && b !== undefined && a.length === b.length && a.every((item) => b.includes(item));

/** Which fields a layer locks: their limit leaves nothing but their value. */
export function locksOf({ limits, modelTier, budgetCap, tools, channels }: LayerSpec): ReadonlySet<string> {
  const locked = {
    modelTier: modelTier !== undefined && sameList(limits?.modelTiers, [modelTier]),
    budgetCap: budgetCap !== undefined && limits?.budgetCap === budgetCap,
    tools: sameList(limits?.tools, tools),
    channels: sameList(limits?.channels, channels),
  };
  return new Set(Object.entries(locked).flatMap(([field, is]) => (is ? [field] : [])));
}

const onlyWords = (what: string, allowed: readonly string[]): string =>
  allowed.length === 0 ? `no ${what} at all` : `no ${what} but ${toNames(allowed)}`;

/** A layer in one line: `Opus, $200 a month (locked); tools: Email, GitHub; at most $500 a month`. */
export function toLayerWords(spec: LayerSpec, formats: Money): string {
  const { agentEnabled, modelTier, budgetCap, tools, channels, machineType, limits } = spec;
  const locks = locksOf(spec);
  const lock = (field: string): string => (locks.has(field) ? ' (locked)' : '');
  const limit = (field: keyof Limits, value: string | undefined): string[] =>
    value === undefined || locks.has(field === 'modelTiers' ? 'modelTier' : field) ? [] : [value];
  const said = [
    ...(agentEnabled === undefined ? [] : [agentEnabled ? 'agents on' : 'agents off']),
    ...(modelTier === undefined ? [] : [`${toName(modelTier)}${lock('modelTier')}`]),
    ...(budgetCap === undefined ? [] : [`${toBudget(budgetCap, formats)}${lock('budgetCap')}`]),
    ...(tools === undefined ? [] : [`tools: ${toNames(tools)}${lock('tools')}`]),
    ...(channels === undefined ? [] : [`channels: ${toNames(channels)}${lock('channels')}`]),
    ...(machineType === undefined ? [] : [`machine: ${machineType}`]),
    ...limit('budgetCap', limits?.budgetCap === undefined ? undefined : `at most ${toBudget(limits.budgetCap, formats)}`),
    ...limit('modelTiers', limits?.modelTiers && `only ${toNames(limits.modelTiers)}`),
    ...limit('tools', limits?.tools && onlyWords('tools', limits.tools)),
    ...limit('channels', limits?.channels && onlyWords('channels', limits.channels)),
  ].join('; ');
  return said === '' ? 'Nothing set: everything is inherited' : said.charAt(0).toUpperCase() + said.slice(1);
}

/** What a layer gives and the limits of the whole organization take away again; `''` where that is nothing. */
export function toRuledOutWords(policies: readonly Layer[], { match, spec }: Layer): string {
  const limits = layerOf(policies, 'all')?.spec.limits;
  if ('organization' in match || !limits) return '';
  const beyond = (said: readonly string[] | undefined, allowed: readonly string[] | undefined): readonly string[] =>
    said && allowed ? said.filter((item) => !allowed.includes(item)) : [];
  const out = [
    ...beyond(spec.modelTier && [spec.modelTier], limits.modelTiers),
    ...beyond(spec.tools, limits.tools),
    ...beyond(spec.channels, limits.channels),
  ];
  return out.length === 0 ? '' : `. Not allowed by the organization: ${toNames(out)}`;
}

/** The layers with one group earlier (`-1`) or later (`1`) among the groups; `undefined` where it cannot go. */
export function moveGroup(policies: readonly Layer[], scope: string, by: number): Extract<PlanChange, { kind: 'policies' }> | undefined {
  const groups = groupLayers(policies);
  const at = groups.findIndex(({ match }) => toScope(match) === scope);
  const [moved, other] = [groups[at], groups[at + by]];
  if (!moved || !other) return undefined;
  return {
    kind: 'policies',
    policies: policies.map((layer) => (layer === moved ? other : layer === other ? moved : layer)),
  };
}
