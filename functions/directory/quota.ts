import { PlaneError } from '../core/errors.ts';
import type { QuotaRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Clock } from '../core/surroundings.ts';

/** One share of a quota. Nothing is lent between lanes, so that none ever waits for another. */
export interface LaneShare {
  /** The quota this is a share of. */
  readonly of: string;
  readonly burst: number;
  readonly perMinute: number;
  /** How many calls a process takes from the store at once. */
  readonly portion: number;
  /** How many callers of a process may wait; who comes after them is refused at once. Without it, all may. */
  readonly waiting?: number;
}

/** Queries a minute for one user of one project (Directory API and Reports API limits, read 2026-11-22). */
export const googleQuotas = { directory: 2_400, reports: 2_400 } as const;

export const googleLanes = {
  /** Reads on which somebody's access may hang: a thousand suspensions at once are one burst. */
  offboarding: { of: 'directory', burst: 1_000, perMinute: 300, portion: 50 },
  /** Few may wait: a wait takes up a place that a look on which access hangs could have. */
  reads: { of: 'directory', burst: 200, perMinute: 360, portion: 20, waiting: 8 },
  status: { of: 'directory', burst: 100, perMinute: 180, portion: 10 },
  heartbeats: { of: 'directory', burst: 20, perMinute: 60, portion: 5 },
  reports: { of: 'reports', burst: 200, perMinute: 600, portion: 20 },
} as const satisfies Readonly<Record<string, LaneShare>>;
export type GoogleLane = keyof typeof googleLanes;

export interface QuotaOptions<Lane extends string> {
  readonly store: Pick<Store, 'transact'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Resolves after so many milliseconds, rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly lanes: Readonly<Record<Lane, LaneShare>>;
  /** Calls a minute by the name of the quota. */
  readonly quotas: Readonly<Record<string, number>>;
}

export interface Quota<Lane extends string> {
  /** Takes one call, waiting `longestWaitMs` at most; throws `tooManyRequests` after that. */
  take(lane: Lane, signal: AbortSignal): Promise<void>;
  /** Takes one call, or answers in how many milliseconds there may be one. */
  tryTake(lane: Lane): Promise<number | undefined>;
  /**
   * The other side refused all the same: closes the lane for a moment, for all processes, and halves what was left in it.
   * Answers for how many milliseconds it is closed.
   */
  penalize(lane: Lane): Promise<number>;
}

export const longestWaitMs = 3_000;
/** A portion that was not used up by then is dropped. */
export const portionLifeMs = 5_000;
/** How long a lane is closed after a refusal. */
export const penaltyMs = 2_000;
/** Clocks of machines differ by less than this; a bucket whose time lies further ahead is closed until then. */
const skewMs = 1_000;
const minuteMs = 60_000;
const mostRounds = 100;

/**
 * The most calls of these lanes that can happen in any one minute, whatever the number of processes: the bursts, and what
 * refills in a minute and in the life of a portion that was taken before that minute and used in it.
 */
export const mostInAMinute = (lanes: readonly LaneShare[]): number =>
  lanes.reduce((sum, { burst, perMinute }) => sum + burst + (perMinute * (minuteMs + portionLifeMs)) / minuteMs, 0);

function check(lanes: Readonly<Record<string, LaneShare>>, quotas: Readonly<Record<string, number>>): void {
  for (const [name, { of, burst, portion }] of Object.entries(lanes)) {
    if (quotas[of] === undefined) throw new PlaneError('invalid', `cannot use the lane ${name}: there is no quota ${of}`);
    if (portion < 1 || portion > burst)
      throw new PlaneError('invalid', `cannot use the lane ${name}: its portion is ${portion}; allowed is 1 to its burst, ${burst}`);
  }
  for (const [name, allowed] of Object.entries(quotas)) {
    const most = mostInAMinute(Object.values(lanes).filter(({ of }) => of === name));
    if (most > allowed)
      throw new PlaneError(
        'invalid',
        `cannot use the lanes of ${name}: together they may make ${most} calls in a minute; allowed is ${allowed}`,
      );
  }
}

