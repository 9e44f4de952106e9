import { PlaneError } from '../../functions/core/errors.ts';
import { createDirectory, createReports } from '../../functions/providers/cloud/google.ts';
import { createGoogleWorkspace } from '../../functions/providers/identity/google-workspace.ts';
import { customer } from '../local/workspace/open-workspace.ts';
import { createLanes, openCtx, openIdentity, openLoopback } from './open-identity.ts';

const set = (open: Awaited<ReturnType<typeof openIdentity>>, userKey: string, requestBody: object) =>
  open.client.users.update({ userKey, requestBody });

describe('one user', () => {
  it('costs exactly one call when not active, and one more for each policy group otherwise', async () => {
    const open = await openIdentity();
    await set(open, 'alice@acme.test', { suspended: true });
    const alice = await open.pathsOf(async () => {
      const user = await open.identity.resolveUser('alice@acme.test', openCtx());
      expect(user).toMatchObject({ active: false, inactiveBecause: 'suspended', groups: [] });
    });
    expect(alice).toEqual([expect.stringMatching(/^GET users\/alice@acme\.test\?/)]);
    await set(open, 'alice@acme.test', { suspended: false });
    const active = await open.pathsOf(async () => {
      expect((await open.identity.resolveUser('alice@acme.test', openCtx()))?.groups).toContain('engineering-leads@acme.test');
    });
    expect(active).toHaveLength(3);
  });

  it('is absent when nobody has this key, and after deletion', async () => {
    const open = await openIdentity();
    const id = await open.idOf('bob@acme.test');
    await open.client.users.delete({ userKey: id });
    expect(await open.identity.resolveUser(id, openCtx())).toBeUndefined();
    expect(await open.identity.resolveUser('nobody@acme.test', openCtx())).toBeUndefined();
  });

  it('is asked for once: a failing directory is not asked again behind our back', async () => {
    const { url, received } = await openLoopback(() => ({ status: 503, body: {} }));
    const client = { rootUrl: `${url}/`, fetchImplementation: fetch };
    const identity = createGoogleWorkspace({
      ...{ directory: createDirectory(client), reports: createReports(client), domain: 'acme.test' },
      ...{ policyGroups: async () => [], audiences: ['a'] },
    });
    await expect(identity.resolveUser('bob@acme.test', openCtx())).rejects.toMatchObject({ code: 'unavailable' });
    expect(received).toHaveLength(1);
  });
});

describe('listings', () => {
  it('gives pages of at most 500, each user once', async () => {
    const open = await openIdentity({}, { userCount: 501 });
    const first = await open.identity.listPage({}, openCtx());
    expect(first.users).toHaveLength(500);
    const second = await open.identity.listPage({ token: first.next ?? '' }, openCtx());
    expect(second).not.toHaveProperty('next');
    const ids = [...first.users, ...second.users].map(({ id }) => id);
    expect(ids).toHaveLength(501);
    expect(new Set(ids).size).toBe(501);
  });

  it('shows who was deleted and can come back, and nobody else', async () => {
    const open = await openIdentity();
    const id = await open.idOf('bob@acme.test');
    await open.client.users.delete({ userKey: id });
    const { users } = await open.identity.listPage({ deleted: true }, openCtx());
    expect(users).toEqual([expect.objectContaining({ id, active: false, inactiveBecause: 'deleted' })]);
    expect((await open.identity.listPage({}, openCtx())).users.map((user) => user.id)).not.toContain(id);
  });

  it('finds the users of a unit and the units below it, and of no unit of a like name, without the search index', async () => {
    const open = await openIdentity();
    const place = async (email: string, parent: string, name: string) => {
      const requestBody = { name, parentOrgUnitPath: parent };
      await open.client.orgunits.insert({ customerId: customer, requestBody });
      await set(open, email, { orgUnitPath: `${parent === '/' ? '' : parent}/${name}` });
    };
    await place('carol@acme.test', '/Sales', 'North');
    await place('alice@acme.test', '/', 'Salesforce');
    const found: string[] = [];
    const asked = await open.pathsOf(async () => {
      for await (const { email } of open.identity.listUsers({ ou: '/Sales' }, openCtx())) found.push(email);
    });
    expect(found).toEqual(expect.arrayContaining(['bob@acme.test', 'carol@acme.test']));
    expect(found).not.toContain('alice@acme.test');
    expect(asked.join()).not.toContain('query=');
  });

  it('gives everybody in a group, nested groups and suspended users too, over as many pages as it takes', async () => {
    const open = await openIdentity({}, { userCount: 230 });
    const { client } = open;
    await client.groups.insert({ requestBody: { email: 'all@acme.test' } });
    await client.members.insert({ groupKey: 'all@acme.test', requestBody: { email: 'engineering-leads@acme.test' } });
    const { users } = await open.identity.listPage({}, openCtx());
    for (const { email } of users.slice(0, 205)) await client.members.insert({ groupKey: 'all@acme.test', requestBody: { email } });
    await set(open, users[0]?.email ?? '', { suspended: true });
    const asked = await open.pathsOf(async () => {
      const members = (await open.identity.membersOf('all@acme.test', openCtx())) ?? [];
      expect(members).toContain(users[0]?.id);
      expect(members).toContain(await open.idOf('alice@acme.test'));
      expect(new Set(members).size).toBe(members.length);
      expect(members.length).toBeGreaterThanOrEqual(205);
      const { data: group } = await client.groups.get({ groupKey: 'engineering-leads@acme.test' });
      expect(members).not.toContain(group.id);
    });
    expect(asked.filter((path) => path.startsWith('GET groups/all@acme.test/members'))).toHaveLength(2);
    expect(await open.identity.membersOf('nobody@acme.test', openCtx())).toBeUndefined();
  });

  const openStub = async (answer: Parameters<typeof openLoopback>[0]) => {
    const { url } = await openLoopback(answer);
    const client = { rootUrl: `${url}/`, fetchImplementation: fetch };
    return createGoogleWorkspace({
      ...{ directory: createDirectory(client), reports: createReports(client), domain: 'acme.test' },
      ...{ policyGroups: async () => [], audiences: ['a'] },
    });
  };

  it('takes a group of which one page fails for unread, never for smaller', async () => {
    const identity = await openStub(({ url }) =>
      url.includes('pageToken') ? { status: 500, body: {} } : { body: { members: [{ id: '1', type: 'USER' }], nextPageToken: 'second' } },
    );
    await expect(identity.membersOf('all@acme.test', openCtx())).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('knows that a group whose member is the company holds everybody', async () => {
    const identity = await openStub(({ url }) =>
      url.includes('/members')
        ? { body: { members: [{ id: 'C01', type: 'CUSTOMER' }] } }
        : { body: { users: [{ id: '1' }, { id: '2', suspended: true }] } },
    );
    expect(await identity.membersOf('all@acme.test', openCtx())).toEqual(['1', '2']);
  });

  it('gives up on pages that name themselves as the next', async () => {
    const identity = await openStub(() => ({ body: { members: [], nextPageToken: 'same' } }));
    await expect(identity.membersOf('all@acme.test', openCtx())).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('do not come to an end') as string,
    });
  });
});

