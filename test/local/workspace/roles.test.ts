import { openWorkspace, refusal, type OpenWorkspace } from './open-workspace.ts';

const customer = 'my_customer';

const roleIdOf = async ({ client }: OpenWorkspace, name: string) =>
  (await client.roles.list({ customer })).data.items?.find(({ roleName }) => roleName === name)?.roleId ?? '';

test('has the custom roles of the sample company and who holds them', async () => {
  const open = await openWorkspace();
  const { data } = await open.client.roles.list({ customer });
  expect(data.items?.map(({ roleName }) => roleName).sort()).toEqual(['OpenClaw Agent Admin', 'OpenClaw Agent Viewer', '_SEED_ADMIN_ROLE']);
  const viewer = data.items?.find(({ roleName }) => roleName === 'OpenClaw Agent Viewer');
  expect(viewer?.rolePrivileges?.map(({ privilegeName }) => privilegeName)).toEqual(['USERS_RETRIEVE', 'ORGANIZATION_UNITS_RETRIEVE']);
  const { data: assigned } = await open.client.roleAssignments.list({ customer, userKey: 'viewer@acme.test' });
  const { data: user } = await open.client.users.get({ userKey: 'viewer@acme.test' });
  expect(assigned.items).toEqual([
    expect.objectContaining({ roleId: viewer?.roleId, assignedTo: user.id, assigneeType: 'user', scopeType: 'CUSTOMER' }),
  ]);
  const ops = await open.client.roleAssignments.list({ customer, userKey: 'ops@acme.test' });
  expect(ops.data.items?.[0]?.roleId).toBe(await roleIdOf(open, 'OpenClaw Agent Admin'));
});

test('pages through all assignments and filters them by role', async () => {
  const open = await openWorkspace();
  const first = await open.client.roleAssignments.list({ customer, maxResults: 2 });
  expect(first.data.items).toHaveLength(2);
  const rest = await open.client.roleAssignments.list({ customer, maxResults: 2, pageToken: first.data.nextPageToken ?? '' });
  expect(rest.data.items).toHaveLength(1);
  expect(rest.data).not.toHaveProperty('nextPageToken');
  const roleId = await roleIdOf(open, 'OpenClaw Agent Viewer');
  expect((await open.client.roleAssignments.list({ customer, roleId })).data.items).toHaveLength(1);
  expect(await refusal(open.client.roleAssignments.list({ customer, maxResults: 201 }))).toMatchObject({ reason: 'invalidParameter' });
});

test('gives what a user holds through groups on a page of its own, after an empty one', async () => {
  const open = await openWorkspace();
  const { client } = open;
  const roleId = await roleIdOf(open, 'OpenClaw Agent Viewer');
  await client.groups.insert({ requestBody: { email: 'auditors@acme.test' } });
  await client.members.insert({ groupKey: 'auditors@acme.test', requestBody: { email: 'engineering-leads@acme.test' } });
  const { data: group } = await client.groups.get({ groupKey: 'auditors@acme.test' });
  await client.roleAssignments.insert({ customer, requestBody: { roleId, assignedTo: group.id ?? '', scopeType: 'CUSTOMER' } });

  const query = { customer, userKey: 'alice@acme.test' };
  expect((await client.roleAssignments.list(query)).data).not.toHaveProperty('nextPageToken');
  const { data: empty } = await client.roleAssignments.list({ ...query, includeIndirectRoleAssignments: true });
  expect(empty).not.toHaveProperty('items');
  const { data } = await client.roleAssignments.list({
    ...query,
    includeIndirectRoleAssignments: true,
    pageToken: empty.nextPageToken ?? '',
  });
  expect(data.items).toEqual([expect.objectContaining({ roleId, assignedTo: group.id, assigneeType: 'group' })]);
  expect(data).not.toHaveProperty('nextPageToken');
});

test('assigns a role for one unit and takes it away', async () => {
  const open = await openWorkspace();
  const { client } = open;
  const { data: unit } = await client.orgunits.get({ customerId: customer, orgUnitPath: 'Sales' });
  const { data: bob } = await client.users.get({ userKey: 'bob@acme.test' });
  const roleId = await roleIdOf(open, 'OpenClaw Agent Admin');
  const requestBody = { roleId, assignedTo: bob.id ?? '', scopeType: 'ORG_UNIT', orgUnitId: unit.orgUnitId ?? '' };
  const { data } = await client.roleAssignments.insert({ customer, requestBody });
  // Here the id of the unit comes without the prefix that the unit itself shows.
  expect(data).toMatchObject({ scopeType: 'ORG_UNIT', orgUnitId: unit.orgUnitId?.slice(3) });
  expect(await refusal(client.roleAssignments.insert({ customer, requestBody }))).toMatchObject({ status: 409, reason: 'duplicate' });
  expect((await client.users.get({ userKey: 'bob@acme.test' })).data.isDelegatedAdmin).toBe(true);
  await client.roleAssignments.delete({ customer, roleAssignmentId: data.roleAssignmentId ?? '' });
  expect((await client.roleAssignments.list({ customer, userKey: 'bob@acme.test' })).data).not.toHaveProperty('items');
});

test('shows no assignment of a deleted user', async () => {
  const { client } = await openWorkspace();
  await client.users.delete({ userKey: 'viewer@acme.test' });
  expect((await client.roleAssignments.list({ customer })).data.items).toHaveLength(2);
  expect(await refusal(client.roleAssignments.list({ customer, userKey: 'viewer@acme.test' }))).toMatchObject({ status: 404 });
});

test('takes the super admin role for what makes a super admin', async () => {
  const open = await openWorkspace();
  const { client } = open;
  const roleId = await roleIdOf(open, '_SEED_ADMIN_ROLE');
  const { data: carol } = await client.users.get({ userKey: 'carol@acme.test' });
  await client.roleAssignments.insert({ customer, requestBody: { roleId, assignedTo: carol.id ?? '' } });
  expect((await client.users.get({ userKey: 'carol@acme.test' })).data.isAdmin).toBe(true);
  expect(await refusal(client.roles.delete({ customer, roleId }))).toMatchObject({ status: 400 });
});

test('creates a role and deletes it while nobody holds it', async () => {
  const { client } = await openWorkspace();
  const requestBody = { roleName: 'Desk', rolePrivileges: [{ privilegeName: 'USERS_RETRIEVE', serviceId: '00haapch16h1ysv' }] };
  const { data } = await client.roles.insert({ customer, requestBody });
  expect((await client.roles.get({ customer, roleId: data.roleId ?? '' })).data).toEqual(data);
  expect(await refusal(client.roles.insert({ customer, requestBody }))).toMatchObject({ status: 409 });
  expect((await client.roles.delete({ customer, roleId: data.roleId ?? '' })).status).toBe(204);
  expect(await refusal(client.roles.get({ customer, roleId: data.roleId ?? '' }))).toMatchObject({ status: 404 });
});
