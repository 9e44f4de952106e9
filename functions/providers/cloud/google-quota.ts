import { PlaneError } from '../../core/errors.ts';
import type { Ctx } from '../../core/surroundings.ts';
import { toPlaneError } from './google.ts';

/** The shares of Google's quotas; who waits in one never waits for another. */
export type Lane = 'offboarding' | 'reads' | 'status' | 'heartbeats' | 'reports';

export interface Quota {
  /** Takes one call from a lane, waiting a few seconds at most; throws `tooManyRequests` after that. */
  take(lane: Lane, signal: AbortSignal): Promise<void>;
  /** Takes one call, or answers in how many milliseconds there may be one. */
  tryTake(lane: Lane): Promise<number | undefined>;
  /** Google refused all the same: closes the lane for a moment, and answers for how many milliseconds. */
  penalize(lane: Lane): Promise<number>;
}

export interface GoogleCalls {
  /** Makes one counted call; a 404 is an answer (`undefined`). Everything else that fails is thrown as ours. */
  orAbsent<T>(what: string, ctx: Ctx, call: () => Promise<T>, lane?: Lane): Promise<T | undefined>;
  orThrow<T>(what: string, ctx: Ctx, call: () => Promise<T>, lane?: Lane): Promise<T>;
  /** One call where the lane has one at once, else nothing is done: in how many milliseconds to try again. */
  orLater(what: string, ctx: Ctx, call: () => Promise<unknown>, lane: Lane): Promise<number | undefined>;
}

const laneOf = (ctx: Ctx): Lane => (ctx.urgent ? 'offboarding' : 'reads');

/** Counts every call to Google against its lane; without a quota nothing is counted. */
export function createGoogleCalls(quota?: Quota): GoogleCalls {
  /** Milliseconds for which a lane is closed after Google's refusal, `undefined` where the failure is another. */
  async function closeLane(error: PlaneError, lane: Lane, ctx: Ctx): Promise<number | undefined> {
    if (error.code !== 'tooManyRequests' || !quota) return undefined;
    try {
      return await quota.penalize(lane);
    } catch (failure) {
      ctx.log.warn(`cannot close the lane ${lane} of Google's quota after a refusal; it goes on as before`, { failure });
      return undefined;
    }
  }

  async function takeFrom(lane: Lane, what: string, ctx: Ctx): Promise<void> {
    try {
      await quota?.take(lane, ctx.signal);
    } catch (error) {
      throw error instanceof PlaneError ? error : toPlaneError(error, what);
    }
  }

  async function run<T>(what: string, ctx: Ctx, call: () => Promise<T>, lane: Lane): Promise<T> {
    try {
      return await call();
    } catch (error) {
      const mapped = toPlaneError(error, what);
      await closeLane(mapped, lane, ctx);
      throw mapped;
    }
  }

  async function orThrow<T>(what: string, ctx: Ctx, call: () => Promise<T>, lane: Lane = laneOf(ctx)): Promise<T> {
    await takeFrom(lane, what, ctx);
    return run(what, ctx, call, lane);
  }

  return {
    orThrow,
    async orAbsent(what, ctx, call, lane) {
      try {
        return await orThrow(what, ctx, call, lane);
      } catch (error) {
        if (error instanceof PlaneError && error.code === 'notFound') return undefined;
        throw error;
      }
    },
    async orLater(what, ctx, call, lane) {
      const waitMs = await quota?.tryTake(lane);
      if (waitMs !== undefined) return waitMs;
      try {
        await call();
        return undefined;
      } catch (error) {
        const mapped = toPlaneError(error, what);
        if (mapped.code === 'notFound') return undefined;
        const closedMs = await closeLane(mapped, lane, ctx);
        if (closedMs !== undefined) return closedMs;
        throw mapped;
      }
    },
  };
}

const mostPages = 10_000;

/** Walks the pages of a listing; an empty page with a token is followed too. A token that comes again would never end: it throws. */
export async function* pagesOf<Page extends { readonly nextPageToken?: string | null }>(
  what: string,
  ask: (page: { readonly pageToken?: string }) => Promise<Page>,
): AsyncIterable<Page> {
  let pageToken: string | undefined;
  for (let count = 0; count < mostPages; count += 1) {
    const page = await ask(pageToken === undefined ? {} : { pageToken });
    yield page;
    const next = page.nextPageToken || undefined;
    if (next === undefined) return;
    if (next === pageToken) break;
    pageToken = next;
  }
  throw new PlaneError('unavailable', `cannot ${what}: Google's pages do not come to an end; it is tried again`);
}
