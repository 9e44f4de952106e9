import { admin } from '@googleapis/admin';
import { dayMs, openWorkspace, refusal, transport } from './open-workspace.ts';

const person = { primaryEmail: 'gina@acme.test', name: { givenName: 'Gina', familyName: 'Gray' }, password: 'correct horse' };

test('founds the sample company with the people, units and ids that everyone relies on', async () => {
  const { client } = await openWorkspace();
  const { data } = await client.users.list({ customer: 'my_customer', projection: 'full' });
  expect(
    data.users?.map(({ primaryEmail, orgUnitPath, isAdmin, isDelegatedAdmin }) => [primaryEmail, orgUnitPath, isAdmin, isDelegatedAdmin]),
  ).toEqual([
    ['admin@acme.test', '/', true, false],
    ['alice@acme.test', '/Engineering', false, false],
    ['bob@acme.test', '/Sales', false, false],
    ['carol@acme.test', '/', false, false],
    ['dave@acme.test', '/Engineering', false, false],
    ['erin@acme.test', '/Engineering', false, false],
    ['frank@acme.test', '/Sales', false, false],
    ['ops@acme.test', '/', false, true],
    ['viewer@acme.test', '/', false, true],
  ]);
  const again = await openWorkspace();
  const alice = await again.client.users.get({ userKey: 'alice@acme.test' });
  expect(alice.data).toMatchObject({ id: data.users?.[1]?.id, name: { fullName: 'Alice Archer' }, customerId: 'C0acme01' });
  expect(alice.data.id).toMatch(/^\d{21}$/);
});

test('answers a user as the real directory does', async () => {
  const { client } = await openWorkspace();
  const { data } = await client.users.get({ userKey: 'carol@acme.test' });
  expect(data).toEqual({
    kind: 'admin#directory#user',
    id: expect.stringMatching(/^1\d{20}$/) as string,
    etag: expect.stringMatching(/^"[\w-]+\/[\w-]+"$/) as string,
    primaryEmail: 'carol@acme.test',
    name: { givenName: 'Carol', familyName: 'Chen', fullName: 'Carol Chen' },
    isAdmin: false,
    isDelegatedAdmin: false,
    lastLoginTime: '1970-01-01T00:00:00.000Z',
    creationTime: '2024-01-15T09:00:00.000Z',
    agreedToTerms: true,
    suspended: false,
    archived: false,
    changePasswordAtNextLogin: false,
    ipWhitelisted: false,
    includeInGlobalAddressList: true,
    emails: [{ address: 'carol@acme.test', primary: true }],
    nonEditableAliases: ['carol@acme.test.test-google-a.com'],
    customerId: 'C0acme01',
    orgUnitPath: '/',
    organizations: [{ primary: true, department: 'Management', costCenter: 'CC-10' }],
    isMailboxSetup: true,
    isEnrolledIn2Sv: false,
    isEnforcedIn2Sv: false,
  });
});

test('answers Google’s client whichever way its root is given', async () => {
  const { client, origin } = await openWorkspace();
  const rootUrl = `${origin}/google/`;
  const perCall = await admin('directory_v1').users.get({ userKey: 'bob@acme.test' }, { rootUrl, ...transport });
  const perClient = await client.users.get({ userKey: 'bob@acme.test' });
  expect(new URL(perCall.config.url ?? '').pathname).toBe('/google/admin/directory/v1/users/bob%40acme.test');
  // A root given to the client as a whole loses its path.
  expect(new URL(perClient.config.url ?? '').pathname).toBe('/admin/directory/v1/users/bob%40acme.test');
  expect(perCall.data).toEqual(perClient.data);
});

test('finds a user by address in any case, by alias and by id', async () => {
  const { client } = await openWorkspace();
  await client.users.aliases.insert({ userKey: 'alice@acme.test', requestBody: { alias: 'al@acme.test' } });
  const { data } = await client.users.get({ userKey: 'Alice@Acme.test' });
  expect(data.aliases).toEqual(['al@acme.test']);
  expect((await client.users.get({ userKey: 'al@acme.test' })).data).toEqual(data);
  expect((await client.users.get({ userKey: data.id ?? '' })).data).toEqual(data);
  await client.users.aliases.delete({ userKey: data.id ?? '', alias: 'al@acme.test' });
  expect((await client.users.aliases.list({ userKey: data.id ?? '' })).data).not.toHaveProperty('aliases');
});

