import { setTimeout as sleep } from 'node:timers/promises';
import type { DocumentReference, Firestore } from '@google-cloud/firestore';
import { PlaneError } from '../core/errors.ts';
import type { Collection, Store, Transaction } from '../core/store.ts';
import { fromFields, toFields, type FirestoreSchema } from './firestore-documents.ts';
import { isContention, toPlaneError } from './firestore-errors.ts';

export interface TransactDeps {
  readonly firestore: Firestore;
  readonly schema: FirestoreSchema;
  readonly locate: (collection: Collection, id: string) => DocumentReference;
}

type Attempt<T> = { readonly result: T } | { readonly error: unknown; readonly contended: boolean };

const attemptLimit = 12;
const shortestWaitMs = 200;
const longestWaitMs = 10_000;

/** Runs works side by side, each in a transaction of Firestore; one that others were in the way of runs again. */
export function createTransact({ firestore, schema, locate }: TransactDeps): Store['transact'] {
  let line: Promise<unknown> = Promise.resolve();

  async function attempt<T>(work: (tx: Transaction) => Promise<T>): Promise<Attempt<T>> {
    let [wrote, ended, contended] = [false, false, false];
    let thrown: { readonly error: unknown } | undefined;
    const refuseWhen = (wrong: boolean, verb: string, collection: Collection, id: string, fact: string): void => {
      if (wrong) throw new PlaneError('internal', `cannot ${verb} ${collection} ${id}: ${fact}`);
    };
    try {
      // The client's own attempts would also repeat a commit whose outcome is not known.
      const result = await firestore.runTransaction(
        async (inner) => {
          try {
            return await work({
              async get(collection, id) {
                refuseWhen(ended, 'read', collection, id, 'its transaction has ended; await every read inside the work');
                refuseWhen(wrote, 'read', collection, id, 'all reads of a transaction come before its first write; move it up');
                try {
                  const fields = (await inner.get(locate(collection, id))).data();
                  return fields && fromFields(collection, id, fields, schema);
                } catch (error) {
                  contended ||= isContention(error);
                  throw toPlaneError(error, `read ${collection} ${id}`);
                }
              },
              set(collection, id, document) {
                refuseWhen(ended, 'set', collection, id, 'its transaction has ended; await everything inside the work');
                wrote = true;
                inner.set(locate(collection, id), toFields(collection, id, document, schema));
              },
              delete(collection, id) {
                refuseWhen(ended, 'delete', collection, id, 'its transaction has ended; await everything inside the work');
                wrote = true;
                inner.delete(locate(collection, id));
              },
            });
          } catch (error) {
            thrown = { error };
            throw error;
          } finally {
            ended = true;
          }
        },
        { maxAttempts: 1 },
      );
      return { result };
    } catch (error) {
      if (thrown) return { error: thrown.error, contended };
      return { error: toPlaneError(error, 'commit a transaction'), contended: contended || isContention(error) };
    }
  }

  /** Those of one process go one after another, so that only those of other processes can still be in the way. */
  function inLine<T>(work: (tx: Transaction) => Promise<T>): Promise<Attempt<T>> {
    const turn = line.then(() => attempt(work));
    line = turn;
    return turn;
  }

  return async (work) => {
    let made = await attempt(work);
    for (let attempts = 1; attempts < attemptLimit; attempts += 1) {
      if ('result' in made) return made.result;
      if (!made.contended) throw made.error;
      // Processes that try again at the same time are in each other's way again: ten of them never came to an end.
      if (attempts > 1) await sleep(Math.random() * Math.min(longestWaitMs, shortestWaitMs * 2 ** (attempts - 1)));
      made = await inLine(work);
    }
    if ('result' in made) return made.result;
    if (!made.contended) throw made.error;
    throw new PlaneError('unavailable', `cannot commit a transaction: others were in the way ${attemptLimit} times; try again later`, {
      cause: made.error,
    });
  };
}
