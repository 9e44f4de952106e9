import { createServer, type Server } from 'node:http';
import { modelKeyName } from '../../shared/sidecar.ts';
import { functionNames } from '../../functions/functions.ts';
import { close, listen } from './gateway.ts';
import { audience, openFunctions, type FunctionsWorld } from './world.ts';

/** A maker of models that answers in two pieces; the second waits until it is let go. */
function openMaker() {
  let letGo = (): void => undefined;
  const server = createServer((request, answer) => {
    request.resume();
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    answer.write('data: first\n\n');
    letGo = () => void answer.end('data: second\n\n');
  });
  return { server, letGo: () => letGo() };
}

let world: FunctionsWorld;
let maker: { server: Server; letGo: () => void };
beforeAll(async () => {
  maker = openMaker();
  const base = await listen(maker.server);
  world = await openFunctions({ OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: base });
});
afterAll(async () => {
  await world.close();
  await close(maker.server);
});

const agents = () => `${world.url}/v1/planes/acme/agents`;

/** Delivers a hint as Pub/Sub does, wrapped in its envelope. */
const push = (key: string, token = world.workload()) =>
  world.call(`${world.urls.reconcile}/`, {
    method: 'POST',
    token,
    body: { message: { data: Buffer.from(JSON.stringify({ key })).toString('base64'), messageId: '1' }, subscription: 's' },
  });

async function carryOut(rounds = 40): Promise<void> {
  for (let round = 0; round < rounds && world.hinted.length > 0; round += 1) {
    for (const key of new Set(world.hinted.splice(0))) if (!key.startsWith('plane/')) await push(key);
  }
}

