import { PlaneError, toMessage } from '../../core/errors.ts';
import type { Log } from '../../core/surroundings.ts';
import { createInstallation, listVersions, type Installation } from './openclaw-install.ts';

export interface VersionsOptions {
  readonly manifestDir: string;
  readonly runtimeDir: string;
  readonly log: Log;
  /** Another installation than npm's, for tests. */
  readonly installation?: Installation;
  readonly installationOf?: (version: string) => Installation;
  readonly known?: readonly string[];
}

/** The versions of OpenClaw that this host can hold side by side. */
export function createVersions(options: VersionsOptions) {
  const { log } = options;
  const standard = options.installation ?? createInstallation(options);
  const make = options.installationOf ?? ((version: string) => createInstallation({ ...options, version }));
  const made = new Map<string, Installation>();

  /** Throws `preconditionFailed` for one that is not pinned. */
  function find(version: string): Installation {
    const installation = made.get(version) ?? make(version);
    made.set(version, installation);
    return installation;
  }

  return {
    list: (): readonly string[] => options.known ?? listVersions(options.manifestDir),
    find,
    /** What a machine comes up with: the version it is to have, or the host's own where that one is pinned no more. */
    of(version: string | undefined): Installation {
      if (version === undefined) return standard;
      try {
        return find(version);
      } catch (error) {
        if (!(error instanceof PlaneError) || error.code !== 'preconditionFailed') throw error;
        log.warn(`${toMessage(error)}; the machine gets this host's own`);
        return standard;
      }
    },
  };
}
