import type { Ctx } from '../core/surroundings.ts';
import { PlaneError } from '../core/errors.ts';

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
}

/**
 * Where encrypted backups lie: a folder or a bucket that no agent's principal reaches. Keys are `/`-separated segments of
 * letters, digits, `.`, `_` and `-`; another one is `invalid`. It knows nothing of backups: what a key means is its caller's.
 *
 * What cannot be done is thrown as a `PlaneError`: `forbidden`, `unavailable`, or `timeout` when the signal aborts.
 */
export interface BackupStore {
  /** Takes one call of each kind and says what would keep a deleted object readable, such as versions; empty when nothing does. */
  faults(ctx: Ctx): Promise<readonly string[]>;
  /**
   * Stores all of the bytes, replacing what the key held. They are there for `get` and `list` and last when it resolves; when it
   * rejects, because the bytes ended in an error or the signal aborted, the key holds what it held before. Reads no further
   * ahead than one part (8 MiB).
   */
  put(key: string, bytes: AsyncIterable<Uint8Array>, ctx: Ctx): Promise<void>;
  /** `undefined` only where there is none. The bytes are let go when their reader stops early. */
  get(key: string, ctx: Ctx): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Absent is fine; gone when it resolves. */
  delete(key: string, ctx: Ctx): Promise<void>;
  /** Everything whose key begins so, in no order; what comes or goes meanwhile may be missed or shown. */
  list(prefix: string, ctx: Ctx): AsyncIterable<StoredObject>;
  /**
   * Frees what writers that crashed left, none of which `get` and `list` ever showed, if it was begun before a time
   * (milliseconds since 1970, by the store's own clock). Answers how many.
   */
  clear(before: number, ctx: Ctx): Promise<number>;
}

const keyForm = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)*$/;
const longestKey = 200;

/** Throws `invalid` for a key that one of the stores could take for something else. */
export function checkKey(key: string): void {
  if (keyForm.test(key) && key.length <= longestKey) return;
  throw new PlaneError('invalid', `cannot use backup key ${JSON.stringify(key.slice(0, longestKey))}: it is not of the agreed form`);
}

export const partBytes = 8 * 1024 * 1024;

/** The same bytes in parts of one size, the last one smaller or, of nothing, empty. Each part is overwritten by the next. */
export async function* toParts(
  bytes: AsyncIterable<Uint8Array>,
  size = partBytes,
): AsyncGenerator<{ part: Uint8Array<ArrayBuffer>; last: boolean }> {
  const buffer = new Uint8Array(size);
  let used = 0;
  for await (const chunk of bytes) {
    let rest = chunk;
    while (rest.length > 0) {
      // A full part waits for the next byte, so that the last part is known as such.
      if (used === size) {
        yield { part: buffer, last: false };
        used = 0;
      }
      const taken = rest.subarray(0, size - used);
      buffer.set(taken, used);
      used += taken.length;
      rest = rest.subarray(taken.length);
    }
  }
  yield { part: buffer.subarray(0, used), last: true };
}

/** What a store answered, or that it did not, as ours; `what` completes "cannot …". */
export function toStoreError(error: unknown, status: number | undefined, what: string, signal: AbortSignal): PlaneError {
  if (error instanceof PlaneError) return error;
  if (signal.aborted)
    return new PlaneError('timeout', `cannot ${what}: it took too long or was called off; it is tried again`, { cause: error });
  if (status === 401 || status === 403) {
    return new PlaneError('forbidden', `cannot ${what}: the store refuses it (${status}); check what the plane's account may do there`, {
      cause: error,
    });
  }
  if (status === 404) {
    return new PlaneError('preconditionFailed', `cannot ${what}: there is no such bucket; make it or name another`, { cause: error });
  }
  const fact = status === undefined ? 'the store did not answer' : `the store answered ${status}`;
  return new PlaneError('unavailable', `cannot ${what}: ${fact}; it is tried again`, { cause: error });
}
