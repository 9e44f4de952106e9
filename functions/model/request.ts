import { z } from 'zod';
import { PlaneError } from '../core/errors.ts';
import { read } from '../http/problems.ts';
import type { ModelMaker } from './models.ts';

/** `chat` is OpenAI's chat completions, `responses` its Responses, `messages` Anthropic's Messages. */
export type Endpoint = 'chat' | 'responses' | 'messages';

export const endpoints: Readonly<Record<Endpoint, { readonly path: string; readonly makers: readonly ModelMaker[] }>> = {
  chat: { path: '/v1/chat/completions', makers: ['openai', 'stand-in'] },
  responses: { path: '/v1/responses', makers: ['openai'] },
  messages: { path: '/v1/messages', makers: ['anthropic'] },
};

type Body = Readonly<Record<string, unknown>>;

/** A model call that can be priced before it leaves. */
export interface ModelCall {
  readonly endpoint: Endpoint;
  readonly body: Body;
  readonly stream: boolean;
  /** Whether the caller of a chat stream asked for the chunk that tells usage. */
  readonly wantsUsage: boolean;
  /** As the caller wishes, in tokens. */
  readonly maxOutput: number | undefined;
  readonly minOutput: number;
  /** At least as many tokens as the maker can count in the input. */
  readonly inputTokens: number;
  readonly cacheWrites: boolean;
}

/*
 * What of a call may reach a maker. Whatever is not here is refused, because it could cost what the price table does not know:
 * a maker's own tools (web search, code execution, remote tool servers), tiers of service, several answers at once, predicted
 * output, earlier answers that the maker keeps. Fields as the makers document them, read 2026-11-22.
 */
