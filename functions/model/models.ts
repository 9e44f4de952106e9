import { modelTiers, type ModelTier } from '../../shared/agent.ts';
import { isInUnit } from '../../shared/org-unit.ts';
import type { Plane } from '../../shared/plane.ts';

export type ModelMaker = 'anthropic' | 'openai' | 'stand-in';

/**
 * Which model serves a tier when the plane names none itself; each has a row in prices.ts. Names as the makers list them, read
 * 2026-11-22: OpenAI's were chosen for agents that send tools through chat completions, and gpt-5.1 is served until 2027-04-01.
 */
export const tierModels: Readonly<Record<ModelMaker, Readonly<Record<ModelTier, string>>>> = {
  anthropic: { haiku: 'claude-haiku-5-5', sonnet: 'claude-sonnet-5', opus: 'claude-opus-5-5' },
  openai: { haiku: 'gpt-5.4-mini', sonnet: 'gpt-5.1', opus: 'gpt-5.4' },
  'stand-in': { haiku: 'stand-in', sonnet: 'stand-in', opus: 'stand-in' },
};

/** What OpenClaw is told of every tier: conservative figures that all models above keep, in tokens. */
export const modelLimits = { contextWindow: 128_000, maxTokens: 8_192 } as const;

type ModelRow = Plane['spec']['models'][number];

const depthOf = ({ match }: ModelRow): number => ('ou' in match ? match.ou.split('/').filter(Boolean).length : -1);
const covers = ({ match }: ModelRow, ouPath: string): boolean => 'organization' in match || isInUnit(ouPath, match.ou);

/** Which model a plane names for each tier in an org unit: the deepest unit that names one decides, of two alike the later. */
export function modelsOf(models: Plane['spec']['models'], ouPath: string): Partial<Record<ModelTier, string>> {
  const rows = models.filter((row) => covers(row, ouPath)).toSorted((a, b) => depthOf(a) - depthOf(b));
  const named = modelTiers.map((tier) => [tier, rows.findLast(({ tiers }) => tiers[tier] !== undefined)?.tiers[tier]] as const);
  return Object.fromEntries(named.filter(([, model]) => model !== undefined));
}
