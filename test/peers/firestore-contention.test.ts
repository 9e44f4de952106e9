import { randomUUID } from 'node:crypto';
import { agentChain, append, readHead, type Entry } from '../../functions/core/audit.ts';
import { verifyAll } from '../../functions/core/audit-trail.ts';
import { acquire, type Acquired, type LeaseDeps } from '../../functions/core/lease.ts';
import { createRunner, makeDue, passKey } from '../../functions/core/schedule.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import type { Store } from '../../functions/core/store.ts';
import { nodeHashing as hashing, systemClock as clock } from '../../functions/keys.ts';
import { createFirestoreStore, openFirestore } from '../../functions/store/firestore.ts';
import { times } from '../conformance/store.ts';
import { startFirestore, type Emulator } from './emulators.ts';

jest.setTimeout(90_000);

let emulator: Emulator;
let stores: Store[];
beforeAll(async () => {
  emulator = await startFirestore();
}, 120_000);
afterAll(() => emulator.stop());
/** Ten clients, as ten processes have them. */
beforeEach(() => {
  const projectId = `test-${randomUUID().slice(0, 8)}`;
  stores = times(10, () =>
    createFirestoreStore({ firestore: openFirestore({ projectId, databaseId: '(default)', emulatorHost: emulator.host }) }),
  );
});
afterEach(() => Promise.all(stores.map((store) => store.close())));

const log = { info: () => undefined, warn: () => undefined };
const wake = { wake: () => undefined, flush: async () => undefined };
const entry = (target: string): Entry => ({ at: 1, actor: { kind: 'plane', id: 'p' }, action: 'test', target });
const first = (): Store => {
  const [store] = stores;
  if (!store) throw new Error('there is no store');
  return store;
};

test('gives the lease of an agent to one of ten who want it at once, with a fence that grows', async () => {
  const deps = (store: Store, at: number): LeaseDeps => ({ store, clock, hashing, log, wake, holder: `p${at}`, leaseMs: 60_000 });
  const { signal } = new AbortController();
  for (const fence of [1, 2, 3]) {
    const taken = await Promise.all(stores.map((store, at) => acquire('a1', signal, deps(store, at))));
    const winners = taken.filter((one): one is Extract<Acquired, { lease: unknown }> => 'lease' in one);
    expect(winners).toHaveLength(1);
    const held = await first().get('leases', 'a1');
    expect(held).toMatchObject({ fence, holder: `p${taken.findIndex((one) => 'lease' in one)}` });
    await winners[0]?.lease.record(undefined, []);
    expect((await first().get('leases', 'a1'))?.expiresAt).toBe(0);
  }
});

test('refuses to record under a lease that another has taken since', async () => {
  const deps = (store: Store, leaseMs: number): LeaseDeps => ({ store, clock, hashing, log, wake, holder: 'p', leaseMs });
  const { signal } = new AbortController();
  await first().transact(async (tx) => tx.set('agents', 'a1', { agentId: 'a1', planeId: 'acme' } as unknown as AgentRecord));
  const lost = await acquire('a1', signal, deps(first(), 0));
  const taken = await acquire('a1', signal, deps(stores[1] ?? first(), 60_000));
  if (!('lease' in lost) || !('lease' in taken)) throw new Error('there is no lease');
  await expect(lost.lease.record(undefined, [entry('late')], () => undefined)).rejects.toThrow('its lease was lost');
  await taken.lease.record(undefined, [entry('in time')], () => undefined);
  expect(await first().query('audit', 'bySeq', { equals: [agentChain('a1')], limit: 5 })).toMatchObject([{ target: 'in time' }]);
});

test('answers with what is due, earliest first, whoever made it due', async () => {
  await Promise.all(
    stores.map((store, at) =>
      store.transact(async (tx) => makeDue(tx, passKey(`a${at}`), undefined, at < 6 ? 1000 - at : clock.now() + 60_000)),
    ),
  );
  const runner = createRunner({ store: first(), clock, log, handlers: {}, runMs: 1000 });
  expect((await runner.due(4)).map(({ key }) => key)).toEqual(['pass/a5', 'pass/a4', 'pass/a3', 'pass/a2']);
  expect(await runner.due(500)).toHaveLength(6);
  expect(await runner.due(500, 120_000)).toHaveLength(10);
});

test('loses no row of an audit chain that five processes write at once', async () => {
  const write = (store: Store, target: string): Promise<unknown> =>
    store.transact(async (tx) =>
      append(tx, await readHead(tx, agentChain('a1'), 'acme'), [entry(target), entry(`${target} again`)], hashing),
    );
  await Promise.all(stores.slice(0, 5).flatMap((store, at) => times(2, (round) => write(store, `${at} ${round}`))));
  expect(await verifyAll(first(), hashing)).toEqual({ chains: 1, rows: 20, faults: [] });
  const rows = await first().query('audit', 'bySeq', { equals: [agentChain('a1')], limit: 500 });
  expect(new Set(rows.map(({ target }) => target)).size).toBe(20);
});

test('lets the chain of one agent grow while somebody holds up the chain of another', async () => {
  const [held, free] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const slow = first().transact(async (tx) => {
    const head = await readHead(tx, agentChain('slow'), 'acme');
    held.resolve(undefined);
    await free.promise;
    return append(tx, head, [entry('slow')], hashing);
  });
  await held.promise;
  const began = Date.now();
  await Promise.all(
    stores.flatMap((store, at) =>
      times(10, (n) =>
        store.transact(async (tx) => append(tx, await readHead(tx, agentChain(`a${at}-${n}`), 'acme'), [entry('quick')], hashing)),
      ),
    ),
  );
  const tookMs = Date.now() - began;
  free.resolve(undefined);
  expect((await slow).seq).toBe(1);
  expect(await verifyAll(first(), hashing)).toEqual({ chains: 101, rows: 101, faults: [] });
  // A lock of the emulator that is waited for in vain takes two seconds and more.
  expect(tookMs).toBeLessThan(10_000);
});

test('never ends a wish that came while the one before was carried out', async () => {
  const other = stores[1] ?? first();
  const key = passKey('a1');
  const wish = async (store: Store, dueAt: number): Promise<void> =>
    store.transact(async (tx) => makeDue(tx, key, await tx.get('schedule', key), dueAt));
  await wish(first(), 1000);
  let runs = 0;
  const runner = createRunner({
    ...{ store: first(), clock, log, runMs: 60_000 },
    handlers: {
      async pass() {
        runs += 1;
        if (runs === 1) await wish(other, 2000);
        return undefined;
      },
    },
  });
  await runner.run(key);
  expect(await other.get('schedule', key)).toMatchObject({ key, dueAt: 1000, stamp: 2000 });
  await runner.run(key);
  expect(await other.get('schedule', key)).toBeUndefined();
});
