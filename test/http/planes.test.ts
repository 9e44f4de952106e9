import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { changePlane, compareDefinitions, toPlaneDraft } from '../../functions/planes.ts';
import { version } from '../../functions/version.ts';
import { contract } from '../../shared/contract.ts';
import type { Plane } from '../../shared/plane.ts';
import { inOu, toPlane } from '../directory/company.ts';
import { eventually, openWorld, type World } from './world.ts';

const [admin, viewer] = ['admin@acme.test', 'viewer@acme.test'];
const actor = { kind: 'user', id: admin } as const;

const local = { infrastructure: 'local', secrets: 'local', networking: 'direct' } as const;
/** A plane on this deployment's providers that claims some org units. */
function planeNamed(name: string, ous: readonly string[], policies: Plane['spec']['policies'] = []): Plane {
  const plane = toPlane(policies);
  const { spec } = plane;
  return {
    ...plane,
    metadata: { name },
    spec: {
      ...spec,
      identity: { provider: 'google-workspace', domain: 'acme.test', selector: { ous: [...ous] } },
      infrastructure: { ...spec.infrastructure, provider: local.infrastructure },
      secrets: { ...spec.secrets, provider: local.secrets },
      networking: { ...spec.networking, provider: local.networking },
    },
  };
}
const claimed = inOu('/', { agentEnabled: true });

