import { approveFlips } from '../../functions/directory/approvals.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { modelsOf } from '../../functions/model/models.ts';
import { condemn } from '../../functions/plane-removal.ts';
import { changePlane, toPlaneDraft } from '../../functions/planes.ts';
import { contract } from '../../shared/contract.ts';
import type { Plane } from '../../shared/plane.ts';
import { eventually, openWorld, type World } from './world.ts';

const [admin, viewer] = ['admin@acme.test', 'viewer@acme.test'];
const actor = { kind: 'user', id: admin } as const;
const everybody: Plane['spec']['policies'] = [{ match: { organization: true }, spec: { agentEnabled: true } }];

const deps = ({ store, clock, wake }: World) => ({ store, clock, wake, hashing: nodeHashing });
const agentsOf = (world: World) => world.store.query('agents', 'byPlane', { equals: ['acme'], limit: 500 });
const setPolicies = (world: World, policies: Plane['spec']['policies'], also?: Parameters<typeof changePlane>[4]) =>
  changePlane(
    'acme',
    actor,
    (current) =>
      current && { ...toPlaneDraft(current), definition: { ...current.definition, spec: { ...current.definition.spec, policies } } },
    deps(world),
    also,
  );

describe('a plane that is removed', () => {
  it('loses every agent with a receipt each, waits for nobody, keeps its audit and may come back', async () => {
    const world = await openWorld();
    try {
      await setPolicies(world, everybody);
      await eventually(
        'agents',
        async () => (await agentsOf(world)).length > 5 && (await agentsOf(world)).every(({ desired }) => desired === 'running'),
      );
      await world.settle();
      const ran = (await agentsOf(world)).length;
      expect(await condemn('acme', actor, deps(world))).toMatchObject({ state: 'removing' });
      await condemn('acme', actor, deps(world));
      await eventually('the end', async () => (await world.store.get('planes', 'acme'))?.state === 'removed', 60_000);
      const agents = await agentsOf(world);
      expect(agents).toHaveLength(ran);
      expect(new Set(agents.map(({ desired, reason }) => `${desired}: ${reason}`))).toEqual(new Set(['removed: plane removed']));
      for (const { agentId } of agents) {
        const receipts = await world.store.query('receipts', 'byAgent', { equals: [agentId], limit: 10 });
        expect(receipts).toHaveLength(1);
      }
      expect(await world.store.query('approvals', 'byPlane', { equals: ['acme'], limit: 10 })).toEqual([]);
      expect((await world.call('GET', '/v1/planes', viewer)).body).toEqual({ planes: [] });
      expect((await world.call('GET', '/v1/planes/acme', viewer)).status).toBe(404);
      expect((await world.call('GET', '/v1/planes/acme/audit', viewer)).status).toBe(200);
      expect((await world.call('GET', `/v1/planes/acme/agents/${agents[0]?.agentId ?? ''}/receipt`, viewer)).status).toBe(200);
      const wish = await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: 'alice@acme.test' });
      expect([wish.status, wish.body['detail']]).toEqual([409, expect.stringContaining('is being removed') as unknown]);
      const back = await world.call('POST', '/v1/planes', admin, { ...world.plane, spec: { ...world.plane.spec, policies: everybody } });
      expect([back.status, back.body['revision']]).toEqual([201, 5]);
      await eventually('all of them again', async () => (await agentsOf(world)).every(({ desired }) => desired === 'running'), 20_000);
    } finally {
      await world.close();
    }
  }, 120_000);
});

