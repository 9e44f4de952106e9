import { toNotice, toNoticeText } from '../../functions/model/notice.ts';
import { createEvents } from '../../functions/model/relay.ts';
import { createUsageReader, usageOf } from '../../functions/model/usage.ts';

describe('usage', () => {
  it('is none where figures are missing, negative, broken or absurd', () => {
    for (const usage of [undefined, null, {}, { prompt_tokens: 1 }, { prompt_tokens: -1, completion_tokens: 1 }])
      expect(usageOf('chat', { usage })).toBeUndefined();
    expect(usageOf('chat', { usage: { prompt_tokens: 0.5, completion_tokens: 1 } })).toBeUndefined();
    expect(usageOf('responses', { usage: { input_tokens: 1e12, output_tokens: 1 } })).toBeUndefined();
    expect(usageOf('messages', 'text')).toBeUndefined();
  });

  it('of Anthropic counts cache writes of unknown length at the dearer price', () => {
    const usage = { input_tokens: 1, output_tokens: 2, cache_creation_input_tokens: 10 };
    expect(usageOf('messages', { usage })).toEqual({ input: 1, cached: 0, write5m: 0, write1h: 10, output: 2 });
  });

  it('of a stream of Anthropic is final with the last delta alone', () => {
    const reader = createUsageReader('messages');
    reader.take({ type: 'message_start', message: { usage: { input_tokens: 10, output_tokens: 1 } } });
    expect(reader.final()).toBeUndefined();
    reader.take({ type: 'message_delta', usage: { output_tokens: 5, input_tokens: null } });
    reader.take({ type: 'message_delta', usage: { output_tokens: 7 } });
    expect(reader.final()).toMatchObject({ input: 10, output: 7 });
  });

  it('is not taken from what a model writes', () => {
    const reader = createUsageReader('chat');
    expect(reader.take({ choices: [{ delta: { usage: { prompt_tokens: 1, completion_tokens: 1 } } }] })).toBe(false);
    expect(reader.final()).toBeUndefined();
  });
});

test('events are told apart wherever the network cuts them', () => {
  const stream = 'event: a\ndata: {"x":"é\\n\\n"}\n\ndata: 2\r\n\r\n: ping\n\ndata: 3';
  const whole = createEvents();
  const expected = [...whole.add(stream), whole.rest()];
  expect(expected).toEqual(['event: a\ndata: {"x":"é\\n\\n"}\n\n', 'data: 2\r\n\r\n', ': ping\n\n', 'data: 3']);
  for (let cut = 1; cut < 8; cut += 1) {
    const events = createEvents();
    const found: string[] = [];
    for (let at = 0; at < stream.length; at += cut) found.push(...events.add(stream.slice(at, at + cut)));
    expect([...found, events.rest()]).toEqual(expected);
  }
});

describe('the notice in place of an answer', () => {
  const refusal = { reason: 'exhausted', month: '2026-11', capUsd: 50, leftMicros: 100 } as const;
  const said = (endpoint: 'chat' | 'responses' | 'messages', stream: boolean) =>
    toNotice({ refusal, call: { endpoint, stream, wantsUsage: false }, model: 'm', now: 1_000, id: 'i' });
  const text = "This month's budget of $50 is used up. If you need more before then, ask your admin; it starts again on 1 December.";

  it('says each reason in plain words without anything that reads like a limit to try again', () => {
    const texts = (['exhausted', 'tooLarge', 'reserved'] as const).map((reason) => toNoticeText({ ...refusal, reason }));
    expect(texts[0]).toBe(text);
    expect(texts[1]).toContain('too much at once');
    expect(texts[2]).toContain('set aside');
    for (const each of texts) expect(each).not.toMatch(/rate|limit|quota|credit|billing|overload|429|402/i);
  });

  it('has the shape of each endpoint', async () => {
    expect(await said('chat', false).json()).toMatchObject({ choices: [{ message: { content: text }, finish_reason: 'stop' }] });
    expect(await said('responses', false).json()).toMatchObject({
      status: 'completed',
      output: [{ content: [{ type: 'output_text', text }] }],
    });
    expect(await said('messages', false).json()).toMatchObject({
      type: 'message',
      content: [{ type: 'text', text }],
      stop_reason: 'end_turn',
    });
  });

  it('streams like each endpoint', async () => {
    const chat = await said('chat', true).text();
    expect(chat.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(chat).not.toContain('"usage"');
    const types = async (endpoint: 'responses' | 'messages') =>
      [...(await said(endpoint, true).text()).matchAll(/^event: (.*)$/gm)].map(([, type]) => type);
    expect(await types('messages')).toEqual([
      ...['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop'],
    ]);
    expect((await types('responses')).at(0)).toBe('response.created');
    expect((await types('responses')).at(-1)).toBe('response.completed');
    expect(said('messages', true).headers.get('content-type')).toBe('text/event-stream');
  });
});
