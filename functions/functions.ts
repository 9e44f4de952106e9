import { setTimeout as sleep } from 'node:timers/promises';
import { PlaneError } from './core/errors.ts';
import type { Wake } from './core/schedule.ts';
import type { Store } from './core/store.ts';
import type { Clock, Log } from './core/surroundings.ts';
import { createFrameworkHandler } from './http/framework.ts';
import { toProblemResponse } from './http/problems.ts';
import type { RunningPlane } from './plane.ts';
import { createReconcile, createSweep } from './wake/reconcile.ts';

/** The functions, and how long each may take at most for one request, in milliseconds; their deployment allows a little more. */
export const functionDeadlinesMs = {
  api: 60_000,
  events: 30_000,
  reconcile: 115_000,
  sweep: 115_000,
  model: 600_000,
} as const;
export type FunctionName = keyof typeof functionDeadlinesMs;
export const functionNames = Object.keys(functionDeadlinesMs) as FunctionName[];

/** No run of `reconcile` begins later than this after its request came, in milliseconds. */
export const reconcileBudgetMs = 20_000;

/** A plane with what it stands on, as one process shares it among all requests. */
export interface Composition {
  readonly plane: Pick<RunningPlane, 'app' | 'runner' | 'kinds' | 'ensure'>;
  readonly store: Store;
  readonly wake: Wake;
  /** Throws unless Cloud Tasks, Cloud Scheduler or Pub/Sub calls as an account of ours. */
  readonly verify: (request: Request) => Promise<unknown>;
}

export interface FunctionsDeps {
  readonly composition: Composition;
  readonly clock: Clock;
  readonly log: Log;
  readonly requestId: () => string;
  /** Whether `api` serves the mailbox that the plane keeps, which asks nobody who they are. */
  readonly mailDoor: boolean;
}

type Serve = (request: Request) => Promise<Response>;
export type FunctionHandler = ReturnType<typeof createFrameworkHandler>;

/** The five functions over one plane; each knows its own paths and `/healthz`, and answers 404 to all others. */
export function createFunctions(deps: FunctionsDeps): Record<FunctionName, FunctionHandler> {
  const { composition, clock, log, requestId, mailDoor } = deps;
  const { plane, store, wake, verify } = composition;
  const { app, runner, kinds, ensure } = plane;
  const absent = (path: string): PlaneError => new PlaneError('notFound', `cannot find ${path} here`);
  app.notFound((c) => toProblemResponse(absent(c.req.path), requestId(), log));
  app.onError((error) => toProblemResponse(error, requestId(), log, { hideFaults: true }));

  const reconcile = createReconcile({
    ...{ store, runner, wake, clock, log, kinds },
    sleep: (ms) => sleep(ms),
    budgetMs: reconcileBudgetMs,
  });
  const sweep = createSweep({ store, wake, clock, log });

  const under =
    (...prefixes: readonly string[]): Serve =>
    async (request) => {
      const { pathname } = new URL(request.url);
      if (!prefixes.some((prefix) => pathname.startsWith(prefix))) throw absent(pathname);
      return app.fetch(request);
    };
  /** Google calls a function at its own address, or at its path where all share one. */
  const asWorkload =
    (name: FunctionName, run: Serve): Serve =>
    async (request) => {
      const { pathname } = new URL(request.url);
      if (request.method !== 'POST' || (pathname !== '/' && pathname !== `/${name}`)) throw absent(pathname);
      await verify(request);
      return run(request);
    };

  const serves: Readonly<Record<FunctionName, Serve>> = {
    api: under('/v1/', '/agent/', '/me/', ...(mailDoor ? ['/mail/'] : [])),
    events: under('/events/'),
    reconcile: asWorkload('reconcile', reconcile),
    sweep: asWorkload('sweep', async () => {
      // What is due heals first, whatever becomes of the rest.
      const answer = await sweep();
      await ensure();
      return answer;
    }),
    model: under('/model/'),
  };
  function toHandler(name: FunctionName): FunctionHandler {
    const serve: Serve = async (request) =>
      new URL(request.url).pathname === '/healthz' ? Response.json({ ok: true }) : serves[name](request);
    return createFrameworkHandler({ serve, flush: () => wake.flush(), deadlineMs: functionDeadlinesMs[name], clock, log, requestId });
  }
  return {
    api: toHandler('api'),
    events: toHandler('events'),
    reconcile: toHandler('reconcile'),
    sweep: toHandler('sweep'),
    model: toHandler('model'),
  };
}
