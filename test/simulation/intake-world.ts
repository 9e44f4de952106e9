import { fixedPlanes } from '../../functions/planes.ts';
import { createCredentials } from '../../functions/core/credentials.ts';
import { makeDue } from '../../functions/core/schedule.ts';
import { createConfirmation } from '../../functions/directory/confirmation.ts';
import { createIntake } from '../../functions/directory/intake.ts';
import { isEcho } from '../../functions/directory/publish.ts';
import { decidingGroups } from '../../functions/directory/services.ts';
import { makeLooksDue } from '../../functions/directory/watch.ts';
import { toAgentId } from '../../shared/agent.ts';
import type { Plane } from '../../shared/plane.ts';
import { createVirtualClock } from './clock.ts';
import { createCloud } from './cloud.ts';
import { createCompany } from './directory-company.ts';
import { createDirectoryPort, noDirectoryFaults, type DirectoryStage } from './directory-port.ts';
import { planes } from './directory-policies.ts';
import { createSignals, noSignalFaults, type SignalFaults } from './directory-signals.ts';
import { createIntakeInvariants } from './intake-invariants.ts';
import { createInvariants } from './invariants.ts';
import { createMemoryStore } from './memory-store.ts';
import { createProcesses, createWorkers } from './processes.ts';
import { createRandom } from './random.ts';
import { createStage, isFaulty, type Session } from './session.ts';
import { createSecretReaders } from './secret-readers.ts';
import { createSidecars } from './sidecar.ts';
import { createWiring, hashing, log, planeId, signer, times, tokenKey } from './wiring.ts';

export const mostUnasked = 2;
const pageSize = 2;
const resyncMs = 30 * 60_000;
/** Soon after faults have ended the directory is read through, in milliseconds. */
const rollCallMs = 2 * 60_000;
const errandNames = ['watch', 'walk', 'rolling', 'roll-call', 'poll-admin', 'poll-groups_enterprise', 'poll-login'];

export interface IntakeWorldOptions {
  readonly seed: number;
  readonly workers: number;
  /** The plane's file at the start. */
  readonly plane: number;
}

/** A whole plane with its real intake, a company's directory and its signals, and time. */
export function createIntakeWorld({ seed, workers: workerCount, plane: firstPlane }: IntakeWorldOptions) {
  const random = createRandom(seed);
  const clock = createVirtualClock(Date.UTC(2026, 0, 1));
  const documents = createMemoryStore();
  const cloud = createCloud({ clock, random, planeId });
  const workers = createWorkers(workerCount);
  const stage = createStage(clock, random);
  const directory: DirectoryStage = { faults: noDirectoryFaults, outUntil: 0, reads: 0 };
  const told: { faults: SignalFaults; decided: number } = { faults: noSignalFaults, decided: 0 };
  const file: { plane: Plane; begun: boolean } = { plane: planeOf(firstPlane), begun: false };
  const mailbox = new Map<string, string>();

  const faulty = (): boolean => isFaulty(stage) || Object.values(directory.faults).some((chance: number) => chance > 0);
  const restlessUntil = (): number => (faulty() ? Number.POSITIVE_INFINITY : Math.max(stage.restlessUntil, directory.outUntil));
  const core = createInvariants({ clock, cloud, documents, signer, restlessUntil });

  const readers = createSecretReaders({ cloud, documents, fail: core.fail });

  const signals = createSignals({
    ...{ clock, random, faults: () => told.faults },
    onPush: (channelId, userId, state) => processes.act('push', (wired) => wired.push(channelId, userId, state)),
    onEntry: (entry) => processes.act('audit log', ({ intake }) => intake.signal(entry)),
  });
  const company = createCompany({ clock, random, tell: signals });
  const invariants = createIntakeInvariants({
    ...{ clock, documents, cloud, company, restlessUntil, mostUnasked, fail: core.fail },
    planeNow: () => file.plane,
  });
  const watch = {
    ...core.watch,
    onCommit: (...commit: Parameters<typeof core.watch.onCommit>): void => {
      invariants.onCommit(...commit);
      core.watch.onCommit(...commit);
    },
  };

  const wireCore = createWiring({ stage, documents, cloud, watch, mailbox, wake: () => processes.wake, resyncMs });
  function wire(session: Session) {
    invariants.begin(session);
    const wired = wireCore(session);
    const { store } = wired;
    const inForce = [file.plane];
    const identity = createDirectoryPort(session, {
      ...{ stage, directory, company, signals, pageSize, onAnswer: invariants.onAnswer },
      decidingGroups: () => decidingGroups(inForce, store),
    });
    const intake = createIntake({
      ...{ ...wired.change, planes: fixedPlanes(inForce), identity, log, mostUnasked },
      ...{ address: 'http://plane.test/', services: ['OpenClaw Agent'], ownAccounts: ['plane@acme.test'] },
      breathe: async () => undefined,
      random: () => `channel-${random.between(0, 2 ** 31)}`,
    });
    const plane = async (name: string, signal: AbortSignal): Promise<number | undefined> => intake.errands[name]?.({ signal, log });
    /** As the door for the directory's pushes does. */
    async function push(channelId: string, userId: string, state: string): Promise<void> {
      const channel = await store.get('channels', channelId);
      if (!channel || channel.expiresAt <= clock.now()) return;
      const agentId = toAgentId(planeId, userId, hashing.sha256);
      if (state === 'update' && (await isEcho(agentId, wired.change))) return;
      await makeLooksDue(userId, wired.change);
    }
    return { ...wired, intake, push, handlers: { ...intake.handlers, pass: wired.pass, plane } };
  }
  const processes = createProcesses({ ...{ clock, random, stage, workers, runMs: times.runMs, wire }, hinted: () => true });

  /** What the start of a plane does: all its errands are due; without `all` only those that have no row. */
  function begin(all: boolean): void {
    processes.act('begin', async ({ store, change }) => {
      for (const key of errandNames.map((name) => `plane/${name}`)) {
        const made = await store.transact(async (tx) => {
          const row = await tx.get('schedule', key);
          if (row && !all) return false;
          makeDue(tx, key, row, clock.now());
          return true;
        });
        if (made) change.wake.wake(key);
      }
      file.begun = true;
    });
  }
  stage.onCrash = (worker) =>
    clock.schedule(clock.now() + random.between(500, 60_000), () => {
      worker.up = true;
      file.begun = false;
      begin(true);
    });

  function minute(): void {
    processes.poll();
    if (!file.begun) begin(true);
    clock.schedule(clock.now() + times.minuteMs, minute);
  }
  begin(true);
  clock.schedule(clock.now() + times.minuteMs, minute);

  const credentials = createCredentials({
    ...{ key: tokenKey, store: documents, clock },
    confirm: createConfirmation({ store: documents, clock, log }),
  });
  createSidecars({ clock, random, cloud, documents, credentials, wake: processes.wake, onVersion: core.onVersion });

  return {
    ...{ clock, random, documents, cloud, workers, stage, directory, told, company, signals, file, mailbox, credentials, begin },
    act: processes.act,
    violated: core.violated,
    refusalsDue: core.refusalsDue,
    /** Agents may be held while the directory cannot be read, and for as long afterwards as a roll call may take. */
    mayBeHeld: (): boolean => clock.now() <= restlessUntil() + rollCallMs,
    check(): string | undefined {
      invariants.check();
      readers.check();
      return core.check();
    },
  };
}
export type IntakeWorld = ReturnType<typeof createIntakeWorld>;

export function planeOf(at: number): Plane {
  const plane = planes[at];
  if (!plane) throw new Error(`there is no plane ${at}`);
  return plane;
}
