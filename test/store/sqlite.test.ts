import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Documents, Store } from '../../functions/core/store.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { channel, storeConformance, times } from '../conformance/store.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plane-store-'));
  file = join(folder, 'data', 'plane.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

storeConformance('SQLite store', async () => {
  let store = openSqliteStore({ file });
  return {
    store,
    async reopen() {
      await store.close();
      return (store = openSqliteStore({ file }));
    },
    close: () => store.close(),
  };
});

/** How often a store has committed since its log was begun: a frame that ends a commit holds the size of the database (sqlite.org/fileformat2.html#walformat). */
function countCommits(): number {
  const log = readFileSync(`${file}-wal`);
  const frameSize = 24 + log.readUInt32BE(8);
  const frames = times(Math.floor((log.length - 32) / frameSize), (n) => log.subarray(32 + n * frameSize));
  return frames.filter((frame) => frame.readUInt32BE(4) !== 0 && frame.readUInt32BE(8) === log.readUInt32BE(16)).length;
}

test('saves transactions that are ready together in one commit, even those that want one document', async () => {
  const store = openSqliteStore({ file });
  const before = countCommits();
  const add = (n: number): Promise<void> =>
    store.transact(async (tx) => {
      const total = ((await tx.get('joins', 'total'))?.count ?? 0) + 1;
      tx.set('joins', 'total', { agentId: 'total', incarnation: 1, count: total, joinedAt: 0 });
      tx.set('channels', `c${n}`, channel(`c${n}`, n));
    });
  await Promise.all(times(64, add));
  expect(countCommits() - before).toBe(1);
  expect((await store.get('joins', 'total'))?.count).toBe(64);
  for (const n of [1, 2, 3]) await add(n);
  expect(countCommits() - before).toBe(4);
  await store.close();
});

test('shows outside of transactions only what is saved', async () => {
  const store = openSqliteStore({ file });
  const set = store.transact(async (tx) => tx.set('channels', 'c', channel('c', 1)));
  const next = store.transact((tx) => tx.get('channels', 'c'));
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  expect(await store.get('channels', 'c')).toBeUndefined();
  await set;
  expect(await store.get('channels', 'c')).toEqual(channel('c', 1));
  expect(await next).toEqual(channel('c', 1));
  await store.close();
});

test('saves what is ready when it is closed, and refuses what comes later', async () => {
  const store = openSqliteStore({ file });
  const last = store.transact(async (tx) => tx.set('channels', 'c', channel('c', 1)));
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  await store.close();
  await store.close();
  await last;
  await expect(store.get('channels', 'c')).rejects.toThrow(`cannot use store ${file}: it is closed`);
  await expect(store.query('channels', 'byExpiry', { limit: 1 })).rejects.toMatchObject({ code: 'unavailable' });
  await expect(store.transact(async (tx) => tx.delete('channels', 'c'))).rejects.toMatchObject({ code: 'unavailable' });
  const again = openSqliteStore({ file });
  expect(await again.get('channels', 'c')).toEqual(channel('c', 1));
  await again.close();
});

test('keeps its files from other users', async () => {
  const store = openSqliteStore({ file });
  await store.transact(async (tx) => tx.set('channels', 'c', channel('c', 1)));
  for (const path of [file, `${file}-wal`]) expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
  await store.close();
});

test('refuses one document that SQLite cannot index, and saves those beside it', async () => {
  const store = openSqliteStore({ file });
  const deep = Array.from({ length: 1500 }).reduce<unknown>((inner) => [inner], 0);
  const poison = { ...channel('poison', 1), token: deep } as unknown as Documents['channels'];
  const set = (id: string, document = channel(id, 1)): Promise<void> => store.transact(async (tx) => tx.set('channels', id, document));
  const outcomes = await Promise.allSettled([set('a'), set('poison', poison), set('b')]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(outcomes[1]).toMatchObject({ reason: { code: 'invalid', message: 'cannot store channels poison: Error: malformed JSON' } });
  expect((await store.query('channels', 'byExpiry', { limit: 5 })).map(({ id }) => id)).toEqual(['a', 'b']);
  await store.close();
});

test('says that the disk is full, changes nothing, and goes on once there is room', async () => {
  await openSqliteStore({ file }).close();
  const pages = statSync(file).size / 4096;
  const tight = openSqliteStore({ file, maxPages: pages + 2 });
  await tight.transact(async (tx) => tx.set('channels', 'c', channel('c', 1)));
  const fillIn = (store: Store, n: number): Promise<void> =>
    store.transact(async (tx) => {
      tx.set('channels', 'c', channel('c', 2));
      tx.set('channels', `large${n}`, { ...channel(`large${n}`, n), token: 'x'.repeat(100_000) });
    });
  const outcomes = await Promise.allSettled([fillIn(tight, 1), fillIn(tight, 2), tight.transact((tx) => tx.get('channels', 'c'))]);
  const full = {
    status: 'rejected',
    reason: { code: 'unavailable', message: `cannot write store ${file}: the disk is full; free some space` },
  };
  expect(outcomes).toMatchObject([full, full, { status: 'fulfilled', value: channel('c', 1) }]);
  expect(await tight.get('channels', 'c')).toEqual(channel('c', 1));
  await tight.transact(async (tx) => tx.set('channels', 'c', channel('c', 3)));
  await tight.close();
  const store = openSqliteStore({ file });
  expect(await store.get('channels', 'c')).toEqual(channel('c', 3));
  await fillIn(store, 1);
  expect(await store.get('channels', 'c')).toEqual(channel('c', 2));
  await store.close();
});

test('is closed once nobody knows what became of a saving', async () => {
  const store = openSqliteStore({ file });
  rmSync(join(folder, 'data'), { recursive: true });
  await expect(store.transact(async (tx) => tx.set('channels', 'c', channel('c', 1)))).rejects.toThrow(`cannot write store ${file}`);
  await expect(store.get('channels', 'c')).rejects.toThrow('it is closed');
  await expect(store.transact(async (tx) => tx.set('channels', 'c', channel('c', 2)))).rejects.toThrow('it is closed');
  await store.close();
});
