import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Reason } from './answers.ts';

const ms = z.int().min(0).max(36 * 60 * 60 * 1000); // prettier-ignore
/** Strikes with a probability, or for the next so many times, or both: the next so many times that the dice say yes. */
const when = z.strictObject({ probability: z.number().min(0).max(1).default(1), next: z.int().min(0).optional() });
const delivery = z.strictObject({
  lost: when.optional(),
  duplicated: when.optional(),
  lateMs: ms.optional(),
  /** Each waits a time of its own up to this, so that they overtake each other. */
  outOfOrderMs: ms.optional(),
});
const reasons = ['backendError', 'internalError', 'quotaExceeded', 'rateLimitExceeded', 'userRateLimitExceeded'] as const;
const refusal = when.extend({
  reason: z.enum(reasons),
  method: z.enum(['DELETE', 'GET', 'PATCH', 'POST', 'PUT']).optional(),
  /** As the API's own path starts: `/admin/directory/v1/users`. */
  pathPrefix: z.string().startsWith('/').default('/'),
  /** The change is made and only its answer is lost. */
  afterEffect: z.boolean().default(false),
});

export const faultsSchema = z.strictObject({
  /** The same seed and the same calls strike the same way. */
  seed: z.int().optional(),
  /** `users.list` with a `query` shows users as they were so long ago. */
  searchLagMs: ms.default(0),
  /** `users.get` and `users.list` show a user as it was before a write for so long after it. */
  readLagMs: ms.default(0),
  refusals: z.array(refusal).max(20).default([]),
  pushes: delivery.prefault({}),
  sink: delivery.prefault({}),
  /** The Reports API shows a new activity so much later. */
  reportsLateMs: ms.default(0),
  /** All channels that are open now end without a word. */
  expireChannels: z.boolean().default(false),
  /** No new channel lives longer. */
  channelLifetimeMs: ms.optional(),
  /** Google's clock against ours. */
  clockSkewMs: z.int().default(0),
});
export type FaultsBody = z.input<typeof faultsSchema>;
export type FaultsInForce = z.output<typeof faultsSchema>;
type When = z.output<typeof when>;

export interface Refused {
  readonly reason: Reason;
  readonly afterEffect: boolean;
}

export interface Faults {
  /** Replaces all that was in force; answers what is, with the strikes left in `next`. Throws a ZodError for what it does not know. */
  set(body: FaultsBody): FaultsInForce;
  clear(): FaultsInForce;
  inForce(): FaultsInForce;
  /** The same without a copy, to read from at every call. */
  current(): Readonly<FaultsInForce>;
  refuse(method: string, path: string): Refused | undefined;
  /** How late each copy of a message leaves, in ms; none for a lost one. */
  fate(lane: 'pushes' | 'sink'): number[];
}

/** Mulberry32: small, and the same everywhere. */
function createDice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const toSeed = (bytes: Uint8Array): number => createHash('sha256').update(bytes).digest().readUInt32BE();

export interface FaultsDeps {
  readonly random: (size: number) => Uint8Array;
  /** What has to follow at once from what is in force now. */
  readonly changed: (inForce: FaultsInForce) => void;
}

export function createFaults({ random, changed }: FaultsDeps): Faults {
  let faults = faultsSchema.parse({});
  let dice = createDice(0);

  const strikes = (chance: When | undefined): boolean => {
    if (!chance || chance.next === 0 || dice() >= chance.probability) return false;
    if (chance.next !== undefined) chance.next -= 1;
    return true;
  };

  const set = (body: FaultsBody) => {
    faults = faultsSchema.parse(body);
    dice = createDice(faults.seed ?? toSeed(random(8)));
    changed(faults);
    faults.expireChannels = false;
    return structuredClone(faults);
  };

  return {
    set,
    clear: () => set({}),
    inForce: () => structuredClone(faults),
    current: () => faults,
    refuse(method, path) {
      const fits = (fault: FaultsInForce['refusals'][number]) =>
        (fault.method === undefined || fault.method === method) && path.startsWith(fault.pathPrefix);
      return faults.refusals.find((fault) => fits(fault) && strikes(fault));
    },
    fate(lane) {
      const { lost, duplicated, lateMs = 0, outOfOrderMs = 0 } = faults[lane];
      if (strikes(lost)) return [];
      const leave = () => lateMs + (outOfOrderMs > 0 ? Math.floor(dice() * outOfOrderMs) : 0);
      return strikes(duplicated) ? [leave(), leave()] : [leave()];
    },
  };
}
