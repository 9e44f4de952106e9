import { openWorkspace, refusal, type OpenWorkspace } from './open-workspace.ts';

const customerId = 'my_customer';
const userKey = 'alice@acme.test';

const write = ({ client }: OpenWorkspace, OpenClaw_Agent: Record<string, unknown> | null) =>
  client.users.update({ userKey, requestBody: { customSchemas: { OpenClaw_Agent } as Record<string, Record<string, unknown>> } });

const read = async ({ client }: OpenWorkspace) =>
  (await client.users.get({ userKey, projection: 'custom', customFieldMask: 'OpenClaw_Agent' })).data.customSchemas?.['OpenClaw_Agent'];

test('has the schema of the requirements from the start, every field single-valued', async () => {
  const { client } = await openWorkspace();
  const { data } = await client.schemas.get({ customerId, schemaKey: 'OpenClaw_Agent' });
  expect(data.fields?.map(({ fieldName, fieldType }) => [fieldName, fieldType])).toEqual([
    ['agentEnabled', 'BOOL'],
    ['agentId', 'STRING'],
    ['modelTier', 'STRING'],
    ['budgetCap', 'INT64'],
    ['toolAllowlist', 'STRING'],
    ['channelRestrictions', 'STRING'],
    ['agentStatus', 'STRING'],
    ['lastHeartbeat', 'STRING'],
  ]);
  expect(data.fields?.every(({ displayName, multiValued }) => displayName && !multiValued)).toBe(true);
});

test('merges field by field, gives INT64 back as a string and drops what is set to null', async () => {
  const open = await openWorkspace();
  await write(open, { agentEnabled: true, budgetCap: 150, modelTier: 'opus' });
  await write(open, { budgetCap: '200', toolAllowlist: 'mail,search' });
  expect(await read(open)).toEqual({ agentEnabled: true, budgetCap: '200', modelTier: 'opus', toolAllowlist: 'mail,search' });
  await write(open, { modelTier: null });
  expect(await read(open)).toEqual({ agentEnabled: true, budgetCap: '200', toolAllowlist: 'mail,search' });
  await write(open, null);
  expect(await read(open)).toBeUndefined();
});

test('shows what was written in the answer to the write', async () => {
  const open = await openWorkspace();
  expect((await write(open, { budgetCap: 10 })).data.customSchemas).toEqual({ OpenClaw_Agent: { budgetCap: '10' } });
});

test.each([
  ['a word as BOOL', { agentEnabled: 'yes' }],
  ['a fraction as INT64', { budgetCap: 1.5 }],
  ['a word as INT64', { budgetCap: 'much' }],
  ['an INT64 beyond 63 bits', { budgetCap: '9223372036854775808' }],
  ['a number as STRING', { modelTier: 4 }],
  ['501 characters', { toolAllowlist: 'x'.repeat(501) }],
  ['a list for a single value', { toolAllowlist: [{ value: 'mail' }] }],
  ['an unknown field', { modelTear: 'opus' }],
])('refuses %s and changes nothing', async (_what, values) => {
  const open = await openWorkspace();
  await write(open, { modelTier: 'haiku' });
  expect(await refusal(write(open, { agentId: 'a1', ...values }))).toEqual({
    status: 400,
    reason: 'invalid',
    message: 'Invalid Input: custom_schema',
  });
  expect(await read(open)).toEqual({ modelTier: 'haiku' });
});

test('refuses an unknown schema and takes 500 characters and the largest INT64', async () => {
  const open = await openWorkspace();
  const unknown = open.client.users.update({ userKey, requestBody: { customSchemas: { Nope: { a: 'b' } } } });
  expect(await refusal(unknown)).toMatchObject({ message: 'Invalid Input: custom_schema' });
  await write(open, { toolAllowlist: 'é'.repeat(500), budgetCap: '9223372036854775807' });
  expect(await read(open)).toEqual({ toolAllowlist: 'é'.repeat(500), budgetCap: '9223372036854775807' });
});

