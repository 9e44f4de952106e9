import { z } from 'zod';
import type { Usage } from './prices.ts';
import type { Endpoint } from './request.ts';

/** More than any call can have; a figure above it is no figure. */
const count = z.int().min(0).max(100_000_000);
const some = count.nullish().transform((found) => found ?? 0);

const chatUsage = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: z.object({ cached_tokens: some }).nullish(),
});
const responsesUsage = z.object({
  input_tokens: count,
  output_tokens: count,
  input_tokens_details: z.object({ cached_tokens: some }).nullish(),
});
const messagesUsage = z.object({
  input_tokens: count.nullish(),
  output_tokens: count.nullish(),
  cache_read_input_tokens: count.nullish(),
  cache_creation_input_tokens: count.nullish(),
  cache_creation: z.object({ ephemeral_5m_input_tokens: some, ephemeral_1h_input_tokens: some }).nullish(),
});
type MessagesUsage = z.infer<typeof messagesUsage>;

const openaiUsage = (input: number, cachedTokens: number, output: number): Usage => {
  const cached = Math.min(cachedTokens, input);
  return { input: input - cached, cached, write5m: 0, write1h: 0, output };
};

function fromChat(found: unknown): Usage | undefined {
  const { data } = chatUsage.safeParse(found);
  return data && openaiUsage(data.prompt_tokens, data.prompt_tokens_details?.cached_tokens ?? 0, data.completion_tokens);
}

function fromResponses(found: unknown): Usage | undefined {
  const { data } = responsesUsage.safeParse(found);
  return data && openaiUsage(data.input_tokens, data.input_tokens_details?.cached_tokens ?? 0, data.output_tokens);
}

/** What was written without saying for how long is counted at the dearer price. */
function fromMessages(data: MessagesUsage | undefined): Usage | undefined {
  if (typeof data?.input_tokens !== 'number' || typeof data.output_tokens !== 'number') return undefined;
  const write5m = data.cache_creation?.ephemeral_5m_input_tokens ?? 0;
  const written = data.cache_creation_input_tokens ?? 0;
  const write1h = Math.max(data.cache_creation?.ephemeral_1h_input_tokens ?? 0, written - write5m);
  return { input: data.input_tokens, cached: data.cache_read_input_tokens ?? 0, write5m, write1h, output: data.output_tokens };
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;

/** The usage in a whole answer, where it tells one. */
export function usageOf(endpoint: Endpoint, answer: unknown): Usage | undefined {
  const usage = member(answer, 'usage');
  if (endpoint === 'chat') return fromChat(usage);
  return endpoint === 'responses' ? fromResponses(usage) : fromMessages(messagesUsage.safeParse(usage).data);
}

export interface UsageReader {
  /** Takes one event of a stream. True when it is the chunk that only tells usage. */
  take(event: unknown): boolean;
  /** What the maker reported in the end; nothing where the stream was cut before. */
  final(): Usage | undefined;
}

const endsResponse = new Set<unknown>(['response.completed', 'response.incomplete', 'response.failed']);

export function createUsageReader(endpoint: Endpoint): UsageReader {
  let final: Usage | undefined;
  let known: MessagesUsage = {};
  return {
    final: () => final,
    take(event) {
      if (endpoint === 'chat') {
        final = fromChat(member(event, 'usage')) ?? final;
        const choices = member(event, 'choices');
        return member(event, 'usage') !== null && Array.isArray(choices) && choices.length === 0;
      }
      const type = member(event, 'type');
      if (endpoint === 'responses') {
        if (endsResponse.has(type)) final = fromResponses(member(member(event, 'response'), 'usage')) ?? final;
        return false;
      }
      const told = messagesUsage.safeParse(member(type === 'message_start' ? member(event, 'message') : event, 'usage')).data;
      const stated = Object.entries(told ?? {}).filter(([, value]) => value !== undefined && value !== null);
      // Figures of a later event are totals and stand in for those before.
      known = { ...known, ...Object.fromEntries(stated) };
      if (type === 'message_delta') final = fromMessages(known) ?? final;
      return false;
    },
  };
}
