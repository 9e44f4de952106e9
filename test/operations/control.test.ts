import { PlaneError } from '../../functions/core/errors.ts';
import { select } from '../../functions/operations/selection.ts';
import { running } from '../../functions/operations/work.ts';
import { toAgent } from '../backup/world.ts';
import { admin, openWorld, toId } from './world.ts';

const backup = { kind: 'backup', args: {} } as const;

describe('an operation', () => {
  it('that is cancelled begins nobody more, and goes on when it is resumed', async () => {
    const world = await openWorld({ agents: 30 });
    const { id } = await world.begin({ ...backup, concurrency: 5 });
    await world.run(id);
    expect(await world.operations.cancel('acme', id, admin)).toMatchObject({ state: 'cancelled' });
    expect(await world.view(id)).toMatchObject({ running: 5, waiting: 25 });
    await world.settle(id);
    expect(await world.view(id)).toMatchObject({ state: 'cancelled', done: 5, waiting: 25, sentence: '5 of 30 backed up, cancelled' });
    expect((await world.view(id)).endedAt).not.toBeNull();
    await world.operations.resume('acme', id, admin);
    await world.settle(id);
    expect(await world.view(id)).toMatchObject({ state: 'done', done: 30 });
    expect(await world.rows()).toEqual([
      'operation.begin admin@acme.test',
      'operation.cancel admin@acme.test',
      'operation.resume admin@acme.test',
      'operation.done operations',
    ]);
    for (const { agentId } of world.records) expect(world.machines.machineOf(agentId).put).toHaveLength(1);
  });

  it('halts on too many failures where there is no way back, and tries them again when it is resumed', async () => {
    const world = await openWorld({ agents: 40, broken: (number) => number < 8 });
    const { id } = await world.begin({ ...backup, concurrency: 10, maxFailurePercent: 20 });
    await world.settle(id);
    expect(await world.view(id)).toMatchObject({ state: 'halted', failed: 8, waiting: 30 });
    world.mend();
    await world.operations.resume('acme', id, admin);
    await world.settle(id);
    expect(await world.view(id)).toMatchObject({ state: 'done', done: 40, failed: 0, failures: [] });
    expect(await world.miscounted(id)).toEqual([]);
  });

  it('has failed when all were tried and too many failed', async () => {
    const world = await openWorld({ agents: 3, broken: () => true });
    const { id } = await world.begin(backup);
    await world.settle(id);
    expect(await world.view(id)).toMatchObject({ state: 'failed', failed: 3, sentence: '0 of 3 backed up, 3 failed, failed' });
  });

  it('gives up an agent that does not come to an end, and passes over one that is gone', async () => {
    const world = await openWorld({ agents: 12 });
    const [stuck, gone] = [toId(0), toId(1)];
    const { backup: work } = world.machines.works;
    world.use({ backup: { ...work, look: async (agent, ...rest) => (agent.agentId === stuck ? running : work.look(agent, ...rest)) } });
    const { id } = await world.begin(backup);
    await world.store.transact(async (tx) => tx.set('agents', gone, toAgent(gone, { desired: 'removed' })));
    await world.settle(id);
    expect(await world.view(id)).toMatchObject({ state: 'done', done: 10, failed: 1, skipped: 1 });
    expect((await world.view(id)).failures).toEqual([
      { agentId: stuck, ownerEmail: 'u0@acme.test', message: 'it was not done after 1 minutes' },
    ]);
    expect((await world.agentsOf(id)).agents[1]).toMatchObject({ state: 'skipped', message: 'it was removed meanwhile' });
  });

  it('passes over whom it cannot be done to, fails whom it must not, and tries again what a cloud could not tell', async () => {
    const world = await openWorld({ agents: 11 });
    const { backup: work } = world.machines.works;
    const thrown = new Map([
      [toId(0), new PlaneError('conflict', 'it is paused')],
      [toId(1), new PlaneError('invalid', 'no such version')],
    ]);
    let outages = 3;
    world.use({
      backup: {
        ...work,
        async look(agent, ...rest) {
          const error = thrown.get(agent.agentId);
          if (error) throw error;
          if (agent.agentId === toId(2) && (outages -= 1) >= 0) throw new PlaneError('unavailable', 'the cloud is away');
          return work.look(agent, ...rest);
        },
      },
    });
    const { id } = await world.begin(backup);
    await world.settle(id);
    const { agents } = await world.agentsOf(id);
    expect(agents.slice(0, 3).map(({ state, message }) => [state, message])).toEqual([
      ['skipped', 'it is paused'],
      ['failed', 'no such version'],
      ['done', null],
    ]);
    expect(world.log.lines.filter((line) => line.includes('the cloud is away'))).toHaveLength(3);
  });

  it('is shown page by page, those that wait as well', async () => {
    const world = await openWorld({ agents: 1_203 });
    const { id } = await world.begin({ ...backup, rings: [{ percent: 50 }], concurrency: 3 });
    await world.run(id);
    const seen: string[] = [];
    let cursor: string | null = '0';
    while (cursor !== null) {
      const page: Awaited<ReturnType<typeof world.agentsOf>> = await world.agentsOf(id, { cursor, limit: 100 });
      seen.push(...page.agents.map(({ agentId, ring, state }) => `${agentId} ${ring} ${state}`));
      cursor = page.next;
    }
    expect(seen).toHaveLength(1_203);
    expect(new Set(seen).size).toBe(1_203);
    expect(seen.slice(0, 4).map((row) => row.slice(17))).toEqual(['0 running', '0 running', '0 running', '0 waiting']);
    expect(seen.filter((row) => row.includes(' 1 '))).toHaveLength(601);
  });

  it('refuses what makes no sense: cancelling what is over, resuming what went well, and ids that are not there', async () => {
    const world = await openWorld({ agents: 2 });
    const { id } = await world.begin(backup);
    await world.settle(id);
    await expect(world.operations.cancel('acme', id, admin)).rejects.toMatchObject({ code: 'conflict' });
    await expect(world.operations.resume('acme', id, admin)).rejects.toMatchObject({ code: 'conflict' });
    await expect(world.operations.find('other', id)).rejects.toMatchObject({ code: 'notFound' });
    await expect(world.operations.cancel('acme', 'op-x', admin)).rejects.toMatchObject({ code: 'notFound' });
  });

  it('asks the store for little while many wait: 10,000 agents and ten at work', async () => {
    const world = await openWorld({ agents: 10_000 });
    const { id } = await world.begin(backup);
    await world.run(id);
    let reads = 0;
    const counting: typeof world.store = {
      ...world.store,
      async get(collection, key) {
        reads += 1;
        return world.store.get(collection, key);
      },
      async query(collection, index, query) {
        const rows = await world.store.query(collection, index, query);
        reads += Math.max(rows.length, 1);
        return rows;
      },
    };
    await world.openProcess(counting).run(id);
    expect(reads).toBeLessThan(40);
  });
});

