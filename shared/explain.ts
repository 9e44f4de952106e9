import { modelTiers, tools, channels } from './agent.ts';
import { toDisplayName } from './display-names.ts';
import { policyFields, resolvePolicy, saidBy, type Layer, type Origin, type PolicyField } from './policy.ts';
import { toChoice } from './problem.ts';

/** What a policy field can hold: on or off, whole US dollars a month, a tier, a machine type, or a list. */
export type FieldValue = boolean | number | string | readonly string[];

/** How one field came by its value. */
export interface FieldExplanation {
  readonly field: PolicyField;
  readonly value: FieldValue;
  readonly origin: Origin;
  readonly added?: readonly { readonly origin: Origin; readonly items: FieldValue }[];
  readonly clamped?: { readonly from: FieldValue; readonly by: Origin };
  /** Everybody who said something, weakest first, also those who lost. */
  readonly said: readonly { readonly origin: Origin; readonly value: FieldValue }[];
  /** Every limit on this field: the largest budget, what may be chosen from, or `false` for a veto. */
  readonly limits: readonly { readonly origin: Origin; readonly limit: FieldValue }[];
  /**
   * Who holds the value where it is: a layer whose limit leaves nothing else, or one that states both this value and the same
   * limit. A locked budget or list may still be asked to be less; then it is not locked.
   */
  readonly locked: Origin | null;
}
export type Explanation = readonly FieldExplanation[];

const same = (a: FieldValue | undefined, b: FieldValue): boolean =>
  typeof a === 'object' && typeof b === 'object' ? a.length === b.length && a.every((item) => b.includes(item)) : a === b;

function limitOf({ limits }: Layer, field: PolicyField): FieldValue | undefined {
  switch (field) {
    case 'agentEnabled':
      return limits?.agentEnabled;
    case 'modelTier':
      return limits?.modelTiers && modelTiers.filter((tier) => limits.modelTiers?.includes(tier));
    case 'budgetCap':
      return limits?.budgetCap;
    case 'tools':
      return limits?.tools && tools.filter((tool) => limits.tools?.includes(tool));
    case 'channels':
      return limits?.channels && channels.filter((channel) => limits.channels?.includes(channel));
    case 'machineType':
      return undefined;
  }
}

function lockOf(field: PolicyField, value: FieldValue, layers: readonly Layer[]): Origin | null {
  let tiers: readonly string[] = modelTiers;
  let left: FieldValue | undefined;
  for (const layer of layers) {
    const limit = limitOf(layer, field);
    if (limit === undefined) continue;
    if (field === 'modelTier') {
      tiers = tiers.filter((tier) => typeof limit === 'object' && limit.includes(tier));
      if (tiers.length < 2) return layer.origin;
      continue;
    }
    left =
      typeof limit === 'number'
        ? Math.min(limit, typeof left === 'number' ? left : limit)
        : typeof limit === 'object'
          ? limit.filter((item) => typeof left !== 'object' || left.includes(item))
          : limit;
    const nothing = left === false || left === 0 || (typeof left === 'object' && left.length === 0);
    if (nothing || (same(limit, value) && same(saidBy(layer)[field], value))) return layer.origin;
  }
  return null;
}

/** How each field of a user's policy came by its value, as data. The values are those of `resolvePolicy`. */
export function explain(layers: readonly Layer[]): Explanation {
  const policy = resolvePolicy(layers);
  return policyFields.map((field) => ({
    field,
    ...policy[field],
    said: layers.flatMap((layer) => {
      const value = saidBy(layer)[field];
      return value === undefined ? [] : [{ origin: layer.origin, value }];
    }),
    limits: layers.flatMap((layer) => {
      const limit = limitOf(layer, field);
      return limit === undefined ? [] : [{ origin: layer.origin, limit }];
    }),
    locked: lockOf(field, policy[field].value, layers),
  }));
}

