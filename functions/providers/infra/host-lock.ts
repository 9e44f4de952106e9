import { chmodSync, existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

export interface HostLock {
  release(): void;
}

/**
 * Takes a lock that only one process of this host can hold, or answers `undefined` when another one holds it. SQLite locks
 * with fcntl: the kernel drops the lock when its process dies, however it dies, and children do not inherit it, so there is
 * never a stale lock to break. Nothing else may open the file: closing any descriptor of it in this process drops the lock.
 */
export function takeLock(path: string): HostLock | undefined {
  const fresh = !existsSync(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    if (fresh) chmodSync(path, 0o600);
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}

/** SQLITE_BUSY (sqlite.org/rescode.html). */
const isBusy = (error: unknown): boolean => typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === 5;
