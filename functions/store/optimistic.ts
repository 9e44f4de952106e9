import { PlaneError } from '../core/errors.ts';
import type { Collection, Documents, Store, Transaction } from '../core/store.ts';

/** One document that is set, or deleted where nothing is held. */
export interface Write<Held> {
  readonly collection: Collection;
  readonly id: string;
  readonly held: Held | undefined;
}

/** What a store keeps its documents in. `Held` is the whole value of a document, so what is `===` has not changed. */
export interface Medium<Held> {
  /** The newest value, saved or still being saved. Never waits, so that a check and what follows it are one step. */
  read(collection: Collection, id: string): Held | undefined;
  hold<C extends Collection>(document: Documents[C]): Held;
  show<C extends Collection>(held: Held): Documents[C];
  /** Shows the writes to `read` at once. True when they, and all that `read` has shown, are durable; false when that was lost. */
  apply(writes: readonly Write<Held>[]): true | Promise<boolean>;
}

/** Those that have to run again do so one after another, so more than two attempts are rare and twenty mean a fault. */
const attemptLimit = 20;

/** Runs works side by side, each against what it has read: one whose reads have changed until it is ready runs again. */
export function createTransact<Held>(medium: Medium<Held>): Store['transact'] {
  let line: Promise<unknown> = Promise.resolve();

  async function attempt<T>(work: (tx: Transaction) => Promise<T>) {
    const reads: Write<Held>[] = [];
    const writes: Write<Held>[] = [];
    let ended = false;
    const refuseWhen = (wrong: boolean, verb: string, collection: Collection, id: string, fact: string): void => {
      if (wrong) throw new PlaneError('internal', `cannot ${verb} ${collection} ${id}: ${fact}`);
    };
    const outcome = work({
      async get<C extends Collection>(collection: C, id: string) {
        refuseWhen(ended, 'read', collection, id, 'its transaction has ended; await every read inside the work');
        refuseWhen(writes.length > 0, 'read', collection, id, 'all reads of a transaction come before its first write; move it up');
        const held = medium.read(collection, id);
        reads.push({ collection, id, held });
        return held === undefined ? undefined : medium.show<C>(held);
      },
      set(collection, id, document) {
        refuseWhen(ended, 'set', collection, id, 'its transaction has ended; await everything inside the work');
        writes.push({ collection, id, held: medium.hold(document) });
      },
      delete(collection, id) {
        refuseWhen(ended, 'delete', collection, id, 'its transaction has ended; await everything inside the work');
        writes.push({ collection, id, held: undefined });
      },
    });
    let failed = false;
    try {
      await outcome;
    } catch {
      failed = true;
    }
    ended = true;
    // A work that threw may have done so over reads that never belonged together, so it is checked like any other.
    if (reads.some(({ collection, id, held }) => medium.read(collection, id) !== held)) return undefined;
    return { outcome, saved: medium.apply(failed ? [] : writes) };
  }

  return async (work) => {
    let made = await attempt(work);
    for (let attempts = 1; attempts < attemptLimit; attempts += 1) {
      if (made && (await made.saved)) return made.outcome;
      const turn = line.then(() => attempt(work));
      line = turn.catch(() => undefined);
      made = await turn;
    }
    if (made && (await made.saved)) return made.outcome;
    throw new PlaneError('unavailable', `cannot commit a transaction: its reads changed ${attemptLimit} times; try again later`);
  };
}
