import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/*
 * Files that survive a crash. Everything is synchronous, so that one process never sees its own half-done work; what a
 * function here did is on the disk when it returns.
 */

/** By code and not by class: errors of node:fs are of another realm inside jest. */
export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && codes.some((code) => code === error.code);

const temporary = /^\..+\.tmp$/;

function withFile<T>(path: string, flags: string | number, mode: number, use: (fd: number) => T): T {
  const fd = openSync(path, flags, mode);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes what was created, renamed or removed in a folder last. */
export function syncFolder(path: string): void {
  withFile(path, 'r', 0, fsyncSync);
}

/** Makes a folder and its parents, each for its owner alone; folders that are there keep their mode. */
export function ensureFolder(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = resolve(path); made.length >= resolve(first).length; made = dirname(made)) syncFolder(dirname(made));
}

/** The content of a file, `undefined` only when there is none. */
export function readIfPresent(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Replaces a file at once: a crash leaves the old content or the new, and at most a leftover that `removeLeftovers` finds. */
export function writeFileAtomic(path: string, data: string | Uint8Array, mode: number): void {
  const folder = dirname(path);
  const draft = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    withFile(draft, 'wx', mode, (fd) => {
      fchmodSync(fd, mode);
      writeFileSync(fd, data);
      fsyncSync(fd);
    });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/**
 * Overwrites a file and removes it; absent is fine. On copy-on-write and flash storage the old blocks may outlive this, so
 * what matters must have been encrypted to a key of its own.
 */
export function destroyFile(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (found.isFile()) {
    withFile(path, constants.O_RDWR | constants.O_NOFOLLOW, 0, (fd) => {
      writeFileSync(fd, randomBytes(fstatSync(fd).size));
      fsyncSync(fd);
    });
  }
  unlinkSync(path);
  syncFolder(dirname(path));
}

/** Destroys what writers that crashed left in a folder. Only the folder's one writer may call it. */
export function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) if (temporary.test(name)) destroyFile(join(folder, name));
}

/** Removes a folder with all it holds; absent is fine. */
export function removeTree(path: string): void {
  if (!lstatSync(path, { throwIfNoEntry: false })) return;
  rmSync(path, { recursive: true, force: true });
  syncFolder(dirname(path));
}
