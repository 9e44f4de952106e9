import { locksOf, type LayerSpec } from './layers.ts';
import { channelNames, tierNames, toolNames } from './words.ts';

/** Names of the form fields of one policy layer. */
export const layerFields = {
  agents: 'agents',
  tier: 'tier',
  tierLimit: 'tierLimit',
  tiersAllowed: 'tiersAllowed',
  budget: 'budget',
  budgetLimit: 'budgetLimit',
  budgetMost: 'budgetMost',
  tools: 'tools',
  toolsLimit: 'toolsLimit',
  toolsAllowed: 'toolsAllowed',
  channels: 'channels',
  channelsLimit: 'channelsLimit',
  channelsAllowed: 'channelsAllowed',
} as const;

export const inherit = 'inherit';

/** How a layer limits a field for everybody in it: not at all, to its own value, or to something else. */
export const limitModes = ['none', 'lock', 'own'] as const;
export type LimitMode = (typeof limitModes)[number];

const limitKeys = { modelTier: 'modelTiers', budgetCap: 'budgetCap', tools: 'tools', channels: 'channels' } as const;
export type LimitedField = keyof typeof limitKeys;

export function limitModeOf(spec: LayerSpec, field: LimitedField): LimitMode {
  if (spec.limits?.[limitKeys[field]] === undefined) return 'none';
  return locksOf(spec).has(field) ? 'lock' : 'own';
}

type Form = Readonly<Record<string, readonly string[]>>;

const keysOf = <K extends string>(names: Readonly<Record<K, string>>, ticked: readonly string[]): K[] =>
  Object.keys(names).filter((key): key is K => ticked.includes(key));

const same = (a: readonly string[], b: readonly string[] | undefined): boolean =>
  b !== undefined && a.length === b.length && a.every((item) => b.includes(item));

/** Whole US dollars a month; `undefined` for what is no such number. */
function toUsd(text: string): number | undefined {
  const digits = text.replace(/[\s$,]/g, '');
  return /^\d{1,7}$/.test(digits) && Number(digits) <= 1_000_000 ? Number(digits) : undefined;
}

/** Of a limit: the layer's value, what the form says beside it, what it was, and whether the form says something that would be lost. */
interface Wanted<T> {
  readonly value: T | undefined;
  readonly own: T | undefined;
  readonly was: T | undefined;
  readonly stray: boolean;
}

/** A form as a layer, or what is wrong with it, a sentence each. `stored` is the layer that the form was drawn from. */
export function toLayerSpec(form: Form, stored: LayerSpec): { readonly spec: LayerSpec } | { readonly wrong: readonly string[] } {
  const wrong: string[] = [];
  const say = (sentence: string): undefined => void wrong.push(sentence);
  const text = (name: string): string => form[name]?.[0]?.trim() ?? '';
  // Whether a host sends along what stands in a closed section is written nowhere: a limit that is not sent stays as it is.
  const modeOf = (name: string, field: LimitedField): LimitMode | 'kept' => {
    const said = limitModes.find((one) => one === text(name));
    return said ?? (limitModeOf(stored, field) === 'lock' ? 'lock' : 'kept');
  };

  /** A limit by its mode; what was typed or ticked for another mode would be lost without a word. */
  function limitOf<T>(title: string, mode: LimitMode | 'kept', { value, own, was, stray }: Wanted<T>): T | undefined {
    switch (mode) {
      case 'kept':
        return was;
      case 'lock':
        return value ?? say(`${title}: choose a value to lock, or choose Yes.`);
      case 'own':
        return own ?? say(`${title}: say what is allowed, or choose Yes.`);
      case 'none':
        return stray ? say(`${title}: choose \u201cOnly those allowed below\u201d, or clear what is checked below it.`) : undefined;
    }
  }

  function listOf<K extends string>(
    title: string,
    names: Readonly<Record<K, string>>,
    ticked: readonly string[],
    was: readonly K[] | undefined,
  ) {
    const chosen = keysOf(names, ticked);
    // The same in another order is no change.
    if (!ticked.includes(inherit)) return was && same(chosen, was) ? [...was] : chosen;
    return chosen.length === 0 || same(chosen, was) ? undefined : say(`${title}: uncheck \u201cInherit\u201d to choose them here.`);
  }

  function allowedOf<K extends string>(
    title: string,
    names: Readonly<Record<K, string>>,
    mode: LimitMode | 'kept',
    name: string,
    { value, was }: Pick<Wanted<readonly K[]>, 'value' | 'was'>,
  ): K[] | undefined {
    const own = keysOf(names, form[name] ?? []);
    const limit = limitOf<readonly K[]>(title, mode, { value, was, own, stray: own.length > 0 && !same(own, was) });
    return limit && [...limit];
  }

  const { agents, tier, tierLimit, tiersAllowed, budget, budgetLimit, budgetMost } = layerFields;
  const agentEnabled = { inherit: undefined, on: true, off: false }[text(agents)];
  if (!['inherit', 'on', 'off'].includes(text(agents))) say('The form came incomplete.');
  const modelTier = keysOf(tierNames, [text(tier)])[0];
  if (modelTier === undefined && text(tier) !== inherit) say('Choose a model, or Inherit.');
  const budgetCap = toUsd(text(budget));
  const dollars = 'whole US dollars in digits alone, such as 50, at most 1000000';
  if (budgetCap === undefined && text(budget) !== '') say(`Budget: type ${dollars}, or nothing to inherit.`);
  const most = toUsd(text(budgetMost));
  if (most === undefined && text(budgetMost) !== '') say(`Largest budget: type ${dollars}.`);
  const tools = listOf('Tools', toolNames, form[layerFields.tools] ?? [], stored.tools);
  const channels = listOf('Channels', channelNames, form[layerFields.channels] ?? [], stored.channels);
  const was = stored.limits;
  const { toolsLimit, toolsAllowed, channelsLimit, channelsAllowed } = layerFields;
  const limits = {
    budgetCap: limitOf('Budget', modeOf(budgetLimit, 'budgetCap'), {
      ...{ value: budgetCap, own: most, was: was?.budgetCap },
      stray: most !== undefined && most !== was?.budgetCap,
    }),
    modelTiers: allowedOf('Model', tierNames, modeOf(tierLimit, 'modelTier'), tiersAllowed, {
      value: modelTier && [modelTier],
      was: was?.modelTiers,
    }),
    tools: allowedOf('Tools', toolNames, modeOf(toolsLimit, 'tools'), toolsAllowed, { value: tools, was: was?.tools }),
    channels: allowedOf('Channels', channelNames, modeOf(channelsLimit, 'channels'), channelsAllowed, {
      value: channels,
      was: was?.channels,
    }),
  };
  if (limits.modelTiers?.length === 0) say('Model: allow at least one, or leave it open.');
  if (wrong.length > 0) return { wrong: wrong.filter((sentence, at) => wrong.indexOf(sentence) === at) };
  const limited = Object.values(limits).some((limit) => limit !== undefined);
  const spec = { agentEnabled, modelTier, budgetCap, tools, channels, machineType: stored.machineType };
  return { spec: { ...spec, ...(limited ? { limits } : {}) } };
}
