import { toWorstNanos, toMicros, prices, type ModelPrice } from '../../functions/model/prices.ts';
import { tierModels } from '../../functions/model/models.ts';
import { boundTokens, parseCall, toMakerBody, type Endpoint } from '../../functions/model/request.ts';

const user = (content: unknown) => [{ role: 'user', content }];
const base: Readonly<Record<Endpoint, object>> = {
  chat: { model: 'x', messages: user('Hello') },
  responses: { model: 'x', input: 'Hello' },
  messages: { model: 'x', max_tokens: 100, messages: user('Hello') },
};
const priced: readonly (readonly [Endpoint, string, object])[] = [
  ['chat', 'the maker\u2019s web search', { web_search_options: {} }],
  ['chat', 'the maker\u2019s own tools', { tools: [{ type: 'web_search' }] }],
  ['chat', 'several answers', { n: 2 }],
  ['chat', 'sound as an answer', { modalities: ['text', 'audio'], audio: { voice: 'alloy' } }],
  ['chat', 'a dearer tier', { service_tier: 'priority' }],
  ['chat', 'predicted output', { prediction: { type: 'content', content: 'x' } }],
  ['chat', 'a picture', { messages: user([{ type: 'image_url', image_url: { url: 'https://elsewhere/large.png' } }]) }],
  ['chat', 'sound', { messages: user([{ type: 'input_audio', input_audio: {} }]) }],
  ['chat', 'a file', { messages: user([{ type: 'file', file: { file_id: 'f' } }]) }],
  ['chat', 'earlier sound', { messages: [{ role: 'assistant', audio: { id: 'a' } }] }],
  ['chat', 'a field nobody knows', { turbo: true }],
  ['responses', 'an earlier answer', { previous_response_id: 'r' }],
  ['responses', 'a kept conversation', { conversation: 'c' }],
  ['responses', 'a kept prompt', { prompt: { id: 'p' } }],
  ['responses', 'work in the background', { background: true }],
  ['responses', 'a remote tool server', { tools: [{ type: 'mcp', server_url: 'https://elsewhere' }] }],
  ['responses', 'code execution', { tools: [{ type: 'code_interpreter' }] }],
  ['responses', 'a reference to an item', { input: [{ type: 'item_reference', id: 'i' }] }],
  ['responses', 'a picture', { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'https://elsewhere' }] }] }],
  ['responses', 'a picture from a tool', { input: [{ type: 'function_call_output', output: [{ type: 'input_image' }] }] }],
  ['messages', 'remote tool servers', { mcp_servers: [{ url: 'https://elsewhere' }] }],
  ['messages', 'a tool of the maker', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
  ['messages', 'fast mode', { speed: 'fast' }],
  ['messages', 'a place of inference', { inference_geo: 'us' }],
  ['messages', 'a container', { container: 'c' }],
  ['messages', 'a document', { messages: user([{ type: 'document', source: { type: 'url', url: 'https://elsewhere' } }]) }],
  ['messages', 'a picture', { messages: user([{ type: 'image', source: {} }]) }],
  ['messages', 'a picture from a tool', { messages: user([{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'image' }] }]) }],
];

test.each(priced)('refuses a %s call with %s, in a sentence', (endpoint, _what, more) => {
  expect(() => parseCall(endpoint, { ...base[endpoint], ...more })).toThrow(/^cannot accept the model call: /);
});

