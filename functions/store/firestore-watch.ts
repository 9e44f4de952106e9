import type { DocumentReference } from '@google-cloud/firestore';
import type { Collection, Store } from '../core/store.ts';
import { fromFields, type FirestoreSchema } from './firestore-documents.ts';
import { toPlaneError } from './firestore-errors.ts';
import { isSame } from './watches.ts';

export interface WatchDeps {
  readonly schema: FirestoreSchema;
  readonly locate: (collection: Collection, id: string) => DocumentReference;
}

/** Waits for documents with listeners of Firestore: one read when it begins, and one for each change. */
export function createFirestoreWatch({ schema, locate }: WatchDeps) {
  const waits = new Set<(error: Error) => void>();

  const changed: Store['changed'] = async (collection, id, known, signal) => {
    if (signal.aborted) return;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const stop = (): void => resolve(undefined);
    const detach = locate(collection, id).onSnapshot(
      (snapshot) => {
        try {
          const fields = snapshot.data();
          if (!isSame(fields && fromFields(collection, id, fields, schema), known)) stop();
        } catch (error) {
          reject(error);
        }
      },
      // The client itself listens again where that may help.
      (error) => reject(toPlaneError(error, `watch ${collection} ${id}`)),
    );
    const end = (error: Error): void => {
      detach();
      reject(error);
    };
    waits.add(end);
    signal.addEventListener('abort', stop);
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', stop);
      waits.delete(end);
      detach();
    }
  };

  return {
    changed,
    /** Detaches every listener at once, which the client wants before it ends. */
    end(error: Error): void {
      for (const end of waits) end(error);
    },
  };
}
