import { createAlertHandler } from '../../functions/budget/alerts.ts';
import { createCredentials } from '../../functions/core/credentials.ts';
import { sweepOrphans } from '../../functions/core/sweep.ts';
import { toAgentId } from '../../shared/agent.ts';
import { createAdminReader } from './admin-reader.ts';
import { createVirtualClock } from './clock.ts';
import { createCloud, maxLagMs } from './cloud.ts';
import { blankDraft, createUser, lookAt, type User } from './directory.ts';
import { openDoors, type Doors } from './doors.ts';
import { createGateways, drawStart } from './gateways.ts';
import { createIntruder } from './intruder.ts';
import { createMemoryStore } from './memory-store.ts';
import { createInvariants } from './invariants.ts';
import { createProcesses, createWorkers } from './processes.ts';
import { createRandom } from './random.ts';
import { createStage, isFaulty, resume, type Session } from './session.ts';
import { createSecretReaders } from './secret-readers.ts';
import { createSidecars } from './sidecar.ts';
import { createSpending } from './spending.ts';
import { createWiring, hashing, log, planeId, signer, times, tokenKey } from './wiring.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly users: number;
  readonly workers: number;
}

/** A whole plane: its processes, the systems around it, and time. */
export function createWorld({ seed, users: userCount, workers: workerCount }: WorldOptions) {
  const random = createRandom(seed);
  const clock = createVirtualClock(drawStart(seed).startAt);
  const documents = createMemoryStore();
  const cloud = createCloud({ clock, random, planeId });
  const workers = createWorkers(workerCount);
  const stage = createStage(clock, random);
  const restlessUntil = (): number => (isFaulty(stage) ? Number.POSITIVE_INFINITY : stage.restlessUntil);
  const invariants = createInvariants({ clock, cloud, documents, signer, restlessUntil });
  const { fail } = invariants;
  const spending = createSpending({ clock, documents, fail });
  const readers = createSecretReaders({ cloud, documents, fail });
  const watch: typeof invariants.watch = {
    ...invariants.watch,
    onCommit(session, writes) {
      spending.onCommit(writes);
      invariants.watch.onCommit(session, writes);
    },
  };
  const users = new Map<string, User>();
  for (let at = 1; at <= userCount; at += 1) {
    const id = `user${at}`;
    const agentId = toAgentId(planeId, id, hashing.sha256);
    users.set(agentId, createUser(id, agentId));
  }
  const agentAt = (user: number): string => [...users.keys()][user] ?? '';
  const place = { region: 'r1' };
  /** Resources of ours for agents that nobody knows, and since when. */
  const strays = new Map<string, number>();
  const mailbox = new Map<string, string>();

  const wireCore = createWiring({ stage, documents, cloud, watch, mailbox, wake: () => processes.wake });
  function readUser(session: Session, agentId: string): Promise<{ user: User; region: string }> {
    return new Promise((resolve, reject) => {
      resume(stage, session, clock.now() + random.between(1, random.chance(stage.faults.slow) ? 5_000 : 50), () => {
        const user = users.get(agentId);
        if (!user || random.chance(stage.faults.error)) reject(new Error('the directory refuses'));
        else resolve({ user, region: place.region });
      });
    });
  }

  function wire(session: Session) {
    const wired = wireCore(session);
    const look = async (agentId: string): Promise<undefined> => {
      await lookAt(agentId, { ...wired.change, planeId, readUser: (wanted) => readUser(session, wanted) });
    };
    const done = (): Promise<undefined> => Promise.resolve(undefined);
    const alert = createAlertHandler({
      ...{ store: wired.store, from: 'plane@acme.test', adminEmailOf: () => undefined },
      deliver: async ({ id, subject }) => void mailbox.set(id, subject),
    });
    return { ...wired, look, handlers: { pass: wired.pass, look, alert, publish: done, plane: done } };
  }
  // Publishing is another's part: its rows wait for the next poll.
  const processes = createProcesses({
    ...{ clock, random, stage, workers, runMs: times.runMs, wire },
    hinted: (key) => key.startsWith('pass/'),
  });
  const { wake, act, hint, runKey } = processes;

  const look = (agentId: string): void => act('look', (wired) => wired.look(agentId));

  /** Once a minute: what is due, what is left over, and the rolling read of the directory. */
  function minute(): void {
    const startedAt = clock.now();
    processes.poll();
    act('sweep', async ({ change, listings }) => {
      const ctx = { signal: clock.deadline(times.minuteMs / 2), log };
      await sweepOrphans(ctx, { ...change, planeId, listings, tombstone: (agentId) => blankDraft(planeId, agentId) });
      for (const [agentId, since] of strays) {
        if (since + maxLagMs > startedAt) continue;
        if (cloud.machinesOf(agentId).length > 0 && !documents.peek('agents', agentId))
          invariants.fail(`1: a machine of ${agentId} without a record outlived a sweep`);
        strays.delete(agentId);
      }
    });
    for (const agentId of users.keys()) look(agentId);
    clock.schedule(clock.now() + times.minuteMs, minute);
  }
  clock.schedule(clock.now() + times.minuteMs, minute);

  const credentials = createCredentials({ key: tokenKey, store: documents, clock });
  createSidecars({ clock, random, cloud, documents, credentials, wake, onVersion: invariants.onVersion });

  const gateways = createGateways({ seed, clock, documents, watch, spending, wake, fail, main: stage });
  let opened: Promise<Doors> | undefined;
  // In most histories nobody knocks.
  const doors = (): Promise<Doors> =>
    (opened ??= openDoors({
      ...{ clock, documents, cloud, watch, wake, users },
      onCommit: (writes) => intruder.onCommit(writes),
      onEffect: (what) => intruder.onEffect(what),
    }));
  const intruder = createIntruder({ clock, documents, credentials, doors, tally: stage.tally, fail });
  const readAsAdmin = createAdminReader({ documents, doors, readers, tally: stage.tally, fail });

  return {
    ...{ gateways, intruder, readAsAdmin },
    agentAt,
    /** One of those that should run, where there are any. */
    liveAt: (user: number): string => {
      const live = [...users.keys()].filter((agentId) => documents.peek('agents', agentId)?.desired === 'running');
      return live[user % live.length] ?? agentAt(user);
    },
    /** What must hold between any two steps. */
    check(): string | undefined {
      spending.check();
      readers.check();
      return invariants.check();
    },
    clock,
    random,
    documents,
    cloud,
    invariants,
    workers,
    stage,
    users,
    place,
    strays,
    mailbox,
    credentials,
    act,
    look,
    runKey,
    hint,
  };
}
export type World = ReturnType<typeof createWorld>;