test('refuses an unknown user the way Google does', async () => {
  const { client } = await openWorkspace();
  const expected = { status: 404, reason: 'notFound', message: 'Resource Not Found: userKey' };
  expect(await refusal(client.users.get({ userKey: 'nobody@acme.test' }))).toEqual(expected);
  expect(await refusal(client.users.get({ userKey: '100000000000000000000' }))).toEqual(expected);
});

test('creates a user once and says what is missing', async () => {
  const { client } = await openWorkspace();
  const { data } = await client.users.insert({ requestBody: { ...person, orgUnitPath: '/Sales', isAdmin: true } });
  expect(data).toMatchObject({ primaryEmail: 'gina@acme.test', orgUnitPath: '/Sales', isAdmin: false });
  expect(data).not.toHaveProperty('password');
  expect(await refusal(client.users.insert({ requestBody: person }))).toEqual({
    status: 409,
    reason: 'duplicate',
    message: 'Entity already exists.',
  });
  expect(await refusal(client.users.insert({ requestBody: { primaryEmail: 'h@acme.test' } }))).toMatchObject({
    status: 400,
    reason: 'invalid',
  });
  expect(await refusal(client.users.insert({ requestBody: { ...person, primaryEmail: 'gina@other.test' } }))).toMatchObject({
    status: 404,
    message: 'Domain not found.',
  });
  expect(
    await refusal(client.users.insert({ requestBody: { ...person, primaryEmail: 'i@acme.test', orgUnitPath: '/Nowhere' } })),
  ).toMatchObject({
    status: 400,
    message: 'Invalid Input: INVALID_OU_ID',
  });
});

test('keeps what an update leaves out and clears what it sets to null', async () => {
  const { client } = await openWorkspace();
  const userKey = 'bob@acme.test';
  await client.users.update({ userKey, requestBody: { phones: [{ value: '+4912345' }], recoveryEmail: 'bob@home.test' } });
  await client.users.patch({ userKey, requestBody: { name: { givenName: 'Robert' } } });
  expect((await client.users.get({ userKey })).data).toMatchObject({
    name: { givenName: 'Robert', familyName: 'Baker', fullName: 'Robert Baker' },
    phones: [{ value: '+4912345' }],
    recoveryEmail: 'bob@home.test',
    orgUnitPath: '/Sales',
  });
  const { data } = await client.users.update({ userKey, requestBody: { phones: null, orgUnitPath: null } });
  expect(data).not.toHaveProperty('phones');
  expect(data).toMatchObject({ recoveryEmail: 'bob@home.test', orgUnitPath: '/' });
});

test('suspends and archives with the time and lifts both again', async () => {
  const { client } = await openWorkspace();
  const userKey = 'bob@acme.test';
  const { data } = await client.users.update({ userKey, requestBody: { suspended: true, archived: true } });
  expect(data).toMatchObject({ suspended: true, suspensionReason: 'ADMIN', archived: true });
  expect(Date.parse(data.suspensionTime ?? '')).not.toBeNaN();
  expect(Date.parse(data.archivalTime ?? '')).not.toBeNaN();
  const { data: back } = await client.users.update({ userKey, requestBody: { suspended: false, archived: false } });
  expect(back).toMatchObject({ suspended: false, archived: false });
  expect(back).not.toHaveProperty('suspensionTime');
  expect(back).not.toHaveProperty('suspensionReason');
});

test('keeps the old address as an alias after a rename and the id as it was', async () => {
  const { client } = await openWorkspace();
  const { data: before } = await client.users.get({ userKey: 'bob@acme.test' });
  const { data } = await client.users.update({ userKey: 'bob@acme.test', requestBody: { primaryEmail: 'robert@acme.test' } });
  expect(data).toMatchObject({ id: before.id, primaryEmail: 'robert@acme.test', aliases: ['bob@acme.test'] });
  expect((await client.users.get({ userKey: 'bob@acme.test' })).data.id).toBe(before.id);
  expect(await refusal(client.users.update({ userKey: 'carol@acme.test', requestBody: { primaryEmail: 'bob@acme.test' } }))).toMatchObject({
    status: 409,
    reason: 'duplicate',
  });
  const { data: back } = await client.users.update({ userKey: 'robert@acme.test', requestBody: { primaryEmail: 'bob@acme.test' } });
  expect(back).toMatchObject({ primaryEmail: 'bob@acme.test', aliases: ['robert@acme.test'] });
});

