import type { ModelTier } from '../../shared/agent.ts';

export type ModelMaker = 'anthropic' | 'openai' | 'stand-in';

/** Which model serves a tier when the plane names none itself. Names as the makers list them, read 2026-11-22. */
export const tierModels: Readonly<Record<ModelMaker, Readonly<Record<ModelTier, string>>>> = {
  anthropic: { haiku: 'claude-haiku-4-5', sonnet: 'claude-sonnet-4-5', opus: 'claude-opus-4-5' },
  openai: { haiku: 'gpt-5-mini', sonnet: 'gpt-5', opus: 'gpt-5.1' },
  'stand-in': { haiku: 'stand-in', sonnet: 'stand-in', opus: 'stand-in' },
};

/** What OpenClaw is told of every tier: conservative figures that all models above keep, in tokens. */
export const modelLimits = { contextWindow: 128_000, maxTokens: 8_192 } as const;
