import { existsSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Assignment, HeartbeatReport, Usage, WhatsappState } from '../../shared/sidecar.ts';
import { gatewayTokenName } from '../../shared/sidecar-names.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Clock, Log } from '../../functions/core/surroundings.ts';
import { killAgent, type Habitat } from '../../functions/providers/infra/local-processes.ts';
import { gatewayLog, sidecarLog } from '../../functions/providers/infra/machine-files.ts';
import { createConversation, takeTurn, type Line } from './conversation.ts';
import { createErrands } from './errands.ts';
import { findErrand } from './errands/index.ts';
import type { Scene, SecretsInForce } from './errands/scene.ts';
import { look } from './gateway-health.ts';
import { createGateway } from './gateway.ts';
import { createInstalled } from './installed.ts';
import { openJournal } from './journal.ts';
import { findConfigFault } from './openclaw-cli.ts';
import { chooseOpenClaw } from './openclaw-version.ts';
import { createReadCount } from './read-count.ts';
import { createNudge, followAssignment, sendHeartbeats } from './reporting.ts';
import { serveRequests } from './requests.ts';
import { serveSecrets } from './resolver.ts';
import type { SecretsReader } from './secrets-reader.ts';
import { createSession } from './session.ts';
import type { Settings } from './settings.ts';
import { dropFresh, swapBack } from './swap.ts';
import { followUsage } from './usage.ts';

export interface SidecarOptions {
  readonly settings: Settings;
  readonly reader: SecretsReader;
  /** The sidecar's own bundle. */
  readonly program: string;
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
export async function runSidecar({ settings, reader: secretsReader, program, clock, log, signal: stop }: SidecarOptions): Promise<void> {
  const { folder, machine, environment } = settings;
  const { uid } = machine;
  const habitat: Habitat = { folder, ...(uid === undefined ? {} : { uid }) };
  const ending = new AbortController();
  const signal = AbortSignal.any([stop, ending.signal]);
  const { nudge, ...nudged } = createNudge();
  const reads = createReadCount(clock.now(), gatewayLog(folder));
  const reader = reads.of('sidecar', secretsReader);
  const journal = openJournal(join(folder, 'run', 'journal'));
  const openclaw = chooseOpenClaw(settings);
  const installed = createInstalled(folder, uid);
  const session = createSession({
    planeUrl: environment.plane.url.replace(/\/$/, ''),
    reader,
    file: join(folder, 'run', 'session'),
    clock,
    log,
  });
  let assignment: Assignment | undefined;
  let secrets: SecretsInForce = { version: '', token: '' };
  let whatsapp: WhatsappState | undefined;
  let usage: Usage | undefined;

  const gateway = createGateway({
    habitat,
    openclaw: openclaw.current,
    async prepare() {
      const port = await installed.prepare(assignment, openclaw.current().node);
      const { [gatewayTokenName]: token = '' } = await reader.read([gatewayTokenName]);
      secrets = { version: assignment?.secretsVersion ?? '', token };
      return port;
    },
    look: (at) => look(at, uid),
    explain: async () => (await findConfigFault(openclaw.current(), habitat)) ?? 'it does not say why',
    changed: nudge,
    clock,
    log,
  });

  function line(): Line | undefined {
    const port = installed.port();
    return gateway.state().started && port !== undefined ? { port, uid, reader } : undefined;
  }
  const conversation = createConversation({ line, changed: nudge, journal, log });

  function orFail<T>(value: T | undefined, fact: string): T {
    if (value === undefined) throw new PlaneError('unavailable', fact);
    return value;
  }
  const scene: Scene = {
    ...{ habitat, gateway, session, reader, openclaw, program, clock, turn: takeTurn },
    assignment: () => orFail(assignment, 'cannot do this yet: the machine has no assignment'),
    line: () => orFail(line(), 'cannot do this now: OpenClaw takes no turns; ask again when it is well'),
    secretsInForce: () => secrets,
    setSecretsInForce: (next) => void (secrets = next),
    showWhatsapp(next) {
      whatsapp = next;
      nudge();
    },
  };
  const errands = createErrands({ find: (kind) => findErrand(kind, scene), journal, changed: nudge, log });

  function take(next: Assignment): void {
    assignment = next;
    installed.follow(next);
    conversation.follow(next);
    errands.follow(next);
    gateway.start();
    nudge();
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
      results: errands.results(),
      secretsVersion: live ? secrets.version : '',
      restarts: gateway.restarts(),
      openclaw: openclaw.current().version.slice(0, 50),
      ...(whatsapp ? { whatsapp } : {}),
      ...(usage ? { usage } : {}),
      secretReads: reads.told(),
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

  // A swap that the former sidecar did not decide is undone, while nothing runs as the agent.
  await killAgent(habitat);
  swapBack(habitat);
  await dropFresh(habitat);
  const doors = [
    await serveSecrets(reads.of('agent', secretsReader), uid, log, reads.refuse),
    await serveRequests(session, uid, signal, log),
  ];
  try {
    const { heartbeatMs: intervalMs } = environment;
    await Promise.all([
      keepWatch(),
      followAssignment(session, take, signal, log),
      sendHeartbeats(session, report, { intervalMs, nudge: { nudge, ...nudged }, signal, log }),
      conversation.run(signal),
      errands.run(signal),
      followUsage(line, (told) => void (usage = told), signal),
    ]);
  } finally {
    ending.abort();
    await gateway.stop();
    for (const door of doors) door.close();
  }
}
