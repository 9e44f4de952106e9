import { toBudgetDate } from '../../shared/budget.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { agentId, openWorld, toAgent } from '../budget/world.ts';
import { asJson, asStream, chatUsage, openLoopbackMaker, type LoopbackMaker } from './maker.ts';

const chat = '/model/v1/chat/completions';
const messages = '/model/v1/messages';
const hello = { model: 'x', max_tokens: 1_000, messages: [{ role: 'user', content: 'Hello' }] };
const until = async (holds: () => boolean): Promise<void> => {
  for (const end = Date.now() + 5_000; !holds() && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('the model gateway', () => {
  let maker: LoopbackMaker;
  beforeEach(async () => (maker = await openLoopbackMaker()));
  afterEach(() => maker.close());

  async function open(
    name: 'anthropic' | 'openai',
    more: { capUsd?: number; whenExhausted?: 'step-down'; tier?: 'opus' | 'sonnet'; models?: { opus?: string } } = {},
  ) {
    const store = createMemoryStore();
    const { spec, ...agent } = toAgent(more.capUsd ?? 50);
    const record = { ...agent, spec: { ...spec, modelTier: more.tier ?? 'opus' } };
    await store.transact(async (tx) => tx.set('agents', agentId, record));
    const world = openWorld(store, { maker: name, key: 'the-company-key', baseUrl: maker.baseUrl }, more);
    return {
      ...world,
      suspend: () => store.transact(async (tx) => tx.set('agents', agentId, { ...record, desired: 'removed' })),
      money: () => store.peek('budgets', `1001/${toBudgetDate(Date.now(), 'UTC').month}`),
      spend: (spentMicros: number) =>
        store.transact(async (tx) => {
          const { month } = toBudgetDate(Date.now(), 'UTC');
          const labels = { planeId: 'acme', ownerId: '1001', agentId, ownerEmail: '', ouPath: '', agentName: '', capUsd: 1 };
          tx.set('budgets', `1001/${month}`, { ...labels, month, spentMicros, open: {}, alerted: 0 });
        }),
      ledger: () => [...store.entries('ledger')].map(([, row]) => row),
    };
  }

  it('chooses the model by tier, shows the maker its own key and never the agent\u2019s (REQ-WSEC-04)', async () => {
    maker.respond = asJson({ id: 'c1', usage: chatUsage(1_000, 100, 400) });
    const { call, notes, money, ledger } = await open('openai');
    const answer = await call(
      chat,
      { ...hello, temperature: 0.5, metadata: { any: ['thing'] }, logit_bias: null },
      { headers: { 'anthropic-beta': 'x' } },
    );
    expect(await answer.json()).toMatchObject({ id: 'c1' });
    expect(maker.seen[0]?.headers.authorization).toBe('Bearer the-company-key');
    expect(maker.seen[0]?.headers).not.toHaveProperty('anthropic-beta');
    const { max_tokens: _named, ...rest } = hello;
    expect(maker.seen[0]?.body).toEqual({
      ...{ ...rest, temperature: 0.5, metadata: { any: ['thing'] }, logit_bias: null },
      ...{ model: 'gpt-5.4', max_completion_tokens: 1_000, service_tier: 'default' },
    });
    expect(notes).toEqual([{ action: 'model.call', target: 'gpt-5.4' }]);
    expect(money()).toMatchObject({ spentMicros: 600 * 2.5 + 400 * 0.25 + 100 * 15, open: {} });
    expect(ledger()).toMatchObject([{ model: 'gpt-5.4', inputTokens: 600, cachedTokens: 400, outputTokens: 100, calls: 1, unsettled: 0 }]);
  });

  it('asks the model that the plane names for the tier, and its own where this maker has no such model (REQ-MAINT-05)', async () => {
    maker.respond = asJson({ usage: chatUsage(100, 10) });
    for (const [named, asked] of [
      ['gpt-5.4-mini', 'gpt-5.4-mini'],
      ['claude-opus-5-5', 'gpt-5.4'],
    ] as const) {
      const { call, notes } = await open('openai', { models: { opus: named } });
      await (await call(chat, hello)).text();
      expect([maker.seen.at(-1)?.body['model'], notes[0]?.target]).toEqual([asked, asked]);
    }
  });

  it('serves OpenAI\u2019s Responses, whole and streamed', async () => {
    const usage = { input_tokens: 100, output_tokens: 10, input_tokens_details: { cached_tokens: 0 } };
    maker.respond = asJson({ object: 'response', usage });
    const { call, money } = await open('openai', { tier: 'sonnet' });
    const body = { model: 'x', input: 'Hello', max_output_tokens: 300 };
    await (await call('/model/v1/responses', body)).text();
    expect(maker.seen[0]).toMatchObject({ path: '/v1/responses', body: { model: 'gpt-5.1', input: 'Hello', max_output_tokens: 300 } });
    expect(money()).toMatchObject({ spentMicros: 225, open: {} });
    const events = [
      { type: 'response.output_text.delta', delta: 'Hi' },
      { type: 'response.completed', response: { usage } },
    ];
    maker.respond = asStream(...events);
    const streamed = await (await call('/model/v1/responses', { ...body, stream: true })).text();
    expect(streamed).toBe(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
    expect(money()).toMatchObject({ spentMicros: 450, open: {} });
  });

  it('counts what Anthropic reads from its cache and writes there', async () => {
    const told = { input_tokens: 100, cache_read_input_tokens: 1_000, cache_creation_input_tokens: 500, output_tokens: 1 };
    const split = { cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 300 } };
    const delta = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 50 } };
    maker.respond = asStream({ type: 'message_start', message: { usage: { ...told, ...split } } }, delta, { type: 'message_stop' });
    const { call, money } = await open('anthropic', { tier: 'sonnet' });
    const answer = await call(messages, { ...hello, stream: true }, { headers: { 'anthropic-version': '2023-06-01' } });
    expect((await answer.text()).match(/data: /g)).toHaveLength(3);
    expect(maker.seen[0]?.body).toEqual({ ...hello, stream: true, model: 'claude-sonnet-5', service_tier: 'standard_only' });
    expect(money()).toMatchObject({ spentMicros: 100 * 2 + 1_000 * 0.2 + 200 * 2.5 + 300 * 4 + 50 * 10, open: {} });
  });

  it('asks for the usage of a stream and leaves it out where the caller had not', async () => {
    const said = { choices: [{ delta: { content: 'Hi "usage":{}' } }], usage: null };
    maker.respond = asStream(said, { choices: [], usage: chatUsage(100, 10) }, 'data: [DONE]\n\n');
    const { call, money } = await open('openai');
    const answer = await call(chat, { ...hello, stream: true, stream_options: { include_obfuscation: false } });
    expect(await answer.text()).toBe(`data: ${JSON.stringify(said)}\n\ndata: [DONE]\n\n`);
    expect(maker.seen[0]?.body['stream_options']).toEqual({ include_obfuscation: false, include_usage: true });
    expect(money()).toMatchObject({ spentMicros: 400, open: {} });
    const asked = await call(chat, { ...hello, stream: true, stream_options: { include_usage: true } });
    expect(await asked.text()).toContain('"prompt_tokens":100');
  });

  it('refuses tokens of another kind and of a former life', async () => {
    const { call, credentials } = await open('openai');
    for (const kind of ['join', 'session', 'gateway', 'link'] as const) {
      const token = credentials.mint({ kind, agentId, incarnation: 1, extra: Date.now() + 60_000 });
      expect((await call(chat, hello, { token })).status).toBe(401);
    }
    const former = credentials.mint({ kind: 'model', agentId, incarnation: 0, extra: 0 });
    expect((await call(chat, hello, { token: former })).status).toBe(401);
    expect(maker.seen).toEqual([]);
  });

  it('cuts an answer that is under way when the owner is suspended, and charges it whole (REQ-WSEC-05)', async () => {
    maker.respond = (answer) => answer.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n');
    const { call, suspend, money } = await open('openai');
    const answer = await call(chat, { ...hello, stream: true });
    const reader = answer.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: one\n\n');
    const [reserved] = Object.values(money()?.open ?? {});
    await suspend();
    await expect(reader?.read()).rejects.toThrow();
    expect(money()).toMatchObject({ spentMicros: reserved?.micros, open: {} });
    expect((await call(chat, hello)).status).toBe(401);
  });

  describe('while the store cannot say whether the agent may go on', () => {
    async function openFailing() {
      let [passedMs, failing, refusals] = [0, false, 0];
      const clock = { now: () => Date.now() + passedMs, deadline: (ms: number) => AbortSignal.timeout(ms) };
      const memory = createMemoryStore();
      const get: typeof memory.get = (collection, id) => {
        if (!failing || collection !== 'agents') return memory.get(collection, id);
        refusals += 1;
        return Promise.reject(new PlaneError('unavailable', 'the store is away'));
      };
      await memory.transact(async (tx) => tx.set('agents', agentId, toAgent(50)));
      let end = (): void => undefined;
      maker.respond = (answer) => {
        answer.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n');
        end = () => void answer.end(`data: ${JSON.stringify({ choices: [], usage: chatUsage(100, 10) })}\n\n`);
      };
      const { call } = openWorld({ ...memory, get }, { maker: 'openai', key: 'the-company-key', baseUrl: maker.baseUrl }, { clock });
      const reader = (await call(chat, { ...hello, stream: true })).body?.getReader();
      await reader?.read();
      const refused = async (times: number): Promise<void> => {
        const before = refusals;
        await until(() => refusals >= before + times);
      };
      return {
        ...{ reader, refused, end: () => end() },
        fail: (state: boolean) => void (failing = state),
        pass: (ms: number) => void (passedMs += ms),
      };
    }

    it('goes on with an answer that is under way', async () => {
      const { reader, refused, end, fail } = await openFailing();
      fail(true);
      await refused(3);
      fail(false);
      end();
      for (let done = false; !done;) done = (await reader?.read())?.done ?? true;
    });

    it('cuts it after ten seconds', async () => {
      const { reader, refused, fail, pass } = await openFailing();
      fail(true);
      await refused(2);
      pass(10_000);
      await expect(reader?.read()).rejects.toThrow();
    });
  });

  it('says 401 where a suspension ends a call before its answer began', async () => {
    maker.respond = () => undefined;
    const { call, suspend, money } = await open('openai');
    const answer = call(chat, hello);
    await until(() => maker.seen.length > 0);
    await suspend();
    expect((await answer).status).toBe(401);
    expect(money()).toMatchObject({ open: {} });
    expect(money()?.spentMicros).toBeGreaterThan(0);
  });

  it('reads on for the usage when the caller hangs up', async () => {
    maker.respond = (answer) => {
      answer.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n');
      setTimeout(() => answer.end(`data: ${JSON.stringify({ choices: [], usage: chatUsage(100, 10) })}\n\n`), 50);
    };
    const { call, money } = await open('openai');
    const reader = (await call(chat, { ...hello, stream: true })).body?.getReader();
    await reader?.read();
    const waiting = reader?.read();
    await reader?.cancel();
    await waiting;
    expect(money()).toMatchObject({ spentMicros: 400, open: {} });
  });

  it('gives the money back where the maker refuses, and none where nobody can know', async () => {
    const { call, money } = await open('openai');
    for (const status of [400, 429, 500, 503]) {
      maker.respond = asJson({ error: { message: 'no' } }, status);
      const answer = await call(chat, hello);
      expect([answer.status, await answer.json()]).toEqual([status, { error: { message: 'no' } }]);
    }
    expect(money()).toMatchObject({ spentMicros: 0, open: {} });
    maker.respond = (answer) => answer.socket?.destroy();
    const cut = await call(chat, hello);
    expect([cut.status, await cut.json()]).toMatchObject([503, { error: { type: 'unavailable' } }]);
    const one = money()?.spentMicros ?? 0;
    expect(one).toBeGreaterThan(15_000);
    maker.respond = asJson({ choices: [] });
    await (await call(chat, hello)).text();
    expect(money()).toMatchObject({ spentMicros: 2 * one, open: {} });
    await maker.close();
    // The client has to notice first that its old connection is gone: what leaves on that may have been taken.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await call(chat, hello)).status).toBe(503);
    expect(money()).toMatchObject({ spentMicros: 2 * one, open: {} });
  });

  it('shortens the answer to what is left, and at the end says so in plain words that cost nothing', async () => {
    const { call, money, spend, notes } = await open('openai', { capUsd: 1 });
    await spend(980_000);
    await (await call(chat, { ...hello, max_tokens: 100_000 })).text();
    const shortened = Number(maker.seen[0]?.body['max_completion_tokens']);
    expect(shortened).toBeGreaterThan(256);
    expect(shortened).toBeLessThan(20_000 / 15);
    await spend(999_000);
    const answer = await call(chat, { ...hello, max_tokens: 100_000 });
    expect([answer.status, answer.headers.get('x-agents-plane')]).toEqual([200, 'budget-exhausted']);
    const { choices } = (await answer.json()) as { choices: { message: { content: string }; finish_reason: string }[] };
    expect(choices[0]?.finish_reason).toBe('stop');
    expect(choices[0]?.message.content).toMatch(/^This month's budget of \$1 is used up\. .* ask your admin; it starts again on 1 \w+\.$/);
    expect(maker.seen).toHaveLength(1);
    expect(money()).toMatchObject({ spentMicros: 999_000, open: {}, alerted: 100 });
    expect(notes.at(-1)).toEqual({ action: 'model.refuse', target: 'gpt-5.4' });
  });

  it('goes on with a lower tier where the plane would rather step down', async () => {
    const { call, spend } = await open('openai', { capUsd: 1, whenExhausted: 'step-down' });
    const body = { ...hello, max_tokens: 10_000 };
    for (const [left, model] of [
      [160_000, 'gpt-5.4'],
      [140_000, 'gpt-5.1'],
      [60_000, 'gpt-5.4-mini'],
      [10_000, 'gpt-5.4-mini'],
    ] as const) {
      await spend(1_000_000 - left);
      await (await call(chat, body)).text();
      expect(maker.seen.at(-1)?.body['model']).toBe(model);
    }
    await spend(999_900);
    expect((await call(chat, body)).headers.get('x-agents-plane')).toBe('budget-exhausted');
  });
});
