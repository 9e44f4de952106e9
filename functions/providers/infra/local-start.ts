import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { PlaneError, toMessage } from '../../core/errors.ts';
import type { AgentInstance } from '../../core/providers.ts';
import type { Json, Log } from '../../core/surroundings.ts';
import { frozenMark, sidecarLog, writeMachine, type Machine } from './local-machine.ts';
import { findInhabitants } from './local-processes.ts';
import type { Installation, OpenClaw } from './openclaw-install.ts';

export interface Starter {
  /** Starts the machine's sidecar unless it runs or is frozen, or once OpenClaw is installed. */
  start(machine: Machine): Promise<void>;
  /** The machine no longer waits for the installation. */
  forget(agentId: string): void;
  /** What a machine without a sidecar is: on its way, or stopped. */
  outlook(agentId: string): Pick<AgentInstance, 'state' | 'detail'>;
}

export interface StarterOptions {
  readonly installation: Installation;
  readonly sidecar: { readonly bundle: string; readonly environment: Json };
  readonly folderOf: (agentId: string) => string;
  readonly log: Log;
  /** Looks at a machine again, in turn with the other verbs on it, and starts it if it is still there. */
  readonly resume: (agentId: string, start: (machine: Machine) => Promise<void>) => Promise<void>;
}

/** The sidecar has little to do; without a just-in-time compiler it keeps a third less memory of its own. */
const sidecarFlags = ['--lite-mode', '--max-old-space-size=32', '--max-semi-space-size=1', '--disable-warning=ExperimentalWarning'];

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** After a failed installation the next one waits, doubling from the first to the longest, in milliseconds. */
const firstPauseMs = 5_000;
const longestPauseMs = 300_000;

const withoutOffers = ({ offers: _offers, ...machine }: Machine): Machine => machine;

export function createStarter({ installation, sidecar, folderOf, log, resume }: StarterOptions): Starter {
  const waiting = new Set<string>();
  let installing: Promise<void> | undefined;
  let progress = '';
  let failures = 0;
  let pausedUntil = 0;
  let failure = '';

  async function startSidecar(machine: Machine, openclaw: OpenClaw): Promise<void> {
    const { agentId, uid } = machine;
    const folder = folderOf(agentId);
    const habitat = { folder, ...(uid === undefined ? {} : { uid }) };
    if (existsSync(frozenMark(folder)) || findInhabitants(habitat).sidecars.length > 0) return;
    // What it was started with before stays within reach: the sidecar goes on with the one that its state was made under.
    const former = machine.openclaw ? [machine.openclaw] : [];
    const others = [...(machine.offers ?? []), ...former].filter(({ version }, at, all) => {
      const last = all.findLastIndex((other) => other.version === version) === at;
      return last && version !== openclaw.version;
    });
    const offers = others.length === 0 ? {} : { offers: others };
    writeMachine(folder, { ...withoutOffers(machine), openclaw, ...offers, environment: sidecar.environment });
    const output = openSync(sidecarLog(folder), 'a', 0o600);
    try {
      // In a session of its own and with a file for its output, so that it outlives this process; nothing of our environment goes along.
      const child = spawn(openclaw.node, [...sidecarFlags, sidecar.bundle, folder], {
        cwd: folder,
        detached: true,
        env: { PATH: `${dirname(openclaw.node)}:${systemPath}` },
        stdio: ['ignore', output, output],
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      child.unref();
    } catch (cause) {
      throw new PlaneError('internal', `cannot start machine ${agentId}: ${toMessage(cause)}; check ${openclaw.node}`, { cause });
    } finally {
      closeSync(output);
    }
  }

  async function startWaiting(openclaw: OpenClaw): Promise<void> {
    for (const agentId of [...waiting]) {
      if (!waiting.delete(agentId)) continue;
      await resume(agentId, (machine) => startSidecar(machine, openclaw)).catch((error: unknown) =>
        log.warn(`machine ${agentId} did not start`, { error: toMessage(error) }),
      );
    }
  }

  async function install(): Promise<void> {
    progress = 'installing OpenClaw (npm, once per host)';
    try {
      const openclaw = await installation.ensure((detail) => (progress = detail));
      [failures, pausedUntil] = [0, 0];
      while (waiting.size > 0) await startWaiting(openclaw);
    } catch (error) {
      failure = toMessage(error);
      pausedUntil = Date.now() + Math.min(firstPauseMs * 2 ** failures, longestPauseMs);
      failures += 1;
      waiting.clear();
      log.warn(failure);
    }
  }

  return {
    async start(machine) {
      const openclaw = installation.ready();
      if (openclaw) return startSidecar(machine, openclaw);
      if (Date.now() < pausedUntil) return;
      waiting.add(machine.agentId);
      installing ??= install().finally(() => (installing = undefined));
    },
    forget: (agentId) => void waiting.delete(agentId),
    outlook(agentId) {
      if (waiting.has(agentId)) return { state: 'preparing', detail: progress };
      // In the pause after a failure nobody should start it again at once.
      if (Date.now() < pausedUntil) return { state: 'preparing', detail: failure };
      return { state: 'stopped', ...(failures === 0 ? {} : { detail: failure }) };
    },
  };
}
