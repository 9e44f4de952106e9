import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, statSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toMessage } from '../../functions/core/errors.ts';
import type { Clock, Log } from '../../functions/core/surroundings.ts';
import { gatewayLog } from '../../functions/providers/infra/local-machine.ts';
import { killAgent, type Habitat } from '../../functions/providers/infra/local-processes.ts';
import type { Health } from './gateway-health.ts';

export interface GatewayState extends Health {
  readonly detail?: string;
}

export interface Gateway {
  readonly state: () => GatewayState;
  /** Starts it unless it runs; also after it was given up, since there is a reason to try again. */
  start(): void;
  /** SIGTERM, and SIGKILL when it takes too long; then everything else of the agent's. */
  stop(): Promise<void>;
}

export interface GatewayOptions {
  readonly habitat: Habitat;
  readonly openclaw: { readonly node: string; readonly entry: string };
  /** Writes the config and answers the port in it; called before each start, while nothing runs as the agent. */
  readonly prepare: () => Promise<number>;
  readonly look: (port: number) => Promise<Health>;
  readonly changed: () => void;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** OpenClaw's exit code for a config it does not accept: starting again gives the same (EX_CONFIG, facts/openclaw.md §2.3). */
const configRefused = 78;
const stopMs = 10_000;
const lookMs = 2_000;
const quietLookMs = 10_000;
/** How long a gateway that was live may be silent, in milliseconds. */
const silenceMs = 60_000;
const exitsPerHour = 5;
const longestDelayMs = 60_000;
const longestLogBytes = 4 * 1024 * 1024;
/** Processes and threads one agent's uid may have. */
const mostTasks = 1_024;

/** What the gateway starts with; nothing is inherited (facts/openclaw.md §2.2). */
function toEnvironment(folder: string, node: string): Record<string, string> {
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

export function createGateway({ habitat, openclaw, prepare, look, changed, clock, log }: GatewayOptions): Gateway {
  const { folder, uid } = habitat;
  let child: ChildProcess | undefined;
  let running: Promise<void> | undefined;
  let stopping = false;
  let state: GatewayState = { live: false, ready: false };

  function show(next: GatewayState): void {
    const same = next.live === state.live && next.ready === state.ready && next.detail === state.detail;
    state = next;
    if (!same) changed();
  }
  const down = (detail: string): void => show({ live: false, ready: false, detail });

  function launch(): ChildProcess {
    const [command = '', ...args] = toCommand(uid, [openclaw.node, openclaw.entry, 'gateway']);
    const output = openSync(gatewayLog(folder), 'a', 0o600);
    try {
      const cwd = join(folder, 'workspace');
      return spawn(command, args, { cwd, env: toEnvironment(folder, openclaw.node), stdio: ['ignore', 'ignore', output], detached: true });
    } finally {
      closeSync(output);
    }
  }

  /** Looks at a running gateway until it exits; ends one that has fallen silent. */
  async function watch(port: number, exited: AbortSignal): Promise<void> {
    let lastLive: number | undefined;
    while (!exited.aborted) {
      const health = await look(port);
      if (exited.aborted) return;
      if (health.live) lastLive = clock.now();
      else if (lastLive !== undefined && clock.now() - lastLive > silenceMs) {
        log.warn('the gateway has fallen silent and is started again');
        await killAgent(habitat);
        return;
      }
      show({ ...health, ...(health.ready ? {} : { detail: health.live ? 'OpenClaw is getting ready' : 'starting OpenClaw' }) });
      if (statSync(gatewayLog(folder)).size > longestLogBytes) truncateSync(gatewayLog(folder));
      await sleep(health.ready ? quietLookMs : lookMs, undefined, { signal: exited }).catch(() => undefined);
    }
  }

  /** Runs one gateway from start to exit; answers its exit code, null after a signal. */
  async function runOnce(): Promise<number | null> {
    await killAgent(habitat);
    const port = await prepare();
    if (stopping) return null;
    down('starting OpenClaw');
    const started = launch();
    child = started;
    const exited = new AbortController();
    const exit = new Promise<number | null>((resolve) => {
      started.once('exit', resolve);
      started.once('error', (error) => {
        log.warn('the gateway did not start', { error: toMessage(error) });
        resolve(null);
      });
    }).finally(() => exited.abort());
    await Promise.all([exit, watch(port, exited.signal)]);
    child = undefined;
    return exit;
  }

  async function keepRunning(): Promise<void> {
    const exits: number[] = [];
    while (!stopping) {
      let code: number | null = null;
      try {
        code = await runOnce();
      } catch (error) {
        log.warn('the gateway could not be run', { error: toMessage(error) });
      }
      if (stopping) return;
      if (code === configRefused) return down('OpenClaw does not accept its config; this is a fault of the plane');
      exits.push(clock.now());
      const recent = exits.filter((at) => at > clock.now() - 3_600_000);
      if (recent.length > exitsPerHour)
        return down(`OpenClaw ended ${recent.length} times within an hour and was given up; restart the agent`);
      down(`OpenClaw ended${code === null ? '' : ` with code ${code}`} and is started again`);
      await sleep(Math.min(1_000 * 4 ** (recent.length - 1), longestDelayMs));
    }
  }

  return {
    state: () => state,
    start() {
      if (stopping) return;
      running ??= keepRunning().finally(() => (running = undefined));
    },
    async stop() {
      stopping = true;
      const ending = child;
      if (ending && ending.exitCode === null && ending.signalCode === null) {
        const exit = new Promise<void>((resolve) => ending.once('exit', () => resolve()));
        ending.kill('SIGTERM');
        const patience = setTimeout(() => ending.kill('SIGKILL'), stopMs);
        await exit;
        clearTimeout(patience);
      }
      await killAgent(habitat);
      down('stopped');
    },
  };
}