describe('a selection', () => {
  const planeId = 'acme';
  const members = new Map([['a@acme.test', new Set(['o1', 'o4'])]]);
  async function open() {
    const world = await openWorld({
      agents: 6,
      ouOf: (number) => ['/Sales', '/Sales/East', '/Salesforce', '/', '/Ops', '/Ops'][number] ?? '/',
    });
    await world.store.transact(async (tx) => {
      tx.set('agents', toId(4), {
        ...world.records[4],
        ...toAgent(toId(4), { ownerId: 'o4', labels: { department: 'R=D' }, name: 'agent 5' }),
      });
      tx.set('agents', toId(3), toAgent(toId(3), { desired: 'removed', ownerEmail: 'u3@acme.test' }));
    });
    const deps = { store: world.store, membersOf: async (group: string) => members.get(group) };
    return async (selection: Parameters<typeof select>[1]) =>
      (await select(planeId, selection, deps)).map(({ agentId }) => Number(agentId.replaceAll(/\D/g, '')));
  }

  it('is all that run, an org unit with all below it, a group, a label, or those that are named', async () => {
    const chosen = await open();
    expect(await chosen({ all: true })).toEqual([0, 1, 2, 4, 5]);
    expect(await chosen({ ou: '/sales' })).toEqual([0, 1]);
    expect(await chosen({ ou: '/' })).toEqual([0, 1, 2, 4, 5]);
    expect(await chosen({ group: 'a@acme.test' })).toEqual([1, 4]);
    expect(await chosen({ label: 'department=R=D' })).toEqual([4]);
    expect(await chosen({ agents: [toId(0), 'U1@acme.test', 'agent 2'] })).toEqual([0, 1, 2]);
    expect(await chosen({ ou: '/Sales', group: 'a@acme.test' })).toEqual([1]);
  });

  it('names what is unknown, and refuses a name that two have and a selection of nobody', async () => {
    const chosen = await open();
    await expect(chosen({ agents: ['agent 0', 'nobody', 'u3@acme.test'] })).rejects.toMatchObject({
      code: 'notFound',
      message: expect.stringContaining('there is no agent nobody, u3@acme.test here') as string,
    });
    await expect(chosen({ agents: ['agent 5'] })).rejects.toThrow('2 agents are called agent 5');
    await expect(chosen({ group: 'b@acme.test' })).rejects.toMatchObject({ code: 'notFound' });
    await expect(chosen({ ou: '/Nowhere' })).rejects.toMatchObject({ code: 'conflict' });
  });
});
