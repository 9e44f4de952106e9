import { contract, type Operation } from '../../shared/contract.ts';
import { eventually, openWorld, type World } from './world.ts';

const [admin, viewer] = ['admin@acme.test', 'viewer@acme.test'];

describe('the REST API', () => {
  let world: World;
  let agentId = '';
  beforeAll(async () => {
    world = await openWorld();
    agentId = await world.agentIdOf('alice@acme.test');
    await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: 'alice@acme.test', name: 'nova' });
  });
  afterAll(() => world.close());

  const pathOf = (operation: Operation): string =>
    contract[operation].path
      .replace('{planeId}', 'acme')
      .replace('{agentId}', agentId)
      .replace('{userKey}', 'alice@acme.test')
      .replace(/\{\w+Id\}/, 'none');

  it('answers every row of the contract in its own shape', async () => {
    for (const operation of ['listPlanes', 'listAgents', 'getAgent', 'getUser', 'listAudit', 'verifyAudit', 'agentLogs'] as const) {
      const { status, body } = await world.call('GET', pathOf(operation), admin);
      expect([operation, status]).toEqual([operation, 200]);
      expect(contract[operation].answer.safeParse(body).error).toBeUndefined();
    }
  });

  it('writes an admin\u2019s wishes to the Directory and takes them in at once (REQ-WS-02)', async () => {
    const { status, body } = await world.call('PATCH', pathOf('updateAgent'), admin, { modelTier: 'haiku', tools: ['email'] });
    expect(status).toBe(202);
    expect(body).toMatchObject({
      policy: { modelTier: { value: 'haiku', origin: 'user' }, tools: { value: ['email'] } },
      agent: { name: 'nova' },
    });
    const { data } = await world.directory.users.get({ userKey: 'alice@acme.test', projection: 'full' });
    expect(data.customSchemas?.['OpenClaw_Agent']).toMatchObject({ agentEnabled: true, modelTier: 'haiku', toolAllowlist: 'email' });
    const back = await world.call('PATCH', pathOf('updateAgent'), admin, { modelTier: null });
    expect(back.body).toMatchObject({ policy: { modelTier: { value: 'opus', origin: 'ou:/Engineering' } } });
  });

  it('names path, value found and what is allowed in bad input, and changes nothing', async () => {
    const before = (await world.call('GET', pathOf('getAgent'), admin)).body['revision'];
    const { status, body } = await world.call('PATCH', pathOf('updateAgent'), admin, { budgetCap: -1, tools: ['teleport'], colour: 'red' });
    expect(status).toBe(400);
    expect(body['problems']).toEqual([
      { path: 'budgetCap', found: '-1', allowed: 'at least 0' },
      { path: 'tools[0]', found: '"teleport"', allowed: 'calendar, crm, email, exec, github or ssh' },
      { path: 'colour', found: 'an unknown key', allowed: 'only the keys of the schema' },
    ]);
    expect((await world.call('GET', pathOf('getAgent'), admin)).body['revision']).toBe(before);
  });

  it('refuses a token of another audience, of nobody, of an agent (REQ-WSEC-04)', async () => {
    const { status } = await world.call('GET', '/v1/planes', undefined, undefined, world.idToken(admin, 'another-app'));
    expect(status).toBe(401);
    const agentToken = world.credentials.mint({ kind: 'model', agentId, incarnation: 1, extra: 0 });
    expect((await world.call('GET', '/v1/planes', undefined, undefined, agentToken)).status).toBe(403);
    expect((await world.call('GET', '/v1/planes', undefined, undefined, 'x.y.z')).status).toBe(401);
  });

  it('says what is not there and where to look', async () => {
    expect((await world.call('GET', '/v1/planes/nowhere/agents', admin)).body).toMatchObject({
      status: 404,
      detail: expect.stringContaining('planes here: acme') as unknown,
    });
    expect((await world.call('GET', '/v1/planes/acme/agents/aaaaaaaaaaaaaaaa', admin)).status).toBe(404);
    expect((await world.call('GET', '/v1/planes/acme/users/nobody@acme.test', admin)).status).toBe(404);
  });

  it('writes refusals and wishes to the audit log, and the chains verify (REQ-WSEC-08)', async () => {
    expect((await world.call('POST', pathOf('restartAgent'), viewer)).status).toBe(403);
    const { body } = await world.call('GET', '/v1/planes/acme/audit', admin);
    const actions = (body['rows'] as { action: string; actor: { id: string } }[]).map(({ action, actor }) => `${action} ${actor.id}`);
    expect(actions).toEqual(expect.arrayContaining(['access.refused viewer@acme.test']));
    const ofAgent = await world.call('GET', `/v1/planes/acme/audit?agentId=${agentId}`, admin);
    expect(ofAgent.body['rows']).toContainEqual(
      expect.objectContaining({
        action: 'user.requests',
        actor: { kind: 'user', id: admin, from: '127.0.0.1', requestId: expect.stringMatching(/./) as string },
      }),
    );
    expect((await world.call('GET', '/v1/planes/acme/audit/verify', viewer)).body).toMatchObject({ faults: [] });
  });

  it('pauses, resumes and rotates, and refuses what makes no sense meanwhile (REQ-SEC-04, REQ-WS-05)', async () => {
    const key = (await world.store.get('agents', agentId))?.incarnation ?? 0;
    const token = world.credentials.mint({ kind: 'model', agentId, incarnation: key, extra: 1 });
    await expect(world.credentials.check(token, 'model')).resolves.toBeDefined();
    expect((await world.call('POST', pathOf('pauseAgent'), admin, { reason: 'audit' })).status).toBe(202);
    await eventually('paused', async () => (await world.call('GET', pathOf('getAgent'), admin)).body['phase'] === 'paused');
    await expect(world.credentials.check(token, 'model')).rejects.toMatchObject({ code: 'unauthenticated' });
    expect((await world.call('POST', pathOf('restartAgent'), admin)).body['detail']).toContain('it is paused (audit); resume it first');
    expect((await world.call('POST', pathOf('resumeAgent'), admin)).status).toBe(202);
    await eventually('no longer paused', async () => (await world.call('GET', pathOf('getAgent'), admin)).body['phase'] !== 'paused');
    expect((await world.call('POST', pathOf('rotateSecrets'), admin, {})).body).toMatchObject({ kind: 'rotateSecrets', total: 1 });
    await eventually('new secrets', async () => (await world.store.get('agents', agentId))?.secretsVersion === 2);
    const again = await world.call('POST', pathOf('rotateSecrets'), admin, { agentId });
    expect([again.status, again.body['state']]).toEqual([202, 'running']);
    await eventually(
      'the second to wait for the first',
      async () => (await world.store.get('operations', String(again.body['id'])))?.rings[0]?.running === 1,
    );
    expect(await world.store.get('agents', agentId)).toMatchObject({ secretsVersion: 2 });
    await expect(world.credentials.check(token, 'model')).resolves.toBeDefined();
    await world.store.transact(async (tx) => {
      const beat = { agentId, incarnation: key, at: Date.now(), revision: 1, live: true, ready: true, boot: 1, secretsVersion: `${key}.2` };
      tx.set('heartbeats', agentId, beat);
    });
    await expect(world.credentials.check(token, 'model')).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('removes an agent and gives the receipt (REQ-ID-04)', async () => {
    expect((await world.call('GET', pathOf('agentReceipt'), admin)).status).toBe(404);
    expect((await world.call('DELETE', pathOf('removeAgent'), admin)).status).toBe(202);
    const receipt = await eventually('the receipt', async () => {
      const { status, body } = await world.call('GET', pathOf('agentReceipt'), admin);
      return status === 200 && body;
    });
    expect(contract.agentReceipt.answer.safeParse(receipt).error).toBeUndefined();
    expect((await world.call('POST', pathOf('restartAgent'), admin)).status).toBe(409);
  });
});
