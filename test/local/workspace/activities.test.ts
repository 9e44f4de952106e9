import { door, eventsOf, listActivities, reportsOf } from './open-reports.ts';
import { customer, hourMs, openWorkspace, refusal } from './open-workspace.ts';

const userKey = 'bob@acme.test';
const USER_EMAIL = userKey;
const password = 'correct horse';

test('writes down what happens to a user in the names of Google’s appendix', async () => {
  const open = await openWorkspace();
  const { users } = open.client;
  const update = (requestBody: object, key = userKey) => users.update({ userKey: key, requestBody });
  await users.insert({
    requestBody: { primaryEmail: 'gina@acme.test', name: { givenName: 'Gina', familyName: 'Gray' }, password, orgUnitPath: '/Sales' },
  });
  await update({ suspended: true });
  await update({ suspended: false });
  await update({ archived: true });
  await update({ archived: false });
  await update({ orgUnitPath: '/Engineering' });
  await update({ primaryEmail: 'robert@acme.test' });
  await users.makeAdmin({ userKey: 'robert@acme.test', requestBody: { status: true } });
  const { id = '' } = (await users.get({ userKey: 'robert@acme.test' })).data;
  await users.delete({ userKey: 'robert@acme.test' });
  await users.undelete({ userKey: id ?? '', requestBody: {} });
  const robert = { USER_EMAIL: 'robert@acme.test' };
  expect(await eventsOf(open)).toEqual([
    ['CREATE_USER', { USER_EMAIL: 'gina@acme.test' }],
    ['SUSPEND_USER', { USER_EMAIL }],
    ['UNSUSPEND_USER', { USER_EMAIL }],
    ['ARCHIVE_USER', { USER_EMAIL }],
    ['UNARCHIVE_USER', { USER_EMAIL }],
    ['MOVE_USER_TO_ORG_UNIT', { USER_EMAIL, ORG_UNIT_NAME: '/Sales', NEW_VALUE: '/Engineering' }],
    ['RENAME_USER', { USER_EMAIL, NEW_VALUE: 'robert@acme.test' }],
    ['GRANT_ADMIN_PRIVILEGE', robert],
    ['ASSIGN_ROLE', { ...robert, ROLE_NAME: '_SEED_ADMIN_ROLE' }],
    ['DELETE_USER', robert],
    ['UNDELETE_USER', robert],
  ]);
});

test('writes one entry for each custom field that changed, with its old and new value', async () => {
  const open = await openWorkspace();
  const write = (fields: object) => open.client.users.update({ userKey, requestBody: { customSchemas: { OpenClaw_Agent: fields } } });
  await write({ agentEnabled: true, modelTier: 'standard' });
  await write({ agentEnabled: true, modelTier: 'premium' });
  await write({ modelTier: null });
  const edit = (field: string, values: object) => [
    'CHANGE_USER_CUSTOM_FIELD',
    { USER_EMAIL, USER_CUSTOM_FIELD: `OpenClaw_Agent.${field}`, ...values },
  ];
  expect(await eventsOf(open)).toEqual([
    edit('agentEnabled', { NEW_VALUE: 'true' }),
    edit('modelTier', { NEW_VALUE: 'standard' }),
    edit('modelTier', { OLD_VALUE: 'standard', NEW_VALUE: 'premium' }),
    edit('modelTier', { OLD_VALUE: 'premium' }),
  ]);
});

