import type { Answer } from '../../shared/contract.ts';
import { fieldNames, toButton } from '../actions.ts';
import type { Card, SelectionInput, Widget } from '../card.ts';
import { any, type Filter } from '../filter.ts';
import { healthWords, phaseWords, toShort } from '../words.ts';
import { paragraph } from './rows.ts';

export type Scopes = Answer<'listScopes'>;
type Item = SelectionInput['items'][number];

/** A selection input holds at most a hundred items (google.apps.card.v1, read 2026-11-22). */
const mostItems = 100;

/** Those with most agents, in the order of their names. What is chosen stays, however small it is. */
function largest<T extends { readonly agents: number }>(
  rows: readonly T[],
  nameOf: (row: T) => string,
  most: number,
  chosen = '',
): string[] {
  const kept = [...rows]
    .sort((a, b) => b.agents - a.agents || nameOf(a).localeCompare(nameOf(b)))
    .slice(0, most)
    .map(nameOf);
  const names = chosen === '' || kept.includes(chosen) ? kept : [...kept.slice(0, most - 1), chosen];
  return names.sort((a, b) => a.localeCompare(b));
}

const toItems = (values: readonly (readonly [value: string, text: string])[], chosen: string): Item[] =>
  values.map(([value, text]) => ({ text: toShort(text), value, selected: value === chosen }));

const anything = [any, 'Any'] as const;

export const dropdown = (
  name: string,
  label: string,
  values: readonly (readonly [value: string, text: string])[],
  chosen: string = any,
): Widget => ({
  selectionInput: { name, label, type: 'DROPDOWN', items: toItems(values, chosen) },
});

/** The whole company, org units and groups, as one list of scopes: `all`, `ou:/Sales`, `group:x@acme.test`. */
export function scopeDropdown(name: string, label: string, { ous, groups }: Scopes): Widget[] {
  const units = ous.filter(({ path }) => path !== '/');
  const most = mostItems - 1;
  const forGroups = Math.min(groups.length, Math.max(most - units.length, Math.floor(most / 2)));
  const values: [string, string][] = [
    ['all', 'The whole company'],
    ...largest(units, ({ path }) => path, most - forGroups).map((path): [string, string] => [`ou:${path}`, path]),
    ...largest(groups, ({ email }) => email, forGroups).map((email): [string, string] => [`group:${email}`, `Group ${email}`]),
  ];
  const left = units.length + groups.length - (values.length - 1);
  return [
    dropdown(name, label, values, 'all'),
    ...(left > 0
      ? [paragraph(`${String(left)} smaller org units and groups are not listed; choose the one above them, or use the CLI.`)]
      : []),
  ];
}

const wordsOf = (table: Readonly<Record<string, readonly [string, unknown]>>): [string, string][] =>
  Object.entries(table).map(([value, [text]]) => [value, text]);

export const filterCard = (filter: Filter, { ous, groups }: Scopes): Card => ({
  name: 'filter',
  header: { title: 'Which agents?', subtitle: 'All of these apply together' },
  sections: [
    {
      widgets: [
        dropdown(
          fieldNames.ou,
          'Org unit, with all below it',
          [
            anything,
            ...largest(ous, ({ path }) => path, mostItems - 1, filter.ou).map((path): [string, string] => [
              path,
              path === '/' ? 'Whole company' : path,
            ]),
          ],
          filter.ou,
        ),
        dropdown(
          fieldNames.group,
          'Group',
          [
            anything,
            ...largest(groups, ({ email }) => email, mostItems - 1, filter.group).map((email): [string, string] => [email, email]),
          ],
          filter.group,
        ),
        dropdown(fieldNames.phase, 'Status', [anything, ...wordsOf(phaseWords)], filter.phase),
        dropdown(fieldNames.health, 'Health', [anything, ...wordsOf(healthWords)], filter.health),
        dropdown(
          fieldNames.attention,
          'Needs attention',
          [
            [any, 'Does not matter'],
            ['true', 'Yes'],
          ],
          filter.attention,
        ),
      ],
    },
  ],
  fixedFooter: {
    primaryButton: toButton('Show', 'applyFilter', {}, { type: 'FILLED' }),
  },
});
