import { contract } from '../../shared/contract.ts';
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

  async function asked(id: string, tools: string[], askedAt = Date.now()): Promise<void> {
    const ownerId = await world.idOf('bob@acme.test');
    const request = { id, planeId: 'acme', agentId, ownerId, ownerEmail: 'bob@acme.test', tools, channels: [], why: 'to file a bug' };
    await world.store.transact(async (tx) => void tx.set('requests', id, { ...request, state: 'waiting', askedAt }));
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
    expect(JSON.stringify(explained.body['sentences'])).toContain('a request that admin@acme.test approved adds GitHub');
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

  it('takes back what was granted, tells the audit, and looks at the owner at once', async () => {
    await asked('r3', ['github']);
    await decide('r3', 'approve');
    const hasTool = async () => (await world.store.get('agents', agentId))?.spec.tools.includes('github') === true;
    await eventually('the tool', hasTool);
    const path = '/v1/planes/acme/users/bob@acme.test/grants';
    const { body } = await world.call('GET', path, 'viewer@acme.test');
    expect(contract.listGrants.answer.safeParse(body).error).toBeUndefined();
    expect(body['grants']).toMatchObject([{ id: 'r3', tools: ['github'], channels: [], grantedBy: admin }]);
    expect((await world.call('DELETE', `${path}/r3`, 'viewer@acme.test')).status).toBe(403);
    expect((await world.call('DELETE', '/v1/planes/acme/users/alice@acme.test/grants/r3', admin)).status).toBe(404);
    expect(await hasTool()).toBe(true);
    expect(await world.call('DELETE', `${path}/r3`, admin)).toMatchObject({ status: 200, body: { id: 'r3', tools: ['github'] } });
    await eventually('the tool to be gone', async () => !(await hasTool()));
    expect((await world.call('GET', path, admin)).body).toEqual({ grants: [] });
    expect((await world.call('DELETE', `${path}/r3`, admin)).status).toBe(404);
    const audit = await world.call('GET', `/v1/planes/acme/audit?agentId=${agentId}`, admin);
    const row = { action: 'grant.revoked', target: 'r3', actor: expect.objectContaining({ kind: 'user', id: admin }) as unknown };
    expect(audit.body['rows']).toContainEqual(expect.objectContaining(row));
  });

  it('is listed whole, page by page, though much of it came in the same millisecond and some is decided meanwhile', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    for (const id of ids) await asked(id, ['exec'], id === 'a' ? 1_000 : id === 'g' ? 3_000 : 2_000);
    const seen: string[] = [];
    let cursor = '';
    for (let pages = 0; pages < 10; pages += 1) {
      const { body } = await world.call('GET', `/v1/planes/acme/requests?limit=2${cursor}`, admin);
      seen.push(...(body['requests'] as { id: string }[]).map(({ id }) => id));
      if (pages === 0) await decide('g', 'deny');
      if (pages === 1) await decide('e', 'deny');
      if (body['next'] === null) break;
      cursor = `&cursor=${encodeURIComponent(body['next'] as string)}`;
    }
    expect(seen).toEqual(ids.toReversed());
    expect((await world.call('GET', '/v1/planes/acme/requests?cursor=2000', admin)).status).toBe(400);
  });

  it('lists approvals whole as well, though all were asked for in the same millisecond', async () => {
    const asked = { planeId: 'acme', creates: 30, removes: 0, state: 'waiting', askedAt: 2_000 } as const;
    for (const id of ['x', 'y', 'z']) await world.store.transact(async (tx) => tx.set('approvals', id, { ...asked, id }));
    const first = await world.call('GET', '/v1/planes/acme/approvals?limit=2', admin);
    const next = first.body['next'] as string;
    const rest = await world.call('GET', `/v1/planes/acme/approvals?limit=2&cursor=${next}`, admin);
    const idsOf = ({ body }: typeof first) => (body['approvals'] as { id: string }[]).map(({ id }) => id);
    expect([idsOf(first), idsOf(rest), rest.body['next']]).toEqual([['z', 'y'], ['x'], null]);
  });
});
