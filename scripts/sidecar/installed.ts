import { join } from 'node:path';
import type { Assignment } from '../../shared/sidecar.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { replaceFile } from '../../functions/providers/infra/machine-files.ts';
import { choosePort } from './gateway-port.ts';
import { toConfig } from './openclaw-config.ts';
import { writePlugin } from './plugin.ts';
import { writeResolver } from './resolver.ts';
import { removeBootstrap, seedWorkspace } from './workspace.ts';

export interface Installed {
  readonly port: () => number | undefined;
  /** Brings the files of a running machine to what the assignment says. */
  follow(assignment: Assignment): void;
  /** The same before a start, while nothing runs as the agent; answers the gateway's port. */
  prepare(assignment: Assignment | undefined, node: string): Promise<number>;
}

/** The files on the machine that are the plane's: config, resolver, plugin, and the agent's first ones. */
export function createInstalled(folder: string, uid: number | undefined): Installed {
  let port: number | undefined;
  let written: string | undefined;

  function writeConfig(assignment: Assignment, at: number): void {
    const text = `${JSON.stringify(toConfig({ assignment, folder, port: at }), undefined, 2)}\n`;
    // A file that is written again without a change makes OpenClaw reload all the same.
    if (text === written) return;
    replaceFile(join(folder, 'config', 'openclaw.json'), text, uid === undefined ? { mode: 0o600 } : { mode: 0o640, gid: uid });
    written = text;
  }
  return {
    port: () => port,
    follow(assignment) {
      if (port !== undefined) writeConfig(assignment, port);
      if (!assignment.introduce) removeBootstrap(folder);
    },
    async prepare(assignment, node) {
      if (!assignment) throw new PlaneError('internal', 'cannot start the gateway: there is no assignment; report this');
      writeResolver(folder, node, uid);
      writePlugin(folder);
      seedWorkspace(folder, assignment, uid);
      if (!assignment.introduce) removeBootstrap(folder);
      port = await choosePort(folder);
      writeConfig(assignment, port);
      return port;
    },
  };
}
