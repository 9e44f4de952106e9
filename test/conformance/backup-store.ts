import { createHash } from 'node:crypto';
import { partBytes, type BackupStore } from '../../functions/backup/backup-store.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';

/** What a backup store's tests bring. */
export interface BackupStoreWorld {
  readonly store: BackupStore;
  /** Leaves what a writer leaves that is killed in mid-upload; answers how much of it there is to clear. */
  leaveUpload(key: string): Promise<number>;
  /** False for a peer that does not tell when an upload was begun. */
  readonly datesUploads?: boolean;
  close(): Promise<void>;
}

type Bytes = AsyncIterable<Uint8Array>;
const toCtx = (signal = new AbortController().signal): Ctx => ({ signal, log: { info: () => undefined, warn: () => undefined } });
const ctx = toCtx();

/** So many bytes that differ from place to place and from seed to seed, in chunks of an odd size; then what `end` does. */
async function* toBytes(count: number, seed = 1, end: () => void = () => undefined): AsyncGenerator<Uint8Array> {
  const size = 100_003;
  const pattern = Uint8Array.from({ length: size }, (_, at) => (at * seed) % 251);
  for (let at = 0; at < count; at += size) yield pattern.slice(0, Math.min(size, count - at));
  end();
}

async function toDigest(bytes: Bytes | undefined): Promise<string | undefined> {
  if (!bytes) return undefined;
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest('hex');
}

const gone = new PlaneError('invalid', 'the sender is gone');
const cut = (): never => {
  throw gone;
};

