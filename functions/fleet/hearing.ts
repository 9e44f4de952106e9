import { setImmediate as breathe } from 'node:timers/promises';
import type { Store } from '../core/store.ts';

const collections = ['agents', 'statuses', 'heartbeats', 'cares', 'upgrades', 'budgets'] as const;
type Heard = (typeof collections)[number];

/** How many documents are read before others have their turn. */
const atOnce = 100;

/** The names of documents that this process has committed since they were last asked for; each once, whatever came to it. */
export function createHearing(hear: NonNullable<Store['hear']>) {
  let listening = false;
  const changed: Readonly<Record<Heard, Set<string>>> = {
    ...{ agents: new Set(), statuses: new Set(), heartbeats: new Set() },
    ...{ cares: new Set(), upgrades: new Set(), budgets: new Set() },
  };
  const isHeard = (collection: string): collection is Heard => collection in changed;
  hear((collection, id) => {
    if (listening && isHeard(collection)) changed[collection].add(id);
  });

  return {
    /** Before this nothing is kept. */
    listen(): void {
      listening = true;
    },
    /** Reads each once; whatever changes meanwhile is heard again. What cannot be read now is read the next time. */
    async drain(take: { readonly [C in Heard]: (id: string) => Promise<void> }): Promise<void> {
      let read = 0;
      for (const collection of collections) {
        for (const id of [...changed[collection]]) {
          changed[collection].delete(id);
          try {
            await take[collection](id);
          } catch (error) {
            changed[collection].add(id);
            throw error;
          }
          read += 1;
          if (read % atOnce === 0) await breathe();
        }
      }
    },
  };
}
export type Hearing = ReturnType<typeof createHearing>;
