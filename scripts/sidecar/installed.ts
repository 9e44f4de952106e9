import { dirname, join } from 'node:path';
import type { Assignment } from '../../shared/sidecar.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { replaceFile } from '../../functions/providers/infra/machine-files.ts';
import type { AsAgent } from './as-agent.ts';
import { choosePort } from './gateway-port.ts';
import { toConfig } from './openclaw-config.ts';
import type { ChannelPlugin } from './settings.ts';
import { pluginFolder, writePlugin } from './plugin.ts';
import { writeResolver } from './resolver.ts';
import { removeBootstrap, seedWorkspace } from './workspace.ts';

export interface Installed {
  readonly port: () => number | undefined;
  /** Brings the files of a running machine to what the assignment says. */
  follow(assignment: Assignment): Promise<void>;
  /** The same before a start, while nothing runs as the agent; answers the gateway's port. */
  prepare(assignment: Assignment | undefined, node: string): Promise<number>;
}

export interface InstalledOptions {
  readonly folder: string;
  readonly uid: number | undefined;
  readonly agent: AsAgent;
  /** The plugins that the host holds for the OpenClaw in force. */
  readonly plugins: () => readonly ChannelPlugin[];
  /** The sidecar's own bundle. */
  readonly program: string;
}

/** The files on the machine that are the plane's: config, resolver, plugin, and the agent's first ones. */
export function createInstalled({ folder, uid, agent, program, plugins }: InstalledOptions): Installed {
  // Beside the sidecar it is root's, as OpenClaw wants it.
  const plugin = agent.laysPrograms ? pluginFolder(folder) : join(dirname(program), 'plugin');
  let port: number | undefined;
  let written: string | undefined;
  let introduced = false;

  function writeConfig(assignment: Assignment, at: number): void {
    const text = `${JSON.stringify(toConfig({ assignment, folder, plugin, port: at, channelPlugins: plugins() }), undefined, 2)}\n`;
    // A file that is written again without a change makes OpenClaw reload all the same.
    if (text === written) return;
    replaceFile(join(folder, 'config', 'openclaw.json'), text, uid === undefined ? { mode: 0o600 } : { mode: 0o640, gid: uid });
    written = text;
  }
  async function endIntroduction({ introduce }: Assignment): Promise<void> {
    if (!introduce && !introduced) await removeBootstrap(folder, agent);
    introduced = !introduce;
  }
  return {
    port: () => port,
    async follow(assignment) {
      if (port !== undefined) writeConfig(assignment, port);
      await endIntroduction(assignment);
    },
    async prepare(assignment, node) {
      if (!assignment) throw new PlaneError('internal', 'cannot start the gateway: there is no assignment; report this');
      if (agent.laysPrograms) {
        writeResolver(folder, node, uid);
        writePlugin(plugin);
      }
      await seedWorkspace(folder, assignment, agent);
      await endIntroduction(assignment);
      port = await choosePort(folder);
      writeConfig(assignment, port);
      return port;
    },
  };
}
