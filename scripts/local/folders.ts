import { randomBytes } from 'node:crypto';
import { accessSync, chmodSync, constants, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../../functions/config.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { ensureFolder, readIfPresent, writeFileAtomic } from '../../functions/files.ts';

export interface Folders {
  readonly data: string;
  readonly keys: string;
  readonly grants: string;
  readonly machines: string;
  readonly host: string;
  readonly runtime: string;
}

/** True where any user of this machine may pass through a folder and all above it. */
function isPassable(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** The name of this data folder for good, wherever it is moved: its keys are kept under it. */
function instanceOf(dataDir: string): string {
  const file = join(dataDir, 'instance');
  const found = readIfPresent(file)?.toString().trim();
  if (found !== undefined) return found;
  const made = randomBytes(8).toString('hex');
  writeFileAtomic(file, `${made}\n`, 0o600);
  return made;
}

function makeDataFolder(path: string): void {
  try {
    ensureFolder(path);
    accessSync(path, constants.W_OK);
  } catch (cause) {
    throw new PlaneError('invalid', `cannot keep data in ${path}: the folder cannot be written; choose another with --data`, { cause });
  }
}

/**
 * Makes the folders of an embedded plane. Agents with users of their own must be able to reach their machines: where a folder
 * above the data is closed to others (a home folder often is), machines live in the host's folder instead.
 */
export function openFolders({ dataDir, keysDir, hostDir, cacheDir, separateUsers }: Config): Folders {
  makeDataFolder(dataDir);
  const instance = instanceOf(dataDir);
  if (separateUsers) chmodSync(dataDir, 0o711);
  const inData = !separateUsers || isPassable(dataDir);
  const machines = inData ? join(dataDir, 'machines') : join(hostDir, 'machines', instance);
  for (const folder of [hostDir, cacheDir, machines]) ensureFolder(folder);
  if (separateUsers) for (const folder of [hostDir, cacheDir, dirname(machines), machines]) chmodSync(folder, 0o711);
  const grants = join(keysDir, instance, 'grants');
  ensureFolder(grants);
  return { data: dataDir, keys: join(keysDir, instance, 'keys'), grants, machines, host: hostDir, runtime: cacheDir };
}