test('keeps every type of field, single and many', async () => {
  const { client } = await openWorkspace();
  await client.schemas.insert({
    customerId,
    requestBody: {
      schemaName: 'Everything',
      fields: [
        { fieldName: 'when', fieldType: 'DATE' },
        { fieldName: 'ratio', fieldType: 'DOUBLE' },
        { fieldName: 'mail', fieldType: 'EMAIL' },
        { fieldName: 'phone', fieldType: 'PHONE' },
        { fieldName: 'levels', fieldType: 'INT64', multiValued: true },
      ],
    },
  });
  const values = { when: '2026-11-22', ratio: 0.5, mail: 'a@b.test', phone: '+49 1', levels: [{ value: 7, type: 'work' }, { value: '8' }] };
  const { data } = await client.users.update({ userKey, requestBody: { customSchemas: { Everything: values } } });
  expect(data.customSchemas).toEqual({ Everything: { ...values, levels: [{ value: '7', type: 'work' }, { value: '8' }] } });
  for (const bad of [{ when: 'today' }, { ratio: 'half' }, { mail: 'nobody' }, { levels: 7 }])
    expect(await refusal(client.users.update({ userKey, requestBody: { customSchemas: { Everything: bad } } }))).toMatchObject({
      status: 400,
    });
});

test('guards schemas as Google does: unique names, no rename, no change of type, no way back to a single value', async () => {
  const { client } = await openWorkspace();
  const field = { fieldName: 'team', fieldType: 'STRING' };
  const insert = (schemaName: string, fields = [field]) => client.schemas.insert({ customerId, requestBody: { schemaName, fields } });
  const { data } = await insert('HR');
  expect(data).toMatchObject({ kind: 'admin#directory#schema', schemaName: 'HR', fields: [{ readAccessType: 'ALL_DOMAIN_USERS' }] });
  expect(await refusal(insert('HR'))).toMatchObject({ status: 409, reason: 'duplicate' });
  expect(await refusal(insert('H R'))).toMatchObject({ status: 400 });

  const update = (requestBody: object) => client.schemas.update({ customerId, schemaKey: data.schemaId ?? '', requestBody });
  expect(await refusal(update({ schemaName: 'People' }))).toMatchObject({ status: 400 });
  expect(await refusal(update({ fields: [{ ...field, fieldType: 'INT64' }] }))).toMatchObject({ status: 400 });

  await client.users.update({ userKey, requestBody: { customSchemas: { HR: { team: 'blue' } } } });
  await update({ fields: [{ ...field, multiValued: true }] });
  const valuesOf = async () => (await client.users.get({ userKey, projection: 'full' })).data.customSchemas?.['HR'];
  expect(await valuesOf()).toEqual({ team: [{ value: 'blue' }] });
  expect(await refusal(update({ fields: [{ ...field, multiValued: false }] }))).toMatchObject({ status: 400 });
});

test('forgets the values of a dropped field and of a deleted schema for good', async () => {
  const { client } = await openWorkspace();
  const team = { fieldName: 'team', fieldType: 'STRING' };
  const desk = { fieldName: 'desk', fieldType: 'STRING' };
  const requestBody = { schemaName: 'HR', fields: [team, desk] };
  const valuesOf = async () => (await client.users.get({ userKey, projection: 'full' })).data.customSchemas;
  await client.schemas.insert({ customerId, requestBody });
  await client.users.update({ userKey, requestBody: { customSchemas: { HR: { team: 'blue', desk: '4' } } } });
  await client.schemas.update({ customerId, schemaKey: 'HR', requestBody: { fields: [team] } });
  await client.schemas.patch({ customerId, schemaKey: 'HR', requestBody });
  expect(await valuesOf()).toEqual({ HR: { team: 'blue' } });
  await client.schemas.delete({ customerId, schemaKey: 'HR' });
  expect((await client.schemas.list({ customerId })).data.schemas?.map(({ schemaName }) => schemaName)).toEqual(['OpenClaw_Agent']);
  await client.schemas.insert({ customerId, requestBody });
  expect(await valuesOf()).toBeUndefined();
});
