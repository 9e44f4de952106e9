import type { AgentView } from '../shared/contract.ts';
import { healthWords, phaseWords, toScopeWords } from './words.ts';

/** Which agents a list shows; what is absent does not matter. Travels in clicks as JSON, and to the plane as a query. */
export interface Filter {
  readonly ou?: string;
  readonly group?: string;
  readonly phase?: AgentView['phase'];
  readonly health?: AgentView['health'];
  readonly attention?: 'true';
}

export const everything: Filter = {};

/** The value of a form that leaves a field open; Google's forms do not carry a blank one. */
export const any = 'any';

const isKey = <K extends string>(table: Readonly<Record<K, unknown>>, key: string | undefined): key is K =>
  key !== undefined && Object.keys(table).includes(key);

type Said = Readonly<Record<keyof Filter, string | undefined>>;

/** Of form fields or of what a click carried: what is not known there is left out. */
export const toFilter = ({ ou, group, phase, health, attention }: Partial<Said>): Filter => ({
  ...(ou && ou !== any ? { ou } : {}),
  ...(group && group !== any ? { group } : {}),
  ...(isKey(phaseWords, phase) ? { phase } : {}),
  ...(isKey(healthWords, health) ? { health } : {}),
  ...(attention === 'true' ? { attention } : {}),
});

export const isEverything = (filter: Filter): boolean => Object.keys(filter).length === 0;

/** `in /Sales, paused`. */
export const toFilterWords = ({ ou, group, phase, health, attention }: Filter): string =>
  [
    ...(ou === undefined ? [] : [`in ${toScopeWords(`ou:${ou}`)}`]),
    ...(group === undefined ? [] : [`in ${toScopeWords(`group:${group}`)}`]),
    ...(phase === undefined ? [] : [phaseWords[phase][0].toLowerCase()]),
    ...(health === undefined ? [] : [healthWords[health][0].toLowerCase()]),
    ...(attention === undefined ? [] : ['needing attention']),
  ].join(', ');
