import { isDeepStrictEqual } from 'node:util';
import type { Collection } from '../core/store.ts';

const toPlain = (document: object | undefined): unknown => document && (JSON.parse(JSON.stringify(document)) as unknown);

/** Whether two documents say the same, or both are absent. */
export const isSame = (a: object | undefined, b: object | undefined): boolean => isDeepStrictEqual(toPlain(a), toPlain(b));

/** Who waits for which document, in a process that makes every commit itself. */
export interface Watches {
  /** Waits until `differs` says so, which it is asked at once and after each commit to the document, or until the signal aborts. */
  until(collection: Collection, id: string, differs: () => boolean, signal: AbortSignal): Promise<void>;
  /** Calls back with every document that is committed. */
  hear(told: (collection: Collection, id: string) => void): void;
  /** Tells of what was committed. */
  tell(writes: readonly { readonly collection: Collection; readonly id: string }[]): void;
  /** Ends every wait with this error. */
  end(error: Error): void;
  /** How many wait. */
  count(): number;
}

interface Wait {
  readonly look: () => void;
  readonly reject: (error: Error) => void;
}

export function createWatches(): Watches {
  const waits = new Map<string, Set<Wait>>();
  const ears: ((collection: Collection, id: string) => void)[] = [];
  const toKey = (collection: Collection, id: string): string => `${collection}/${id}`;

  return {
    async until(collection, id, differs, signal) {
      if (signal.aborted || differs()) return;
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      const stop = (): void => resolve(undefined);
      const wait: Wait = {
        look() {
          try {
            if (differs()) stop();
          } catch (error) {
            reject(error);
          }
        },
        reject,
      };
      const key = toKey(collection, id);
      const waiting = waits.get(key) ?? new Set();
      waits.set(key, waiting.add(wait));
      signal.addEventListener('abort', stop);
      try {
        await promise;
      } finally {
        signal.removeEventListener('abort', stop);
        waiting.delete(wait);
        if (waiting.size === 0 && waits.get(key) === waiting) waits.delete(key);
      }
    },
    hear: (told) => void ears.push(told),
    tell(writes) {
      for (const told of ears) for (const { collection, id } of writes) told(collection, id);
      if (waits.size === 0) return;
      for (const { collection, id } of writes) waits.get(toKey(collection, id))?.forEach(({ look }) => look());
    },
    end(error) {
      for (const waiting of waits.values()) for (const { reject } of waiting) reject(error);
    },
    count: () => [...waits.values()].reduce((sum, { size }) => sum + size, 0),
  };
}
