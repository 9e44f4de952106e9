import type { ModelMaker } from './models.ts';

/** Tokens as makers bill them; no token is counted twice. */
export interface Usage {
  /** Input that was neither read from a cache nor written to one. */
  readonly input: number;
  readonly cached: number;
  readonly write5m: number;
  readonly write1h: number;
  readonly output: number;
}

/** US dollars per million tokens, which is also micro-dollars per token. */
interface Price {
  /** Holds for prompts of at most so many tokens, cached ones among them; for any where absent. */
  readonly upTo?: number;
  readonly input: number;
  readonly cached: number;
  readonly write5m: number;
  readonly write1h: number;
  readonly output: number;
}

export interface ModelPrice {
  /** In tokens; reasoning counts. */
  readonly maxOutput: number;
  /** By size of prompt, smallest first; the whole call is billed at the one that its prompt falls into. */
  readonly bands: readonly Price[];
}

const dear = { input: 2, cached: 2, write5m: 2, write1h: 2, output: 1.5 };
const times = (price: Price, by: typeof dear): Price => ({
  input: price.input * by.input,
  cached: price.cached * by.cached,
  write5m: price.write5m * by.write5m,
  write1h: price.write1h * by.write1h,
  output: price.output * by.output,
});
/** OpenAI takes nothing for writing to its cache on these models. */
const openai = (input: number, cached: number, output: number): Price => ({ input, cached, write5m: input, write1h: input, output });
const free: Price = { input: 0, cached: 0, write5m: 0, write1h: 0, output: 0 };
const gpt54 = openai(2.5, 0.25, 15);
const haiku55: Price = { upTo: 100_000, input: 0.1, cached: 0.01, write5m: 0.125, write1h: 0.2, output: 0.5 };

/**
 * List prices of the makers' own interfaces without their optional surcharges, read 2026-11-22 in stored copies of
 * platform.claude.com/docs/en/models/<model>/overview and developers.openai.com/api/docs/models. From openclaw 2026.9.6's model
 * catalogs, not from the makers: the cache prices of claude-opus-5-5, gpt-5.4 and gpt-5.4-mini. Not found on any page, so to be
 * checked against a bill: what gpt-5.4 costs above 272,000 tokens. A model without a row is not served.
 */
export const prices: Readonly<Record<ModelMaker, Readonly<Record<string, ModelPrice>>>> = {
  anthropic: {
    'claude-haiku-5-5': {
      maxOutput: 128_000,
      bands: [haiku55, times(haiku55, { ...dear, input: 5, cached: 5, write5m: 5, write1h: 5, output: 5 })],
    },
    'claude-sonnet-5': { maxOutput: 128_000, bands: [{ input: 2, cached: 0.2, write5m: 2.5, write1h: 4, output: 10 }] },
    'claude-opus-5-5': { maxOutput: 128_000, bands: [{ input: 4, cached: 0.2, write5m: 5, write1h: 8, output: 20 }] },
  },
  openai: {
    'gpt-5.4-mini': { maxOutput: 128_000, bands: [openai(0.75, 0.075, 4.5)] },
    'gpt-5.1': { maxOutput: 128_000, bands: [openai(1.25, 0.125, 10)] },
    'gpt-5.4': { maxOutput: 128_000, bands: [{ ...gpt54, upTo: 272_000 }, times(gpt54, dear)] },
  },
  'stand-in': { 'stand-in': { maxOutput: 8_192, bands: [free] } },
};

/** The day on which these prices were read. */
export const pricesReadOn = '2026-11-22';

/** Every price above is a whole number of these. */
const nanos = (usd: number): number => Math.round(usd * 1000);

function bandOf({ bands }: ModelPrice, promptTokens: number): Price {
  const found = bands.find(({ upTo = Infinity }) => promptTokens <= upTo) ?? bands.at(-1);
  return found ?? free;
}

/** What a call cost, in micro-dollars, rounded up. */
export function toMicros(price: ModelPrice, { input, cached, write5m, write1h, output }: Usage): number {
  const band = bandOf(price, input + cached + write5m + write1h);
  const sum =
    input * nanos(band.input) +
    cached * nanos(band.cached) +
    write5m * nanos(band.write5m) +
    write1h * nanos(band.write1h) +
    output * nanos(band.output);
  return Math.ceil(sum / 1000);
}

/** The dearest a call can come to, in nano-dollars: for all of its input, and for each token of its output. */
export function toWorstNanos(
  price: ModelPrice,
  inputTokens: number,
  cacheWrites: boolean,
): { readonly input: number; readonly output: number } {
  const band = bandOf(price, inputTokens);
  const dearest = cacheWrites ? Math.max(band.input, band.write5m, band.write1h) : Math.max(band.input, band.cached);
  return { input: inputTokens * nanos(dearest), output: nanos(band.output) };
}
