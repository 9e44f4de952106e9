import { hash } from 'node:crypto';
import { createCredentials } from '../../functions/core/credentials.ts';
import { createListings, createParts, type Introduction } from '../../functions/core/parts.ts';
import { createPass } from '../../functions/core/pass.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import { createRunner, type Wake } from '../../functions/core/schedule.ts';
import type { Store } from '../../functions/core/store.ts';
import { sweepOrphans } from '../../functions/core/sweep.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { toAgentId } from '../../shared/agent.ts';
import { createVirtualClock } from './clock.ts';
import { createCloud, maxLagMs } from './cloud.ts';
import { blankDraft, createUser, lookAt, type User } from './directory.ts';
import { createMemoryStore } from './memory-store.ts';
import { createInvariants } from './invariants.ts';
import { createProviderPorts } from './provider-ports.ts';
import { createRandom } from './random.ts';
import { alive, never, noFaults, openSession, resume, watchLooks, type Session, type Stage, type Worker } from './session.ts';
import { createSidecars } from './sidecar.ts';
import { createStorePort } from './store-port.ts';

export const planeId = 'acme';
export const egress = { default: 'restricted', allowedDomains: ['model.acme.test'] } as const;
export const times = {
  effectMs: 10_000,
  leaseMs: 30_000,
  observeMs: 8_000,
  runMs: 120_000,
  waitMs: 3_000,
  resyncMs: 300_000,
  minuteMs: 60_000,
} as const;

const sha256 = (text: string): string => hash('sha256', text, 'hex');
export const hashing = { sha256 };
export const signer = {
  keyId: 'simulated',
  sign: (text: string) => sha256(`sign ${text}`),
  verify: (text: string, signature: string) => signature === sha256(`sign ${text}`),
};
export const tokenKey = { mac: (text: string) => sha256(`mac ${text}`).slice(0, 16), equal: (a: string, b: string) => a === b };
const log = { info: () => undefined, warn: () => undefined };

export interface WorldOptions {
  readonly seed: number;
  readonly users: number;
  readonly workers: number;
}

