import { openWorkspace, refusal, type OpenWorkspace } from './open-workspace.ts';

const groupKey = 'engineering@acme.test';

const membersOf = async ({ client }: OpenWorkspace, key: string, includeDerivedMembership = false) =>
  (await client.members.list({ groupKey: key, includeDerivedMembership })).data.members?.map(({ email }) => email);

const groupsOf = async ({ client }: OpenWorkspace, userKey: string) =>
  (await client.groups.list({ userKey })).data.groups?.map(({ email }) => email);

/** everyone@ holds engineering@ and carol@. */
async function openNested(): Promise<OpenWorkspace> {
  const open = await openWorkspace();
  await open.client.groups.insert({ requestBody: { email: 'everyone@acme.test', name: 'Everyone' } });
  await open.client.members.insert({ groupKey: 'everyone@acme.test', requestBody: { email: groupKey } });
  await open.client.members.insert({ groupKey: 'everyone@acme.test', requestBody: { email: 'carol@acme.test', role: 'OWNER' } });
  return open;
}

test('has the groups of the sample company', async () => {
  const open = await openWorkspace();
  const { data } = await open.client.groups.list({ customer: 'my_customer' });
  expect(data.groups?.map(({ email, directMembersCount }) => [email, directMembersCount])).toEqual([
    ['engineering-leads@acme.test', '1'],
    ['engineering@acme.test', '3'],
  ]);
  expect(await membersOf(open, groupKey)).toEqual(['alice@acme.test', 'dave@acme.test', 'erin@acme.test']);
  expect(await groupsOf(open, 'alice@acme.test')).toEqual(['engineering-leads@acme.test', 'engineering@acme.test']);
  expect(await groupsOf(open, 'bob@acme.test')).toBeUndefined();
});

test('lists the groups of a member without those that come through nesting', async () => {
  const open = await openNested();
  expect(await groupsOf(open, 'dave@acme.test')).toEqual([groupKey]);
  expect(await groupsOf(open, groupKey)).toEqual(['everyone@acme.test']);
});

test('lists derived members only when asked and answers hasMember for both', async () => {
  const open = await openNested();
  const { client } = open;
  expect(await membersOf(open, 'everyone@acme.test')).toEqual(['carol@acme.test', groupKey]);
  expect(await membersOf(open, 'everyone@acme.test', true)).toEqual([
    'alice@acme.test',
    'carol@acme.test',
    'dave@acme.test',
    groupKey,
    'erin@acme.test',
  ]);
  const has = async (memberKey: string) => (await client.members.hasMember({ groupKey: 'everyone@acme.test', memberKey })).data.isMember;
  expect([await has('alice@acme.test'), await has('carol@acme.test'), await has('bob@acme.test')]).toEqual([true, true, false]);
  expect(await refusal(client.members.hasMember({ groupKey, memberKey: 'nobody@acme.test' }))).toEqual({
    status: 400,
    reason: 'invalid',
    message: 'Invalid Input: memberKey',
  });
});

test('pages through groups and members and caps a page at two hundred', async () => {
  const { client } = await openWorkspace();
  const first = await client.members.list({ groupKey, maxResults: 2 });
  expect(first.data.members).toHaveLength(2);
  const second = await client.members.list({ groupKey, maxResults: 2, pageToken: first.data.nextPageToken ?? '' });
  expect(second.data.members?.map(({ email }) => email)).toEqual(['erin@acme.test']);
  expect(second.data).not.toHaveProperty('nextPageToken');
  expect((await client.groups.list({ domain: 'acme.test', maxResults: 5_000 })).data.groups).toHaveLength(2);
  expect(await refusal(client.groups.list({ customer: 'my_customer', userKey: 'bob@acme.test' }))).toMatchObject({ status: 400 });
});

test('adds and removes a member and follows its new address', async () => {
  const open = await openWorkspace();
  const { client } = open;
  const insert = () => client.members.insert({ groupKey, requestBody: { email: 'bob@acme.test' } });
  const { data } = await insert();
  expect(data).toMatchObject({ kind: 'admin#directory#member', email: 'bob@acme.test', role: 'MEMBER', type: 'USER', status: 'ACTIVE' });
  expect(await refusal(insert())).toEqual({ status: 409, reason: 'duplicate', message: 'Member already exists.' });
  await client.users.update({ userKey: 'bob@acme.test', requestBody: { primaryEmail: 'robert@acme.test' } });
  expect((await client.members.get({ groupKey, memberKey: 'robert@acme.test' })).data.id).toBe(data.id);
  expect((await client.members.delete({ groupKey, memberKey: data.id ?? '' })).status).toBe(204);
  expect(await membersOf(open, groupKey)).not.toContain('robert@acme.test');
});

test('refuses unknown groups and members and a circle of groups', async () => {
  const { client } = await openNested();
  expect(await refusal(client.groups.get({ groupKey: 'none@acme.test' }))).toMatchObject({
    status: 404,
    message: 'Resource Not Found: groupKey',
  });
  expect(await refusal(client.members.get({ groupKey, memberKey: 'bob@acme.test' }))).toMatchObject({
    message: 'Resource Not Found: memberKey',
  });
  expect(await refusal(client.members.insert({ groupKey, requestBody: { email: 'everyone@acme.test' } }))).toEqual({
    status: 412,
    reason: 'conditionNotMet',
    message: 'Cyclic memberships not allowed',
  });
});

test('shares addresses between users and groups and frees them with the group', async () => {
  const open = await openNested();
  const { client } = open;
  expect(await refusal(client.groups.insert({ requestBody: { email: 'alice@acme.test' } }))).toMatchObject({
    status: 409,
    reason: 'duplicate',
  });
  await client.groups.delete({ groupKey });
  expect(await groupsOf(open, 'dave@acme.test')).toBeUndefined();
  expect(await membersOf(open, 'everyone@acme.test')).toEqual(['carol@acme.test']);
  expect((await client.groups.insert({ requestBody: { email: groupKey } })).data.directMembersCount).toBe('0');
});