/** The contract of functions/backup/backup-store.ts, for any store. */
export function backupStoreConformance(name: string, open: () => Promise<BackupStoreWorld>): void {
  describe(`${name} as a backup store`, () => {
    let world: BackupStoreWorld;
    let store: BackupStore;
    beforeEach(async () => {
      world = await open();
      store = world.store;
    });
    afterEach(() => world.close());

    const listed = async (prefix = ''): Promise<string[]> => {
      const found: string[] = [];
      for await (const { key, bytes } of store.list(prefix, ctx)) found.push(`${key} ${bytes}`);
      return found.sort();
    };
    const failure = (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(
        () => 'nothing was thrown',
        (error: unknown) => error,
      );

    it('holds nothing that was never put, and takes absence quietly when it deletes', async () => {
      expect(await store.get('acme/a/1', ctx)).toBeUndefined();
      await store.delete('acme/a/1', ctx);
      expect(await listed()).toEqual([]);
      expect(await store.clear(Date.now() + 60_000, ctx)).toBe(0);
    });

    it.each([0, 1, 70_000, partBytes, partBytes + 1, 2 * partBytes + 5])('gives back %d bytes as they were', async (count) => {
      await store.put('acme/a/1', toBytes(count), ctx);
      expect(await toDigest(await store.get('acme/a/1', ctx))).toBe(await toDigest(toBytes(count)));
      expect(await listed()).toEqual([`acme/a/1 ${count}`]);
      await store.delete('acme/a/1', ctx);
      expect(await store.get('acme/a/1', ctx)).toBeUndefined();
      expect(await listed()).toEqual([]);
    });

    it('replaces what a key held', async () => {
      await store.put('acme/a/1', toBytes(1000, 3), ctx);
      await store.put('acme/a/1', toBytes(500, 5), ctx);
      expect(await toDigest(await store.get('acme/a/1', ctx))).toBe(await toDigest(toBytes(500, 5)));
      expect(await listed()).toEqual(['acme/a/1 500']);
    });

    it.each([0, 500, partBytes + 1000])('shows nothing of an upload that was cut after %d bytes, and leaves nothing', async (count) => {
      expect(await failure(store.put('acme/a/1', toBytes(count, 1, cut), ctx))).toBe(gone);
      expect(await store.get('acme/a/1', ctx)).toBeUndefined();
      expect(await listed()).toEqual([]);
      expect(await store.clear(Date.now() + 60_000, ctx)).toBe(0);
    });

    it('keeps what a key held when the upload that should replace it is cut', async () => {
      await store.put('acme/a/1', toBytes(1000, 3), ctx);
      await failure(store.put('acme/a/1', toBytes(partBytes + 9, 5, cut), ctx));
      expect(await toDigest(await store.get('acme/a/1', ctx))).toBe(await toDigest(toBytes(1000, 3)));
    });

    it('gives up when the signal aborts, and leaves nothing', async () => {
      const controller = new AbortController();
      const bytes = toBytes(partBytes + 1000, 1, () => controller.abort());
      expect(await failure(store.put('acme/a/1', bytes, toCtx(controller.signal)))).toMatchObject({ code: 'timeout' });
      expect(await failure(store.get('acme/a/1', toCtx(controller.signal)))).toMatchObject({ code: 'timeout' });
      expect(await failure(store.delete('acme/a/1', toCtx(controller.signal)))).toMatchObject({ code: 'timeout' });
      expect(await listed()).toEqual([]);
    });

    it('holds one whole of two that are put at once', async () => {
      // One of them may be told to try again.
      const put = await Promise.allSettled([3, 5].map((seed) => store.put('acme/a/1', toBytes(200_000, seed), ctx)));
      expect(put.map(({ status }) => status)).toContain('fulfilled');
      const wholes = await Promise.all([3, 5].map((seed) => toDigest(toBytes(200_000, seed))));
      expect(wholes).toContain(await toDigest(await store.get('acme/a/1', ctx)));
    });

    it('lists what begins so, and no more', async () => {
      for (const key of ['acme/a/1', 'acme/ab/1', 'acme/b/1', 'acme2/a/1', 'a.b_c-D/1.age']) await store.put(key, toBytes(3), ctx);
      expect(await listed('acme/a')).toEqual(['acme/a/1 3', 'acme/ab/1 3']);
      expect(await listed('acme/a/')).toEqual(['acme/a/1 3']);
      expect(await listed('acme2/')).toEqual(['acme2/a/1 3']);
      expect(await listed('a.b')).toEqual(['a.b_c-D/1.age 3']);
      expect(await listed('none/')).toEqual([]);
      expect((await listed()).length).toBe(5);
    });

    it.each(['', '/a', 'a/', 'a//b', '../a', 'a/../b', '.a', 'a b', 'a\0b', 'a%2fb', 'ä', 'x'.repeat(201)])(
      'refuses the key %j',
      async (key) => {
        expect(await failure(store.put(key, toBytes(1), ctx))).toMatchObject({ code: 'invalid' });
        expect(await failure(store.get(key, ctx))).toMatchObject({ code: 'invalid' });
        expect(await failure(store.delete(key, ctx))).toMatchObject({ code: 'invalid' });
      },
    );

    it('lets go of the bytes when their reader stops early', async () => {
      await store.put('acme/a/1', toBytes(partBytes), ctx);
      for await (const chunk of (await store.get('acme/a/1', ctx)) ?? []) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      await store.delete('acme/a/1', ctx);
      expect(await listed()).toEqual([]);
    });

    it('shows nothing of what a killed writer left, and clears it once it is old', async () => {
      const left = await world.leaveUpload('acme/a/1');
      expect(await listed()).toEqual([]);
      expect(await store.get('acme/a/1', ctx)).toBeUndefined();
      if (world.datesUploads !== false) expect(await store.clear(Date.now() - 60_000, ctx)).toBe(0);
      expect(await store.clear(Date.now() + 60_000, ctx)).toBe(left);
      expect(await store.clear(Date.now() + 60_000, ctx)).toBe(0);
    });

    it('finds no fault with a place that keeps nothing of what is deleted', async () => {
      expect(await store.faults(ctx)).toEqual([]);
    });
  });
}
