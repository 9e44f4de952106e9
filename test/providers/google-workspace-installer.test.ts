import { directorySchema } from '../../shared/directory-schema.ts';
import { createDirectory } from '../../functions/providers/cloud/google.ts';
import { createInstaller } from '../../functions/providers/identity/google-workspace-installer.ts';
import { openWorkspace } from '../local/workspace/open-workspace.ts';
import { openCtx } from './open-identity.ts';

const customer = 'my_customer';
const key = { customerId: customer, schemaKey: 'OpenClaw_Agent' };
const fieldNames = directorySchema.fields.map(({ fieldName }) => fieldName);
const saying = (text: string) => expect.stringContaining(text) as string;

/** A company without our schema and roles. `breaking` breaks the line at a write: before it arrives, or after where `late`. */
async function openCompany() {
  const open = await openWorkspace();
  const { client } = open;
  await client.schemas.delete(key);
  const { data: assignments } = await client.roleAssignments.list({ customer });
  const { data: roles } = await client.roles.list({ customer });
  for (const { roleId, roleName } of roles.items ?? []) {
    if (!roleName?.startsWith('OpenClaw')) continue;
    for (const held of assignments.items ?? [])
      if (held.roleId === roleId) await client.roleAssignments.delete({ customer, roleAssignmentId: held.roleAssignmentId ?? '' });
    await client.roles.delete({ customer, roleId: roleId ?? '' });
  }
  const writes: string[] = [];
  const breaking = { at: 0, late: false };
  const line: typeof fetch = async (input, init) => {
    const method = init?.method ?? 'GET';
    if (method === 'GET') return fetch(input, init);
    writes.push(method);
    if (writes.length !== breaking.at) return fetch(input, init);
    if (breaking.late) await fetch(input, init);
    throw new TypeError('the line is broken');
  };
  const directory = createDirectory({ rootUrl: `${open.origin}/google/`, fetchImplementation: line });
  return { client, installer: createInstaller({ directory }), writes, breaking };
}

const complete = { state: 'complete', readableByAll: [] };