describe('the quota', () => {
  it('counts every call against its lane: urgent reads apart from others, writes by what they write', async () => {
    const { quota, taken } = createLanes();
    const open = await openIdentity({ quota });
    const lanesOf = async (work: () => Promise<unknown>) => {
      taken.length = 0;
      await work();
      return [...taken];
    };
    const { identity } = open;
    const id = await open.idOf('alice@acme.test');
    const fields = { agentId: 'a', agentStatus: 'running', lastHeartbeat: '' };
    expect(await lanesOf(() => identity.resolveUser(id, openCtx({ urgent: true })))).toEqual(['offboarding', 'offboarding', 'offboarding']);
    expect(await lanesOf(() => identity.resolveUser(id, openCtx()))).toEqual(['reads', 'reads', 'reads']);
    expect(await lanesOf(() => identity.publish(id, fields, 'status', openCtx({ urgent: true })))).toEqual(['status']);
    expect(await lanesOf(() => identity.publish(id, fields, 'heartbeat', openCtx()))).toEqual(['heartbeats']);
    expect(await lanesOf(() => identity.writeRequests(id, { agentEnabled: true }, openCtx()))).toEqual(['status']);
    expect(await lanesOf(() => identity.membersOf('engineering@acme.test', openCtx()))).toEqual(['reads']);
  });

  it('writes nothing when the share of such writes is used up, and says when to come again', async () => {
    const { quota } = createLanes({ heartbeats: 700 });
    const open = await openIdentity({ quota });
    const fields = { agentId: 'a', agentStatus: 'running', lastHeartbeat: '' };
    const asked = await open.pathsOf(async () => {
      expect(await open.identity.publish('bob@acme.test', fields, 'heartbeat', openCtx())).toBe(700);
    });
    expect(asked).toEqual([]);
    expect(await open.identity.publish('bob@acme.test', fields, 'status', openCtx())).toBeUndefined();
    expect(await open.identity.publish('nobody@acme.test', fields, 'status', openCtx())).toBeUndefined();
    const { data } = await open.client.users.get({ userKey: 'bob@acme.test', projection: 'full' });
    expect(data.customSchemas?.['OpenClaw_Agent']).toMatchObject({ agentId: 'a', agentStatus: 'running' });
  });

  it('closes the lane for a moment when Google refuses all the same', async () => {
    const { quota, penalized } = createLanes();
    const open = await openIdentity({ quota }, { queriesPerMinute: 1 });
    await open.directory.orgunits.list({ customerId: customer, type: 'all' });
    const read = open.identity.resolveUser('bob@acme.test', openCtx({ urgent: true }));
    await expect(read).rejects.toMatchObject({ code: 'tooManyRequests' });
    await expect(read).rejects.toBeInstanceOf(PlaneError);
    const fields = { agentId: 'a', agentStatus: 'running', lastHeartbeat: '' };
    expect(await open.identity.publish('bob@acme.test', fields, 'status', openCtx())).toBe(2_000);
    expect(penalized).toEqual(['offboarding', 'status']);
  });
});
