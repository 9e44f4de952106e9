import { eventually, openWorld, type World } from './world.ts';

const admin = 'admin@acme.test';

describe('what an agent asked for on behalf of its owner', () => {
  let world: World;
  let agentId: string;
  beforeEach(async () => {
    world = await openWorld();
    await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: 'bob@acme.test' });
    agentId = await world.agentIdOf('bob@acme.test');
  });
  afterEach(() => world.close());

  async function asked(id: string, tools: string[]): Promise<void> {
    const ownerId = await world.idOf('bob@acme.test');
    const request = { id, planeId: 'acme', agentId, ownerId, ownerEmail: 'bob@acme.test', tools, channels: [], why: 'to file a bug' };
    await world.store.transact(async (tx) => void tx.set('requests', id, { ...request, state: 'waiting', askedAt: Date.now() }));
  }
  const decide = (id: string, decision: string, email = admin) =>
    world.call('POST', `/v1/planes/acme/requests/${id}`, email, { decision, reason: 'fine' });

  it('waits for admins, and approval makes it possible with its origin (REQ-UX-05)', async () => {
    await asked('r1', ['github']);
    const { body } = await world.call('GET', '/v1/planes/acme/requests', 'viewer@acme.test');
    expect(body['requests']).toMatchObject([{ id: 'r1', ownerEmail: 'bob@acme.test', tools: ['github'], why: 'to file a bug' }]);
    expect((await decide('r1', 'approve')).body).toMatchObject({ state: 'approved', decidedBy: admin });
    await eventually('the tool', async () => (await world.store.get('agents', agentId))?.spec.tools.includes('github'));
    const explained = await world.call('GET', '/v1/planes/acme/users/bob@acme.test/explain', admin);
    expect(JSON.stringify(explained.body['sentences'])).toContain('a request that admin@acme.test approved adds github');
    expect((await world.call('GET', '/v1/planes/acme/requests', admin)).body['requests']).toEqual([]);
  });

  it('changes nothing when denied, is decided once, and never by a viewer', async () => {
    await asked('r2', ['exec']);
    expect((await decide('r2', 'approve', 'viewer@acme.test')).status).toBe(403);
    expect((await decide('r2', 'deny')).body).toMatchObject({ state: 'denied', reason: 'fine' });
    expect((await decide('r2', 'approve')).status).toBe(409);
    expect((await decide('nothing', 'approve')).status).toBe(404);
    expect((await world.store.get('agents', agentId))?.spec.tools).not.toContain('exec');
    const audit = await world.call('GET', `/v1/planes/acme/audit?agentId=${agentId}`, admin);
    expect(audit.body['rows']).toContainEqual(expect.objectContaining({ action: 'request.denied', target: 'r2' }));
  });
});
