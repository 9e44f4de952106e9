import type { Store } from '../../functions/core/store.ts';
import { admin, Crash, createFuse, openWorld } from './world.ts';

/** What one transaction moves. */
const mostMoved = 50;
const rings = [{ percent: 25 }];
/** 3 of the first ring of 10, so that it rolls back. */
const broken = (number: number): boolean => [2, 5, 8].includes(number);

/** Runs as the schedule would: whatever is thrown is tried again. */
const patient = (run: (id: string) => Promise<number | undefined>) => async (id: string) =>
  run(id).catch((error: unknown) => {
    expect(error).toBeInstanceOf(Crash);
    return 1_000;
  });

const points = Array.from({ length: 26 }, (_, at) => at).flatMap((count) => [[count, false] as const, [count, true] as const]);

it.each(points)('a crash after %d commits, the next unheard: %s, neither loses nor repeats anything', async (count, unheard) => {
  const fuse = createFuse();
  const world = await openWorld({ agents: 40, broken, wrap: fuse.wrap });
  const { id } = await world.begin({ rings, concurrency: 4 });
  fuse.set(count, unheard);
  await world.settle(id, 60, patient(world.run));
  // Another process takes it up.
  await world.settle(id, 600, world.openProcess().run);
  expect(await world.view(id)).toMatchObject({ state: 'rolledBack', total: 40, waiting: 30, running: 0 });
  expect(await world.miscounted(id)).toEqual([]);
  for (const { agentId } of world.records) {
    const { put, version } = world.machines.machineOf(agentId);
    const failed = broken(Number(agentId.replaceAll(/\D/g, '')));
    if (put.length > 0)
      expect({ agentId, put, version }).toEqual({ agentId, put: failed ? ['2'] : ['2', '1'], version: failed ? '2' : '1' });
  }
  expect((await world.rows()).filter((row) => row.startsWith('operation.r'))).toEqual([
    'operation.rollingBack operations',
    'operation.rolledBack operations',
  ]);
});

it.each([0, 1, 2, 3, 4])('a crash after %d commits of a resumption tries every failure again, and nothing twice', async (count) => {
  const fuse = createFuse();
  const world = await openWorld({ agents: 120, broken: (number) => number % 3 !== 1, wrap: fuse.wrap });
  const { id } = await world.begin({ kind: 'backup', concurrency: 100, maxFailurePercent: 20 });
  await world.settle(id);
  const { failed } = await world.view(id);
  expect(failed).toBeGreaterThan(mostMoved);
  world.mend();
  await world.operations.resume('acme', id, admin);
  fuse.set(count, true);
  await world.settle(id, 5, patient(world.run));
  await world.settle(id, 600, world.openProcess().run);
  expect(await world.miscounted(id)).toEqual([]);
  expect(await world.view(id)).toMatchObject({ state: 'done', done: 120, failed: 0 });
  const put = world.records.map(({ agentId }) => world.machines.machineOf(agentId).put.length);
  expect([put.filter((times) => times === 1).length, put.filter((times) => times === 2).length]).toEqual([120 - failed, failed]);
});

it('two processes at once begin each agent once and never more than may be', async () => {
  const world = await openWorld({ agents: 60 });
  /** Answers late and in another order at each call. */
  const slow = (store: Store, turns: number): Store => {
    let calls = 0;
    return {
      ...store,
      async get(collection, id) {
        for (let turn = 0; turn < (calls += 7) % turns; turn += 1) await Promise.resolve();
        return store.get(collection, id);
      },
    };
  };
  const [one, other] = [world.openProcess(slow(world.store, 5)), world.openProcess(slow(world.store, 13))];
  const { id } = await world.begin({ concurrency: 6, rings });
  let over = false;
  for (let second = 0; second < 200 && !over; second += 1) {
    over = (await Promise.all([one.run(id), other.run(id)])).includes(undefined);
    expect((await world.view(id)).running).toBeLessThanOrEqual(6);
    world.clock.pass(1_000);
  }
  expect(await world.view(id)).toMatchObject({ state: 'done', done: 60 });
  expect(world.machines.tally.most).toBeLessThanOrEqual(6);
  expect(await world.miscounted(id)).toEqual([]);
  expect(await world.rows()).toEqual(['operation.begin admin@acme.test', 'operation.done operations']);
});