/** What one process holds of a lane. */
interface Held {
  left: number;
  until: number;
  /** The store had nothing; it is not asked again before this. */
  emptyUntil: number;
  waiting: number;
  asking?: Promise<void>;
}

/** Shares quotas among all processes of a store: each takes portions of a lane's bucket and uses them up by itself. */
export function createQuota<Lane extends string>({ store, clock, sleep, lanes, quotas }: QuotaOptions<Lane>): Quota<Lane> {
  check(lanes, quotas);
  const held = new Map<Lane, Held>();
  const heldOf = (lane: Lane): Held => {
    const known = held.get(lane) ?? { left: 0, until: 0, emptyUntil: 0, waiting: 0 };
    held.set(lane, known);
    return known;
  };

  /** A starved bucket is left alone until it holds a second's worth, so that its document is written about once a second. */
  const leastOf = ({ perMinute, portion }: LaneShare): number => Math.min(portion, Math.max(1, Math.ceil(perMinute / 60)));

  function refill(record: QuotaRecord | undefined, { burst, perMinute }: LaneShare, now: number): { left: number; at: number } {
    if (!record) return { left: burst, at: now };
    // Clocks differ, and a penalty lies ahead: a bucket never refills for the same time twice.
    if (record.at >= now) return { left: Math.min(record.left, burst), at: record.at };
    return { left: Math.min(burst, record.left + ((now - record.at) * perMinute) / minuteMs), at: now };
  }

  async function fetchPortion(lane: Lane): Promise<void> {
    const share = lanes[lane];
    const mine = heldOf(lane);
    const least = leastOf(share);
    const { granted, waitMs } = await store.transact(async (tx) => {
      const now = clock.now();
      const record = await tx.get('quotas', lane);
      const closedMs = (record?.at ?? 0) - skewMs - now;
      if (closedMs > 0) return { granted: 0, waitMs: closedMs };
      const { left, at } = refill(record, share, now);
      const whole = Math.min(share.portion, Math.floor(left));
      if (whole < least) return { granted: 0, waitMs: at - now + Math.ceil(((least - left) * minuteMs) / share.perMinute) };
      tx.set('quotas', lane, { lane, left: left - whole, at });
      return { granted: whole, waitMs: 0 };
    });
    const now = clock.now();
    if (granted > 0) Object.assign(mine, { left: granted, until: now + portionLifeMs });
    else mine.emptyUntil = now + waitMs;
  }

  /** `undefined` when a call was taken; else how long there will be none. */
  async function tryTake(lane: Lane): Promise<number | undefined> {
    const mine = heldOf(lane);
    for (let round = 0; round < mostRounds; round += 1) {
      const now = clock.now();
      if (mine.left > 0 && mine.until > now) {
        mine.left -= 1;
        return undefined;
      }
      if (mine.emptyUntil > now) return mine.emptyUntil - now;
      mine.asking ??= fetchPortion(lane).finally(() => delete mine.asking);
      await mine.asking;
    }
    return longestWaitMs;
  }

  return {
    tryTake,
    async take(lane, signal) {
      const end = clock.now() + longestWaitMs;
      for (let round = 0; round < mostRounds; round += 1) {
        const waitMs = await tryTake(lane);
        if (waitMs === undefined) return;
        const mine = heldOf(lane);
        if (clock.now() + waitMs > end || mine.waiting >= (lanes[lane].waiting ?? Infinity)) break;
        mine.waiting += 1;
        await sleep(waitMs, signal).finally(() => (mine.waiting -= 1));
      }
      throw new PlaneError('tooManyRequests', `cannot call Google now: the share ${lane} of its quota is used up; it is tried again`);
    },
    async penalize(lane) {
      const mine = heldOf(lane);
      const now = clock.now();
      if (mine.emptyUntil >= now + penaltyMs / 2) return mine.emptyUntil - now;
      Object.assign(mine, { left: 0, emptyUntil: now + penaltyMs });
      await store.transact(async (tx) => {
        const { left, at } = refill(await tx.get('quotas', lane), lanes[lane], now);
        tx.set('quotas', lane, { lane, left: Math.floor(left / 2), at: Math.max(at, now + penaltyMs + skewMs) });
      });
      return penaltyMs;
    },
  };
}
