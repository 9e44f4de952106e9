import { admin } from '@googleapis/admin';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { createDirectory, createReports } from '../../functions/providers/cloud/google.ts';
import { createInstaller } from '../../functions/providers/identity/google-workspace-installer.ts';
import { createGoogleWorkspace } from '../../functions/providers/identity/google-workspace.ts';
import { toLogEntry } from '../../scripts/local/workspace/log-entries.ts';
import { customer, openReceiver, openWorkspace, refusal, type OpenWorkspace } from '../local/workspace/open-workspace.ts';
import { discovery, validateAnswer, validateRequest, validateSchema } from './discovery.ts';

interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly sent: string;
  readonly status: number;
  readonly answer: string;
}

const audience = 'agents-plane.test';

/** A transport that keeps what went over it. */
function recorder() {
  const exchanges: Exchange[] = [];
  const record: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const url = new URL(input instanceof Request ? input.url : input);
    const sent = typeof init?.body === 'string' ? init.body : '';
    exchanges.push({ method: init?.method ?? 'GET', url, sent, status: response.status, answer: await response.clone().text() });
    return response;
  };
  return { exchanges, record };
}

function verdictOf({ method, url, sent, status, answer }: Exchange) {
  const path = url.pathname.replace(/^\/google/, '');
  const api = discovery(path.startsWith('/admin/reports/') ? 'admin.reports_v1' : 'admin.directory_v1');
  const body: unknown = sent === '' ? undefined : JSON.parse(sent);
  const { methodId = '', problems } = validateRequest(api, { method, path, query: url.searchParams, body });
  const wrongAnswer = status < 300 ? validateAnswer(api, methodId, answer === '' ? undefined : JSON.parse(answer)) : [];
  return { methodId, request: problems, answer: wrongAnswer };
}

const wrongOf = (exchanges: readonly Exchange[]) =>
  exchanges.map(verdictOf).filter(({ request, answer }) => request.length > 0 || answer.length > 0);
const methodsOf = (exchanges: readonly Exchange[]) => new Set(exchanges.map((exchange) => verdictOf(exchange).methodId));

const ctx: Ctx = { signal: AbortSignal.timeout(60_000), log: { info: () => undefined, warn: () => undefined } };

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _item of items);
}

/** Drives every method that the provider has. */
async function driveProvider(open: OpenWorkspace, record: typeof fetch): Promise<void> {
  const clients = { rootUrl: `${open.origin}/google/`, fetchImplementation: record };
  const directory = createDirectory(clients);
  const identity = createGoogleWorkspace({
    ...{ directory, reports: createReports(clients), domain: 'acme.test', audiences: [audience] },
    policyGroups: async () => ['engineering@acme.test'],
    certsUrl: `${open.origin}/google/oauth2/v1/certs`,
    fetch,
  });
  const { address } = await openReceiver();
  for (const email of ['admin@acme.test', 'ops@acme.test', 'viewer@acme.test'])
    await identity.authenticate(open.workspace.idToken(email, audience), ctx);
  const alice = await identity.resolveUser('alice@acme.test', ctx);
  if (!alice) throw new Error('no alice');
  await identity.rolesOf(alice.id, ctx);
  await identity.resolveUser('nobody@acme.test', ctx);
  await drain(identity.listUsers({}, ctx));
  await drain(identity.listUsers({ ou: '/Engineering' }, ctx));
  const page = await identity.listPage({}, ctx);
  await identity.listPage({ deleted: true }, ctx);
  expect(page.users.length).toBeGreaterThan(5);
  await identity.membersOf('engineering@acme.test', ctx);
  const requests = { agentEnabled: true, modelTier: 'sonnet', budgetCap: 20, tools: ['email'], channels: ['email'] } as const;
  await identity.writeRequests(alice.id, requests, ctx);
  await identity.writeRequests(alice.id, { agentEnabled: false, modelTier: null, budgetCap: null, tools: null, channels: null }, ctx);
  const published = { agentId: 'a-1', agentStatus: 'ready', lastHeartbeat: new Date(0).toISOString() };
  await identity.publish(alice.id, published, 'status', ctx);
  for (const application of ['admin', 'groups_enterprise', 'login'] as const)
    await drain(identity.activities(application, Date.now() - 60_000, ctx));
  const channel = { id: 'c1', token: 'secret', address, ttlMs: 21_600_000 };
  const { resourceId } = await identity.watchEvents(channel, ctx);
  await identity.stopWatching({ id: 'c1', resourceId }, ctx);

  await directory.schemas.delete({ customerId: customer, schemaKey: 'OpenClaw_Agent' });
  for (const { roleId, isSystemRole } of (await directory.roles.list({ customer })).data.items ?? []) {
    if (isSystemRole || !roleId) continue;
    for (const { roleAssignmentId } of (await directory.roleAssignments.list({ customer, roleId })).data.items ?? [])
      await directory.roleAssignments.delete({ customer, roleAssignmentId: roleAssignmentId ?? '' });
    await directory.roles.delete({ customer, roleId });
  }
  const installer = createInstaller({ directory });
  await installer.inspect(ctx);
  await installer.install(ctx);
}

