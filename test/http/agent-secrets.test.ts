import { ctx } from '../sidecar/machine-bench.ts';
import { eventually, openWorld, type World } from './world.ts';

describe('the secrets of a machine that reaches no store of them', () => {
  let world: World;
  let agentId = '';
  let session = '';
  const ask = (names: readonly string[], token = session) => world.call('POST', '/agent/secrets', undefined, { names }, token);
  beforeEach(async () => {
    world = await openWorld();
    agentId = await world.agentIdOf('bob@acme.test');
    const requestBody = { customSchemas: { OpenClaw_Agent: { agentEnabled: true } } };
    await world.directory.users.update({ userKey: 'bob@acme.test', requestBody });
    await eventually('a grant', async () => (await world.providersOf()?.secrets.namespace(agentId, ctx))?.grantedTo);
    const token = world.credentials.mint({ kind: 'join', agentId, incarnation: 1, extra: 1 });
    session = String((await world.call('POST', '/agent/join', undefined, { token })).body['token']);
  });
  afterEach(() => world.close());

  it('come by its session: all names, and the values that it asks for, each told in the audit log (REQ-SEC-05)', async () => {
    const key = await world.providersOf()?.secrets.get('model/apiKey', agentId, ctx);
    const { status, body } = await ask(['model/apiKey']);
    expect({ status, values: body['values'] }).toEqual({ status: 200, values: { 'model/apiKey': key } });
    expect(body['names']).toEqual(expect.arrayContaining(['gateway/token', 'model/apiKey']));
    const rows = await world.store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 200 });
    expect(rows.filter(({ action }) => action === 'secret.give').map(({ target }) => target)).toEqual(['model/apiKey']);
    expect(JSON.stringify(rows)).not.toContain(key);
  });

  it('are refused to every other token, for a name that is not there, and once the grant is gone (REQ-SEC-01)', async () => {
    const model = world.credentials.mint({ kind: 'model', agentId, incarnation: 1, extra: 1 });
    expect([(await ask(['model/apiKey'], model)).status, (await ask(['model/apiKey'], 'x')).status]).toEqual([401, 401]);
    expect((await ask(['nothing'])).status).toBe(404);
    await world.providersOf()?.secrets.revokeGrant(agentId, ctx);
    expect((await ask(['model/apiKey'])).status).toBe(403);
  });

  it('end with the owner (REQ-ID-04)', async () => {
    await world.directory.users.update({ userKey: 'bob@acme.test', requestBody: { suspended: true } });
    await eventually('the refusal', async () => (await ask([])).status === 401);
  });
});
