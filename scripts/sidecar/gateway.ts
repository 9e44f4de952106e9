import { statSync, truncateSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { toMessage } from '../../functions/core/errors.ts';
import type { Clock, Log } from '../../functions/core/surroundings.ts';
import { gatewayLog } from '../../functions/providers/infra/machine-files.ts';
import type { AsAgent, GatewayRun } from './as-agent.ts';
import type { Health } from './gateway-health.ts';
import type { OpenClaw } from './settings.ts';

export interface GatewayState extends Health {
  readonly detail?: string;
  /** Set while nothing tries to start it: OpenClaw refused its config, or ended too often. */
  readonly fallen?: string;
}

export interface Gateway {
  readonly state: () => GatewayState;
  /** How often it was started again since this sidecar came up. */
  readonly restarts: () => number;
  /** Starts it unless it runs; also after it was given up, since there is a reason to try again. */
  start(): void;
  /** SIGTERM, and SIGKILL when it takes too long; then everything else of the agent's. Until the next `start`. */
  halt(): Promise<void>;
  /** The same for good. */
  stop(): Promise<void>;
}

export interface GatewayOptions {
  readonly folder: string;
  readonly agent: Pick<AsAgent, 'runGateway' | 'endAll'>;
  readonly openclaw: () => OpenClaw;
  /** Writes the config and answers the port in it; called before each start, while nothing runs as the agent. */
  readonly prepare: () => Promise<number>;
  readonly look: (port: number) => Promise<Health>;
  /** Why OpenClaw refuses its config, in its own words. */
  readonly explain: () => Promise<string>;
  readonly changed: () => void;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** OpenClaw's exit code for a config it does not accept: starting again gives the same (EX_CONFIG, facts/openclaw.md §2.3). */
const configRefused = 78;
const lookMs = 2_000;
const quietLookMs = 10_000;
/** How long a gateway that was live may be silent, in milliseconds. */
const silenceMs = 60_000;
/** How long one may take to become live: 75 s were seen on a busy host (facts/openclaw.md §2.4). */
const birthMs = 300_000;
const restartsPerHour = 5;
const firstDelayMs = 1_000;
const longestDelayMs = 300_000;
const longestLogBytes = 4 * 1024 * 1024;

/** The pause before the nth restart within an hour, in milliseconds: 1 s, 4 s, 16 s … at most 5 minutes. */
export const toDelayMs = (nth: number): number => Math.min(firstDelayMs * 4 ** (nth - 1), longestDelayMs);

export function createGateway({ folder, agent, openclaw, prepare, look, explain, changed, clock, log }: GatewayOptions): Gateway {
  let run: GatewayRun | undefined;
  let running: Promise<void> | undefined;
  let halting = new AbortController();
  let stopped = false;
  let starts = 0;
  let exits: number[] = [];
  let state: GatewayState = { live: false, started: false, ready: false };

  function show(next: GatewayState): void {
    const same = (['live', 'started', 'ready', 'detail'] as const).every((key) => next[key] === state[key]);
    state = next;
    if (!same) changed();
  }
  const down = (detail: string, more: Pick<GatewayState, 'fallen'> = {}): void =>
    show({ live: false, started: false, ready: false, detail, ...more });

  function toDetail({ live, started, ready }: Health): { detail?: string } {
    if (ready) return {};
    if (started) return { detail: 'OpenClaw works, but not all of its channels do' };
    return { detail: live ? 'OpenClaw is getting ready' : 'starting OpenClaw' };
  }

  /** Looks at a running gateway until it exits; ends one that has fallen silent. Only /healthz counts. */
  async function watch(port: number, exited: AbortSignal): Promise<void> {
    let wasLive = false;
    let heardAt = clock.now();
    while (!exited.aborted) {
      const health = await look(port);
      if (exited.aborted) return;
      if (health.live) [wasLive, heardAt] = [true, clock.now()];
      else if (clock.now() - heardAt > (wasLive ? silenceMs : birthMs)) {
        log.warn('the gateway is silent and is started again');
        await agent.endAll();
        return;
      }
      show({ ...health, ...toDetail(health) });
      if ((statSync(gatewayLog(folder), { throwIfNoEntry: false })?.size ?? 0) > longestLogBytes) truncateSync(gatewayLog(folder));
      await sleep(health.ready ? quietLookMs : lookMs, undefined, { signal: exited }).catch(() => undefined);
    }
  }

  /** Runs one gateway from start to exit; answers its exit code, null after a signal. */
  async function runOnce(): Promise<number | null> {
    await agent.endAll();
    const port = await prepare();
    if (halting.signal.aborted) return null;
    down('starting OpenClaw');
    starts += 1;
    const exited = new AbortController();
    const started = await agent.runGateway(openclaw(), port);
    run = started;
    const exit = started.exit.finally(() => exited.abort());
    if (halting.signal.aborted) void started.end().catch(() => undefined);
    await Promise.all([exit, watch(port, exited.signal)]);
    run = undefined;
    return exit;
  }

  const fall = (reason: string): void => down(reason, { fallen: reason });

  async function keepRunning(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let code: number | null = null;
      try {
        code = await runOnce();
      } catch (error) {
        log.warn('the gateway could not be run', { error: toMessage(error) });
      }
      if (signal.aborted) return;
      if (code === configRefused) return fall(`OpenClaw refuses its configuration: ${await explain()}`);
      exits = [...exits.filter((at) => at > clock.now() - 3_600_000), clock.now()];
      if (exits.length > restartsPerHour)
        return fall(`OpenClaw ended ${exits.length} times within an hour and was given up; restart the agent`);
      down(`OpenClaw ended${code === null ? '' : ` with code ${code}`} and is started again`);
      await sleep(toDelayMs(exits.length), undefined, { signal }).catch(() => undefined);
    }
  }

  async function halt(): Promise<void> {
    halting.abort();
    await run?.end();
    await running;
    await agent.endAll();
    down('stopped');
  }

  return {
    state: () => state,
    restarts: () => Math.max(0, starts - 1),
    start() {
      if (stopped || running) return;
      halting = new AbortController();
      running = keepRunning(halting.signal).finally(() => (running = undefined));
    },
    halt,
    async stop() {
      stopped = true;
      await halt();
    },
  };
}
