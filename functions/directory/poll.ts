import type { Activity, ActivityApplication, IdentityProvider } from '../core/providers.ts';
import type { PollRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Ctx } from '../core/surroundings.ts';
import type { Signal } from './signal.ts';

export { createSignal, regroupKey, type Signal, type SignalDeps } from './signal.ts';

/** Every poll reads this much again, in milliseconds, for entries that appear late. */
const overlapMs = 10 * 60_000;
/** How long the log is taken to be incomplete after the fact where it is silent, in milliseconds. */
const silenceMs = 2 * 60_000;
/** How far back the first poll reaches, in milliseconds. */
const firstReachMs = 24 * 3_600_000;

/** How many entries one poll acts on, to the end of the millisecond, and how many it may page through to reach them. */
export const pollLimits = { acted: 20_000, listed: 200_000 } as const;
const batchSize = 50;

export interface PollDeps {
  readonly identity: Pick<IdentityProvider, 'activities'>;
  readonly store: Store;
  readonly clock: Clock;
  readonly signal: Signal;
  readonly limits?: { readonly acted: number; readonly listed: number };
}

export interface Polled {
  /** How many entries were acted on. */
  readonly acted: number;
  /** Older entries are left: poll again at once. */
  readonly more: boolean;
}

/** What a poll that was cut off has left unread: entries from a time up to and with another. */
interface Rest {
  readonly from: number;
  readonly to: number;
}

const restIds = (application: ActivityApplication) => ({ from: `${application}/rest-from`, to: `${application}/rest-to` });

/**
 * Reads one part of the audit log from ten minutes before what was read last, unfiltered (Google allows few filtered queries), and
 * feeds it to `signal`. How far it came is stored only after the last page, so what failed is read again.
 *
 * Not seen, and left to the walk through the directory: entries that appear more than ten minutes late or never, and whatever
 * happened more than a day before the first poll. Switches of our service from before that day are not known at all until they are
 * moved again, for no API reads them back: on the first day an admin switches the service off and on where it is on already.
 */
export function createPoll({ identity, store, clock, signal, limits = pollLimits }: PollDeps) {
  async function readMarks(application: ActivityApplication): Promise<{ mark: number | undefined; rest: Rest | undefined }> {
    const ids = restIds(application);
    const [mark, from, to] = await Promise.all([store.get('polls', application), store.get('polls', ids.from), store.get('polls', ids.to)]);
    return { mark: mark?.readUntil, rest: from && to ? { from: from.readUntil, to: to.readUntil } : undefined };
  }

  async function writeMarks(application: ActivityApplication, mark: number, rest: Rest | undefined): Promise<void> {
    const ids = restIds(application);
    const record = (readUntil: number): PollRecord => ({ application, readUntil });
    await store.transact(async (tx) => {
      tx.set('polls', application, record(mark));
      for (const end of ['from', 'to'] as const) {
        if (rest) tx.set('polls', ids[end], record(rest[end]));
        else tx.delete('polls', ids[end]);
      }
    });
  }

  return async function poll(application: ActivityApplication, ctx: Ctx): Promise<Polled> {
    const beganAt = clock.now();
    const { mark, rest } = await readMarks(application);
    const since = rest?.from ?? (mark === undefined ? beganAt - firstReachMs : mark - overlapMs);
    let batch: Activity[] = [];
    let [acted, listed] = [0, 0];
    let newest = -Infinity;
    let oldest = Infinity;
    let cutOff: 'acted' | 'listed' | undefined;

    async function act(): Promise<void> {
      ctx.signal.throwIfAborted();
      await signal(...batch);
      acted += batch.length;
      batch = [];
    }

    for await (const activity of identity.activities(application, since, ctx)) {
      if (acted + batch.length >= limits.acted && activity.at < oldest) cutOff = 'acted';
      else if (listed >= limits.listed) cutOff = 'listed';
      if (cutOff) break;
      listed += 1;
      newest = Math.max(newest, activity.at);
      // While a rest is left, what lies between it and the mark was acted on by the poll that left it.
      if (rest && mark !== undefined && activity.at > rest.to && activity.at < mark) continue;
      oldest = Math.min(oldest, activity.at);
      batch.push(activity);
      if (batch.length >= batchSize) await act();
    }
    await act();

    const silent = beganAt - silenceMs;
    const readUntil = Math.max(mark ?? -Infinity, Math.min(Math.max(newest, silent), beganAt));
    if (cutOff === undefined) {
      // What came in since the rest was left was read from the mark on, without an overlap: the next poll has it again.
      await writeMarks(application, rest && mark !== undefined ? mark : readUntil, undefined);
      return { acted, more: false };
    }
    const window = `${new Date(since).toISOString()} to ${new Date(Math.min(oldest, rest?.to ?? Infinity)).toISOString()}`;
    if (cutOff === 'listed') {
      const fact = `${window} has more than ${limits.listed} entries`;
      ctx.log.warn(`cannot read all of the audit log of ${application}: ${fact}; the walk finds what they changed`, { listed });
      await writeMarks(application, readUntil, undefined);
      return { acted, more: false };
    }
    ctx.log.warn(`the audit log of ${application} has more than ${limits.acted} entries for one poll; ${window} is read next`, { acted });
    const withinRest = rest !== undefined && mark !== undefined && oldest <= rest.to;
    await writeMarks(application, withinRest ? mark : readUntil, { from: since, to: oldest - 1 });
    return { acted, more: true };
  };
}
