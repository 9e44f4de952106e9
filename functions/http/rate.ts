import { PlaneError } from '../core/errors.ts';
import type { Clock } from '../core/surroundings.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** What one caller may ask of one process. */
export interface Rates {
  readonly reads: Rate;
  readonly mutations: Rate;
}

export const usualRates: Rates = { reads: { perSecond: 50, burst: 200 }, mutations: { perSecond: 10, burst: 50 } };

const mostCallers = 10_000;

/** Token buckets in this process, one for each caller and kind of call; throws `tooManyRequests` where one is empty. */
export function createRateLimit({ clock }: { readonly clock: Pick<Clock, 'now'> }) {
  const buckets = new Map<string, { left: number; at: number }>();

  return function take(callerId: string, kind: keyof Rates, rates: Rates): void {
    const { perSecond, burst } = rates[kind];
    const key = `${kind} ${callerId}`;
    const now = clock.now();
    const before = buckets.get(key) ?? { left: burst, at: now };
    const left = Math.min(burst, before.left + (Math.max(0, now - before.at) * perSecond) / 1000);
    // Last in the map is who called last, so that the first may go where there are too many.
    buckets.delete(key);
    const [oldest] = buckets.keys();
    if (buckets.size >= mostCallers && oldest !== undefined) buckets.delete(oldest);
    buckets.set(key, { left: left >= 1 ? left - 1 : left, at: now });
    if (left >= 1) return;
    const what = kind === 'reads' ? 'reads' : 'changes';
    throw new PlaneError(
      'tooManyRequests',
      `cannot serve ${callerId} now: more than ${burst} ${what} at once or ${perSecond} a second; try again in a second`,
    );
  };
}