describe('planes', () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld({ plane: planeNamed('acme', ['/Engineering']) });
  });
  afterEach(() => world.close());

  const deps = () => ({ store: world.store, clock: world.clock, hashing: { sha256: (text: string) => text }, wake: world.wake });
  const change = async (planeId: string, edit: (plane: Plane) => Plane) => {
    const record = await world.planes.record(planeId);
    if (!record) throw new Error(`no plane ${planeId}`);
    return changePlane(planeId, actor, () => ({ ...toPlaneDraft(record), definition: edit(record.definition) }), deps());
  };
  const withPolicies = (policies: Plane['spec']['policies']) => (plane: Plane) => ({ ...plane, spec: { ...plane.spec, policies } });
  const agentOf = async (email: string, planeId: string) => world.store.get('agents', await world.agentIdOf(email, planeId));
  const runs = (email: string, planeId: string) =>
    eventually(`${email} in ${planeId}`, async () => {
      const agent = await agentOf(email, planeId);
      const status = agent && (await world.store.get('statuses', agent.agentId));
      return status && status.parts.machine?.state === 'ready' && agent.desired === 'running' ? agent : undefined;
    });

  it('runs two planes side by side in one deployment, each with its own users and policies (REQ-ID-01, REQ-WS-03)', async () => {
    const made = await world.call(
      'POST',
      '/v1/planes',
      admin,
      planeNamed('sales', ['/Sales'], [inOu('/Sales', { agentEnabled: true, modelTier: 'haiku' })]),
    );
    expect([made.status, made.body]).toEqual([
      201,
      expect.objectContaining({ planeId: 'sales', revision: 1, managedBy: 'api', updatedBy: admin }),
    ]);
    expect(contract.createPlane.answer.safeParse(made.body).error).toBeUndefined();
    await change('acme', withPolicies([inOu('/Engineering', { agentEnabled: true, modelTier: 'opus' })]));
    expect((await runs('bob@acme.test', 'sales')).spec.modelTier).toBe('haiku');
    expect((await runs('alice@acme.test', 'acme')).spec.modelTier).toBe('opus');
    expect(await agentOf('bob@acme.test', 'acme')).toBeUndefined();
    expect(await agentOf('carol@acme.test', 'acme')).toBeUndefined();
    const list = (await world.call('GET', '/v1/planes', viewer)).body['planes'];
    expect(list).toMatchObject([{ planeId: 'acme' }, { planeId: 'sales' }]);
    expect((await world.call('GET', `/v1/planes/acme/agents/${await world.agentIdOf('bob@acme.test', 'sales')}`, admin)).status).toBe(404);
  });

  it('takes an edited policy to an agent that runs, and tells the audit what changed from what to what (REQ-WS-03)', async () => {
    await change('acme', withPolicies([inOu('/Engineering', { agentEnabled: true, budgetCap: 20 })]));
    const before = await runs('alice@acme.test', 'acme');
    await change('acme', withPolicies([inOu('/Engineering', { agentEnabled: true, budgetCap: 35 })]));
    const after = await eventually('the new cap', async () => {
      const agent = await agentOf('alice@acme.test', 'acme');
      return agent?.spec.budgetCap === 35 ? agent : undefined;
    });
    expect(after.incarnation).toBe(before.incarnation);
    const rows = await world.store.query('audit', 'bySeq', { equals: ['plane/acme'], limit: 100 });
    const [row] = rows.filter(({ action }) => action === 'plane.change').slice(-1);
    expect(row?.actor).toMatchObject(actor);
    expect(row?.detail).toMatchObject({ revision: 3, changes: [{ path: 'definition.spec.policies' }] });
  });

  it('lets two processes on one store see what the other changed', async () => {
    const other = world.start('other', 'sample', world.plane);
    await other.planes.refresh();
    await world.call('POST', '/v1/planes', admin, planeNamed('sales', ['/Sales']));
    await other.planes.refresh();
    expect(other.planes.active().map(({ metadata }) => metadata.name)).toEqual(['acme', 'sales']);
    await change('acme', withPolicies([inOu('/Engineering', { agentEnabled: true })]));
    // The look in the other process decides by what this one wrote just now.
    await world.wake.stop();
    const id = await world.idOf('alice@acme.test');
    await world.store.transact(async (tx) => tx.set('schedule', `look/${id}`, { key: `look/${id}`, dueAt: 0, attempts: 0, stamp: 1 }));
    await other.runner.run(`look/${id}`);
    expect(await agentOf('alice@acme.test', 'acme')).toMatchObject({ desired: 'running', reason: 'enabled by ou:/Engineering' });
  });

  it('provisions nothing for a user whom two planes claim, and says why', async () => {
    await change('acme', withPolicies([inOu('/Engineering', { agentEnabled: true })]));
    await runs('alice@acme.test', 'acme');
    await world.call('POST', '/v1/planes', admin, planeNamed('second', ['/Engineering'], [claimed]));
    const agent = await eventually('the ambiguity', async () => {
      const found = await agentOf('alice@acme.test', 'acme');
      return found?.desired === 'removed' ? found : undefined;
    });
    expect(agent.conditions).toEqual([
      expect.objectContaining({ type: 'AmbiguousPlane', message: expect.stringContaining('acme and second') as unknown }),
    ]);
    expect(await agentOf('alice@acme.test', 'second')).toBeUndefined();
  });

  it('refuses what this deployment cannot run, names what it can, and changes nothing (REQ-ID-01)', async () => {
    const before = await world.store.query('planes', 'byId', { limit: 10 });
    const post = async (body: unknown) => world.call('POST', '/v1/planes', admin, body);
    const elsewhere = planeNamed('cloudy', ['/Sales']);
    const foreign = { ...elsewhere, spec: { ...elsewhere.spec, infrastructure: { ...elsewhere.spec.infrastructure, provider: 'gcp' } } };
    const answer = await post(foreign);
    expect([answer.status, answer.body['problems']]).toEqual([
      400,
      [{ path: 'spec.infrastructure.provider', found: '"gcp"', allowed: 'local' }],
    ]);
    const domain = { ...elsewhere, spec: { ...elsewhere.spec, identity: { ...elsewhere.spec.identity, domain: 'other.test' } } };
    expect((await post(domain)).body['detail']).toContain('acme.test, which this deployment serves');
    expect((await post({ ...elsewhere, metadata: { name: 'Not A Label' } })).status).toBe(400);
    expect((await post({ kind: 'AgentsPlane' })).status).toBe(400);
    expect((await post(planeNamed('acme', ['/Sales']))).status).toBe(409);
    expect((await world.call('POST', '/v1/planes', viewer, elsewhere)).status).toBe(403);
    expect(await world.store.query('planes', 'byId', { limit: 10 })).toEqual(before);
  });

  it('shows a plane as its planes.yaml says it, and its org units and groups with how many agents each has', async () => {
    await change(
      'acme',
      withPolicies([inOu('/Engineering', { agentEnabled: true }), { match: { group: 'engineering-leads@acme.test' }, spec: {} }]),
    );
    await runs('alice@acme.test', 'acme');
    await world.settle();
    const { body } = await world.call('GET', '/v1/planes/acme', viewer);
    expect(contract.getPlane.answer.safeParse(body).error).toBeUndefined();
    expect(body['definition']).toMatchObject({ spec: { identity: { selector: { ous: ['/Engineering'] } } } });
    const scopes = (await world.call('GET', '/v1/planes/acme/scopes', viewer)).body;
    expect(contract.listScopes.answer.safeParse(scopes).error).toBeUndefined();
    const agents = (await world.store.query('agents', 'byPlane', { equals: ['acme'], limit: 100 })).length;
    expect(agents).toBeGreaterThan(1);
    expect(scopes['ous']).toEqual(
      expect.arrayContaining([
        { path: '/', agents },
        { path: '/Engineering', agents },
        { path: '/Sales', agents: 0 },
      ]),
    );
    expect(scopes['groups']).toEqual([{ email: 'engineering-leads@acme.test', agents: expect.any(Number) as unknown }]);
    expect((await world.call('GET', '/v1/planes/nowhere', viewer)).status).toBe(404);
  });

  it('never lets a living plane change what its agents stand on', async () => {
    await expect(
      change('acme', (plane) => ({ ...plane, spec: { ...plane.spec, secrets: { ...plane.spec.secrets, provider: 'vault' } } })),
    ).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('spec.secrets.provider would go from local to vault') as unknown,
    });
    await expect(change('acme', (plane) => ({ ...plane, metadata: { name: 'other' } }))).rejects.toMatchObject({ code: 'conflict' });
    expect(await world.planes.record('acme')).toMatchObject({ revision: 1 });
  });
});

