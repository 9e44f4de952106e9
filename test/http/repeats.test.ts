import { openWorld, type World } from './world.ts';

const admin = 'admin@acme.test';

describe('changes that are sent again, or by two at once', () => {
  let world: World;
  let agentId = '';
  beforeAll(async () => {
    world = await openWorld();
    await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: 'alice@acme.test' });
    agentId = await world.agentIdOf('alice@acme.test');
    await world.settle();
  });
  afterAll(() => world.close());

  async function send(method: string, path: string, headers: Record<string, string> = {}, body?: unknown) {
    const authorization = `Bearer ${world.idToken(admin)}`;
    const all = { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers };
    const answer = await fetch(world.url + path, { method, headers: all, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
  }
  const agentPath = () => `/v1/planes/acme/agents/${agentId}`;
  const etagOf = async (path: string) => (await send('GET', path)).headers.get('etag') ?? '';
  const restarts = async () => (await world.store.get('agents', agentId))?.restarts ?? 0;

  it('are done once for one Idempotency-Key, fifty times in parallel', async () => {
    const before = await restarts();
    const asked = Array.from({ length: 50 }, () => send('POST', `${agentPath()}/restart`, { 'idempotency-key': '"one"' }));
    const answers = await Promise.all(asked);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(49);
    expect(await restarts()).toBe(before + 1);
  });

  it('are refused when the key came with another request, and done again when the first failed', async () => {
    // The fifty before left nothing of this caller's share.
    await world.pass(10_000, /^$/);
    const path = '/v1/planes/acme/users/carol@acme.test';
    expect((await send('PATCH', path, { 'idempotency-key': 'two' }, { budgetCap: 20 })).status).toBe(202);
    expect((await send('PATCH', path, { 'idempotency-key': 'two' }, { budgetCap: 30 })).status).toBe(422);
    expect((await send('PATCH', path, { 'idempotency-key': 'a b' }, { budgetCap: 30 })).status).toBe(400);
    const gone = '/v1/planes/acme/users/nobody@acme.test';
    expect((await send('PATCH', gone, { 'idempotency-key': 'three' }, { budgetCap: 30 })).status).toBe(404);
    await world.directory.users.insert({
      requestBody: { primaryEmail: 'nobody@acme.test', name: { givenName: 'No', familyName: 'Body' }, password: 'long-enough-1' },
    });
    expect((await send('PATCH', gone, { 'idempotency-key': 'three' }, { budgetCap: 30 })).status).toBe(202);
  });

  it('are forgotten after a day', async () => {
    const headers = { 'idempotency-key': 'four' };
    const before = await restarts();
    await send('POST', `${agentPath()}/restart`, headers);
    expect(await restarts()).toBe(before + 1);
    expect((await send('POST', `${agentPath()}/restart`, headers)).headers.get('idempotency-replayed')).toBe('true');
    await world.pass(25 * 3_600_000, /^$/);
    await world.run('idempotency');
    expect(await world.store.query('idempotency', 'byExpiry', { limit: 10 })).toEqual([]);
    await world.pass(-25 * 3_600_000, /^$/);
  });

  it('let one of two writers of an agent through and tell the other, in the directory and in the store', async () => {
    const etag = await etagOf(agentPath());
    const [one, two] = await Promise.all([
      send('PATCH', agentPath(), { 'if-match': etag }, { budgetCap: 41 }),
      send('PATCH', agentPath(), { 'if-match': etag }, { budgetCap: 42 }),
    ]);
    expect([one?.status, two?.status].sort()).toEqual([202, 412]);
    const winner = one?.status === 202 ? 41 : 42;
    const { data } = await world.directory.users.get({ userKey: 'alice@acme.test', projection: 'full' });
    expect(data.customSchemas?.['OpenClaw_Agent']).toMatchObject({ budgetCap: String(winner) });
    const now = await etagOf(agentPath());
    const verbs = await Promise.all(['a', 'b'].map((reason) => send('POST', `${agentPath()}/pause`, { 'if-match': now }, { reason })));
    expect(verbs.map(({ status }) => status).sort()).toEqual([202, 412]);
    const user = '/v1/planes/acme/users/alice@acme.test';
    const seen = await etagOf(user);
    const caps = await Promise.all([51, 52].map((budgetCap) => send('PATCH', user, { 'if-match': seen }, { budgetCap })));
    expect(caps.map(({ status }) => status).sort()).toEqual([202, 412]);
  });

  it('need no second answer where nothing changed', async () => {
    const path = '/v1/planes/acme/users/carol@acme.test';
    const etag = await etagOf(path);
    expect((await send('GET', path, { 'if-none-match': etag })).status).toBe(304);
    await send('PATCH', path, {}, { budgetCap: 77 });
    expect((await send('GET', path, { 'if-none-match': etag })).status).toBe(200);
    expect((await send('PATCH', path, { 'if-match': 'unquoted' }, { budgetCap: 1 })).status).toBe(400);
  });

  it('are held to a rate for each caller, whose share comes back', async () => {
    const token = world.idToken('viewer@acme.test');
    const headers = { authorization: `Bearer ${token}` };
    const read = async () => (await fetch(`${world.url}/v1/me`, { headers })).status;
    const statuses = await Promise.all(Array.from({ length: 400 }, read));
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(200);
    expect(statuses).toContain(429);
    expect((await send('GET', '/v1/me')).status).toBe(200);
    await world.pass(5_000, /^$/);
    expect(await read()).toBe(200);
  });

  it('carry the caller\u2019s request id, and where they came from, into the audit', async () => {
    const { headers } = await send('POST', `${agentPath()}/resume`, { 'x-request-id': 'mine-1' });
    expect(headers.get('x-request-id')).toBe('mine-1');
    expect((await send('GET', '/v1/me', { 'x-request-id': 'not sane' })).headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
    const { body } = await send('GET', `/v1/planes/acme/audit?agentId=${agentId}`);
    const row = (body['rows'] as { actor: Record<string, string> }[]).find(({ actor }) => actor['requestId'] === 'mine-1');
    expect(row?.actor).toMatchObject({ id: admin, from: '127.0.0.1' });
  });

  it('say what is wrong with the call itself: method, path, type', async () => {
    const wrong = await send('PUT', '/v1/planes');
    expect([wrong.status, wrong.body['code']]).toEqual([405, 'methodNotAllowed']);
    expect(wrong.headers.get('allow')).toContain('GET');
    expect((await send('GET', '/v1/nothing')).body).toMatchObject({ status: 404, code: 'notFound' });
    const text = await send('PATCH', agentPath(), { 'content-type': 'text/plain' }, { budgetCap: 1 });
    expect([text.status, text.body['code']]).toEqual([415, 'unsupportedMediaType']);
    expect((await send('GET', '/v1/planes/acme/agents?limit=1&limit=2')).status).toBe(400);
  });
});
