import { formatMicros, toNextStart } from '../../shared/budget.ts';
import type { Refusal } from '../budget/account.ts';
import type { Endpoint } from './request.ts';

/** What the owner reads in place of an answer. No word of it may look like a rate limit, which OpenClaw would try again. */
export function toNoticeText({ reason, month, capUsd, leftMicros }: Refusal): string {
  const next = `it starts again on ${toNextStart(month)}.`;
  if (reason === 'reserved')
    return `What is left of this month's budget of $${capUsd} is set aside for answers that are still being written. Please ask me again in a minute.`;
  if (reason === 'tooLarge')
    return `This is too much at once for what is left of this month's budget: ${formatMicros(leftMicros)} of $${capUsd}. Please begin a new conversation or send me less, or ask your admin; ${next}`;
  return `This month's budget of $${capUsd} is used up. If you need more before then, ask your admin; ${next}`;
}

type Event = readonly [name: string | undefined, data: object | string];

const toStream = (events: readonly Event[]): string =>
  events
    .map(
      ([name, data]) =>
        `${name === undefined ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`,
    )
    .join('');

interface Shape {
  readonly whole: object;
  readonly events: readonly Event[];
}
type Write = (said: { readonly text: string; readonly id: string; readonly model: string; readonly seconds: number }) => Shape;

/** Named by their type, and numbered, as Responses wants its events. */
const numbered = <E extends { readonly type: string }>(events: readonly E[]): Event[] =>
  events.map((event, at) => [event.type, { ...event, sequence_number: at }]);
const named = <E extends { readonly type: string }>(events: readonly E[]): Event[] => events.map((event) => [event.type, event]);

const chat: Write = ({ text, id, model, seconds }) => {
  const usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  const base = { id: `chatcmpl-${id}`, created: seconds, model };
  const chunk = (choices: object[], more: object = {}): Event => [
    undefined,
    { ...base, object: 'chat.completion.chunk', choices, ...more },
  ];
  return {
    whole: {
      ...{ ...base, object: 'chat.completion', usage },
      choices: [{ index: 0, message: { role: 'assistant', content: text, refusal: null }, logprobs: null, finish_reason: 'stop' }],
    },
    events: [
      chunk([{ index: 0, delta: { role: 'assistant', content: text }, logprobs: null, finish_reason: null }]),
      chunk([{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }]),
      chunk([], { usage }),
      [undefined, '[DONE]'],
    ],
  };
};

const responses: Write = ({ text, id, model, seconds }) => {
  const where = { item_id: `msg_${id}`, output_index: 0, content_index: 0 };
  const part = { type: 'output_text', text, annotations: [], logprobs: [] };
  const item = { id: `msg_${id}`, type: 'message', role: 'assistant', status: 'completed', content: [part] };
  const usage = {
    ...{ input_tokens: 0, output_tokens: 0, total_tokens: 0 },
    ...{ input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } },
  };
  const base = { id: `resp_${id}`, object: 'response', created_at: seconds, model, error: null, incomplete_details: null };
  const begun = { ...base, status: 'in_progress', output: [], usage: null };
  const whole = { ...base, status: 'completed', output: [item], usage };
  return {
    whole,
    events: numbered([
      { type: 'response.created', response: begun },
      { type: 'response.in_progress', response: begun },
      { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
      { type: 'response.content_part.added', ...where, part: { ...part, text: '' } },
      { type: 'response.output_text.delta', ...where, delta: text, logprobs: [] },
      { type: 'response.output_text.done', ...where, text, logprobs: [] },
      { type: 'response.content_part.done', ...where, part },
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: whole },
    ]),
  };
};

const messages: Write = ({ text, id, model }) => {
  const usage = { input_tokens: 0, output_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
  const base = { id: `msg_${id}`, type: 'message', role: 'assistant', model, stop_sequence: null };
  return {
    whole: { ...base, content: [{ type: 'text', text }], stop_reason: 'end_turn', usage },
    events: named([
      { type: 'message_start', message: { ...base, content: [], stop_reason: null, usage } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 0 } },
      { type: 'message_stop' },
    ]),
  };
};

const shapes: Readonly<Record<Endpoint, Write>> = { chat, responses, messages };

export interface NoticeOptions {
  readonly refusal: Refusal;
  readonly call: { readonly endpoint: Endpoint; readonly stream: boolean; readonly wantsUsage: boolean };
  readonly model: string;
  readonly now: number;
  readonly id: string;
}

/**
 * An ordinary assistant message that costs nothing: OpenClaw shows it to the owner as it is. A 402 would disable its key for ten
 * minutes, and an error that speaks of limits is tried again (openclaw 2026.9.6, docs/concepts/model-failover.md).
 */
export function toNotice({ refusal, call, model, now, id }: NoticeOptions): Response {
  const text = toNoticeText(refusal);
  const { whole, events } = shapes[call.endpoint]({ text, id, model, seconds: Math.floor(now / 1000) });
  const headers = { 'x-agents-plane': refusal.reason === 'reserved' ? 'budget-reserved' : 'budget-exhausted' };
  if (!call.stream) return Response.json(whole, { headers });
  // The last chunk of a chat stream is for those who asked for it.
  const shown = events.filter(([, data]) => call.endpoint !== 'chat' || call.wantsUsage || typeof data === 'string' || !('usage' in data));
  return new Response(toStream(shown), { headers: { ...headers, 'content-type': 'text/event-stream' } });
}
