import type { ScheduleRecord } from './records.ts';
import type { Store, Transaction } from './store.ts';
import { errorTable, PlaneError, toMessage } from './errors.ts';
import type { Clock, Log } from './surroundings.ts';

/** A hint that a key is due. It may be lost, doubled or late: the schedule row is the truth. */
export interface Wake {
  /** `at` where it is due later than now, in milliseconds since 1970. */
  wake(key: string, at?: number): void;
  /** Sends what was hinted at so far; a function awaits it before it answers, because nothing runs after that. */
  flush(): Promise<void>;
}

export const passKey = (agentId: string): string => `pass/${agentId}`;
export const publishKey = (agentId: string): string => `publish/${agentId}`;
export const lookKey = (userKey: string): string => `look/${userKey}`;
/** A look that nobody's access hangs on, as after a change of policy: it never takes what quotas keep for off-boarding. */
export const reviewKey = (userId: string): string => `review/${userId}`;
/** A second look, for a directory whose reads lag behind its writes: it happens only while there is an agent to lose. */
export const relookKey = (userId: string): string => `relook/${userId}`;
/** A look for whatever a walk saw of somebody but policy's wish to make their agent come or go: that, walks count first. */
export const checkKey = (userId: string): string => `check/${userId}`;
/** A check that nobody's access hangs on. */
export const refreshKey = (userId: string): string => `refresh/${userId}`;
export const groupKey = (group: string): string => `group/${group}`;

/** Makes keys due inside the caller's transaction; `rows` were read among its reads. */
export function makeDue(tx: Transaction, key: string, row: ScheduleRecord | undefined, dueAt: number): void {
  tx.set('schedule', key, {
    key,
    dueAt: row ? Math.min(row.dueAt, dueAt) : dueAt,
    attempts: row?.attempts ?? 0,
    // From the time on, so that a row that was done with and comes back is never taken for the one before.
    stamp: Math.max((row?.stamp ?? 0) + 1, dueAt),
  });
}

/** Returns when the key is due again, in milliseconds from now; `undefined` when it is not due until somebody says so. */
export type Handler = (id: string, signal: AbortSignal) => Promise<number | undefined>;

export interface RunnerDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly handlers: Readonly<Record<string, Handler>>;
  /** How long one run may take, in milliseconds. */
  readonly runMs: number;
}

/** The one retry layer: 1 s, 2 s, 4 s … at most 30 s apart, for ever; at once 30 s where trying again soon cannot help. */
const slowestMs = 30_000;
const backoffMs = (attempts: number): number => Math.min(1000 * 2 ** attempts, slowestMs);
const mayHelp = (error: unknown): boolean => !(error instanceof PlaneError) || errorTable[error.code].retry;

/** Runs what is due. Any number of runners may share a store: handlers are idempotent and passes hold leases. */
export function createRunner({ store, clock, log, handlers, runMs }: RunnerDeps) {
  async function finish(key: string, stamp: number, next: { dueAt: number; attempts: number } | undefined): Promise<void> {
    await store.transact(async (tx) => {
      const row = await tx.get('schedule', key);
      if (!row || row.stamp !== stamp) return;
      if (next) tx.set('schedule', key, { key, stamp, ...next });
      else tx.delete('schedule', key);
    });
  }

  /** Runs one key once and says when it is due again. */
  async function run(key: string): Promise<number | undefined> {
    const row = await store.get('schedule', key);
    if (!row) return undefined;
    const slash = key.indexOf('/');
    const handler = handlers[key.slice(0, slash)];
    if (!handler) return undefined;
    try {
      const delayMs = await handler(key.slice(slash + 1), clock.deadline(runMs));
      const next = delayMs === undefined ? undefined : { dueAt: clock.now() + delayMs, attempts: 0 };
      await finish(key, row.stamp, next);
      return next?.dueAt;
    } catch (error) {
      const attempts = row.attempts + 1;
      const dueAt = clock.now() + (mayHelp(error) ? backoffMs(row.attempts) : slowestMs);
      log.warn(`cannot finish ${key}: ${toMessage(error)}; it is tried again`, { attempts });
      await finish(key, row.stamp, { dueAt, attempts });
      return dueAt;
    }
  }

  /** What is due now or within so many milliseconds, earliest first. */
  const due = (limit: number, withinMs = 0): Promise<readonly ScheduleRecord[]> =>
    store.query('schedule', 'byDue', { before: clock.now() + withinMs + 1, limit });

  return { run, due };
}
export type Runner = ReturnType<typeof createRunner>;
