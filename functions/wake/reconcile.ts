import { z } from 'zod';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { Runner, Wake } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Log } from '../core/surroundings.ts';
import { readJson } from '../http/problems.ts';

export interface ReconcileDeps {
  readonly store: Pick<Store, 'get'>;
  readonly runner: Pick<Runner, 'run'>;
  readonly wake: Wake;
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: Log;
  /** What comes before the slash of a key that the runner has a handler for. */
  readonly kinds: readonly string[];
  /** No run begins later than so many milliseconds after the request came. */
  readonly budgetMs: number;
}

/** How often one request looks at its schedule row. */
const mostLooks = 20;
const bodyLimitBytes = 100_000;

const hintSchema = z.object({
  key: z
    .string()
    .regex(/^[a-z]+\/./)
    .max(1024),
});
/** A push of Pub/Sub as it arrives, wrapped; what else it holds (times, attributes, delivery attempts) is not needed. */
const pushSchema = z.object({ message: z.object({ data: z.base64() }), subscription: z.string() });

const parseText = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

/** The key of a Cloud Tasks body `{ key }` or of a Pub/Sub push envelope around one; `undefined` where there is none. */
async function readKey(request: Request): Promise<string | undefined> {
  const body = await readJson(request, bodyLimitBytes).catch((error: unknown) => {
    if (error instanceof PlaneError && error.code === 'invalid') return undefined;
    throw error;
  });
  const push = pushSchema.safeParse(body);
  const hint = push.success ? parseText(Buffer.from(push.data.message.data, 'base64').toString()) : body;
  return hintSchema.safeParse(hint).data?.key;
}

/**
 * Answers what Cloud Tasks and Pub/Sub deliver: the key is run when its schedule row is due, here when that is within the budget, else
 * it is handed on. 204 also to what can never be run, because every other answer brings it back; 500 when it should come back.
 * Whoever mounts it has verified the caller before.
 */
export function createReconcile({ store, runner, wake, clock, sleep, log, kinds, budgetMs }: ReconcileDeps) {
  async function reconcile(key: string): Promise<void> {
    const until = clock.now() + budgetMs;
    for (let looks = 0; looks < mostLooks; looks += 1) {
      // Also folds doubled deliveries: the row of a key that ran meanwhile is gone or due later.
      const row = await store.get('schedule', key);
      if (!row) return;
      const now = clock.now();
      if (Math.max(row.dueAt, now) > until) break;
      if (row.dueAt > now) await sleep(row.dueAt - now);
      else await runner.run(key);
    }
    wake.wake(key);
  }

  return async (request: Request): Promise<Response> => {
    try {
      const key = await readKey(request);
      if (key === undefined) log.warn('ignored a hint: it names no key');
      else if (!kinds.includes(key.slice(0, key.indexOf('/')))) log.warn('ignored a hint: nothing here runs its kind of key', { key });
      else await reconcile(key);
      return new Response(null, { status: 204 });
    } catch (error) {
      log.warn(`cannot run what a hint told of: ${toMessage(error)}; it is delivered again`);
      return new Response(null, { status: 500 });
    } finally {
      await wake.flush();
    }
  };
}

export interface SweepDeps {
  readonly store: Pick<Store, 'query'>;
  readonly wake: Wake;
  readonly clock: Clock;
  readonly log: Log;
  /** How often it is called, in milliseconds: it looks as far ahead. */
  readonly periodMs?: number;
  /** How many rows it reads at once, at most 500. */
  readonly pageSize?: number;
  readonly mostPages?: number;
}

/** Wakes what is due now or before the next sweep, whatever became of its hint. Answers `{ due, soon, more }`: rows counted, and whether rows were left. */
export function createSweep({ store, wake, clock, log, periodMs = 60_000, pageSize = 500, mostPages = 20 }: SweepDeps) {
  async function sweep(): Promise<{ due: number; soon: number; more: boolean }> {
    const now = clock.now();
    const seen = new Set<string>();
    let due = 0;
    let from: number | undefined;
    for (let page = 0; page < mostPages && clock.now() - now < periodMs; page += 1) {
      const bounds = { ...(from === undefined ? {} : { from }), before: now + periodMs + 1 };
      const rows = await store.query('schedule', 'byDue', { ...bounds, limit: pageSize });
      const fresh = rows.filter(({ key }) => !seen.has(key));
      for (const { key, dueAt } of fresh) {
        seen.add(key);
        if (dueAt <= now) due += 1;
        wake.wake(key);
      }
      await wake.flush();
      const last = rows.at(-1)?.dueAt;
      if (last === undefined || rows.length < pageSize) return { due, soon: seen.size - due, more: false };
      // A whole page due in one millisecond: what else is due in it waits for the next sweep, when these have moved on.
      from = fresh.length === 0 || rows[0]?.dueAt === last ? last + 1 : last;
    }
    return { due, soon: seen.size - due, more: true };
  }

  return async (): Promise<Response> => {
    try {
      return Response.json(await sweep());
    } catch (error) {
      log.warn(`cannot sweep the schedule: ${toMessage(error)}; the next sweep tries again`);
      return new Response(null, { status: 500 });
    }
  };
}
