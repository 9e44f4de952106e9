import type { Body, ExplanationView, UserView } from '../shared/contract.ts';
import { channelNames, tierNames, toolNames } from './words.ts';

/** The policy fields that a person's own page can ask for, as the card edits them. */
export const editable = {
  modelTier: { title: 'Model', icon: 'memory', directoryField: 'modelTier' },
  budgetCap: { title: 'Budget', icon: 'payments', directoryField: 'budgetCap' },
  tools: { title: 'Tools', icon: 'build', directoryField: 'toolAllowlist' },
  channels: { title: 'Channels', icon: 'forum', directoryField: 'channelRestrictions' },
} as const satisfies Readonly<
  Record<string, { readonly title: string; readonly icon: string; readonly directoryField: UserView['notes'][number]['field'] }>
>;

export type EditableField = keyof typeof editable;
export type Wish = Body<'updateUser'>;
type Explained = ExplanationView['fields'][number];

export const isEditable = (field: string): field is EditableField => Object.keys(editable).includes(field);

const isKey = <K extends string>(table: Readonly<Record<K, string>>, key: string): key is K => Object.keys(table).includes(key);
const keysOf = <K extends string>(table: Readonly<Record<K, string>>, wanted: readonly string[]): K[] =>
  wanted.filter((key): key is K => isKey(table, key));

/** What can be chosen from, by name, in the order of forms. */
export const choicesOf = (field: Exclude<EditableField, 'budgetCap'>): Readonly<Record<string, string>> =>
  ({ modelTier: tierNames, tools: toolNames, channels: channelNames })[field];

/** What every limit leaves of the choices. */
export function permitted(field: Exclude<EditableField, 'budgetCap'>, explained: Explained | undefined): string[] {
  const limits = (explained?.limits ?? []).flatMap(({ limit }) => (Array.isArray(limit) ? [limit] : []));
  return Object.keys(choicesOf(field)).filter((choice) => limits.every((limit) => limit.includes(choice)));
}

/** The lowest of the limits on a budget and who states it. */
export function lowestLimit(explained: Explained | undefined): { readonly usd: number; readonly origin: string } | undefined {
  const limits = (explained?.limits ?? []).flatMap(({ origin, limit }) => (typeof limit === 'number' ? [{ usd: limit, origin }] : []));
  return limits.reduce<{ usd: number; origin: string } | undefined>((low, one) => (low && low.usd <= one.usd ? low : one), undefined);
}

/** What is said by everybody but the person's own page, strongest last. */
export const saidByPolicy = (explained: Explained | undefined): Explained['said'] =>
  (explained?.said ?? []).filter(({ origin }) => origin !== 'user');

/** A form as a wish, or a sentence about what is wrong with it. */
export function toWish(field: EditableField, values: readonly string[]): Wish | string {
  const [first = ''] = values;
  switch (field) {
    case 'modelTier':
      return isKey(tierNames, first) ? { modelTier: first } : 'Choose a model.';
    case 'budgetCap': {
      const digits = first.replace(/[\s$]/g, '');
      return /^\d{1,7}$/.test(digits) ? { budgetCap: Number(digits) } : 'Type whole US dollars in digits alone, such as 50.';
    }
    case 'tools':
      return { tools: keysOf(toolNames, values) };
    case 'channels':
      return { channels: keysOf(channelNames, values) };
  }
}

export const inheritWish = (field: EditableField | 'agentEnabled'): Wish => ({ [field]: null });
