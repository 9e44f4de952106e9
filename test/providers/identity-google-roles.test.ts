import { audience, openCtx, openIdentity } from './open-identity.ts';

type Open = Awaited<ReturnType<typeof openIdentity>>;
const customer = 'my_customer';

const roleIdOf = async ({ client }: Open, name: string) =>
  (await client.roles.list({ customer })).data.items?.find(({ roleName }) => roleName === name)?.roleId ?? '';

const assign = async ({ client }: Open, roleId: string, assignedTo: string, more: object = { scopeType: 'CUSTOMER' }) =>
  client.roleAssignments.insert({ customer, requestBody: { roleId, assignedTo, ...more } });

describe('the roles of a user', () => {
  it('are Agent Admin for super admins and who holds that role, Agent Viewer for who holds the other (REQ-WSEC-02)', async () => {
    const open = await openIdentity();
    const rolesOf = async (email: string) => open.identity.rolesOf(await open.idOf(email), openCtx());
    expect(await rolesOf('admin@acme.test')).toEqual([{ role: 'admin' }]);
    expect(await rolesOf('ops@acme.test')).toEqual([{ role: 'admin' }]);
    expect(await rolesOf('viewer@acme.test')).toEqual([{ role: 'viewer' }]);
    expect(await rolesOf('bob@acme.test')).toEqual([]);
    expect((await open.identity.authenticate(open.workspace.idToken('viewer@acme.test', audience), openCtx())).roles).toEqual([
      { role: 'viewer' },
    ]);
  });

  it('are read fresh: a role that is taken away is gone with the next question', async () => {
    const open = await openIdentity();
    const id = await open.idOf('viewer@acme.test');
    const { data } = await open.client.roleAssignments.list({ customer, userKey: id });
    await open.client.roleAssignments.delete({ customer, roleAssignmentId: data.items?.[0]?.roleAssignmentId ?? '' });
    expect(await open.identity.rolesOf(id, openCtx())).toEqual([]);
  });

  it('come through groups too, though the first page is empty', async () => {
    const open = await openIdentity();
    await open.client.groups.insert({ requestBody: { email: 'auditors@acme.test' } });
    await open.client.members.insert({ groupKey: 'auditors@acme.test', requestBody: { email: 'bob@acme.test' } });
    const { data: group } = await open.client.groups.get({ groupKey: 'auditors@acme.test' });
    await assign(open, await roleIdOf(open, 'OpenClaw Agent Viewer'), group.id ?? '');
    expect(await open.identity.rolesOf(await open.idOf('bob@acme.test'), openCtx())).toEqual([{ role: 'viewer' }]);
  });

  it('for one unit are for that unit alone, wherever it is moved, and end with it (REQ-WSEC-02)', async () => {
    const open = await openIdentity();
    const { data: unit } = await open.client.orgunits.get({ customerId: customer, orgUnitPath: 'Engineering/Platform' });
    const id = await open.idOf('bob@acme.test');
    await assign(open, await roleIdOf(open, 'OpenClaw Agent Admin'), id, { scopeType: 'ORG_UNIT', orgUnitId: unit.orgUnitId });
    expect(await open.identity.rolesOf(id, openCtx())).toEqual([{ role: 'admin', ou: '/Engineering/Platform' }]);
    const at = { customerId: customer, orgUnitPath: unit.orgUnitId ?? '' };
    await open.client.orgunits.update({ ...at, requestBody: { name: 'Base', parentOrgUnitPath: '/' } });
    expect(await open.identity.rolesOf(id, openCtx())).toEqual([{ role: 'admin', ou: '/Base' }]);
    await open.client.orgunits.delete(at);
    expect(await open.identity.rolesOf(id, openCtx())).toEqual([]);
  });

  it('are none for who is suspended, archived or gone, super admins included', async () => {
    const open = await openIdentity();
    for (const [email, state] of [
      ['ops@acme.test', { suspended: true }],
      ['viewer@acme.test', { archived: true }],
    ] as const) {
      const id = await open.idOf(email);
      await open.client.users.update({ userKey: id, requestBody: state });
      expect(await open.identity.rolesOf(id, openCtx())).toEqual([]);
    }
    expect(await open.identity.rolesOf('117000000000000000000', openCtx())).toEqual([]);
  });

  it('follow the ids that the installer stored, and not a role of the same name', async () => {
    let ids: { admin?: string; viewer?: string } = {};
    const open = await openIdentity({ roleIds: async () => ids });
    const requestBody = { roleName: 'Desk', rolePrivileges: [{ privilegeName: 'USERS_RETRIEVE', serviceId: '00haapch16h1ysv' }] };
    const { data } = await open.client.roles.insert({ customer, requestBody });
    const bob = await open.idOf('bob@acme.test');
    await assign(open, data.roleId ?? '', bob);
    ids = { admin: data.roleId ?? '', viewer: await roleIdOf(open, 'OpenClaw Agent Viewer') };
    const asked = await open.pathsOf(async () => expect(await open.identity.rolesOf(bob, openCtx())).toEqual([{ role: 'admin' }]));
    expect(asked.filter((path) => path.includes('/roles?'))).toEqual([]);
    expect(await open.identity.rolesOf(await open.idOf('ops@acme.test'), openCtx())).toEqual([]);
    expect(await open.identity.rolesOf(await open.idOf('viewer@acme.test'), openCtx())).toEqual([{ role: 'viewer' }]);
  });

  it('are found by name among more roles than fit one page', async () => {
    const open = await openIdentity();
    const rolePrivileges = [{ privilegeName: 'USERS_RETRIEVE', serviceId: '00haapch16h1ysv' }];
    const names = Array.from({ length: 110 }, (_, number) => `Desk ${number}`);
    for (const roleName of names) await open.client.roles.insert({ customer, requestBody: { roleName, rolePrivileges } });
    const asked = await open.pathsOf(async () =>
      expect(await open.identity.rolesOf(await open.idOf('viewer@acme.test'), openCtx())).toEqual([{ role: 'viewer' }]),
    );
    expect(asked.filter((path) => path.includes('/roles?'))).toHaveLength(2);
  });
});
