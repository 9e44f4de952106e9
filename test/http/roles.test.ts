import { contract, type ContractRow, type Operation } from '../../shared/contract.ts';
import { openWorld, type World } from './world.ts';

const customer = 'my_customer';
const admin = 'admin@acme.test';
const [inScope, outOfScope] = ['bob@acme.test', 'alice@acme.test'];
const hourMs = 3_600_000;

type Scope = 'all' | '/Sales' | 'none';
interface Kind {
  readonly name: string;
  readonly token: () => string | undefined;
  /** Refused for who they are, before any role is looked at. */
  readonly refused?: 401 | 403;
  readonly role?: 'viewer' | 'admin';
  readonly scope?: Scope;
}

type Expected = 401 | 403 | 'let in';

function toExpected({ refused, role, scope }: Kind, row: ContractRow, target: 'in' | 'out'): Expected {
  if (refused !== undefined) return refused;
  if (role === undefined || (row.role === 'admin' && role !== 'admin')) return 403;
  if (scope === 'all' || row.reach === 'self' || row.reach === 'list') return 'let in';
  return row.reach === 'plane' || target === 'out' ? 403 : 'let in';
}

describe('every row of the contract for every kind of caller (REQ-WSEC-02, REQ-WSEC-04)', () => {
  let world: World;
  let operations: Operation[] = [];
  const agentIds = new Map<string, string>();

  async function assign(name: string, email: string, orgUnitPath?: string): Promise<void> {
    const { data } = await world.directory.roles.list({ customer });
    const roleId = data.items?.find(({ roleName }) => roleName === name)?.roleId ?? '';
    const unit = orgUnitPath && (await world.directory.orgunits.get({ customerId: customer, orgUnitPath })).data.orgUnitId;
    const scope = unit ? { scopeType: 'ORG_UNIT', orgUnitId: unit } : { scopeType: 'CUSTOMER' };
    const requestBody = { roleId, assignedTo: await world.idOf(email), ...scope };
    await world.directory.roleAssignments.insert({ customer, requestBody });
  }

  beforeAll(async () => {
    world = await openWorld();
    await assign('OpenClaw Agent Viewer', 'frank@acme.test', 'Sales');
    await assign('OpenClaw Agent Admin', 'erin@acme.test', 'Sales');
    for (const email of [inScope, outOfScope]) {
      expect((await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: email })).status).toBe(202);
      agentIds.set(email, await world.agentIdOf(email));
    }
    const { body } = await world.call('GET', '/v1/openapi.json');
    operations = Object.values(body['paths'] as Record<string, Record<string, { operationId: Operation }>>)
      .flatMap((methods) => Object.values(methods))
      .map(({ operationId }) => operationId);
  });
  afterAll(() => world.close());

  function expiredToken(): string {
    void world.pass(-2 * hourMs, /^$/);
    const token = world.idToken(admin);
    void world.pass(2 * hourMs, /^$/);
    return token;
  }
  const idToken = (email: string) => () => world.idToken(email);
  const agentToken = (): string =>
    world.credentials.mint({ kind: 'model', agentId: agentIds.get(inScope) ?? '', incarnation: 1, extra: 1 });
  const workloadToken = (): string =>
    world.workspace.serviceToken('pubsub-push@agents-plane.iam.gserviceaccount.com', `${world.url}/events/audit-log`);

  const kinds: readonly Kind[] = [
    { name: 'nobody', token: () => undefined, refused: 401 },
    { name: 'garbage', token: () => 'x.y.z', refused: 401 },
    { name: 'expired token', token: expiredToken, refused: 401 },
    { name: 'another audience', token: () => world.idToken(admin, 'another-app'), refused: 401 },
    { name: 'an agent', token: agentToken, refused: 403 },
    { name: 'a service of ours', token: workloadToken, refused: 403 },
    { name: 'stranger', token: idToken('carol@acme.test') },
    { name: 'viewer', token: idToken('viewer@acme.test'), role: 'viewer', scope: 'all' },
    { name: 'viewer of /Sales', token: idToken('frank@acme.test'), role: 'viewer', scope: '/Sales' },
    { name: 'admin of /Sales', token: idToken('erin@acme.test'), role: 'admin', scope: '/Sales' },
    { name: 'Agent Admin', token: idToken('ops@acme.test'), role: 'admin', scope: 'all' },
    { name: 'super admin', token: idToken(admin), role: 'admin', scope: 'all' },
  ];

  /** Nothing is ever done: what a change wants never fits. */
  async function ask(operation: Operation, token: string | undefined, email: string): Promise<number> {
    const { path, method } = contract[operation];
    const filled = path
      .replace('{planeId}', 'acme')
      .replace('{agentId}', agentIds.get(email) ?? '')
      .replace('{userKey}', email)
      .replaceAll(/\{\w+\}/g, 'none');
    const query = operation === 'listUsers' ? '?q=a' : '';
    const body = operation === 'createAgent' ? { ownerEmail: email } : { never: 1 };
    const init = method === 'get' ? {} : { body: JSON.stringify(body) };
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(method === 'get' ? {} : { 'content-type': 'application/json', 'if-match': '"never"' }),
    };
    const answer = await fetch(`${world.url}${filled}${query}`, { method: method.toUpperCase(), headers, ...init });
    const shown = await answer.text();
    if (answer.status === 429) {
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      return ask(operation, token, email);
    }
    if (answer.status >= 400) expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(shown).not.toContain(token ?? 'no token');
    return answer.status;
  }

  it('is as roles and org units say, whoever calls', async () => {
    const wrong: string[] = [];
    let asked = 0;
    for (const kind of kinds) {
      const token = kind.token();
      for (const operation of operations) {
        const row: ContractRow = contract[operation];
        for (const target of row.reach === 'agent' || row.reach === 'user' ? (['in', 'out'] as const) : (['in'] as const)) {
          const expected = toExpected(kind, row, target);
          const status = await ask(operation, token, target === 'in' ? inScope : outOfScope);
          asked += 1;
          const got = status === 401 || status === 403 ? status : 'let in';
          const did = row.method !== 'get' && status < 300;
          if (got !== expected || status >= 500 || did) {
            wrong.push(`${operation} (${row.role}, ${row.reach}) ${kind.name} ${target}: expected ${expected}, got ${status}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(300);
  }, 120_000);

  it('tells the audit of agents and services that tried', async () => {
    for (const who of [agentIds.get(inScope), 'pubsub-push@agents-plane.iam.gserviceaccount.com', 'viewer@acme.test']) {
      const path = `/v1/planes/acme/audit?action=access.refused&user=${encodeURIComponent(who ?? '')}`;
      const { body } = await world.call('GET', path, admin);
      expect({ who, rows: body['rows'] }).toMatchObject({
        who,
        rows: expect.arrayContaining([expect.objectContaining({ outcome: 'refused' })]) as unknown,
      });
    }
  });

  it('says to each what they may do', async () => {
    const me = async (email: string) => (await world.call('GET', '/v1/me', email)).body;
    expect(await me(admin)).toEqual({ email: admin, roles: ['admin', 'viewer'], ous: null });
    expect(await me('viewer@acme.test')).toEqual({ email: 'viewer@acme.test', roles: ['viewer'], ous: null });
    expect(await me('erin@acme.test')).toEqual({ email: 'erin@acme.test', roles: ['admin', 'viewer'], ous: ['/Sales'] });
  });

  it('shows an org unit\u2019s admin that unit\u2019s agents alone, and lets them change these', async () => {
    const { body } = await world.call('GET', '/v1/planes/acme/agents', 'erin@acme.test');
    expect((body['agents'] as { ownerEmail: string }[]).map(({ ownerEmail }) => ownerEmail)).toEqual([inScope]);
    const change = (email: string) => world.call('PATCH', `/v1/planes/acme/users/${email}`, 'erin@acme.test', { budgetCap: 30 });
    expect((await change(inScope)).status).toBe(202);
    expect((await change(outOfScope)).status).toBe(403);
    await world.directory.users.update({ userKey: inScope, requestBody: { orgUnitPath: '/Support' } });
    expect((await change(inScope)).status).toBe(403);
  });

  it('takes a role that is gone for gone at the moment of effect, whatever was read before', async () => {
    const call = () => world.call('PATCH', '/v1/planes/acme/users/carol@acme.test', 'ops@acme.test', { budgetCap: 20 });
    expect((await call()).status).toBe(202);
    const { data } = await world.directory.roleAssignments.list({ customer, userKey: await world.idOf('ops@acme.test') });
    await world.directory.roleAssignments.delete({ customer, roleAssignmentId: data.items?.[0]?.roleAssignmentId ?? '' });
    expect((await call()).status).toBe(403);
  });

  it('asks the directory about a reader once in half a minute', async () => {
    const token = world.idToken('carol@acme.test');
    const read = () => world.call('GET', '/v1/planes', undefined, undefined, token);
    await read();
    world.workspace.resetCalls();
    for (let count = 0; count < 20; count += 1) expect((await read()).status).toBe(403);
    expect(Object.keys(world.workspace.calls()).filter((name) => name.startsWith('directory.roleAssignments'))).toEqual([]);
  });
});
