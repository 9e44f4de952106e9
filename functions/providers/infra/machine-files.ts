import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/* The files of a machine that its provider and its sidecar both name. The sidecar bundles this file, so it imports Node alone. */

export const frozenMark = (folder: string): string => join(folder, 'run', 'frozen');
export const sidecarLock = (folder: string): string => join(folder, 'run', 'sidecar.lock');
export const sidecarLog = (folder: string): string => join(folder, 'run', 'sidecar.log');
export const gatewayLog = (folder: string): string => join(folder, 'run', 'gateway.log');

/** Writes a file so that a reader sees the old text or the new one, never a part. */
export function replaceFile(path: string, text: string, options: { readonly mode: number; readonly gid?: number }): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
    if (options.gid !== undefined) chownSync(draft, process.geteuid?.() ?? 0, options.gid);
    chmodSync(draft, options.mode);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