describe('the functions', () => {
  it('are these five', () => {
    expect(functionNames).toEqual(['api', 'events', 'reconcile', 'sweep', 'model']);
  });

  it.each(functionNames)('%s says that it is there, and 404 to the paths of others, in problem details', async (name) => {
    expect(await world.call(`${world.urls[name]}/healthz`)).toMatchObject({ status: 200, body: { ok: true } });
    const foreign = { api: '/model/v1/messages', events: '/v1/planes', reconcile: '/v1/planes', sweep: '/reconcile', model: '/v1/planes' };
    for (const path of [foreign[name], '/nowhere', '/mail/messages']) {
      const answer = await world.call(world.urls[name] + path, { token: world.admin() });
      expect([path, answer.status, answer.type]).toEqual([path, 404, 'application/problem+json']);
    }
  });

  it('api answers who may ask, and nobody else', async () => {
    const planes = await world.call(`${world.url}/v1/planes`, { token: world.admin() });
    expect(planes).toMatchObject({ status: 200, body: { planes: [{ planeId: 'acme' }] } });
    expect(await world.call(`${world.url}/v1/planes`)).toMatchObject({ status: 401, type: 'application/problem+json' });
    const foreign = world.workspace.idToken('admin@acme.test', 'another app');
    expect(await world.call(`${world.url}/v1/planes`, { token: foreign })).toMatchObject({ status: 401 });
    expect(await world.call(`${world.url}/v1/nothing`, { token: world.admin() })).toMatchObject({
      status: 404,
      type: 'application/problem+json',
    });
  });

  it('api refuses malformed JSON and a body over the limit in problem details', async () => {
    const ask = { method: 'POST', token: world.admin() };
    expect(await world.call(agents(), { ...ask, body: '{"ownerEmail":' })).toMatchObject({
      status: 400,
      type: 'application/problem+json',
      body: { detail: 'cannot accept the request body: it is not JSON' },
    });
    expect(await world.call(agents(), { ...ask, body: { ownerEmail: 'x'.repeat(1_000_001) } })).toMatchObject({
      status: 400,
      type: 'application/problem+json',
    });
  });

  it('sweep makes the errands that are missing, once, and hints at what is due', async () => {
    const token = world.workload();
    const first = await world.call(`${world.urls.sweep}/sweep`, { method: 'POST', token });
    expect(first).toMatchObject({ status: 200, body: { more: false } });
    const errands = world.hinted.filter((key) => key.startsWith('plane/'));
    expect(errands).toEqual(expect.arrayContaining(['plane/watch', 'plane/orphans']));
    const stamp = (await world.store.get('schedule', 'plane/watch'))?.stamp;
    await world.call(`${world.urls.sweep}/`, { method: 'POST', token });
    expect((await world.store.get('schedule', 'plane/watch'))?.stamp).toBe(stamp);
    expect(await world.call(`${world.urls.sweep}/`, { method: 'POST' })).toMatchObject({ status: 401 });
  });

  it('reconcile runs what is due, folds a second delivery, and takes hints from nobody else', async () => {
    const made = await world.call(agents(), { method: 'POST', token: world.admin(), body: { ownerEmail: 'alice@acme.test' } });
    expect(made.status).toBeLessThan(300);
    const { agentId } = (made.body['agent'] ?? {}) as { agentId: string };
    const pass = `pass/${agentId}`;
    expect(world.hinted).toContain(pass);
    expect(await push(pass, world.admin())).toMatchObject({ status: 401 });
    const foreign = world.workspace.serviceToken('somebody@else.iam.gserviceaccount.com', 'https://plane.test/workload');
    expect(await push(pass, foreign)).toMatchObject({ status: 403 });
    expect(await world.store.get('statuses', agentId)).toBeUndefined();

    expect((await Promise.all([push(pass), push(pass)])).map(({ status }) => status)).toEqual([204, 204]);
    await carryOut(5);
    expect(await world.store.get('statuses', agentId)).toMatchObject({ phase: 'provisioning' });
    const rows = await world.store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 500 });
    expect(rows.filter(({ action, target }) => action === 'effect.start apply' && target === 'machine')).toHaveLength(1);
  }, 60_000);

  it('events takes a push of the Directory that shows the channel token, and hints at the user before it answers', async () => {
    await world.store.transact(async (tx) =>
      tx.set('channels', 'c1', { id: 'c1', token: 't1', resourceId: 'r1', expiresAt: Date.now() + 60_000 }),
    );
    const tell = (token: string) =>
      fetch(`${world.url}/events/directory`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=UTF-8',
          'x-goog-channel-id': 'c1',
          'x-goog-channel-token': token,
          'x-goog-resource-id': 'r1',
          'x-goog-resource-state': 'update',
        },
        body: JSON.stringify({ kind: 'admin#directory#user', id: '424242', primaryEmail: 'x@acme.test' }),
      });
    expect((await tell('wrong')).status).toBe(403);
    expect(world.hinted).not.toContain('look/424242');
    expect((await tell('t1')).status).toBe(204);
    expect(world.hinted).toContain('look/424242');
  });

  describe('model', () => {
    const ask = async () => {
      const [agent] = await world.store.query('agents', 'byEmail', { equals: [], from: 'alice', limit: 1 });
      const ctx = { signal: AbortSignal.timeout(1_000), log: { info: () => undefined, warn: () => undefined } };
      const token = await world.secrets.get(modelKeyName, agent?.agentId ?? '', ctx);
      return fetch(`${world.url}/model/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ model: 'x', stream: true, messages: [{ role: 'user', content: 'hello' }] }),
      });
    };

    it('streams the answer as the maker gives it', async () => {
      const answer = await ask();
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
      const reader = answer.body?.getReader();
      expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: first\n\n');
      maker.letGo();
      expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: second\n\n');
    });

    it('refuses who shows no model key', async () => {
      const token = world.workspace.idToken('alice@acme.test', audience);
      const answer = await world.call(`${world.url}/model/v1/chat/completions`, { method: 'POST', token, body: {} });
      expect(answer).toMatchObject({ status: 401, type: 'application/problem+json' });
    });
  });
});
