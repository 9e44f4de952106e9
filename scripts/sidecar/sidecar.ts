import { existsSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Assignment, HeartbeatReport, Usage, WhatsappState } from '../../shared/sidecar.ts';
import { gatewayTokenName } from '../../shared/sidecar-names.ts';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import type { Clock, Log } from '../../functions/core/surroundings.ts';
import type { Habitat } from '../../functions/providers/infra/local-processes.ts';
import { gatewayLog, sidecarLog } from '../../functions/providers/infra/machine-files.ts';
import { createChildren } from './as-agent.ts';
import { missingOf } from './channel-config.ts';
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
import { openSecrets } from './plane-secrets.ts';
import { createSession } from './session.ts';
import { readSettings, type Settings } from './settings.ts';
import { createSwap } from './swap.ts';
import { createUnitSwap } from './unit-swap.ts';
import { createUnits } from './units.ts';
import { followUsage } from './usage.ts';

export interface SidecarOptions {
  readonly settings: Settings;
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
export async function runSidecar({ settings, program, clock, log, signal: stop }: SidecarOptions): Promise<void> {
  const { folder, machine, environment } = settings;
  const { uid } = machine;
  const habitat: Habitat = { folder, ...(uid === undefined ? {} : { uid }) };
  const units = machine.units && uid !== undefined ? createUnits({ ...machine.units, uid, log }) : undefined;
  const agent = units ?? createChildren(habitat, log);
  const swap = units ? createUnitSwap(folder, units) : createSwap(habitat, agent);
  const ending = new AbortController();
  const signal = AbortSignal.any([stop, ending.signal]);
  const { nudge, ...nudged } = createNudge();
  const reads = createReadCount(clock.now(), gatewayLog(folder));
  const own = openSecrets(environment.secrets, machine.agentId, () => session);
  const reader = reads.of('sidecar', own.reader);
  const journal = openJournal(join(folder, 'run', 'journal'));
  const openclaw = chooseOpenClaw(settings);
  /** Read again: the plane may have brought some after this sidecar came up. */
  const plugins = () =>
    readSettings(folder).machine.plugins.filter((plugin) => plugin.openclaw === openclaw.current().version && existsSync(plugin.folder));
  const installed = createInstalled({ folder, uid, agent, program, plugins });
  const session = createSession({
    planeUrl: environment.plane.url.replace(/\/$/, ''),
    reader: reads.of('sidecar', own.joins),
    file: join(folder, 'run', 'session'),
    clock,
    log,
  });
  let assignment: Assignment | undefined;
  let secrets: SecretsInForce = { version: '', token: '' };
  let whatsapp: WhatsappState | undefined;
  let usage: Usage | undefined;

  const gateway = createGateway({
    folder,
    agent,
    openclaw: openclaw.current,
    async prepare() {
      const port = await installed.prepare(assignment, openclaw.current().node);
      const { [gatewayTokenName]: token = '' } = await reader.read([gatewayTokenName]);
      secrets = { version: assignment?.secretsVersion ?? '', token };
      return port;
    },
    look: (at) => look(at, uid),
    explain: async () => (await findConfigFault(openclaw.current(), { folder, agent })) ?? 'it does not say why',
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
    ...{ folder, agent, swap, gateway, session, reader, openclaw, program, clock, turn: takeTurn },
    assignment: () => orFail(assignment, 'cannot do this yet: the machine has no assignment'),
    line: () => orFail(line(), 'cannot do this now: OpenClaw takes no turns; ask again when it is well'),
    secretsInForce: () => secrets,
    setSecretsInForce: (next) => void (secrets = next),
    missingChannels: () => missingOf(assignment?.channels ?? [], plugins()),
    showWhatsapp(next) {
      whatsapp = next;
      nudge();
    },
  };
  const errands = createErrands({ find: (kind) => findErrand(kind, scene), journal, changed: nudge, log });

  const follow = (next: Assignment): void =>
    void installed.follow(next).catch((error: unknown) => log.warn('a file of the agent stays', { error: toMessage(error) }));

  function take(next: Assignment): void {
    assignment = next;
    follow(next);
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
    let toldAt: number | undefined;
    while (!signal.aborted) {
      if (clock.now() > session.deadline()) {
        throw new PlaneError('forbidden', 'cannot go on: the plane has not accepted this machine for too long; it is provisioned again');
      }
      const told = statSync(join(folder, 'machine.json'), { throwIfNoEntry: false })?.mtimeMs;
      if (told === undefined) {
        throw new PlaneError('notFound', `cannot go on: machine ${folder} is gone; the plane makes another`);
      }
      if ((statSync(sidecarLog(folder), { throwIfNoEntry: false })?.size ?? 0) > longestLogBytes) truncateSync(sidecarLog(folder));
      if (told !== toldAt && assignment) follow(assignment);
      toldAt = told;
      await sleep(checkMs, undefined, { signal }).catch(() => undefined);
    }
  }

  // A swap that the former sidecar did not decide is undone, while nothing runs as the agent.
  await agent.endAll();
  await swap.swapBack();
  await swap.dropFresh();
  const doors = [await serveSecrets(reads.of('agent', own.reader), uid, log, reads.refuse), await serveRequests(session, uid, signal, log)];
  try {
    const { heartbeatMs: intervalMs } = environment;
    await Promise.all([
      keepWatch(),
      followAssignment(session, take, signal, log),
      sendHeartbeats(session, report, { intervalMs, nudge: { nudge, ...nudged }, signal, log }),
      conversation.run(signal),
      errands.run(signal),
      own.keepJoins(signal, log),
      followUsage(line, (told) => void (usage = told), signal),
    ]);
  } finally {
    ending.abort();
    await gateway.stop();
    for (const door of doors) door.close();
  }
}
