import { FieldPath, Firestore, type DocumentReference, type Settings } from '@google-cloud/firestore';
import { PlaneError } from '../core/errors.ts';
import type { Collection, Query, Store } from '../core/store.ts';
import { currentSchema, fromFields, toName, type FirestoreSchema } from './firestore-documents.ts';
import { explaining } from './firestore-errors.ts';
import { createTransact } from './firestore-transact.ts';
import { createFirestoreWatch } from './firestore-watch.ts';
import { parseQuery } from './query.ts';

export interface FirestoreOptions {
  readonly projectId: string;
  /** `(default)` has the free tier. */
  readonly databaseId: string;
  /** `127.0.0.1:8080`: an emulator instead of Google. */
  readonly emulatorHost?: string;
}

/**
 * The client asks up to five times for what it reads, each time for so long: an outage is told within a minute. Left alone it
 * allows five minutes each time (8.7.1), which it uses up where a connection stands and says nothing.
 */
const callMs = 10_000;
const call = { timeout_millis: callMs, retry_codes_name: 'non_idempotent', retry_params_name: 'default' };
const calls = { BatchGetDocuments: call, RunQuery: call, BeginTransaction: call, Commit: call, Rollback: call };

/** An emulator takes the word `owner` for credentials; without a universe the client would ask a metadata server for it. */
const toEmulator = (host: string): Settings => ({
  ...{ host, ssl: false, customHeaders: { Authorization: 'Bearer owner' } },
  clientOptions: { universeDomain: 'googleapis.com' },
});

/** A client with the credentials of the machine it runs on. */
export const openFirestore = ({ projectId, databaseId, emulatorHost }: FirestoreOptions): Firestore =>
  new Firestore({
    ...{ projectId, databaseId, gaxServerStreamingRetries: true },
    clientConfig: { interfaces: { 'google.firestore.v1.Firestore': { methods: calls } } },
    ...(emulatorHost === undefined ? {} : toEmulator(emulatorHost)),
  });

export interface FirestoreStoreOptions {
  /** Closed with the store. */
  readonly firestore: Firestore;
  readonly schema?: FirestoreSchema;
}

/** A store in one Firestore database, which any number of processes may share. Its indexes are those of manifests/firestore.indexes.json. */
export function createFirestoreStore({ firestore, schema = currentSchema }: FirestoreStoreOptions): Store {
  let closed = false;
  const refusal = (): PlaneError => new PlaneError('unavailable', `cannot use the Firestore store: it is closed`);
  const refuseClosed = (): void => {
    if (closed) throw refusal();
  };
  const locate = (collection: Collection, id: string): DocumentReference => firestore.collection(collection).doc(toName(collection, id));
  const transact = createTransact({ firestore, schema, locate });
  const watch = createFirestoreWatch({ schema, locate });

  return {
    async get(collection, id) {
      refuseClosed();
      const reference = locate(collection, id);
      const fields = (await explaining(`read ${collection} ${id}`, () => reference.get())).data();
      return fields && fromFields(collection, id, fields, schema);
    },
    async query<C extends Collection>(collection: C, index: string, query: Query) {
      const { equal, order } = parseQuery(collection, index, query);
      refuseClosed();
      const { equals = [], from, before, reverse = false, limit } = query;
      const direction = reverse ? 'desc' : 'asc';
      let wanted = firestore.collection(collection).orderBy(order, direction).orderBy(FieldPath.documentId(), direction).limit(limit);
      for (const [at, field] of equal.entries()) wanted = wanted.where(field, '==', equals[at]);
      if (from !== undefined) wanted = wanted.where(order, '>=', from);
      if (before !== undefined) wanted = wanted.where(order, '<', before);
      const { docs } = await explaining(`query ${collection} by ${index}`, () => wanted.get());
      return docs.map((found) => fromFields(collection, found.id, found.data(), schema));
    },
    async transact(work) {
      refuseClosed();
      return transact(work);
    },
    async changed(collection, id, known, signal) {
      refuseClosed();
      return watch.changed(collection, id, known, signal);
    },
    async close() {
      if (closed) return;
      closed = true;
      watch.end(refusal());
      await firestore.terminate();
    },
  };
}