test('takes what agents send: tools of their own, tool results, reasoning, cache marks, text in parts', () => {
  const tool = { type: 'function', function: { name: 'exec', parameters: { type: 'object' } } };
  const called = {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 't', type: 'function', function: { name: 'exec', arguments: '{}' } }],
  };
  const told = { role: 'tool', tool_call_id: 't', content: [{ type: 'text', text: 'ok' }] };
  expect(
    parseCall('chat', { ...base.chat, tools: [tool], messages: [called, told], n: 1, service_tier: 'auto', store: false }).stream,
  ).toBe(false);
  const items = [
    { type: 'function_call', call_id: 't', name: 'exec', arguments: '{}' },
    { type: 'function_call_output', call_id: 't', output: 'ok' },
  ];
  const thought = { type: 'reasoning', summary: [], encrypted_content: 'x' };
  const message = { role: 'user', content: [{ type: 'input_text', text: 'Hello' }] };
  expect(parseCall('responses', { model: 'x', input: [...items, thought, message], stream: true }).stream).toBe(true);
  const blocks = [
    { type: 'thinking', thinking: 'x', signature: 's' },
    { type: 'tool_use', id: 't', name: 'exec', input: { type: 'image' } },
  ];
  const result = { type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'ok' }] };
  const system = [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } }];
  const turns = [
    { role: 'assistant', content: blocks },
    { role: 'user', content: [result] },
  ];
  const thinking = { type: 'enabled', budget_tokens: 2_000 };
  const parsed = parseCall('messages', {
    ...base.messages,
    max_tokens: 5_000,
    system,
    messages: turns,
    thinking,
    tools: [{ name: 'exec', input_schema: {} }],
  });
  expect(parsed).toMatchObject({ cacheWrites: true, maxOutput: 5_000, minOutput: 2_256 });
});

test('says which fields it cannot price and never hands one on in silence', () => {
  expect(() => parseCall('chat', { ...base.chat, turbo: 1, web_search_options: {} })).toThrow(
    'cannot accept the model call: what "turbo", "web_search_options" would cost is not known to this plane; leave it out',
  );
  const body = { ...base.chat, turbo: null, user: 'alice' };
  expect(toMakerBody(parseCall('chat', body), 'm', 5)).toEqual({ ...body, model: 'm', max_completion_tokens: 5, service_tier: 'default' });
});

test('bounds tokens by bytes, and by what comes apart when a tokenizer normalizes', () => {
  expect(boundTokens('abc')).toBe(1_003);
  expect(boundTokens('\u00e9\u00e9')).toBeGreaterThanOrEqual(1_004);
  // One character of three bytes, eighteen characters of thirty-three once taken apart.
  expect(boundTokens('\ufdfa')).toBeGreaterThanOrEqual(1_033);
});

describe('prices', () => {
  it('know every model of every tier', () => {
    for (const [maker, tiers] of Object.entries(tierModels))
      for (const model of Object.values(tiers)) expect(Reflect.get(prices[maker as keyof typeof prices], model)).toBeDefined();
  });

  it('bill a whole call at the dearer rate where its prompt is long', () => {
    const haiku = prices.anthropic['claude-haiku-5-5'] as ModelPrice;
    const usage = { input: 60_000, cached: 40_000, write5m: 0, write1h: 0, output: 1_000 };
    expect(toMicros(haiku, usage)).toBe(6_000 + 400 + 500);
    expect(toMicros(haiku, { ...usage, cached: 40_001 })).toBe(Math.ceil(30_000 + 2_000.05 + 2_500));
  });

  it('round against the agent', () => {
    const haiku = prices.anthropic['claude-haiku-5-5'] as ModelPrice;
    expect(toMicros(haiku, { input: 1, cached: 0, write5m: 0, write1h: 0, output: 0 })).toBe(1);
    expect(toMicros(haiku, { input: 30, cached: 0, write5m: 0, write1h: 0, output: 0 })).toBe(3);
  });

  it('never bill more than the worst case said, whatever the input turns out to be', () => {
    for (const models of Object.values(prices))
      for (const price of Object.values(models))
        for (const tokens of [1, 99_999, 100_001, 272_001, 900_000]) {
          const worst = toWorstNanos(price, tokens, true);
          for (const share of [0.1, 0.5, 1])
            for (const kind of ['input', 'cached', 'write5m', 'write1h'] as const) {
              const none = { input: 0, cached: 0, write5m: 0, write1h: 0 };
              const cost = toMicros(price, { ...none, [kind]: Math.floor(tokens * share), output: 700 });
              expect(cost).toBeLessThanOrEqual(Math.ceil((worst.input + 700 * worst.output) / 1000));
            }
        }
  });
});