describe('the file of a plane', () => {
  const first = planeNamed('acme', ['/Engineering']);
  const second = planeNamed('acme', ['/Engineering'], [claimed]);

  it('is taken up at a start when it is another than last time, and only then; without it the plane is handed to the API', async () => {
    const world = await openWorld({ plane: first, managedBy: 'file' });
    try {
      const startWith = async (plane: Plane, from: 'file' | 'sample') => {
        await world.start(`from ${from}`, from, plane).planes.refresh();
        return world.store.get('planes', 'acme');
      };
      expect(await world.store.get('planes', 'acme')).toMatchObject({ revision: 1, managedBy: 'file', updatedBy: 'planes.yaml' });
      expect(await startWith(first, 'file')).toMatchObject({ revision: 1 });
      expect(await startWith(second, 'file')).toMatchObject({ revision: 2, managedBy: 'file', definition: second });
      // The sample never replaces what is there.
      expect(await startWith(first, 'sample')).toMatchObject({ revision: 3, managedBy: 'api', definition: second });
      expect(await startWith(first, 'sample')).toMatchObject({ revision: 3 });
      expect(await startWith(second, 'file')).toMatchObject({ revision: 4, managedBy: 'file' });
    } finally {
      await world.close();
    }
  });

  it('keeps what is in force where the file would move agents to other providers', async () => {
    const world = await openWorld({ plane: first, managedBy: 'file' });
    try {
      const moved = { ...first, spec: { ...first.spec, networking: { ...first.spec.networking, provider: 'other' } } };
      await expect(world.start('other', 'file', moved).planes.refresh()).rejects.toMatchObject({ code: 'conflict' });
      expect(await world.store.get('planes', 'acme')).toMatchObject({ revision: 1 });
    } finally {
      await world.close();
    }
  });
});

describe('what a definition changes', () => {
  it('is told path by path, lists whole', () => {
    const before = planeNamed('acme', ['/Sales']);
    const after = { ...before, spec: { ...before.spec, timeZone: 'Europe/Berlin', policies: [claimed] } };
    expect(compareDefinitions(before, after)).toEqual([
      { path: 'spec.policies', from: [], to: [claimed] },
      { path: 'spec.timeZone', from: 'UTC', to: 'Europe/Berlin' },
    ]);
    expect(compareDefinitions(before, before)).toEqual([]);
  });

  it('carries the version of package.json', () => {
    const { version: packaged } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { version: string };
    expect(version).toBe(packaged);
  });
});
