import { z } from 'zod';

/*
 * What of a model call reaches a maker. A maker's own tools (web search, code execution, remote tool servers) would give an
 * agent reach and spend that no policy allows, so fields are listed and anything else is left out.
 * Fields as the makers document them, read 2026-11-22.
 */
const fields = {
  openai: [
    ...['messages', 'stream', 'stream_options', 'temperature', 'top_p', 'stop', 'seed', 'max_tokens', 'max_completion_tokens'],
    ...['tools', 'tool_choice', 'parallel_tool_calls', 'response_format', 'reasoning_effort', 'verbosity', 'frequency_penalty'],
    ...['presence_penalty', 'logit_bias', 'prompt_cache_key', 'user'],
  ],
  anthropic: [
    ...['messages', 'system', 'max_tokens', 'stream', 'stop_sequences', 'temperature', 'top_p', 'top_k', 'thinking', 'tools'],
    ...['tool_choice', 'metadata', 'output_config'],
  ],
} as const;

/** Tools that the agent itself runs: the maker only names them. */
const ownTool = z.looseObject({ type: z.enum(['function', 'custom'], 'function or custom: an agent runs its tools itself').optional() });

export const modelRequestSchema = z.looseObject({ model: z.string(), tools: z.array(ownTool).optional() });
export type ModelRequest = z.infer<typeof modelRequestSchema>;

/** The body for a maker, with the plane's choice of model. */
export function toMakerBody(request: ModelRequest, maker: keyof typeof fields, model: string): Record<string, unknown> {
  const kept = fields[maker].filter((field) => request[field] !== undefined).map((field) => [field, request[field]] as const);
  return { ...Object.fromEntries(kept), model };
}
