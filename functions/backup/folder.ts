import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ctx } from '../core/surroundings.ts';
import { ensureFolder, hasCode, syncFolder } from '../files.ts';
import { checkKey, toStoreError, type BackupStore } from './backup-store.ts';

const draft = /^\..+\.tmp$/;

/** A file's text of an answer that is `undefined` only where there is no file. */
async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * Keeps backups in one flat folder (a key's name percent-encoded), 0700, files 0600. `ctx.signal` ends a transfer between two
 * chunks. It deletes by unlinking: on copy-on-write and flash storage the old blocks, which are encrypted, may outlive that.
 */
export function createFolderBackups({ dir }: { readonly dir: string }): BackupStore {
  ensureFolder(dir);
  const pathOf = (key: string): string => {
    checkKey(key);
    return join(dir, encodeURIComponent(key));
  };

  async function attempt<T>(what: string, { signal }: Ctx, act: () => Promise<T>): Promise<T> {
    try {
      signal.throwIfAborted();
      return await act();
    } catch (error) {
      throw signal.aborted ? toStoreError(error, undefined, what, signal) : error;
    }
  }

  async function* read(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const stream = createReadStream(path, { highWaterMark: 256 * 1024, signal });
    try {
      for await (const chunk of stream) yield chunk as Uint8Array;
    } finally {
      stream.destroy();
    }
  }

  return {
    faults: async () => [],

    put: (key, bytes, ctx) =>
      attempt(`store backup ${key}`, ctx, async () => {
        const path = pathOf(key);
        const name = join(dir, `.${randomBytes(12).toString('hex')}.tmp`);
        const file = await open(name, 'wx', 0o600);
        try {
          try {
            for await (const chunk of bytes) {
              ctx.signal.throwIfAborted();
              await file.writeFile(chunk);
            }
            await file.sync();
          } finally {
            await file.close();
          }
          ctx.signal.throwIfAborted();
          await rename(name, path);
        } catch (error) {
          await rm(name, { force: true });
          throw error;
        }
        syncFolder(dir);
      }),

    get: (key, ctx) =>
      attempt(`read backup ${key}`, ctx, async () => {
        const path = pathOf(key);
        return (await unlessAbsent(stat(path))) && read(path, ctx.signal);
      }),

    delete: (key, ctx) =>
      attempt(`delete backup ${key}`, ctx, async () => {
        await rm(pathOf(key), { force: true });
        syncFolder(dir);
      }),

    async *list(prefix, ctx) {
      for (const name of await readdir(dir)) {
        ctx.signal.throwIfAborted();
        if (draft.test(name)) continue;
        const key = decodeURIComponent(name);
        const found = key.startsWith(prefix) ? await unlessAbsent(stat(join(dir, name))) : undefined;
        if (found) yield { key, bytes: found.size };
      }
    },

    clear: (before, ctx) =>
      attempt('clear what cut uploads left', ctx, async () => {
        let cleared = 0;
        for (const name of await readdir(dir)) {
          const found = draft.test(name) ? await unlessAbsent(stat(join(dir, name))) : undefined;
          if (!found || found.mtimeMs >= before) continue;
          await rm(join(dir, name), { force: true });
          cleared += 1;
        }
        return cleared;
      }),
  };
}
