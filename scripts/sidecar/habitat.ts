import { dirname, join } from 'node:path';
import type { OpenClaw } from './settings.ts';

/** Processes and threads one agent's uid may have. */
const mostTasks = 1_024;

/** What OpenClaw starts with; nothing is inherited (facts/openclaw.md §2.2). */
export function toEnvironment(folder: string, { node }: OpenClaw): Record<string, string> {
  return {
    HOME: join(folder, 'home'),
    TMPDIR: join(folder, 'tmp'),
    PATH: `${dirname(node)}:/usr/local/bin:/usr/bin:/bin`,
    LANG: 'C.UTF-8',
    NODE_ENV: 'production',
    OPENCLAW_STATE_DIR: join(folder, 'state'),
    OPENCLAW_CONFIG_PATH: join(folder, 'config', 'openclaw.json'),
    OPENCLAW_WORKSPACE_DIR: join(folder, 'workspace'),
    OPENCLAW_CONFIG_READONLY: '1',
    OPENCLAW_NO_RESPAWN: '1',
    OPENCLAW_NO_AUTO_UPDATE: '1',
    OPENCLAW_DISABLE_BONJOUR: '1',
  };
}

/** The command that becomes the agent: its uid and gid, no other group, no capability, none to be had. */
export function toCommand(uid: number | undefined, command: readonly string[]): readonly string[] {
  if (uid === undefined) return command;
  const identity = ['--reuid', String(uid), '--regid', String(uid), '--clear-groups', '--no-new-privs', '--bounding-set=-all'];
  return ['prlimit', `--nproc=${mostTasks}`, '--core=0', 'setpriv', ...identity, '--inh-caps=-all', ...command];
}
