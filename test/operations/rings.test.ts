import { openWorld, toId, type World } from './world.ts';

const ouOf = (number: number): string => (number < 20 ? '/Canary' : number < 60 ? '/Sales/East' : '/Engineering');
const rings = [{ ou: '/Canary' }, { percent: 25 }];

/** 3 of each 100 agents, none of them among the canaries. */
const threePercent = (number: number): boolean => [25, 31, 40, 101, 150, 199].includes(number);

describe('a rolling upgrade of 200 agents (REQ-INFRA-06)', () => {
  const versions = (world: World): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { agentId } of world.records) {
      const { version } = world.machines.machineOf(agentId);
      counts[version] = (counts[version] ?? 0) + 1;
    }
    return counts;
  };

  it('goes ring by ring, the canaries first, and never has more at work than it may', async () => {
    const world = await openWorld({ agents: 200, ouOf });
    const { id } = await world.begin({ rings, concurrency: 7 });
    await world.run(id);
    expect((await world.view(id)).rings.map(({ name, total }) => `${name} ${total}`)).toEqual(['/Canary 20', '25 % 50', 'the rest 130']);
    for (let second = 0; second < 9; second += 1) {
      const { ring, rings: counts, running } = await world.view(id);
      expect(running).toBeLessThanOrEqual(7);
      if (ring === 0) expect(versions(world)['2'] ?? 0).toBeLessThanOrEqual(20);
      expect(counts.slice(ring + 1).every(({ done }) => done === 0)).toBe(true);
      world.clock.pass(1_000);
      await world.run(id);
    }
    await world.settle(id);
    expect(await world.view(id)).toMatchObject({
      state: 'done',
      done: 200,
      failed: 0,
      waiting: 0,
      running: 0,
      sentence: '200 of 200 upgraded',
    });
    expect(world.machines.tally.most).toBe(7);
    expect(versions(world)).toEqual({ 2: 200 });
    expect(await world.rows()).toEqual(['operation.begin admin@acme.test', 'operation.done operations']);
  });

  it('where 3 % fail halts at the ring, rolls back, and leaves the other rings alone', async () => {
    const world = await openWorld({ agents: 200, ouOf, broken: threePercent });
    const { id } = await world.begin({ rings, maxFailurePercent: 2 });
    await world.settle(id);
    const view = await world.view(id);
    expect(view).toMatchObject({ state: 'rolledBack', ring: 1, running: 0 });
    // The canaries came out well and stay; nobody of the last ring was touched; who failed is for somebody to look at.
    expect(view.rings[0]).toMatchObject({ name: '/Canary', done: 20, failed: 0 });
    expect(view.rings[2]).toMatchObject({ done: 0, failed: 0 });
    expect(versions(world)['2']).toBe(20 + view.failed);
    expect(view.failures[0]).toMatchObject({ agentId: toId(25), ownerEmail: 'u25@acme.test', message: 'the health gate did not pass' });
    expect(view.sentence).toMatch(/^20 of 200 upgraded, \d failed, \d+ rolled back, ended in ring 2 of 3 \(25 %\)$/);
    expect(await world.rows()).toEqual([
      'operation.begin admin@acme.test',
      'operation.rollingBack operations',
      'operation.rolledBack operations',
    ]);
    expect(await world.miscounted(id)).toEqual([]);
    await expect(world.operations.resume('acme', id, { kind: 'user', id: 'a' })).rejects.toThrow('begin another one');
  });

  it('killed half-way, it resumes in another process and comes to the same end', async () => {
    const ends = [];
    for (const killedAfter of [0, 4, 11, 17, 30]) {
      const world = await openWorld({ agents: 200, ouOf, broken: threePercent });
      const { id } = await world.begin({ rings, maxFailurePercent: 2 });
      await world.settle(id, killedAfter);
      // Whatever the first process knew is gone with it.
      await world.settle(id, 600, world.openProcess().run);
      expect(await world.miscounted(id)).toEqual([]);
      for (const { agentId } of world.records) expect(world.machines.machineOf(agentId).put.length).toBeLessThanOrEqual(2);
      const { state, done, failed, waiting, rings: counts } = await world.view(id);
      ends.push({ state, done, failed, waiting, counts, versions: versions(world) });
    }
    expect(ends[0]).toMatchObject({ state: 'rolledBack', done: 20 });
    for (const end of ends) expect(end).toEqual(ends[0]);
  });

  it('goes on over as many failures as it may have', async () => {
    const world = await openWorld({ agents: 200, ouOf, broken: threePercent });
    const { id } = await world.begin({ rings, maxFailurePercent: 10 });
    await world.settle(id);
    expect(await world.view(id)).toMatchObject({ state: 'done', done: 194, failed: 6, sentence: '194 of 200 upgraded, 6 failed' });
  });

  it('does not judge a ring by its first failure alone', async () => {
    const world = await openWorld({ agents: 20, broken: (number) => number === 0 });
    const { id } = await world.begin({ maxFailurePercent: 5, concurrency: 1 });
    await world.settle(id, 7);
    expect(await world.view(id)).toMatchObject({ state: 'running', failed: 1 });
    await world.settle(id, 45);
    expect(await world.view(id)).toMatchObject({ state: 'rollingBack', failed: 1 });
  });

  it('says so when an agent cannot be brought back', async () => {
    const world = await openWorld({ agents: 10, broken: (number) => number < 5 });
    const { upgrade, backup } = world.machines.works;
    world.use({ backup, upgrade: { ...upgrade, undo: async () => ({ state: 'failed', message: 'the disk is full' }) } });
    const { id } = await world.begin();
    await world.settle(id);
    const view = await world.view(id);
    expect(view).toMatchObject({ state: 'failed', done: 0, failed: 10 });
    expect(view.failures.at(-1)?.message).toBe('the disk is full');
  });
});

it('refuses a ring in which nobody was selected, and drops a share of nobody', async () => {
  const world = await openWorld({ agents: 4, ouOf: () => '/Sales' });
  await expect(world.begin({ rings: [{ ou: '/Canray' }] })).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('/Canray') as string,
  });
  const { rings: parted } = await world.begin({ rings: [{ ou: '/Sales' }, { percent: 50 }] });
  expect(parted.map(({ name, total }) => [name, total])).toEqual([['/Sales', 4]]);
});
