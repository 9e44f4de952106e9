import { dayMs, openWorkspace, refusal, type OpenWorkspace } from './open-workspace.ts';

const customer = 'my_customer';

const addresses = async ({ client }: OpenWorkspace, query: string) =>
  (await client.users.list({ customer, query })).data.users?.map(({ primaryEmail }) => primaryEmail?.replace('@acme.test', '')) ?? [];

test('lists page by page in alphabetical order, everyone once', async () => {
  const { client } = await openWorkspace({ userCount: 1_200 });
  const seen: string[] = [];
  const sizes: number[] = [];
  let pageToken: string | undefined;
  do {
    const { data } = await client.users.list({ customer, maxResults: 500, ...(pageToken && { pageToken }) });
    sizes.push(data.users?.length ?? 0);
    seen.push(...(data.users ?? []).map(({ primaryEmail }) => primaryEmail ?? ''));
    pageToken = data.nextPageToken ?? undefined;
  } while (pageToken);
  expect(sizes).toEqual([500, 500, 200]);
  expect(new Set(seen).size).toBe(1_200);
  expect(seen).toEqual([...seen].sort());
});

test('gives a hundred users to a page unless asked and refuses more than five hundred', async () => {
  const { client } = await openWorkspace({ userCount: 150 });
  expect((await client.users.list({ customer })).data.users).toHaveLength(100);
  expect((await client.users.list({ customer, maxResults: 3, sortOrder: 'DESCENDING', orderBy: 'email' })).data.users).toHaveLength(3);
  expect(await refusal(client.users.list({ customer, maxResults: 501 }))).toEqual({
    status: 400,
    reason: 'invalidParameter',
    message: "Invalid value '501'. Values must be within the range: [1, 500]",
  });
});

test('honours a page token for three days and no other', async () => {
  const { client, advance } = await openWorkspace();
  const { data } = await client.users.list({ customer, maxResults: 2, sortOrder: 'DESCENDING' });
  const next = { customer, maxResults: 2, sortOrder: 'DESCENDING', pageToken: data.nextPageToken ?? '' };
  advance(2 * dayMs);
  expect((await client.users.list(next)).data.users?.map(({ primaryEmail }) => primaryEmail)).toEqual([
    'frank@acme.test',
    'erin@acme.test',
  ]);
  advance(2 * dayMs);
  expect(await refusal(client.users.list(next))).toMatchObject({ status: 400 });
  expect(await refusal(client.users.list({ ...next, pageToken: 'made up' }))).toMatchObject({ status: 400 });
});

test('wants the customer or the domain, and its own', async () => {
  const { client } = await openWorkspace();
  expect((await client.users.list({ domain: 'acme.test' })).data.users).toHaveLength(9);
  expect((await client.users.list({ customer: 'C0acme01' })).data.users).toHaveLength(9);
  expect(await refusal(client.users.list({}))).toEqual({ status: 400, reason: 'badRequest', message: 'Bad Request' });
  expect(await refusal(client.users.list({ domain: 'other.test' }))).toMatchObject({ status: 404, message: 'Domain not found.' });
  expect(await refusal(client.users.list({ customer: 'C0other01' }))).toMatchObject({ status: 400 });
});

test('with showDeleted lists the deleted users and only these, with the time', async () => {
  const { client, advance } = await openWorkspace();
  const list = async () => (await client.users.list({ customer, showDeleted: 'true' })).data.users;
  expect(await list()).toBeUndefined();
  await client.users.delete({ userKey: 'bob@acme.test' });
  await client.users.delete({ userKey: 'dave@acme.test' });
  const deleted = await list();
  expect(deleted?.map(({ primaryEmail }) => primaryEmail)).toEqual(['bob@acme.test', 'dave@acme.test']);
  expect(Date.parse(deleted?.[0]?.deletionTime ?? '')).not.toBeNaN();
  expect((await client.users.list({ customer })).data.users).toHaveLength(7);
  advance(20 * dayMs);
  expect(await list()).toBeUndefined();
});