test('tells of membership in the admin log and in the log of groups', async () => {
  const open = await openWorkspace();
  const { groups, members } = open.client;
  const group = { GROUP_EMAIL: 'news@acme.test' };
  const groupKey = group.GROUP_EMAIL;
  await groups.insert({ requestBody: { email: groupKey } });
  await members.insert({ groupKey, requestBody: { email: userKey } });
  await members.update({ groupKey, memberKey: userKey, requestBody: { role: 'OWNER' } });
  await members.delete({ groupKey, memberKey: userKey });
  await groups.delete({ groupKey });
  expect(await eventsOf(open)).toEqual([
    ['CREATE_GROUP', group],
    ['ADD_GROUP_MEMBER', { USER_EMAIL, ...group }],
    ['UPDATE_GROUP_MEMBER', { USER_EMAIL, OLD_VALUE: 'MEMBER', NEW_VALUE: 'OWNER', ...group }],
    ['REMOVE_GROUP_MEMBER', { USER_EMAIL, ...group }],
    ['DELETE_GROUP', group],
  ]);
  const member = { group_id: groupKey, member_id: userKey, member_type: 'user' };
  expect(await eventsOf(open, 'groups_enterprise')).toEqual([
    ['create_group', { group_id: groupKey }],
    ['add_member', { ...member, member_role: 'member' }],
    ['add_member_role', { ...member, member_role: 'owner' }],
    ['remove_member_role', { ...member, member_role: 'member' }],
    ['remove_member', member],
    ['delete_group', { group_id: groupKey }],
  ]);
});

test('tells of org units and roles, and of no user whom a renamed unit takes along', async () => {
  const open = await openWorkspace();
  const { orgunits, roleAssignments, roles } = open.client;
  const update = (orgUnitPath: string, requestBody: object) => orgunits.update({ customerId: customer, orgUnitPath, requestBody });
  await update('Engineering/Platform', { name: 'Core' });
  await update('Engineering/Core', { parentOrgUnitPath: '/Support' });
  await orgunits.delete({ customerId: customer, orgUnitPath: 'Support/Core' });
  const viewer = (await roles.list({ customer })).data.items?.find(({ roleName }) => roleName === 'OpenClaw Agent Viewer');
  const { id } = (await open.client.users.get({ userKey })).data;
  const requestBody = { roleId: viewer?.roleId ?? '', assignedTo: id ?? '' };
  const { roleAssignmentId } = (await roleAssignments.insert({ customer, requestBody })).data;
  await roleAssignments.delete({ customer, roleAssignmentId: roleAssignmentId ?? '' });
  expect(await eventsOf(open)).toEqual([
    ['EDIT_ORG_UNIT_NAME', { ORG_UNIT_NAME: '/Engineering/Platform', NEW_VALUE: 'Core' }],
    ['MOVE_ORG_UNIT', { ORG_UNIT_NAME: '/Engineering/Core', NEW_VALUE: '/Support' }],
    ['REMOVE_ORG_UNIT', { ORG_UNIT_NAME: '/Support/Core' }],
    ['ASSIGN_ROLE', { USER_EMAIL, ROLE_NAME: 'OpenClaw Agent Viewer' }],
    ['UNASSIGN_ROLE', { USER_EMAIL, ROLE_NAME: 'OpenClaw Agent Viewer' }],
  ]);
});

test('keeps silent about a read, a refused change and one that changes nothing', async () => {
  const open = await openWorkspace();
  await open.client.users.get({ userKey });
  await open.client.users.update({ userKey, requestBody: { suspended: false } });
  await refusal(open.client.users.update({ userKey, requestBody: { suspended: true, customSchemas: { Nope: {} } } }));
  expect(await listActivities(open, 'admin')).not.toHaveProperty('items');
});

test('names the caller as actor: the super admin, a service account, or whom a token was issued for', async () => {
  const open = await openWorkspace();
  const suspend = (suspended: boolean, headers = {}) => open.client.users.update({ userKey, requestBody: { suspended } }, { headers });
  const payload = Buffer.from(JSON.stringify({ iss: 'plane@p.iam.gserviceaccount.com', sub: 'ops@acme.test' })).toString('base64url');
  const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: `e30.${payload}.x` };
  const issued = await fetch(`${open.origin}/google/token`, { method: 'POST', body: new URLSearchParams(grant) });
  const { access_token: token } = (await issued.json()) as { access_token: string };
  await suspend(true);
  await suspend(false, { authorization: 'Bearer service-account:plane@p.iam.gserviceaccount.com' });
  await suspend(true, { authorization: `Bearer ${token}` });
  const { items = [] } = await listActivities(open, 'admin');
  expect(items.map(({ actor }) => actor?.email)).toEqual(['ops@acme.test', 'plane@p.iam.gserviceaccount.com', 'admin@acme.test']);
  const byActor = await reportsOf(open).activities.list({ userKey: 'ops@acme.test', applicationName: 'admin' });
  expect(byActor.data.items).toHaveLength(1);
});