const labels: Readonly<Record<PolicyField, string>> = {
  agentEnabled: 'Agent is',
  modelTier: 'Model is',
  budgetCap: 'Budget is',
  tools: 'Tools are',
  channels: 'Channels are',
  machineType: 'Machine type is',
};

/** A layer as people call it: `the organization`, `organizational unit /Sales`, `the service switch of group x@acme.test`. */
export function nameOrigin(origin: Origin): string {
  const [kind, ...rest] = origin.split(':');
  const name = rest.join(':');
  switch (kind) {
    case 'default':
      return 'the default';
    case 'organization':
      return 'the organization';
    case 'service':
      return `the service switch of ${nameOrigin(name)}`;
    case 'grant':
      return name === '' ? 'an approved request' : `a request that ${name} approved`;
    case 'user':
      return 'this person\u2019s page';
    case 'ou':
      return `organizational unit ${name}`;
    default:
      return name === '' ? origin : `${kind} ${name}`;
  }
}

/** A value as people write it: `on`, `$1,200`, `Email and Calendar`, `none`. */
export function showValue(field: PolicyField, value: FieldValue): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (field === 'budgetCap') return `$${Number(value).toLocaleString('en-US')}`;
  if (typeof value !== 'object') return toDisplayName(String(value));
  return value.length === 0 ? 'none' : toChoice(value.map(toDisplayName), 'and');
}

const sayLimit = (field: PolicyField, { origin, limit }: FieldExplanation['limits'][number]): string => {
  const who = nameOrigin(origin);
  if (typeof limit === 'boolean') return `${who} is off`;
  if (typeof limit === 'number') return `${who} allows at most ${showValue(field, limit)}`;
  if (typeof limit === 'object' && limit.length === 0) return `${who} allows none`;
  return `${who} allows only ${typeof limit === 'object' && field === 'modelTier' ? toChoice(limit.map(toDisplayName)) : showValue(field, limit)}`;
};

const holds = (limit: FieldValue, value: FieldValue): boolean => {
  if (typeof limit === 'number') return typeof value === 'number' && value <= limit;
  if (typeof limit === 'object')
    return typeof value === 'object' ? value.every((item) => limit.includes(item)) : limit.includes(String(value));
  return value === limit;
};

/** One field as one sentence for people. */
export function toFieldSentence({ field, value, origin, added = [], clamped, said, limits, locked }: FieldExplanation): string {
  const is = `${labels[field]} ${showValue(field, value)}${field === 'budgetCap' ? ' a month' : ''}`;
  const winning = said.findLast((one) => one.origin === origin);
  const who = nameOrigin(origin);
  const asks = origin === 'user' ? 'asks for' : 'says';
  const more = added.map((one) => `${nameOrigin(one.origin)} adds ${showValue(field, one.items)}`);
  const stated = winning && (clamped !== undefined || more.length > 0);
  const itself = !stated && origin === locked && origin !== 'default';
  const binds = (one: (typeof limits)[number]): boolean =>
    one.origin === locked || one.origin === clamped?.by || (clamped !== undefined && !holds(one.limit, clamped.from));
  const held = itself ? [] : limits.filter(binds);
  const says = origin === 'default' ? 'that is the default' : `${who} says so${itself ? ' and locks it' : ''}`;
  const because = [
    stated ? `${who} ${asks} ${showValue(field, winning.value)}` : says,
    ...more,
    ...held.map((one) => (one.origin === locked && one.limit !== false ? `${nameOrigin(one.origin)} locks it` : sayLimit(field, one))),
  ];
  const lost = said.filter((one) => one !== winning && one.origin !== 'default');
  const losers = lost.map((one) => `${nameOrigin(one.origin)} said ${showValue(field, one.value)}`);
  return `${is}: ${because.join(', ')}${losers.length === 0 ? '' : ` (${losers.join('; ')})`}.`;
}

/** One sentence for each field. */
export const toSentences = (explanation: Explanation): string[] => explanation.map(toFieldSentence);