test('ignores isAdmin in an update and changes it through makeAdmin alone', async () => {
  const { client } = await openWorkspace();
  const userKey = 'carol@acme.test';
  expect((await client.users.update({ userKey, requestBody: { isAdmin: true } })).data.isAdmin).toBe(false);
  expect((await client.users.makeAdmin({ userKey, requestBody: { status: true } })).status).toBe(204);
  expect((await client.users.get({ userKey })).data.isAdmin).toBe(true);
  await client.users.makeAdmin({ userKey, requestBody: { status: false } });
  expect((await client.users.get({ userKey })).data.isAdmin).toBe(false);
});

test('keeps a deleted user for twenty days and brings back every property', async () => {
  const { client, advance } = await openWorkspace();
  const userKey = 'alice@acme.test';
  await client.users.aliases.insert({ userKey, requestBody: { alias: 'al@acme.test' } });
  await client.users.update({ userKey, requestBody: { customSchemas: { OpenClaw_Agent: { agentEnabled: true } } } });
  const { data: before } = await client.users.get({ userKey, projection: 'full' });
  const id = before.id ?? '';

  expect((await client.users.delete({ userKey })).status).toBe(204);
  for (const key of [userKey, 'al@acme.test', id]) expect(await refusal(client.users.get({ userKey: key }))).toMatchObject({ status: 404 });
  expect((await client.members.list({ groupKey: 'engineering@acme.test' })).data.members?.map(({ email }) => email)).toEqual([
    'dave@acme.test',
    'erin@acme.test',
  ]);
  expect(await refusal(client.users.undelete({ userKey, requestBody: {} }))).toMatchObject({ status: 404 });

  advance(19 * dayMs);
  expect((await client.users.undelete({ userKey: id, requestBody: {} })).status).toBe(204);
  expect((await client.users.get({ userKey, projection: 'full' })).data).toEqual(before);
  expect((await client.groups.list({ userKey })).data.groups).toHaveLength(2);

  await client.users.delete({ userKey: id });
  advance(21 * dayMs);
  expect(await refusal(client.users.undelete({ userKey: id, requestBody: {} }))).toMatchObject({ status: 404 });
});

test('gives a new id to who is hired again under an address, and refuses to bring the old one back', async () => {
  const { client } = await openWorkspace();
  const { data: first } = await client.users.insert({ requestBody: person });
  await client.users.delete({ userKey: 'gina@acme.test' });
  const { data: second } = await client.users.insert({ requestBody: person });
  expect(second.id).not.toBe(first.id);
  expect(await refusal(client.users.undelete({ userKey: first.id ?? '', requestBody: {} }))).toMatchObject({
    status: 409,
    reason: 'duplicate',
  });
});

test('says so where it has no emulation, rather than answering something else', async () => {
  const { client, origin } = await openWorkspace();
  expect(await refusal(client.users.signOut({ userKey: 'bob@acme.test' }))).toMatchObject({
    status: 400,
    message: expect.stringContaining('does not know POST') as string,
  });
  expect(await refusal(client.users.get({ userKey: 'bob@acme.test', viewType: 'domain_public' }))).toMatchObject({ status: 400 });
  const broken = await fetch(`${origin}/google/admin/directory/v1/users/bob@acme.test`, { method: 'PUT', body: '{' });
  expect(await broken.json()).toMatchObject({ error: { code: 400, errors: [{ reason: 'parseError' }] } });
});

test('reports its own failure as Google’s backend error and logs the cause', async () => {
  let broken = false;
  const now = () => {
    if (broken) throw new Error('the clock broke');
    return Date.now();
  };
  const { client, lines } = await openWorkspace({ now });
  broken = true;
  expect(await refusal(client.users.get({ userKey: 'bob@acme.test' }))).toMatchObject({ status: 503, reason: 'backendError' });
  expect(lines.join('\n')).toContain('the clock broke');
});
