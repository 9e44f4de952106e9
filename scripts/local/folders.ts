import { randomBytes } from 'node:crypto';
import { accessSync, chmodSync, constants, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../../functions/config.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { ensureFolder, readIfPresent, writeFileAtomic } from '../../functions/files.ts';

export interface Folders {
  /** The name of the data folder for good: letters and digits. */
  readonly instance: string;
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
  // A draft of the instance file is what a crash in the first start leaves.
  const names = readdirSync(path).filter((name) => !name.startsWith('.instance.'));
  if (names.length > 0 && !names.includes('instance')) {
    throw new PlaneError(
      'invalid',
      `cannot keep data in ${path}: the folder holds something else; choose an empty or a new one with --data`,
    );
  }
}

/**
 * Makes the folders of an embedded plane. Agents with users of their own must be able to reach their machines: where a folder
 * above the data is closed to others (a home folder often is), machines live in the host's folder instead.
 */
export function openFolders({ dataDir, keysDir, hostDir, cacheDir, separateUsers }: Config): Folders {
  makeDataFolder(dataDir);
  const instance = instanceOf(dataDir);
  // A folder that was there keeps its mode where it can: somebody chose it, and it may be one that all users share.
  if (separateUsers && (statSync(dataDir).mode & 0o001) === 0) chmodSync(dataDir, 0o711);
  const inData = !separateUsers || isPassable(dataDir);
  const machines = inData ? join(dataDir, 'machines') : join(hostDir, 'machines', instance);
  const shared = [hostDir, cacheDir, ...(inData ? [] : [dirname(machines)]), machines];
  for (const folder of shared) ensureFolder(folder);
  if (separateUsers) for (const folder of shared) chmodSync(folder, 0o711);
  const grants = join(keysDir, instance, 'grants');
  ensureFolder(grants);
  return { instance, data: dataDir, keys: join(keysDir, instance, 'keys'), grants, machines, host: hostDir, runtime: cacheDir };
}
