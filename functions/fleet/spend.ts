import { setImmediate as breathe } from 'node:timers/promises';
import type { ReadingDeps } from './polling.ts';

/** How old what agents spent may be. */
const oldestMs = 30_000;
const pageSize = 500;

interface Spent {
  readonly month: string;
  readonly at: number;
  readonly micros: Promise<ReadonlyMap<string, number>>;
}

/** What each owner's agent spent in a month, read together at most twice a minute. */
export function createSpend({ store, clock }: ReadingDeps) {
  const known = new Map<string, Spent>();

  async function read(planeId: string, month: string): Promise<ReadonlyMap<string, number>> {
    const micros = new Map<string, number>();
    let from = '';
    for (;;) {
      const page = await store.query('budgets', 'byMonth', { equals: [planeId, month], from, limit: pageSize });
      for (const { ownerId, spentMicros } of page) micros.set(ownerId, spentMicros);
      await breathe();
      const last = page.at(-1);
      if (page.length < pageSize || !last) return micros;
      from = `${last.ownerId}\u0000`;
    }
  }

  return async function spendOf(planeId: string, month: string): Promise<ReadonlyMap<string, number>> {
    const now = clock.now();
    const before = known.get(planeId);
    if (before?.month === month && now - before.at < oldestMs) return before.micros;
    const spent = { month, at: now, micros: read(planeId, month) };
    known.set(planeId, spent);
    spent.micros.catch(() => {
      if (known.get(planeId) === spent) known.delete(planeId);
    });
    return spent.micros;
  };
}
