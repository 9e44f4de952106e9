import { existsSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Assignment, HeartbeatReport } from '../../shared/sidecar.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Clock, Log } from '../../functions/core/surroundings.ts';
import { replaceFile, sidecarLog } from '../../functions/providers/infra/local-machine.ts';
import { createConversation } from './conversation.ts';
import { look } from './gateway-health.ts';
import { choosePort } from './gateway-port.ts';
import { createGateway } from './gateway.ts';
import { toConfig } from './openclaw-config.ts';
import { createNudge, followAssignment, sendHeartbeats } from './reporting.ts';
import { serveSecrets, writeResolver } from './resolver.ts';
import type { SecretsReader } from './secrets-reader.ts';
import { createSession } from './session.ts';
import type { Settings } from './settings.ts';
import { removeBootstrap, seedWorkspace } from './workspace.ts';

export interface SidecarOptions {
  readonly settings: Settings;
  readonly reader: SecretsReader;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** Aborts when the machine is told to stop. */
  readonly signal: AbortSignal;
}

const checkMs = 1_000;
const longestLogBytes = 4 * 1024 * 1024;
const longestDetail = 500;

/**
 * Runs one agent's machine until it is told to stop. Throws `forbidden` when the plane has not accepted the machine for too
 * long; the gateway is stopped either way.
 */
export async function runSidecar({ settings, reader, clock, log, signal: stop }: SidecarOptions): Promise<void> {
  const { folder, machine, openclaw, environment } = settings;
  const { uid } = machine;
  const ending = new AbortController();
  const signal = AbortSignal.any([stop, ending.signal]);
  const nudge = createNudge();
  const session = createSession({
    planeUrl: environment.plane.url.replace(/\/$/, ''),
    reader,
    file: join(folder, 'run', 'session'),
    clock,
    log,
  });
  let assignment: Assignment | undefined;
  let port: number | undefined;
  let written: string | undefined;

  function writeConfig(current: Assignment, at: number): void {
    const text = `${JSON.stringify(toConfig({ assignment: current, folder, port: at }), undefined, 2)}\n`;
    // A file that is written again without a change makes OpenClaw reload all the same.
    if (text === written) return;
    const owner = uid === undefined ? { mode: 0o600 } : { mode: 0o640, gid: uid };
    replaceFile(join(folder, 'config', 'openclaw.json'), text, owner);
    written = text;
  }

  const gateway = createGateway({
    habitat: { folder, ...(uid === undefined ? {} : { uid }) },
    openclaw,
    async prepare() {
      if (!assignment) throw new PlaneError('internal', 'cannot start the gateway: there is no assignment; report this');
      writeResolver(folder, openclaw.node, uid);
      seedWorkspace(folder, assignment, uid);
      if (!assignment.introduce) removeBootstrap(folder);
      port = await choosePort(folder);
      writeConfig(assignment, port);
      return port;
    },
    look: (at) => look(at, uid),
    changed: nudge.nudge,
    clock,
    log,
  });
  const conversation = createConversation({
    line: () => (gateway.state().ready && port !== undefined ? { port, uid, reader } : undefined),
    changed: nudge.nudge,
    log,
  });

  function take(next: Assignment): void {
    assignment = next;
    if (port !== undefined) writeConfig(next, port);
    if (!next.introduce) removeBootstrap(folder);
    conversation.follow(next);
    gateway.start();
    nudge.nudge();
  }

  function report(): HeartbeatReport {
    const { live, ready, detail } = gateway.state();
    const said = assignment ? detail : 'waiting for its assignment';
    return {
      version: assignment?.version ?? '',
      live,
      ready,
      ...(said === undefined ? {} : { detail: said.slice(0, longestDetail) }),
      ...conversation.written(),
    };
  }

  /** Fails closed: a machine that the plane no longer accepts must not go on for ever. */
  async function keepWatch(): Promise<void> {
    while (!signal.aborted) {
      if (clock.now() > session.deadline()) {
        throw new PlaneError('forbidden', 'cannot go on: the plane has not accepted this machine for too long; it is provisioned again');
      }
      if (!existsSync(join(folder, 'machine.json'))) {
        throw new PlaneError('notFound', `cannot go on: machine ${folder} is gone; the plane makes another`);
      }
      if ((statSync(sidecarLog(folder), { throwIfNoEntry: false })?.size ?? 0) > longestLogBytes) truncateSync(sidecarLog(folder));
      await sleep(checkMs, undefined, { signal }).catch(() => undefined);
    }
  }

  const secrets = await serveSecrets(reader, uid, log);
  try {
    const { heartbeatMs: intervalMs } = environment;
    await Promise.all([
      keepWatch(),
      followAssignment(session, take, signal, log),
      sendHeartbeats(session, report, { intervalMs, nudge, signal, log }),
      conversation.run(signal),
    ]);
  } finally {
    ending.abort();
    await gateway.stop();
    secrets.close();
  }
}
