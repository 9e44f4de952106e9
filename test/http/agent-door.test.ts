import { eventually, openWorld, type World } from './world.ts';

describe('the door of the agents', () => {
  let world: World;
  let agentId = '';
  beforeEach(async () => {
    world = await openWorld();
    agentId = await world.agentIdOf('bob@acme.test');
    const requestBody = { customSchemas: { OpenClaw_Agent: { agentEnabled: true } } };
    await world.directory.users.update({ userKey: 'bob@acme.test', requestBody });
    await eventually('a record', () => world.store.get('agents', agentId));
  });
  afterEach(() => world.close());

  const mint = (kind: 'join' | 'session' | 'model', extra: number, boot = 0) =>
    world.credentials.mint({ kind, agentId, incarnation: 1, extra, boot });
  const join = (token: string) => world.call('POST', '/agent/join', undefined, { token });
  const beat = (token: string) => world.call('POST', '/agent/heartbeat', undefined, { version: 'v', live: true, ready: true }, token);

  it('trades a join token once, and notes the replay', async () => {
    expect((await join(mint('join', 1))).status).toBe(200);
    expect((await join(mint('join', 1))).status).toBe(401);
    const rows = await world.store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 100 });
    expect(rows.map(({ action, target }) => `${action} ${target}`)).toContain('access.refused join');
  });

  it('ends a session with the next join, so that a copied one dies with a restart', async () => {
    const first = String((await join(mint('join', 1))).body['token']);
    expect((await beat(first)).status).toBe(200);
    const second = String((await join(mint('join', 2))).body['token']);
    expect((await beat(first)).status).toBe(401);
    expect((await beat(second)).status).toBe(200);
  });

  it('refuses expired sessions, changed tokens and tokens of another kind', async () => {
    await join(mint('join', 1));
    expect((await beat(mint('session', Date.now() - 1, 1))).status).toBe(401);
    expect((await beat(mint('model', 0))).status).toBe(401);
    const good = mint('session', Date.now() + 60_000, 1);
    expect((await beat(good)).status).toBe(200);
    expect((await beat(good.replace('.1.1', '.2.1'))).status).toBe(401);
    expect((await beat(`${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`)).status).toBe(401);
  });

  it('refuses a session from the moment its owner is suspended (REQ-WSEC-05)', async () => {
    const session = String((await join(mint('join', 1))).body['token']);
    await world.directory.users.update({ userKey: 'bob@acme.test', requestBody: { suspended: true } });
    await eventually('the refusal', async () => (await beat(session)).status === 401);
    expect((await join(mint('join', 2))).status).toBe(401);
  });
});