test('every request of the provider and the installer is valid by Google’s discovery documents', async () => {
  const open = await openWorkspace();
  const { exchanges, record } = recorder();
  await driveProvider(open, record);
  expect(wrongOf(exchanges)).toEqual([]);
  expect([...methodsOf(exchanges)]).toEqual(
    expect.arrayContaining(['directory.users.get', 'directory.users.list', 'directory.users.update', 'reports.activities.list']),
  );
});

/** Calls every route that the emulator has. */
async function walk({ origin }: OpenWorkspace, record: typeof fetch): Promise<void> {
  const options = { rootUrl: `${origin}/google/`, fetchImplementation: record, retry: false };
  const { aliases, users, groups, members, orgunits, schemas, roles, roleAssignments, channels } = clientsOf(options);
  const reports = admin({ version: 'reports_v1', ...options });
  const userKey = 'gina@acme.test';
  const name = { givenName: 'Gina', familyName: 'Gray' };
  const { address } = await openReceiver();
  const watched = await users.watch({ customer, requestBody: { id: 'c1', type: 'web_hook', address, token: 't', params: { ttl: '600' } } });
  const phones = [{ value: '1', type: 'work' }];
  const gina = await users.insert({ requestBody: { primaryEmail: userKey, name, password: 'correct horse', phones } });
  const customSchemas = { OpenClaw_Agent: { agentEnabled: true, budgetCap: '30', modelTier: 'standard' } };
  await users.update({ userKey, requestBody: { suspended: true, archived: true, customSchemas } });
  await users.patch({ userKey, requestBody: { suspended: false, archived: false, orgUnitPath: '/Sales' } });
  await users.get({ userKey, projection: 'full' });
  await users.list({ customer, projection: 'full', maxResults: 5, orderBy: 'email' });
  await users.list({ customer, query: 'isSuspended=true', fields: 'users(id)' });
  await users.makeAdmin({ userKey, requestBody: { status: true } });
  await aliases.insert({ userKey, requestBody: { alias: 'g@acme.test' } });
  await aliases.list({ userKey });
  await aliases.delete({ userKey, alias: 'g@acme.test' });

  const groupKey = 'news@acme.test';
  await groups.insert({ requestBody: { email: groupKey, name: 'News' } });
  await groups.update({ groupKey, requestBody: { description: 'What is new' } });
  await groups.patch({ groupKey, requestBody: { name: 'All news' } });
  await groups.get({ groupKey });
  await groups.list({ customer, maxResults: 2 });
  await groups.list({ userKey: 'alice@acme.test' });
  await members.insert({ groupKey, requestBody: { email: userKey, role: 'MEMBER' } });
  await members.update({ groupKey, memberKey: userKey, requestBody: { role: 'MANAGER' } });
  await members.patch({ groupKey, memberKey: userKey, requestBody: { role: 'OWNER' } });
  await members.get({ groupKey, memberKey: userKey });
  await members.list({ groupKey, includeDerivedMembership: true });
  await members.hasMember({ groupKey, memberKey: userKey });
  await members.delete({ groupKey, memberKey: userKey });
  await groups.delete({ groupKey });

  const unit = { customerId: customer, orgUnitPath: 'Lab' };
  await orgunits.insert({ customerId: customer, requestBody: { name: 'Lab', parentOrgUnitPath: '/' } });
  await orgunits.update({ ...unit, requestBody: { description: 'Tries things' } });
  await orgunits.patch({ ...unit, requestBody: { parentOrgUnitPath: '/Sales' } });
  await orgunits.get({ ...unit, orgUnitPath: 'Sales/Lab' });
  await orgunits.list({ customerId: customer, type: 'all' });
  await orgunits.delete({ ...unit, orgUnitPath: 'Sales/Lab' });

  const schemaKey = { customerId: customer, schemaKey: 'Badge' };
  const fields = [{ fieldName: 'number', fieldType: 'INT64', indexed: false, numericIndexingSpec: { minValue: 1, maxValue: 9 } }];
  await schemas.insert({ customerId: customer, requestBody: { schemaName: 'Badge', fields } });
  await schemas.update({ ...schemaKey, requestBody: { displayName: 'Badge' } });
  await schemas.patch({ ...schemaKey, requestBody: { displayName: 'Badges' } });
  await schemas.get(schemaKey);
  await schemas.list({ customerId: customer });
  await schemas.delete(schemaKey);

  const rolePrivileges = [{ privilegeName: 'USERS_RETRIEVE', serviceId: '00haapch16h1ysv' }];
  const { roleId = '' } = (await roles.insert({ customer, requestBody: { roleName: 'Reader', rolePrivileges } })).data;
  await roles.get({ customer, roleId: roleId ?? '' });
  await roles.list({ customer });
  const requestBody = { roleId, assignedTo: gina.data.id ?? '', scopeType: 'CUSTOMER' };
  const { roleAssignmentId = '' } = (await roleAssignments.insert({ customer, requestBody })).data;
  await roleAssignments.get({ customer, roleAssignmentId: roleAssignmentId ?? '' });
  await roleAssignments.list({ customer, userKey, includeIndirectRoleAssignments: true });
  await roleAssignments.delete({ customer, roleAssignmentId: roleAssignmentId ?? '' });
  await roles.delete({ customer, roleId: roleId ?? '' });

  await users.delete({ userKey });
  await users.list({ customer, showDeleted: 'true' });
  await users.undelete({ userKey: gina.data.id ?? '', requestBody: { orgUnitPath: '/' } });
  await channels.stop({ requestBody: { id: 'c1', resourceId: watched.data.resourceId ?? '' } });
  for (const applicationName of ['admin', 'groups_enterprise', 'login'])
    await reports.activities.list({ userKey: 'all', applicationName, maxResults: 3 });
  await refusal(users.get({ userKey: 'nobody@acme.test' }));
}