describe('installing into a directory', () => {
  it('finds what is missing and changes nothing by looking', async () => {
    const { installer, writes } = await openCompany();
    expect(await installer.inspect(openCtx())).toEqual({ schema: { state: 'missing' }, roles: {} });
    expect(writes).toEqual([]);
  });

  it('creates schema and roles, answers the ids of the roles, and has nothing to do the second time', async () => {
    const { client, installer, writes } = await openCompany();
    const first = await installer.install(openCtx());
    expect(first.done).toEqual([
      'created the schema OpenClaw_Agent',
      'created the role OpenClaw Agent Admin',
      'created the role OpenClaw Agent Viewer',
    ]);
    const { data: admin } = await client.roles.get({ customer, roleId: first.roles.admin });
    expect(admin).toMatchObject({ roleName: 'OpenClaw Agent Admin' });
    expect(admin.rolePrivileges?.map(({ privilegeName }) => privilegeName)).toEqual(['USERS_RETRIEVE', 'ORGANIZATION_UNITS_RETRIEVE']);
    expect((await client.roles.get({ customer, roleId: first.roles.viewer })).data.roleName).toBe('OpenClaw Agent Viewer');
    writes.length = 0;
    expect(await installer.install(openCtx())).toEqual({ done: [], roles: first.roles });
    expect(writes).toEqual([]);
    expect(await installer.inspect(openCtx())).toEqual({ schema: complete, roles: first.roles });
  });

  it('makes fields that only admins and the user can read, and finds numbers by range', async () => {
    const { client, installer } = await openCompany();
    await installer.install(openCtx());
    const { data } = await client.schemas.get(key);
    expect(data.fields?.map(({ fieldName }) => fieldName)).toEqual(fieldNames);
    for (const { readAccessType, multiValued } of data.fields ?? [])
      expect({ readAccessType, multiValued }).toEqual({ readAccessType: 'ADMINS_AND_SELF', multiValued: undefined });
    const field = (name: string) => data.fields?.find(({ fieldName }) => fieldName === name);
    expect(field('budgetCap')?.numericIndexingSpec).toEqual({ minValue: 0, maxValue: 1_000_000 });
    expect(field('agentEnabled')).not.toHaveProperty('indexed');
    expect(field('lastHeartbeat')).toMatchObject({ indexed: false });
  });

  it('adds the fields a schema lacks and keeps the others, foreign ones too, with all their values', async () => {
    const { client, installer } = await openCompany();
    const fields = [
      { fieldName: 'costCentre', fieldType: 'STRING', readAccessType: 'ALL_DOMAIN_USERS' },
      { fieldName: 'agentEnabled', fieldType: 'BOOL', readAccessType: 'ALL_DOMAIN_USERS', displayName: 'Our own name' },
    ];
    await client.schemas.insert({ customerId: customer, requestBody: { schemaName: 'OpenClaw_Agent', fields } });
    const values = { OpenClaw_Agent: { costCentre: '42', agentEnabled: true } };
    await client.users.update({ userKey: 'bob@acme.test', requestBody: { customSchemas: values } });
    const lacks = fieldNames.filter((name) => name !== 'agentEnabled');
    expect((await installer.inspect(openCtx())).schema).toEqual({ state: 'lacking', lacks, readableByAll: ['agentEnabled'] });
    const { done } = await installer.install(openCtx());
    expect(done[0]).toBe(`added ${lacks.join(', ')} to the schema OpenClaw_Agent`);
    expect((await installer.inspect(openCtx())).schema).toEqual({ ...complete, readableByAll: ['agentEnabled'] });
    const { data } = await client.schemas.get(key);
    expect(data.fields?.slice(0, 2)).toMatchObject(fields);
    const { data: bob } = await client.users.get({ userKey: 'bob@acme.test', projection: 'full' });
    expect(bob.customSchemas).toEqual(values);
  });

  it('refuses fields of another type or of several values before any write, and says what the admin can do', async () => {
    const { client, installer, writes } = await openCompany();
    const fields = [
      { fieldName: 'agentEnabled', fieldType: 'STRING' },
      { fieldName: 'toolAllowlist', fieldType: 'STRING', multiValued: true },
    ];
    await client.schemas.insert({ customerId: customer, requestBody: { schemaName: 'OpenClaw_Agent', fields } });
    expect((await installer.inspect(openCtx())).schema).toMatchObject({
      state: 'conflicting',
      conflicts: [
        { field: 'agentEnabled', found: 'single-valued STRING', wanted: 'single-valued BOOL', remedy: saying('delete that field') },
        { field: 'toolAllowlist', found: 'multi-valued STRING', wanted: 'single-valued STRING' },
      ],
    });
    await expect(installer.install(openCtx())).rejects.toMatchObject({
      code: 'conflict',
      message: saying('agentEnabled is single-valued STRING and must be single-valued BOOL'),
      problems: [{ path: 'OpenClaw_Agent.agentEnabled' }, { path: 'OpenClaw_Agent.toolAllowlist' }],
    });
    expect(writes).toEqual([]);
  });

  it.each([
    [1, false],
    [1, true],
    [2, false],
    [2, true],
    [3, false],
    [3, true],
  ])('heals after a crash at write %i, when that write came through: %s', async (at, late) => {
    const { installer, breaking } = await openCompany();
    Object.assign(breaking, { at, late });
    await expect(installer.install(openCtx())).rejects.toMatchObject({ code: 'unavailable' });
    const { roles } = await installer.install(openCtx());
    expect(await installer.inspect(openCtx())).toEqual({ schema: complete, roles });
  });

  it('may be run by two administrators at once', async () => {
    const { installer } = await openCompany();
    const [one, other] = await Promise.all([installer.install(openCtx()), installer.install(openCtx())]);
    expect(one.roles).toEqual(other.roles);
    expect([...one.done, ...other.done]).toHaveLength(3);
  });
});
