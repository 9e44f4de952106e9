import type { Collection, Store } from '../../functions/core/store.ts';

export interface Operations {
  reads: number;
  writes: number;
  deletes: number;
}

/**
 * Counts what Firestore would bill (cloud.google.com/firestore/pricing, read 2026-11-22): a document that is asked for is one
 * read, there or not; a query one read for each document, and one when there is none; a wait one read when it begins and one
 * when it ends with a change. Reads of attempts that were in vain count too.
 */
export function createCountingStore(inner: Store) {
  const byCollection = new Map<string, Operations>();
  const total: Operations = { reads: 0, writes: 0, deletes: 0 };
  const count = (collection: Collection, what: keyof Operations, by = 1): void => {
    const own = byCollection.get(collection) ?? { reads: 0, writes: 0, deletes: 0 };
    own[what] += by;
    total[what] += by;
    byCollection.set(collection, own);
  };
  const store: Store = {
    async get(collection, id) {
      count(collection, 'reads');
      return inner.get(collection, id);
    },
    async query(collection, index, query) {
      const found = await inner.query(collection, index, query);
      count(collection, 'reads', Math.max(1, found.length));
      return found;
    },
    async transact(work) {
      let wanted: (readonly [Collection, keyof Operations])[] = [];
      const result = await inner.transact((tx) => {
        wanted = [];
        return work({
          get(collection, id) {
            count(collection, 'reads');
            return tx.get(collection, id);
          },
          set(collection, id, document) {
            tx.set(collection, id, document);
            wanted.push([collection, 'writes']);
          },
          delete(collection, id) {
            tx.delete(collection, id);
            wanted.push([collection, 'deletes']);
          },
        });
      });
      for (const [collection, what] of wanted) count(collection, what);
      return result;
    },
    async changed(collection, id, known, signal) {
      if (!signal.aborted) count(collection, 'reads');
      await inner.changed(collection, id, known, signal);
      if (!signal.aborted) count(collection, 'reads');
    },
    close: () => inner.close(),
  };

  /** Runs something and tells what it cost. */
  async function cost(run: () => Promise<unknown>): Promise<Operations> {
    const before = { ...total };
    await run();
    return {
      reads: total.reads - before.reads,
      writes: total.writes - before.writes,
      deletes: total.deletes - before.deletes,
    };
  }
  return { store, cost };
}