function clientsOf(options: { rootUrl: string; fetchImplementation: typeof fetch; retry: boolean }) {
  const client = admin({ version: 'directory_v1', ...options });
  const { users, groups, members, orgunits, schemas, roles, roleAssignments, channels } = client;
  return { users, aliases: users.aliases, groups, members, orgunits, schemas, roles, roleAssignments, channels };
}

const routed = (): string[] => {
  const text = readFileSync(join(__dirname, '../../scripts/local/workspace/directory-routes.ts'), 'utf8');
  const direct = [...text.matchAll(/'((?:admin|directory)\.[\w.]+)'/g)].map(([, id = '']) => id);
  const own = [...text.matchAll(/own\('\w+', [^,]+, '([\w.]+)'/g)].map(([, id]) => `directory.${id}`);
  return [...direct, ...own, 'reports.activities.list'].sort();
};

test('every answer of the emulator, over all its routes, is valid by Google’s discovery documents', async () => {
  const open = await openWorkspace();
  const { exchanges, record } = recorder();
  await walk(open, record);
  expect(wrongOf(exchanges)).toEqual([]);
  expect(exchanges.filter(({ sent }) => sent !== '').length).toBeGreaterThan(20);
  expect([...methodsOf(exchanges)].sort()).toEqual(routed());
  expect(Object.keys(open.workspace.calls().byMethod).sort()).toEqual(routed());
});

test('an entry of the audit log’s sink is a LogEntry of Cloud Logging', () => {
  const event = { application: 'login', type: 'account_warning', name: 'account_disabled_hijacked', parameters: {} } as const;
  const entry = toLogEntry(
    { ...event, time: 1_700_000_000_000, qualifier: '-1', actor: { email: 'a@b.test', id: '1' } },
    1_700_000_000_900,
  );
  expect(validateSchema(discovery('logging.v2'), 'LogEntry', entry)).toEqual([]);
});

test('finds what is wrong with a request and with an answer', () => {
  const api = discovery('admin.directory_v1');
  const path = '/admin/directory/v1/users/a%40b.test';
  const problems = (query: Record<string, string>, body?: unknown) =>
    validateRequest(api, { method: body === undefined ? 'GET' : 'PUT', path, query, body }).problems;
  expect(problems({ projection: 'custom', customFieldMask: 'A', fields: 'id' })).toEqual([]);
  expect(problems({}, { suspended: null, customSchemas: { A: { b: null } } })).toEqual([]);
  expect(problems({ projection: 'all', mask: 'A' })).toEqual([expect.stringContaining('none of'), 'query mask: unknown parameter']);
  expect(problems({}, { suspended: 'yes', surname: 'B' })).toEqual([
    'body.suspended: "yes" is no boolean',
    'body.surname: unknown property',
  ]);
  expect(validateRequest(api, { method: 'PATCH', path: '/admin/directory/v1/nothing' }).problems).toHaveLength(1);
  expect(validateRequest(api, { method: 'GET', path: '/admin/directory/v1/users', query: { maxResults: '501' } }).problems).toEqual([
    'query maxResults: 501 is more than 500',
  ]);
  const answers = (body: unknown) => validateAnswer(api, 'directory.users.get', body);
  expect(answers({ id: '1', creationTime: '2026-11-22T00:00:00Z' })).toEqual([]);
  expect(answers({ id: 1, creationTime: 'today', isAdmin: null, extra: {} })).toHaveLength(4);
  expect(validateAnswer(api, 'directory.groups.get', { directMembersCount: 3 })).toEqual([expect.stringContaining('is no int64')]);
  expect(validateAnswer(api, 'directory.users.delete', {})).toEqual(['body: directory.users.delete answers none']);
});
