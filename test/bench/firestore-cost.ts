import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toAgentId } from '../../shared/agent.ts';
import { parsePlane } from '../../shared/plane.ts';
import { layersFor, resolvePolicy, toSpec } from '../../shared/policy.ts';
import { changeAgent } from '../../functions/core/agents.ts';
import { sessionMs } from '../../functions/core/credentials.ts';
import { passKey, publishKey } from '../../functions/core/schedule.ts';
import type { Clock } from '../../functions/core/surroundings.ts';
import { nodeHashing, openKeys, systemClock } from '../../functions/keys.ts';
import { createPlane } from '../../functions/plane.ts';
import { openPlanes } from '../../functions/planes.ts';
import { createFirestoreStore, openFirestore } from '../../functions/store/firestore.ts';
import { createReconcile, createSweep } from '../../functions/wake/reconcile.ts';
import { startFirestore } from '../peers/emulators.ts';
import { createCountingStore, type Operations } from './counting-store.ts';
import { createInstantProviders } from '../../scripts/scale/instant-providers.ts';

/** What a plane of many agents would cost on Firestore when nothing happens: real paths on the emulator for a sample, times their cadence. */
const sample = 100;
const fleet = 10_000;
const batch = 20;
/** Long enough for a listener of the emulator to be attached. */
const holdMs = 1_000;
const dayMs = 24 * 3_600_000;
const daysOfMonth = 30;

/** How often each happens to an agent, in milliseconds. */
const cadence = {
  heartbeat: 30_000,
  // As long as a call is held (functions/http/agent-door.ts).
  'held assignment': 25_000,
  // As functions/main-google.ts does.
  pass: 5 * 60_000,
  publish: 5 * 60_000,
  sweep: 60_000,
  'orphan sweep': 60_000,
} as const;
type Path = keyof typeof cadence;

/** Dollars for 100,000 documents: firebase.google.com/docs/firestore/pricing, read 2026-11-22. us-east4 was not to be read there. */
const prices = {
  'nam5 (United States)': { reads: 0.06, writes: 0.18, deletes: 0.02 },
  'us-central1, us-west1': { reads: 0.03, writes: 0.09, deletes: 0.01 },
} as const satisfies Record<string, Operations>;
/** A day, of one database of a project: cloud.google.com/firestore/quotas, read 2026-11-22. */
const free: Operations = { reads: 50_000, writes: 20_000, deletes: 20_000 };
const operationKinds = ['reads', 'writes', 'deletes'] as const;

/** A path that failed costs something else than one that works. */
const warnings: string[] = [];
const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
const wake = { wake: () => undefined, flush: async () => undefined };
const never = async () => {
  throw new Error('not part of the benchmark');
};
let offsetMs = 0;
const clock: Clock = { ...systemClock, now: () => systemClock.now() + offsetMs };

const parsed = parsePlane({
  apiVersion: 'openclaw.dev/v1alpha1',
  kind: 'AgentsPlane',
  metadata: { name: 'acme' },
  spec: {
    identity: { provider: 'google-workspace', domain: 'acme.test' },
    infrastructure: { provider: 'local' },
    secrets: { provider: 'local' },
    networking: { provider: 'direct' },
  },
});
if (!parsed.ok) throw new Error('the plane of the benchmark is not valid');
const plane = parsed.value;