/** A whole plane: its processes, the systems around it, and time. */
export function createWorld({ seed, users: userCount, workers: workerCount }: WorldOptions) {
  const random = createRandom(seed);
  const clock = createVirtualClock(Date.UTC(2026, 0, 1));
  const documents = createMemoryStore();
  const cloud = createCloud({ clock, random, planeId });
  const workers = Array.from({ length: workerCount }, (_, at): Worker => {
    return { name: `w${at + 1}`, life: 0, up: true, stalledUntil: 0, crash: undefined, stall: undefined, busy: new Set() };
  });
  const stage: Stage = {
    clock,
    random,
    faults: noFaults,
    restlessUntil: 0,
    outages: new Map(),
    tally: { verbs: 0, commits: 0, crashesBefore: 0, crashesAfter: 0, faults: 0, stalls: 0 },
    crashAnywhere: undefined,
    effectNames: undefined,
    onCrash: (worker) => clock.schedule(clock.now() + random.between(500, 60_000), () => (worker.up = true)),
  };
  const faulty = (): boolean => Object.values(stage.faults).some((chance: number) => chance > 0);
  const restlessUntil = (): number => (faulty() ? Number.POSITIVE_INFINITY : stage.restlessUntil);
  const invariants = createInvariants({ clock, cloud, documents, signer, restlessUntil });
  const users = new Map<string, User>();
  for (let at = 1; at <= userCount; at += 1) {
    const id = `user${at}`;
    const agentId = toAgentId(planeId, id, sha256);
    users.set(agentId, createUser(id, agentId));
  }
  const place = { region: 'r1' };
  /** Resources of ours for agents that nobody knows, and since when. */
  const strays = new Map<string, number>();
  const mailbox = new Map<string, string>();

  const ups = (): Worker[] => workers.filter(({ up }) => up);
  const workerFor = (): Worker | undefined => (ups().length > 0 ? random.pick(ups()) : undefined);

  /** A hint on its way to some process: it may be lost, doubled or late. */
  function hint(key: string, at: number): void {
    const { hint: chance } = stage.faults;
    if (random.chance(chance)) return;
    const late = random.chance(chance) ? random.between(0, 20_000) : random.between(1, 30);
    const deliver = (): void => {
      const worker = workerFor();
      if (worker) runKey(worker, key);
    };
    clock.schedule(at + late, deliver);
    if (random.chance(chance)) clock.schedule(at + random.between(0, 5_000), deliver);
  }
  const awaited = new Map<string, number>();
  /** As a named task does, a hint for later folds into one that waits for an earlier time. */
  function hintLater(key: string, at: number): void {
    const earlier = awaited.get(key) ?? 0;
    if (earlier > clock.now() && earlier <= at) return;
    awaited.set(key, at);
    hint(key, at);
  }
  /** Publishing is another's part: its rows wait for the next poll. */
  const wake: Wake = { wake: (key) => key.startsWith('pass/') && hint(key, clock.now()), flush: async () => undefined };

  function wire(session: Session) {
    const store = createStorePort(session, documents, invariants.watch, stage);
    const providers = createProviderPorts(session, cloud, invariants.watch, stage);
    const credentials = createCredentials({ key: tokenKey, store, clock });
    const introduction: Introduction = {
      send: (_agent, text, key, ctx) => {
        if (!alive(session)) return never();
        if (ctx.signal.aborted) return Promise.reject(new Error('no time left to send mail'));
        return new Promise((resolve, reject) => {
          if (!random.chance(stage.faults.error) && !mailbox.has(key)) mailbox.set(key, text ?? 'plain');
          const settle =
            mailbox.has(key) && !random.chance(stage.faults.lost) ? resolve : () => reject(new Error('the mail server refuses'));
          resume(stage, session, clock.now() + random.between(1, 40), settle);
        });
      },
    };
    const { effectMs, waitMs } = times;
    const createPartsOf = createParts({ providers, store, clock, credentials, egress, introduction, effectMs, waitMs });
    const partsOf = (agent: AgentRecord) => createPartsOf(agent).map((part) => watchLooks(part, session, agent));
    const listings = createListings(providers, planeId);
    const change = { store, clock, hashing, wake };
    return { store, providers, partsOf, listings, change };
  }

  function readUser(session: Session, agentId: string): Promise<{ user: User; region: string }> {
    return new Promise((resolve, reject) => {
      resume(stage, session, clock.now() + random.between(1, random.chance(stage.faults.slow) ? 5_000 : 50), () => {
        const user = users.get(agentId);
        if (!user || random.chance(stage.faults.error)) reject(new Error('the directory refuses'));
        else resolve({ user, region: place.region });
      });
    });
  }

  /** Runs one key on one process, as the wake queue or a poll asks it to. */
  function runKey(worker: Worker, key: string): void {
    const id = key.slice(key.indexOf('/') + 1);
    const session = openSession(worker, id, clock);
    const { store, providers, partsOf, listings, change } = wire(session);
    const { leaseMs, observeMs, resyncMs, runMs } = times;
    const restart = (agentId: string, ctx: Ctx): Promise<void> => providers.infra.restart(agentId, ctx);
    const pass = createPass({
      store,
      clock,
      hashing,
      log,
      wake,
      holder: worker.name,
      leaseMs,
      signer,
      partsOf,
      listings,
      observeMs,
      lagMs: maxLagMs,
      resyncMs,
      restart,
    });
    const look = async (agentId: string): Promise<undefined> => {
      await lookAt(agentId, { ...change, planeId, readUser: (wanted) => readUser(session, wanted) });
    };
    const runner = createRunner({ store, clock, log, runMs, handlers: { pass, look, publish: () => Promise.resolve(undefined) } });
    worker.busy.add(key);
    void runner
      .run(key)
      .then((dueAt) => dueAt !== undefined && hintLater(key, dueAt))
      .catch(() => undefined) // The row is still due: a later poll runs it.
      .finally(() => alive(session) && worker.busy.delete(key));
  }

  /** What a process does for a caller: an admin's click, a directory event, a rolling read. */
  function act(work: (deps: ReturnType<typeof wire>, session: Session) => Promise<unknown>, on = workerFor()): void {
    if (!on) return;
    const session = openSession(on, undefined, clock);
    void work(wire(session), session).catch(() => undefined); // The caller sees the error and tries again, or a later reading heals it.
  }

  const look = (agentId: string): void =>
    act(({ change }, session) => lookAt(agentId, { ...change, planeId, readUser: (wanted) => readUser(session, wanted) }));

  async function poll(store: Store, worker: Worker): Promise<void> {
    const keys = await createRunner({ store, clock, log, handlers: {}, runMs: times.runMs }).due(50);
    for (const { key } of keys) if (!worker.busy.has(key)) runKey(worker, key);
  }

  /** Once a minute: what is due, what is left over, and the rolling read of the directory. */
  function minute(): void {
    const startedAt = clock.now();
    const worker = workerFor();
    act(
      ({ store }) =>
        poll(store, worker ?? { name: '', life: 0, up: false, stalledUntil: 0, crash: undefined, stall: undefined, busy: new Set() }),
      worker,
    );
    act(async ({ change, listings }) => {
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
  createSidecars({ clock, random, cloud, documents, credentials, wake });

  return {
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