const sampling = ['model', 'stream', 'temperature', 'top_p', 'tools', 'tool_choice', 'metadata', 'service_tier'];
const openai = [
  ...['stream_options', 'parallel_tool_calls', 'store', 'user', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention'],
  ...['top_logprobs', 'max_tool_calls'],
];
const fields: Readonly<Record<Endpoint, ReadonlySet<string>>> = {
  chat: new Set([
    ...[...sampling, ...openai, 'messages', 'max_tokens', 'max_completion_tokens', 'n', 'stop', 'seed', 'response_format', 'logprobs'],
    ...['reasoning_effort', 'verbosity', 'frequency_penalty', 'presence_penalty', 'logit_bias', 'modalities', 'functions', 'function_call'],
  ]),
  responses: new Set([...sampling, ...openai, 'input', 'instructions', 'max_output_tokens', 'reasoning', 'text', 'truncation', 'include']),
  messages: new Set([
    ...sampling,
    'messages',
    'system',
    'max_tokens',
    'stop_sequences',
    'top_k',
    'thinking',
    'cache_control',
    'output_config',
  ]),
};

const textOnly = 'text alone: what pictures, sounds and files cost cannot be told beforehand';
const partsOf = (...types: readonly [string, ...string[]]) => z.array(z.looseObject({ type: z.enum(types, textOnly) }));
const content = (parts: z.ZodType) => z.union([z.string(), z.null(), parts], { error: textOnly }).optional();
const absent = (why: string) => z.null(why).optional();

/** Tools that the agent itself runs: the maker only names them. */
const ownTool = z.looseObject({ type: z.enum(['function', 'custom'], 'function or custom: an agent runs its tools itself').optional() });
const tokens = z.int().min(1).nullish();
const common = {
  model: z.string(),
  stream: z.boolean().nullish(),
  tools: z.array(ownTool).nullish(),
  service_tier: z.enum(['auto', 'default', 'standard_only'], 'the standard tier alone: others have another price').nullish(),
};
const chatParts = partsOf('text', 'refusal');
const responseParts = partsOf('input_text', 'output_text', 'text', 'refusal', 'reasoning_text', 'summary_text');
const itemTypes = ['message', 'function_call', 'function_call_output', 'custom_tool_call', 'custom_tool_call_output', 'reasoning'] as const;
const blockTypes = ['text', 'thinking', 'redacted_thinking', 'tool_use', 'tool_result'] as const;

const schemas = {
  chat: z.looseObject({
    ...common,
    messages: z.array(
      z.looseObject({ role: z.string(), content: content(chatParts), audio: absent('no earlier sound: its price cannot be told') }),
    ),
    max_tokens: tokens,
    max_completion_tokens: tokens,
    n: z.literal(1, '1: each further answer costs again').nullish(),
    modalities: z.tuple([z.literal('text', textOnly)], { error: textOnly }).nullish(),
    stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  }),
  responses: z.looseObject({
    ...common,
    input: z.union([
      z.string(),
      z.array(
        z.looseObject({
          type: z.enum(itemTypes, 'items that carry their own text').optional(),
          content: content(responseParts),
          output: content(responseParts),
        }),
      ),
    ]),
    max_output_tokens: tokens,
  }),
  messages: z.looseObject({
    ...common,
    system: content(partsOf('text')),
    messages: z.array(
      z.looseObject({
        role: z.string(),
        content: content(z.array(z.looseObject({ type: z.enum(blockTypes, textOnly), content: content(partsOf('text')) }))),
      }),
    ),
    max_tokens: tokens,
    thinking: z.looseObject({ budget_tokens: z.int().min(0).nullish() }).nullish(),
  }),
} as const;

/** What a maker adds of its own: a system prompt for tools (530 tokens at most in an older table of Anthropic's; newer models were not found), marks around each message. */
const addedTokens = 1_000;
/** An answer of fewer tokens says nothing useful. */
const usefulTokens = 256;

/**
 * A token stands for at least one byte of the text it came from. JSON around a text takes more bytes than the marks that a
 * maker puts there instead. A tokenizer may normalize: some characters come apart into many.
 */
export function boundTokens(json: string): number {
  const bytes = Buffer.byteLength(json);
  const apart = bytes === json.length ? bytes : Buffer.byteLength(json.normalize('NFKD'));
  return Math.max(bytes, apart) + addedTokens;
}

/** Reads a call, or refuses it with a sentence where its price cannot be told. */
export function parseCall(endpoint: Endpoint, input: unknown): ModelCall {
  const what = 'the model call';
  const body: Body = read(z.record(z.string(), z.unknown()), input, what);
  const unknown = Object.keys(body).filter((field) => !fields[endpoint].has(field) && body[field] !== null);
  if (unknown.length > 0) {
    const named = unknown.map((field) => JSON.stringify(field.slice(0, 60))).join(', ');
    throw new PlaneError('invalid', `cannot accept ${what}: what ${named} would cost is not known to this plane; leave it out`);
  }
  const json = JSON.stringify(body);
  const toOutput = (asked: number | null | undefined, thinking = 0) => {
    const maxOutput = asked ?? undefined;
    return { maxOutput, minOutput: Math.min(usefulTokens + thinking, maxOutput ?? Infinity) };
  };
  const shared = { endpoint, body, inputTokens: boundTokens(json), cacheWrites: json.includes('cache_control') };
  if (endpoint === 'chat') {
    const call = read(schemas.chat, body, what);
    const wantsUsage = call.stream_options?.include_usage === true;
    return { ...shared, stream: call.stream === true, wantsUsage, ...toOutput(call.max_completion_tokens ?? call.max_tokens) };
  }
  if (endpoint === 'responses') {
    const call = read(schemas.responses, body, what);
    return { ...shared, stream: call.stream === true, wantsUsage: true, ...toOutput(call.max_output_tokens) };
  }
  const call = read(schemas.messages, body, what);
  return { ...shared, stream: call.stream === true, wantsUsage: true, ...toOutput(call.max_tokens, call.thinking?.budget_tokens ?? 0) };
}

const without = (body: Body, field: string): Body => Object.fromEntries(Object.entries(body).filter(([name]) => name !== field));

/**
 * The caller's body with what is ours to say: the model, the largest answer, the standard tier (a project's own default may be
 * a dearer one), and that a chat stream tells its usage.
 */
export function toMakerBody({ endpoint, body, stream }: ModelCall, model: string, maxOutput: number): Body {
  if (endpoint === 'messages') return { ...body, model, max_tokens: maxOutput, service_tier: 'standard_only' };
  const ours = { model, service_tier: 'default' };
  if (endpoint === 'responses') return { ...body, ...ours, max_output_tokens: maxOutput };
  const options = body['stream_options'];
  const usage = stream ? { stream_options: { ...(typeof options === 'object' ? options : {}), include_usage: true } } : {};
  // Two names for one thing: models that reason refuse the older.
  return { ...without(body, 'max_tokens'), ...ours, max_completion_tokens: maxOutput, ...usage };
}
