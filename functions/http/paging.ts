import type { Query } from '../core/store.ts';

interface Asked {
  readonly id: string;
  readonly askedAt: number;
}

/** The most that a store answers at once, and so the most rows of one millisecond that paging can tell apart. */
const mostAtOnce = 500;

/**
 * One page of rows, newest first and those of one millisecond by id. The cursor names the last row that was shown, so that rows of its
 * millisecond are neither lost nor shown twice, whatever comes and goes between two pages.
 */
export async function readPage<Row extends Asked>(
  query: (range: Omit<Query, 'equals'>) => Promise<readonly Row[]>,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<{ readonly shown: readonly Row[]; readonly next: string | null }> {
  const rows: Row[] = [];
  let before = {};
  if (cursor !== undefined) {
    const dot = cursor.indexOf('.');
    const [at, id] = [Number(cursor.slice(0, dot)), cursor.slice(dot + 1)];
    const sameTime = await query({ from: at, before: at + 1, reverse: true, limit: mostAtOnce });
    rows.push(...sameTime.filter((row) => row.id < id));
    before = { before: at };
  }
  if (rows.length <= limit) rows.push(...(await query({ ...before, reverse: true, limit: limit + 1 })));
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { shown, next: rows.length > limit && last ? `${last.askedAt}.${last.id}` : null };
}
