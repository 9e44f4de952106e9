import type { Query, Scalar } from '../../functions/core/store.ts';

/** Strings in the order of their UTF-8 bytes, as SQLite and Firestore have them: JavaScript's own order differs beyond U+FFFF. */
function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return shift(left) - shift(right);
  }
  return a.length - b.length;
}
/** Moves surrogates, which stand for what is beyond U+FFFF, behind all other code units. */
const shift = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

export function compareScalars(a: Scalar, b: Scalar): number {
  if (a === b) return 0;
  if (typeof a === 'number') return typeof b === 'number' ? a - b : -1;
  return typeof b === 'number' ? 1 : compareStrings(a, b);
}

/** Ids in the order of a value, ties by id. */
export interface SortedRows {
  add(value: Scalar, id: string): void;
  remove(value: Scalar, id: string): void;
  slice(query: Pick<Query, 'from' | 'before' | 'reverse' | 'limit'>): string[];
}

export function createSortedRows(): SortedRows {
  const rows: { readonly value: Scalar; readonly id: string }[] = [];

  /** The first place whose row is not before this value and id. */
  function find(value: Scalar, id: string): number {
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = rows[middle];
      if (row && (compareScalars(row.value, value) || compareStrings(row.id, id)) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    add(value, id) {
      rows.splice(find(value, id), 0, { value, id });
    },
    remove(value, id) {
      rows.splice(find(value, id), 1);
    },
    slice({ from, before, reverse = false, limit }) {
      const start = from === undefined ? 0 : find(from, '');
      const end = before === undefined ? rows.length : Math.max(start, find(before, ''));
      const found = reverse ? rows.slice(Math.max(start, end - limit), end).reverse() : rows.slice(start, Math.min(end, start + limit));
      return found.map(({ id }) => id);
    },
  };
}
