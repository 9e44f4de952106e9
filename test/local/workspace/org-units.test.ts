import { openWorkspace, refusal, type OpenWorkspace } from './open-workspace.ts';

const customerId = 'my_customer';

const paths = async ({ client }: OpenWorkspace, query: { type?: string; orgUnitPath?: string } = {}) =>
  (await client.orgunits.list({ customerId, ...query })).data.organizationUnits?.map(({ orgUnitPath }) => orgUnitPath);

test('lists the children of the root, of a unit, or everything', async () => {
  const open = await openWorkspace();
  expect(await paths(open)).toEqual(['/Engineering', '/Sales', '/Support']);
  expect(await paths(open, { type: 'all' })).toEqual(['/Engineering', '/Engineering/Platform', '/Sales', '/Support']);
  expect(await paths(open, { orgUnitPath: '/Engineering' })).toEqual(['/Engineering/Platform']);
  expect(await paths(open, { orgUnitPath: '/Engineering', type: 'allIncludingParent' })).toEqual(['/Engineering', '/Engineering/Platform']);
  expect(await paths(open, { orgUnitPath: '/Sales', type: 'all' })).toBeUndefined();
});

test('gets a unit by its path without the first slash and by its id', async () => {
  const { client } = await openWorkspace();
  const { data } = await client.orgunits.get({ customerId, orgUnitPath: 'Engineering/Platform' });
  expect(data).toMatchObject({
    name: 'Platform',
    orgUnitPath: '/Engineering/Platform',
    parentOrgUnitPath: '/Engineering',
    orgUnitId: expect.stringMatching(/^id:03ph8a2z/) as string,
  });
  expect((await client.orgunits.get({ customerId, orgUnitPath: data.orgUnitId ?? '' })).data).toEqual(data);
  expect(await refusal(client.orgunits.get({ customerId, orgUnitPath: '/Engineering' }))).toEqual({
    status: 404,
    reason: 'notFound',
    message: 'Org unit not found',
  });
  expect(await refusal(client.orgunits.get({ customerId: 'C0other01', orgUnitPath: 'Sales' }))).toMatchObject({
    message: 'Invalid Customer Id',
  });
});

test('creates a unit once, under a parent that exists', async () => {
  const { client } = await openWorkspace();
  const insert = (name: string, parentOrgUnitPath: string) =>
    client.orgunits.insert({ customerId, requestBody: { name, parentOrgUnitPath } });
  expect((await insert('Field Sales', '/Sales')).data.orgUnitPath).toBe('/Sales/Field Sales');
  expect((await client.orgunits.get({ customerId, orgUnitPath: 'Sales/Field Sales' })).data.name).toBe('Field Sales');
  // The real API answers 400 and not 409 here.
  expect(await refusal(insert('field sales', '/Sales'))).toEqual({ status: 400, reason: 'invalid', message: 'Invalid Ou Id' });
  expect(await refusal(insert('X', '/Nowhere'))).toMatchObject({ message: 'Invalid Parent Orgunit Id' });
  expect(await refusal(client.orgunits.insert({ customerId, requestBody: { name: 'X' } }))).toMatchObject({ reason: 'required' });
});

test('moves the users of a whole subtree when a unit is renamed or moved', async () => {
  const open = await openWorkspace();
  const { client } = open;
  await client.users.update({ userKey: 'erin@acme.test', requestBody: { orgUnitPath: '/Engineering/Platform' } });
  const pathOf = async (userKey: string) => (await client.users.get({ userKey })).data.orgUnitPath;

  await client.orgunits.update({ customerId, orgUnitPath: 'Engineering', requestBody: { name: 'R&D' } });
  expect([await pathOf('alice@acme.test'), await pathOf('erin@acme.test')]).toEqual(['/R&D', '/R&D/Platform']);

  await client.orgunits.patch({ customerId, orgUnitPath: 'R&D/Platform', requestBody: { parentOrgUnitPath: '/Sales' } });
  expect(await pathOf('erin@acme.test')).toBe('/Sales/Platform');
  expect(await paths(open, { type: 'all' })).toEqual(['/R&D', '/Sales', '/Sales/Platform', '/Support']);

  const under = client.orgunits.update({ customerId, orgUnitPath: 'Sales', requestBody: { parentOrgUnitPath: '/Sales/Platform' } });
  expect(await refusal(under)).toMatchObject({ status: 400 });
  expect(await pathOf('bob@acme.test')).toBe('/Sales');
});

test('deletes a unit only when nobody and nothing is in it', async () => {
  const open = await openWorkspace();
  const { client } = open;
  const remove = (orgUnitPath: string) => client.orgunits.delete({ customerId, orgUnitPath });
  expect(await refusal(remove('Engineering'))).toMatchObject({ status: 412, reason: 'conditionNotMet' });
  expect(await refusal(remove('Sales'))).toMatchObject({ status: 412 });
  expect((await remove('Engineering/Platform')).status).toBe(204);

  const { data: bob } = await client.users.get({ userKey: 'bob@acme.test' });
  await client.users.update({ userKey: 'frank@acme.test', requestBody: { orgUnitPath: '/Support' } });
  await client.users.delete({ userKey: 'bob@acme.test' });
  await remove('Sales');
  expect(await paths(open, { type: 'all' })).toEqual(['/Engineering', '/Support']);
  await client.users.undelete({ userKey: bob.id ?? '', requestBody: {} });
  expect((await client.users.get({ userKey: bob.id ?? '' })).data.orgUnitPath).toBe('/');
});
