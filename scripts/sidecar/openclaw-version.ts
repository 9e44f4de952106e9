import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlaneError } from '../../functions/core/errors.ts';
import { replaceFile } from '../../functions/providers/infra/machine-files.ts';
import { isMissing } from '../../functions/providers/infra/system-error.ts';
import { readSettings, type OpenClaw, type Settings } from './settings.ts';

const chosenFile = (folder: string): string => join(folder, 'run', 'openclaw');

export interface OpenClawChoice {
  /** The OpenClaw in force. */
  readonly current: () => OpenClaw;
  /** The one of a version that the plane has named for this machine and the host holds. Throws `preconditionFailed` for all else. */
  find(version: string): OpenClaw;
  use(openclaw: OpenClaw): void;
  /** Makes the one in force that of every later start. */
  keep(): void;
}

/**
 * Which OpenClaw a machine runs: the one it was first started with, until an upgrade has gone well; a host that offers another
 * one by default changes nothing. One whose files are gone gives way to the host's default.
 */
export function chooseOpenClaw({ folder, openclaw: standard, machine }: Settings): OpenClawChoice {
  const isThere = ({ node, entry }: OpenClaw): boolean => existsSync(node) && existsSync(entry);

  function readChosen(): string | undefined {
    try {
      return readFileSync(chosenFile(folder), 'utf8').trim();
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }
  const chosen = readChosen();
  let current = [standard, ...machine.offers].find((offer) => offer.version === chosen && isThere(offer)) ?? standard;
  const keep = (): void => replaceFile(chosenFile(folder), current.version, { mode: 0o600 });
  if (current.version !== chosen) keep();

  return {
    current: () => current,
    find(version) {
      // Read again: the plane may have named it after this sidecar came up.
      const { openclaw, machine: now } = readSettings(folder);
      const found = [openclaw, ...now.offers].find((offer) => offer.version === version && isThere(offer));
      if (found) return found;
      const fact = `version ${version} is not installed on this host`;
      throw new PlaneError('preconditionFailed', `cannot upgrade OpenClaw: ${fact}; have the plane install it first`);
    },
    use: (next) => void (current = next),
    keep,
  };
}
