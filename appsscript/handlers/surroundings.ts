import type { ActionName, Actions } from '../actions.ts';
import type { Backend, Failure, Result } from '../backend.ts';
import type { Calls } from '../calls/index.ts';
import type { Card, RenderedAction } from '../card.ts';
import type { Answer } from '../../shared/contract.ts';
import type { Formats } from '../formats.ts';
import { toReader, type Reader } from '../reader.ts';

/** What one click or opening may use. */
export interface Surroundings {
  readonly backend: Backend;
  readonly calls: Calls;
  readonly planeId: string;
  readonly formats: Formats;
  /** When this execution began, in milliseconds since 1970. */
  readonly nowMs: number;
}

/** Form fields by name. A switch or box that is off is absent (an unselected control sends nothing). */
export type Form = Readonly<Record<string, readonly string[]>>;

export type Handler<K extends ActionName> = (parameters: Actions[K], form: Form, surroundings: Surroundings) => RenderedAction;
/** The handlers of some actions. */
export type HandlersOf<K extends ActionName> = { readonly [N in K]: Handler<N> };

export const first = (form: Form, name: string): string => form[name]?.[0]?.trim() ?? '';

export const push = (card: Card): RenderedAction => ({ action: { navigations: [{ pushCard: card }] } });
export const update = (card: Card): RenderedAction => ({ action: { navigations: [{ updateCard: card }] } });
/** Takes the card of the click away and draws the one below it anew. */
export const popTo = (card: Card): RenderedAction => ({ action: { navigations: [{ pop: true }, { updateCard: card }] } });
export const notify = (text: string): RenderedAction => ({ action: { notification: { text } } });

/** After a change: the card as it stands now, a toast, and the cards below it are stale. */
export const changed = (card: Card, text: string): RenderedAction => ({
  action: { navigations: [{ updateCard: card }], notification: { text } },
  stateChanged: true,
});

/** The answers of some calls, or why the first of them failed. */
export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

export const readerOf = (me: Result<Answer<'me'>>, { formats }: Surroundings): Read<Reader> =>
  me.ok ? { ok: true, value: toReader(me.value, formats) } : me;

export function parseTexts(json: string): string[] {
  const said: unknown = JSON.parse(json || '[]');
  return Array.isArray(said) ? said.filter((text) => typeof text === 'string') : [];
}