describe('a plan that was applied', () => {
  it('lets its agents pass the guard of great changes, which goes on counting all others', async () => {
    const world = await openWorld({ users: 45 });
    try {
      await world.run('walk');
      const { data } = await world.directory.users.list({ customer: 'my_customer', maxResults: 500 });
      const users = (data.users ?? []).filter(({ suspended }) => !suspended);
      // Thirty are planned; fifteen or so come by the same change and are in no plan.
      const planned = await Promise.all(
        users.slice(0, 30).map(async ({ primaryEmail = '', id = '' }) => ({
          ...{ planeId: 'acme', agentId: await world.agentIdOf(primaryEmail ?? ''), userId: id ?? '' },
          ...{ ownerEmail: primaryEmail ?? '', to: 'running' as const },
        })),
      );
      const at = world.clock.now();
      await setPolicies(world, everybody, (tx) => approveFlips(tx, { planeId: 'acme', planId: 'p1', flips: planned, by: admin, at }));
      await eventually('the planned', async () => (await agentsOf(world)).length >= 30, 20_000);
      await world.settle();
      const ids = new Set((await agentsOf(world)).map(({ agentId }) => agentId));
      expect(planned.filter(({ agentId }) => !ids.has(agentId))).toEqual([]);
      const others = users.length - planned.length;
      expect(others).toBeLessThanOrEqual(25);
      // Few enough to go on unasked: the guard counts those that no plan names.
      await eventually('the rest', async () => (await agentsOf(world)).length === users.length, 20_000);
      expect(await world.store.query('approvals', 'byState', { equals: ['acme', 'approved'], limit: 10 })).toMatchObject([
        { id: 'acme.plan.p1', creates: 30, removes: 0, decidedBy: admin },
      ]);
      // The next walk finds nothing left of it to do.
      await world.run('walk');
      await eventually(
        'no holds',
        async () => (await world.store.query('holds', 'byApproval', { equals: ['acme.plan.p1'], limit: 10 })).length === 0,
      );
    } finally {
      await world.close();
    }
  }, 90_000);

  it('is what so many wait for otherwise', async () => {
    const world = await openWorld({ users: 45 });
    try {
      await setPolicies(world, everybody);
      await world.run('walk');
      await eventually(
        'the question',
        async () => (await world.store.query('approvals', 'byState', { equals: ['acme', 'waiting'], limit: 1 })).length > 0,
      );
      expect(await agentsOf(world)).toEqual([]);
    } finally {
      await world.close();
    }
  }, 60_000);
});

describe('the diagnosis of a plane', () => {
  it('tells what is there and, for what is not, what to do', async () => {
    const world = await openWorld();
    try {
      await eventually('polls', async () => (await world.store.get('polls', 'login')) && (await world.store.get('polls', 'admin')));
      const read = async () => {
        const { status, body } = await world.call('GET', '/v1/planes/acme/diagnosis', viewer);
        expect([status, contract.diagnose.answer.safeParse(body).error]).toEqual([200, undefined]);
        return contract.diagnose.answer.parse(body);
      };
      const { checks, versions } = await read();
      const states = Object.fromEntries(checks.map(({ name, state }) => [name, state]));
      expect(states).toEqual({
        directory: 'ok',
        'directory schema': 'ok',
        'admin roles': 'ok',
        'push channel': 'ok',
        'audit log': 'ok',
        'roll call': 'ok',
        sweep: 'ok',
        models: 'warning',
        backups: 'ok',
        mail: 'warning',
      });
      expect(checks.filter(({ state, remedy }) => (state === 'ok') !== (remedy === null))).toEqual([]);
      expect(versions.plane).toMatch(/^\d/);

      await world.directory.schemas.delete({ customerId: 'my_customer', schemaKey: 'OpenClaw_Agent' });
      for (const { id } of await world.store.query('channels', 'byExpiry', { limit: 50 }))
        await world.store.transact(async (tx) => void tx.delete('channels', id));
      const broken = (await read()).checks.filter(({ state }) => state === 'failed').map(({ name }) => name);
      expect(broken).toEqual(expect.arrayContaining(['directory schema', 'push channel']));
    } finally {
      await world.close();
    }
  }, 60_000);
});

describe('models by org unit (REQ-MAINT-05)', () => {
  const models: Plane['spec']['models'] = [
    { match: { ou: '/Sales/EU' }, tiers: { sonnet: 'eu-model' } },
    { match: { organization: true }, tiers: { sonnet: 'usual', opus: 'large' } },
    { match: { ou: '/Sales' }, tiers: { sonnet: 'sales' } },
  ];
  it.each([
    ['/', { sonnet: 'usual', opus: 'large' }],
    ['/Salesforce', { sonnet: 'usual', opus: 'large' }],
    ['/Sales', { sonnet: 'sales', opus: 'large' }],
    ['/Sales/EU/Berlin', { sonnet: 'eu-model', opus: 'large' }],
  ])('are those of the deepest unit that names one: %s', (ouPath, named) => {
    expect(modelsOf(models, ouPath)).toEqual(named);
  });
  it('are none where the plane names none', () => expect(modelsOf([], '/Sales')).toEqual({}));
});
