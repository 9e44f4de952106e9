import { PlaneError, type ErrorCode } from '../core/errors.ts';

/** By primary result code of SQLite (sqlite.org/rescode.html) or errno of the file system: what an operator can do about it. */
const sentences: Readonly<Record<string, { readonly code: ErrorCode; readonly says: string }>> = {
  5: { code: 'conflict', says: 'another process has it open; stop that one first' },
  8: { code: 'forbidden', says: 'it cannot be written; let this user write the file and its folder' },
  10: { code: 'unavailable', says: 'the disk failed to read or write it; check the disk' },
  11: { code: 'internal', says: 'it is damaged; stop the plane and put a backup back' },
  13: { code: 'unavailable', says: 'the disk is full; free some space' },
  14: { code: 'forbidden', says: 'it or its folder cannot be opened; let this user write both' },
  26: { code: 'conflict', says: 'it is not a store or its first page is damaged; name another file or put a backup back' },
  EACCES: { code: 'forbidden', says: 'its folder cannot be written; let this user write it or name another' },
  EEXIST: { code: 'conflict', says: 'a file stands where its folder would be; name another' },
  EISDIR: { code: 'conflict', says: 'it is a folder; name a file' },
  ENOENT: { code: 'forbidden', says: 'its folder cannot be made; name another' },
  ENOSPC: { code: 'unavailable', says: 'the disk is full; free some space' },
  ENOTDIR: { code: 'conflict', says: 'a file stands where its folder would be; name another' },
  EPERM: { code: 'forbidden', says: 'its folder cannot be written; let this user write it or name another' },
  EROFS: { code: 'forbidden', says: 'its disk is mounted read-only; name a folder that can be written' },
};

/** The primary result code of an error from SQLite; extended codes hold it in their low byte. */
export function toResultCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

function toErrno(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** Says in plain words why something could not be done with a file. */
export function toPlaneError(error: unknown, verb: string, file: string): PlaneError {
  if (error instanceof PlaneError) return error;
  const { code, says } = sentences[toResultCode(error) ?? toErrno(error)] ?? { code: 'internal', says: String(error) };
  return new PlaneError(code, `cannot ${verb} store ${file}: ${says}`, { cause: error });
}

/** Runs something on a file and says in plain words why it failed. */
export function explaining<T>(verb: string, file: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw toPlaneError(error, verb, file);
  }
}
