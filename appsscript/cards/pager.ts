import { toButton, type Actions } from '../actions.ts';
import type { Button } from '../card.ts';

/** The cursor of a page, `''` for the first, and those of the pages before it, the nearest last. */
export interface Position {
  readonly cursor: string;
  readonly back: readonly string[];
}

/** How many cursors a button carries: enough for 400 rows one page at a time, within the size of an action. */
const mostBack = 20;

type Paged = 'home' | 'showHistory' | 'showAudit';

/** `what` is for screen readers: "Next page of agents". */
export function pagerButtons<K extends Paged>(
  name: K,
  what: string,
  next: string | null,
  { cursor, back }: Position,
  toParameters: (position: { readonly cursor: string; readonly back: string }) => Actions[K],
): Button[] {
  const [previous] = back.slice(-1);
  // What has a time is listed newest first.
  const [before, after] = name === 'home' ? ['Previous', 'Next'] : ['Newer', 'Older'];
  const turn = (text: string, to: string, trail: readonly string[]): Button =>
    toButton(text, name, toParameters({ cursor: to, back: JSON.stringify(trail) }), { altText: `${text} page of ${what}` });
  return [
    ...(previous === undefined ? [] : [turn(before, previous, back.slice(0, -1))]),
    ...(next === null ? [] : [turn(after, next, [...back, cursor].slice(-mostBack))]),
  ];
}