const folder = mkdtempSync(join(tmpdir(), 'agents-plane-cost-'));
const emulator = await startFirestore();
try {
  await measure();
} finally {
  await emulator.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const firestore = openFirestore({ projectId: 'cost', databaseId: '(default)', emulatorHost: emulator.host });
  const { store, cost } = createCountingStore(createFirestoreStore({ firestore }));
  const { app, runner, kinds, credentials } = createPlane({
    ...{
      plane,
      planes: openPlanes({ store, clock, wake, hashing: nodeHashing, seed: { plane, from: 'file' } }),
      store,
      wake,
      log,
      clock,
      hashing: nodeHashing,
      random: randomUUID,
      company: 'Acme',
      holder: 'bench',
    },
    keys: openKeys({ dir: join(folder, 'keys'), log }),
    identity: {
      ...{ name: 'none', authenticate: never, rolesOf: never, resolveUser: never, listPage: never, membersOf: never, watchEvents: never },
      // eslint-disable-next-line require-yield
      async *listUsers() {
        await never();
      },
      // eslint-disable-next-line require-yield
      async *activities() {
        await never();
      },
      ...{
        stopWatching: never,
        listOrgUnits: never,
        searchUsers: never,
        examine: never,
        publish: async () => undefined,
        writeRequests: never,
      },
    },
    confirm: async () => undefined,
    makeProviders: () => createInstantProviders('acme'),
    upstream: { maker: 'stand-in' },
    publicUrl: 'http://127.0.0.1:1',
    ...{ services: [], ownAccounts: [] },
    times: { effectMs: 4_000, waitMs: 1_000, resyncMs: cadence.pass, leaseMs: 30_000, lagMs: 0 },
  });

  const policy = resolvePolicy(layersFor(plane, { ouPath: '/', groups: [] }, { agentEnabled: true }));
  const owners = new Map(
    Array.from({ length: sample }, (_, at) => String(1_000_000 + at)).map((ownerId) => [
      toAgentId('acme', ownerId, nodeHashing.sha256),
      ownerId,
    ]),
  );
  const ids = [...owners.keys()];
  const each = async (run: (agentId: string) => Promise<unknown>): Promise<void> => {
    for (let at = 0; at < ids.length; at += batch) await Promise.all(ids.slice(at, at + batch).map(run));
  };
  const ask = async (agentId: string, path: string, init: RequestInit = {}): Promise<Response> => {
    const token = credentials.mint({ kind: 'session', agentId, incarnation: 1, extra: clock.now() + sessionMs });
    const answer = await app.request(path, { ...init, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return answer;
  };
  const beat = (agentId: string) =>
    ask(agentId, '/agent/heartbeat', {
      method: 'POST',
      body: JSON.stringify({ version: 'x', live: true, ready: true, introduction: 'Hello' }),
    });
  const versions = new Map<string, string>();
  /** As it is held while nothing changes, but not for as long. */
  const hold = async (agentId: string): Promise<void> => {
    const signal = AbortSignal.timeout(holdMs);
    const { status } = await ask(agentId, `/agent/assignment?after=${versions.get(agentId) ?? ''}`, { signal });
    if (status !== 204) throw new Error(`the assignment of ${agentId} was not held: ${status}`);
  };

  const beginning = await cost(() =>
    each(async (agentId) => {
      const ownerId = owners.get(agentId) ?? '';
      const person = { ownerId, ownerEmail: `u${ownerId}@acme.test`, ownerName: 'U', ouPath: '/', name: 'agent' };
      const wanted = { desired: 'running', reason: 'bench', spec: toSpec(policy, plane), policy } as const;
      await changeAgent(
        agentId,
        { kind: 'plane', id: 'bench' },
        () => ({
          agentId,
          planeId: 'acme',
          ...person,
          ...wanted,
          requests: {},
          conditions: [],
          restarts: 0,
          replacements: 0,
          secretsVersion: 1,
          secretsRotatedAt: 0,
        }),
        { store, clock, hashing: nodeHashing, wake },
      );
      await beat(agentId);
      await runner.run(passKey(agentId));
      await runner.run(publishKey(agentId));
      versions.set(agentId, ((await (await ask(agentId, '/agent/assignment')).json()) as { version: string }).version);
    }),
  );
  for (const agentId of ids) {
    const status = await store.get('statuses', agentId);
    if (status?.phase !== 'running') throw new Error(`agent ${agentId} is ${status?.phase ?? 'nothing'}, not running`);
  }
  await runner.run('plane/orphans');
  await store.transact(async (tx) =>
    tx.set('schedule', 'plane/orphans', { key: 'plane/orphans', dueAt: clock.now(), attempts: 0, stamp: 1 }),
  );

  const reconcile = createReconcile({ store, runner, wake, clock, sleep: never, log, kinds, budgetMs: 5_000 });
  const sweep = createSweep({ store, wake, clock, log, periodMs: cadence.sweep });
  /** As a queue delivers it, once it is due. */
  const deliver = (key: string) =>
    reconcile(new Request('http://127.0.0.1/', { method: 'POST', body: JSON.stringify({ key }) })).then(({ status }) => {
      if (status !== 204) throw new Error(`${key} answered ${status}`);
    });
  /** Rows that are due at any time of their cadence, as those of a fleet are; those of the benchmark would all be due at once. */
  const spread = () =>
    Promise.all(
      ids.flatMap((agentId, at) =>
        ([passKey(agentId), publishKey(agentId)] as const).map((key, kind) =>
          store.transact(async (tx) => {
            const dueAt = clock.now() + (kind === 0 ? cadence.pass : cadence.publish) * ((at + 0.5) / sample);
            tx.set('schedule', key, { key, dueAt, attempts: 0, stamp: dueAt });
          }),
        ),
      ),
    );
  /** Lets time pass at once, in which the agents go on beating: without that, they are not at rest. */
  const pass = (ms: number): Promise<void> => {
    offsetMs += ms;
    return each(beat);
  };
  const measured: Record<Path, Operations> = {
    heartbeat: await cost(() => each(beat)),
    'held assignment': await cost(() => each(hold)),
    pass: await pass(cadence.pass + 1000).then(() => cost(() => each((agentId) => deliver(passKey(agentId))))),
    publish: await pass(cadence.publish).then(() => cost(() => each((agentId) => deliver(publishKey(agentId))))),
    sweep: await spread().then(() => cost(sweep)),
    'orphan sweep': await cost(() => deliver('plane/orphans')),
  };
  for (const path of ['heartbeat', 'pass', 'publish'] as const)
    if (measured[path].writes < sample) throw new Error(`${path} did not run for every agent`);
  if (warnings.length > 0) throw new Error(`the benchmark measured failures: ${warnings.join('; ')}`);
  await store.close();
  print(beginning, measured);
}

function print(beginning: Operations, measured: Record<Path, Operations>): void {
  const number = (value: number): string => Math.round(value).toLocaleString('en-US');
  const dollars = (operations: Operations, price: Operations): number =>
    operationKinds.reduce((sum, kind) => sum + (operations[kind] / 100_000) * price[kind], 0);
  const scaled = (operations: Operations, by: number): Operations => ({
    reads: operations.reads * by,
    writes: operations.writes * by,
    deletes: operations.deletes * by,
  });
  const paths = Object.entries(measured).map(([path, operations]) => {
    const timesADay = dayMs / cadence[path as Path];
    return { path, timesADay, once: scaled(operations, 1 / sample), day: scaled(operations, timesADay / sample) };
  });
  const day = paths.reduce(
    (sum, path) => ({ reads: sum.reads + path.day.reads, writes: sum.writes + path.day.writes, deletes: sum.deletes + path.day.deletes }),
    {
      ...{ reads: 0, writes: 0, deletes: 0 },
    },
  );
  console.log(`An agent at rest, on Firestore: ${sample} agents measured on the emulator, a plane of ${number(fleet)} reckoned`);
  console.table(
    [...paths, { path: 'all', day }].map(({ path, day: daily, ...rest }) => ({
      path,
      ...('once' in rest
        ? { 'times a day': number(rest.timesADay), 'reads each': rest.once.reads.toFixed(1), 'writes each': rest.once.writes.toFixed(1) }
        : {}),
      'reads/agent/day': number(daily.reads),
      'writes/agent/day': number(daily.writes),
      ...Object.fromEntries(
        Object.entries(prices).flatMap(([place, price]) => {
          const month = dollars(scaled(daily, daysOfMonth), price);
          return [
            [`$/agent/month ${place}`, month.toFixed(3)],
            [`$/plane/month ${place}`, number(month * fleet)],
          ];
        }),
      ),
    })),
  );
  const whole = scaled(day, fleet);
  console.table(
    operationKinds.map((kind) => ({
      kind,
      'plane/day': number(whole[kind]),
      'plane/s': number(whole[kind] / (dayMs / 1000)),
      'free/day': number(free[kind]),
      'agents that the free tier carries': day[kind] === 0 ? 'any' : Math.floor(free[kind] / day[kind]),
    })),
  );
  const once = scaled(beginning, 1 / sample);
  console.log(`To bring one agent up once: ${once.reads} reads, ${once.writes} writes, ${once.deletes} deletes.`);
}
