import { randomUUID } from 'node:crypto';
import type { AuditRow } from '../../functions/core/records.ts';
import type { Json } from '../../functions/core/surroundings.ts';
import { currentSchema } from '../../functions/store/firestore-documents.ts';
import { createFirestoreStore, openFirestore } from '../../functions/store/firestore.ts';
import { channel, storeConformance } from '../conformance/store.ts';
import { startFirestore, type Emulator } from './emulators.ts';

/** The emulator takes up to two seconds to settle who of two transactions goes first. */
jest.setTimeout(90_000);

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startFirestore();
}, 120_000);
afterAll(() => emulator.stop());

/** The emulator keeps every project apart, so each test has one of its own. */
const fresh = (): string => `test-${randomUUID().slice(0, 8)}`;
const open = (projectId = fresh(), schema = currentSchema) =>
  createFirestoreStore({ firestore: openFirestore({ projectId, databaseId: '(default)', emulatorHost: emulator.host }), schema });

storeConformance('Firestore store', async () => {
  const projectId = fresh();
  let store = open(projectId);
  return {
    store,
    async reopen() {
      await store.close();
      return (store = open(projectId));
    },
    close: () => store.close(),
  };
});

describe('the Firestore store', () => {
  const row = (detail: Json): AuditRow => ({
    ...{
      chain: 'c',
      seq: 1,
      at: 0,
      actor: { kind: 'plane', id: 'p' },
      action: 'a',
      target: 't',
      previous: '',
      hash: '',
      planeId: 'p',
      actorId: 'p',
      family: 'a',
    },
    detail,
  });

  it('holds shapes that Firestore has no fields for', async () => {
    const store = open();
    const deep = Array.from({ length: 500 }).reduce<Json>((inner) => [inner], 0);
    const odd = JSON.parse('{"__proto__": {"a": 1}, "": 1, "a.b": [[1, [2]], []], "__name__": null, "big": 1e300, "small": -0.1}') as Json;
    for (const detail of [deep, odd, 'x'.repeat(20_000), [[[]]]]) {
      await store.transact(async (tx) => tx.set('audit', 'c/1', row(detail)));
      expect(JSON.stringify((await store.query('audit', 'bySeq', { equals: ['c'], limit: 1 }))[0])).toBe(JSON.stringify(row(detail)));
    }
    await store.close();
  });

  it('holds a document of just under a mebibyte, refuses a larger one by its name, and changes nothing', async () => {
    const store = open();
    const sized = (length: number) => ({ ...channel('large', 1), token: 'x'.repeat(length) });
    const room = 1_048_576 - Buffer.byteLength(JSON.stringify(sized(0))) - 101;
    await store.transact(async (tx) => tx.set('channels', 'large', sized(room)));
    expect((await store.get('channels', 'large'))?.token).toHaveLength(room);
    const larger = store.transact(async (tx) => {
      tx.set('channels', 'beside', channel('beside', 1));
      tx.set('channels', 'large', sized(room + 1));
    });
    await expect(larger).rejects.toMatchObject({
      code: 'invalid',
      message: 'cannot store channels large: it takes 1048577 bytes and Firestore holds at most 1048576',
    });
    expect(await store.get('channels', 'beside')).toBeUndefined();
    await store.close();
  });

  it('does not answer queries with documents that lack the field of the order', async () => {
    const store = open();
    const { expiresAt: _expiresAt, ...lacking } = channel('lacking', 1);
    await store.transact(async (tx) => {
      tx.set('channels', 'lacking', lacking as ReturnType<typeof channel>);
      tx.set('channels', 'whole', channel('whole', 2));
    });
    expect((await store.query('channels', 'byExpiry', { limit: 5 })).map(({ id }) => id)).toEqual(['whole']);
    await store.close();
  });

  it('reads what an older program wrote, and refuses what a newer one wrote, while both run', async () => {
    const projectId = fresh();
    const [older, newer] = [
      open(projectId),
      open(projectId, {
        known: 2,
        written: 2,
        upgrades: { 1: (_collection, document) => ({ ...(document as object), token: 'upgraded' }) },
      }),
    ];
    await older.transact(async (tx) => tx.set('channels', 'c', channel('c', 1)));
    expect(await newer.get('channels', 'c')).toEqual({ ...channel('c', 1), token: 'upgraded' });
    await newer.transact(async (tx) => tx.set('channels', 'c', channel('c', 2)));
    const refused = {
      code: 'conflict',
      message: 'cannot read channels c: it is of version 2 and this program knows versions up to 1; start the newer program again',
    };
    await expect(older.get('channels', 'c')).rejects.toMatchObject(refused);
    await expect(older.query('channels', 'byExpiry', { limit: 1 })).rejects.toMatchObject(refused);
    await expect(older.transact((tx) => tx.get('channels', 'c'))).rejects.toMatchObject(refused);
    expect(await newer.get('channels', 'c')).toEqual(channel('c', 2));
    await Promise.all([older.close(), newer.close()]);
  });

  it('tells within a second of what another process committed, and leaves the client no listener', async () => {
    const projectId = fresh();
    const firestore = openFirestore({ projectId, databaseId: '(default)', emulatorHost: emulator.host });
    const [store, other] = [createFirestoreStore({ firestore }), open(projectId)];
    const { signal } = new AbortController();
    const save = (at: number) => other.transact(async (tx) => tx.set('channels', 'c', channel('c', at)));
    await save(0);
    for (let at = 1; at <= 10; at += 1) {
      const waiting = store.changed('channels', 'c', channel('c', at - 1), signal);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await save(at);
      const committedAt = Date.now();
      await waiting;
      expect(Date.now() - committedAt).toBeLessThan(1_000);
    }
    // It refuses to end while anything listens.
    await firestore.terminate();
    await Promise.all([store.close(), other.close()]);
  });

  it('refuses everything once it is closed', async () => {
    const store = open();
    await store.close();
    await store.close();
    const closed = { code: 'unavailable', message: 'cannot use the Firestore store: it is closed' };
    await expect(store.get('channels', 'c')).rejects.toMatchObject(closed);
    await expect(store.query('channels', 'byExpiry', { limit: 1 })).rejects.toMatchObject(closed);
    await expect(store.transact(async () => 1)).rejects.toMatchObject(closed);
    await expect(store.changed('channels', 'c', undefined, new AbortController().signal)).rejects.toMatchObject(closed);
  });
});