test('lists newest first, page by page, within a time and by event and parameter', async () => {
  const open = await openWorkspace();
  const rename = (familyName: string) => open.client.users.update({ userKey, requestBody: { name: { familyName } } });
  for (const familyName of ['One', 'Two', 'Three', 'Four', 'Five']) {
    await rename(familyName);
    open.advance(hourMs);
  }
  const valueOf = (items: Awaited<ReturnType<typeof listActivities>>['items'] = []) =>
    items.map(({ events }) => events?.[0]?.parameters?.find(({ name }) => name === 'NEW_VALUE')?.value);
  const first = await listActivities(open, 'admin', { maxResults: 2 });
  const second = await listActivities(open, 'admin', { maxResults: 2, pageToken: first.nextPageToken });
  const third = await listActivities(open, 'admin', { maxResults: 2, pageToken: second.nextPageToken });
  expect([first, second, third].map(({ items }) => valueOf(items))).toEqual([['Five', 'Four'], ['Three', 'Two'], ['One']]);
  expect(third).not.toHaveProperty('nextPageToken');

  const startTime = first.items?.[1]?.id?.time;
  const endTime = second.items?.[1]?.id?.time;
  expect(valueOf((await listActivities(open, 'admin', { startTime })).items)).toEqual(['Five', 'Four']);
  expect(valueOf((await listActivities(open, 'admin', { endTime })).items)).toEqual(['Two', 'One']);
  expect(valueOf((await listActivities(open, 'admin', { filters: 'NEW_VALUE==Two' })).items)).toEqual(['Two']);
  expect(valueOf((await listActivities(open, 'admin', { eventName: 'SUSPEND_USER' })).items)).toEqual([]);
});

test('refuses what Google refuses, and says which parameter it does not emulate', async () => {
  const open = await openWorkspace();
  const future = new Date(Date.now() + hourMs).toISOString();
  expect(await refusal(listActivities(open, 'admin', { startTime: future }))).toMatchObject({ status: 400, reason: 'invalid' });
  expect(await refusal(listActivities(open, 'admin', { startTime: 'yesterday' }))).toMatchObject({ status: 400, reason: 'invalid' });
  expect(await refusal(listActivities(open, 'admin', { maxResults: 1_001 }))).toMatchObject({ reason: 'invalidParameter' });
  expect(await refusal(listActivities(open, 'admin', { filters: 'nonsense' }))).toMatchObject({ status: 400 });
  expect(await refusal(listActivities(open, 'admin', { orgUnitID: 'id:x' }))).toMatchObject({
    message: 'the Workspace emulator does not support orgUnitID of activities.list',
  });
});

test('has a lane of its own for the Reports API, and a narrower one for filtered queries', async () => {
  const open = await openWorkspace({ reportsPerMinute: 4, filteredReportsPerMinute: 1 });
  await listActivities(open, 'admin', { eventName: 'SUSPEND_USER' });
  expect(await refusal(listActivities(open, 'admin', { filters: 'A==b' }))).toMatchObject({ reason: 'userRateLimitExceeded' });
  for (let query = 0; query < 3; query += 1) await listActivities(open, 'admin');
  expect(await refusal(listActivities(open, 'admin'))).toMatchObject({ status: 403, reason: 'userRateLimitExceeded' });
  await open.client.users.get({ userKey });
});

test('counts calls by Google’s method ids until they are reset', async () => {
  const open = await openWorkspace();
  await open.client.users.get({ userKey });
  await open.client.users.get({ userKey });
  await listActivities(open, 'login');
  const counted = { total: 3, byMethod: { 'directory.users.get': 2, 'reports.activities.list': 1 } };
  expect(open.workspace.calls()).toEqual(counted);
  expect(await (await door(open, 'GET', 'calls')).json()).toEqual(counted);
  expect((await door(open, 'DELETE', 'calls')).status).toBe(204);
  expect(open.workspace.calls()).toEqual({ total: 0, byMethod: {} });
});
