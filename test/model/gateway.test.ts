import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import { createCredentials } from '../../functions/core/credentials.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import { createTokenKey, systemClock } from '../../functions/keys.ts';
import { mountModelGateway, type Upstream } from '../../functions/model/gateway.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

const agentId = 'aaaaaaaaaaaaaaaa';

describe('the model gateway', () => {
  let maker: Server;
  let seen: { headers: IncomingMessage['headers']; body: Record<string, unknown> }[];
  let respond: (answer: ServerResponse) => void;
  let baseUrl = '';

  beforeEach(async () => {
    seen = [];
    respond = (answer) => answer.end('{"ok":true}');
    maker = createServer((request, answer) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        seen.push({ headers: request.headers, body: JSON.parse(text) as Record<string, unknown> });
        respond(answer);
      });
    });
    await new Promise<void>((resolve) => maker.listen(0, '127.0.0.1', resolve));
    const address = maker.address();
    baseUrl = typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : '';
  });
  afterEach(async () => {
    maker.closeAllConnections();
    await new Promise((resolve) => maker.close(resolve));
  });

  async function openGateway(name: 'anthropic' | 'openai') {
    const store = createMemoryStore();
    const agent = { agentId, planeId: 'acme', desired: 'running', incarnation: 1, spec: { modelTier: 'opus' } } as AgentRecord;
    await store.transact(async (tx) => tx.set('agents', agentId, agent));
    const credentials = createCredentials({ key: createTokenKey(Buffer.alloc(32)), store, clock: systemClock });
    const upstream: Upstream = { maker: name, key: 'the-company-key', baseUrl };
    const notes: string[] = [];
    const app = new Hono();
    mountModelGateway(app, {
      ...{ credentials, upstream, clock: systemClock, requestId: () => 'r' },
      log: { info: () => undefined, warn: () => undefined },
      tally: async (_scope, { action, target }) => void notes.push(`${action} ${target}`),
      sleep: (ms, signal) => sleep(ms / 10, undefined, { signal }).catch(() => undefined),
    });
    const token = credentials.mint({ kind: 'model', agentId, incarnation: 1, extra: 0 });
    const call = (path: string, body: object, shown = token) =>
      app.request(path, {
        method: 'POST',
        headers: { authorization: `Bearer ${shown}`, 'anthropic-beta': 'computer-use' },
        body: JSON.stringify(body),
      });
    const suspend = () => store.transact(async (tx) => tx.set('agents', agentId, { ...agent, desired: 'removed' }));
    return { call, notes, suspend, credentials };
  }

  it('chooses the model by tier, shows the maker its own key and never the agent\u2019s (REQ-WSEC-04)', async () => {
    const { call, notes } = await openGateway('openai');
    const answer = await call('/model/v1/chat/completions', { model: 'haiku', messages: [], max_tokens: 5 });
    expect(await answer.json()).toEqual({ ok: true });
    expect(seen[0]?.headers.authorization).toBe('Bearer the-company-key');
    expect(seen[0]?.body).toEqual({ model: 'gpt-5.1', messages: [], max_tokens: 5 });
    expect(notes).toEqual(['model.call gpt-5.1']);
  });

  it('leaves out what would give an agent the maker\u2019s own reach', async () => {
    const { call } = await openGateway('anthropic');
    const answer = await call('/model/v1/messages', {
      model: 'x',
      messages: [],
      mcp_servers: [{ url: 'https://elsewhere' }],
      service_tier: 'priority',
    });
    await answer.text();
    expect(seen[0]?.body).toEqual({ model: 'claude-opus-4-5', messages: [] });
    expect(seen[0]?.headers).not.toHaveProperty('anthropic-beta');
    const refused = await call('/model/v1/messages', { model: 'x', messages: [], tools: [{ type: 'web_search_20250305' }] });
    expect(refused.status).toBe(400);
    expect(seen).toHaveLength(1);
  });

  it('refuses tokens of another kind and of a former life', async () => {
    const { call, credentials } = await openGateway('openai');
    const body = { model: 'x', messages: [] };
    for (const kind of ['join', 'session', 'gateway', 'link'] as const) {
      const token = credentials.mint({ kind, agentId, incarnation: 1, extra: Date.now() + 60_000 });
      expect((await call('/model/v1/chat/completions', body, token)).status).toBe(401);
    }
    const former = credentials.mint({ kind: 'model', agentId, incarnation: 0, extra: 0 });
    expect((await call('/model/v1/chat/completions', body, former)).status).toBe(401);
    expect(seen).toEqual([]);
  });

  it('cuts an answer that is under way when the owner is suspended (REQ-WSEC-05)', async () => {
    respond = (answer) => void answer.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n');
    const { call, suspend } = await openGateway('openai');
    const answer = await call('/model/v1/chat/completions', { model: 'x', messages: [], stream: true });
    const reader = answer.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: one\n\n');
    await suspend();
    await expect(reader?.read()).rejects.toThrow();
    expect((await call('/model/v1/chat/completions', { model: 'x', messages: [] })).status).toBe(401);
  });
});