test('leaves custom fields out unless the projection asks for them', async () => {
  const { client } = await openWorkspace();
  await client.users.update({ userKey: 'alice@acme.test', requestBody: { customSchemas: { OpenClaw_Agent: { agentEnabled: true } } } });
  const fieldsOf = async (view: { projection?: string; customFieldMask?: string }) =>
    (await client.users.list({ customer, ...view })).data.users?.flatMap(({ customSchemas }) => customSchemas ?? []);
  const agent = [{ OpenClaw_Agent: { agentEnabled: true } }];
  expect(await fieldsOf({})).toEqual([]);
  expect(await fieldsOf({ projection: 'full' })).toEqual(agent);
  expect(await fieldsOf({ projection: 'custom', customFieldMask: 'OpenClaw_Agent' })).toEqual(agent);
  expect(await fieldsOf({ projection: 'custom', customFieldMask: 'Other' })).toEqual([]);
  expect(await refusal(client.users.list({ customer, projection: 'custom' }))).toMatchObject({ status: 400 });
});

test('gives only the fields that are asked for', async () => {
  const { client } = await openWorkspace();
  const { data } = await client.users.list({ customer, maxResults: 1, fields: 'nextPageToken,users(id,name/fullName)' });
  expect(data).toEqual({
    nextPageToken: expect.any(String) as string,
    users: [{ id: expect.any(String) as string, name: { fullName: 'Ada Moreau' } }],
  });
  expect((await client.users.get({ userKey: 'bob@acme.test', fields: 'name(givenName,familyName),suspended' })).data).toEqual({
    name: { givenName: 'Bob', familyName: 'Baker' },
    suspended: false,
  });
  expect(await refusal(client.users.list({ customer, fields: 'users(' }))).toMatchObject({ reason: 'invalidParameter' });
});

test('answers the searches it knows', async () => {
  const open = await openWorkspace();
  await open.client.users.update({ userKey: 'bob@acme.test', requestBody: { suspended: true } });
  await open.client.users.update({ userKey: 'erin@acme.test', requestBody: { orgUnitPath: '/Engineering/Platform' } });
  await open.client.users.aliases.insert({ userKey: 'frank@acme.test', requestBody: { alias: 'alfred@acme.test' } });
  expect(await addresses(open, 'email:al*')).toEqual(['alice', 'frank']);
  expect(await addresses(open, 'email=alfred@acme.test')).toEqual(['frank']);
  expect(await addresses(open, "orgUnitPath='/Engineering'")).toEqual(['alice', 'dave', 'erin']);
  expect(await addresses(open, 'orgUnitPath=/Engineering/Platform')).toEqual(['erin']);
  expect(await addresses(open, 'isSuspended=true')).toEqual(['bob']);
  expect(await addresses(open, 'isAdmin=true')).toEqual(['admin']);
  expect(await addresses(open, 'isDelegatedAdmin=true')).toEqual(['ops', 'viewer']);
  expect(await addresses(open, 'ev')).toEqual(['erin']);
  expect(await addresses(open, 'a*')).toEqual(['admin', 'alice']);
  expect(await addresses(open, "name='Alice Archer'")).toEqual(['alice']);
  expect(await addresses(open, 'familyName:B*')).toEqual(['bob']);
  expect(await addresses(open, "isSuspended=false orgUnitPath='/Sales'")).toEqual(['frank']);
  expect(await addresses(open, '100%')).toEqual([]);
});

test('says which search it does not know', async () => {
  const { client } = await openWorkspace();
  expect(await refusal(client.users.list({ customer, query: 'orgTitle:Manager' }))).toEqual({
    status: 400,
    reason: 'badRequest',
    message: 'the Workspace emulator does not support the query clause orgTitle:Manager',
  });
  for (const query of ['OpenClaw_Agent.agentEnabled=true', 'isSuspended=maybe', "name:'open"])
    expect(await refusal(client.users.list({ customer, query }))).toMatchObject({ status: 400 });
  expect(await refusal(client.users.list({ customer, query: "orgUnitPath='/Nowhere'" }))).toMatchObject({
    message: 'Invalid Input: INVALID_OU_ID',
  });
});
