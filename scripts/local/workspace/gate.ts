import { Hono, type Context } from 'hono';
import { DirectoryError, toResponse } from './answers.ts';
import type { Callers } from './callers.ts';
import type { Calls } from './calls.ts';
import type { Faults } from './faults.ts';
import { selectFields } from './partial-response.ts';

export interface ApiCall {
  /** A parameter of the path. */
  readonly of: (name: string) => string;
  readonly query: Record<string, string>;
  readonly body: unknown;
}

type Verb = 'DELETE' | 'GET' | 'PATCH' | 'POST' | 'PUT';

/** One of Google's APIs: its routes, with what stands before every one of them. */
export interface Api {
  readonly app: Hono;
  /** `run` is synchronous, so that a call is one instant; what it answers nothing for gets a 204. */
  readonly route: (verb: Verb, path: string, methodId: string, run: (call: ApiCall) => object | void) => void;
}

export interface GateDeps {
  readonly callers: Callers;
  readonly calls: Calls;
  readonly faults: Faults;
  readonly log: (line: string) => void;
}

export interface ApiOptions {
  /** Where the API is rooted, for the paths that faults name. */
  readonly root: string;
  /** Takes a call from the quota of whom this authorization names; false where it is used up. */
  readonly take?: (caller: string, call: ApiCall) => boolean;
}

export function createApi({ root, take = () => true }: ApiOptions, { callers, calls, faults, log }: GateDeps): Api {
  const app = new Hono();
  app.notFound((c) => toResponse({ reason: 'badRequest', message: `the Workspace emulator does not know ${c.req.method} ${c.req.path}` }));
  app.onError((error, c) => {
    if (error instanceof DirectoryError) return toResponse(error);
    log(`workspace: ${c.req.method} ${c.req.path} failed: ${error.stack ?? error.message}`);
    return toResponse({ reason: 'backendError', message: 'Backend Error' });
  });

  return {
    app,
    route(verb, path, methodId, run) {
      app.on(verb, path, async (c) => {
        calls.count(methodId);
        const body = verb === 'GET' || verb === 'DELETE' ? undefined : await readJson(c);
        const call: ApiCall = { of: (name) => c.req.param(name) ?? '', query: c.req.query(), body };
        const authorization = c.req.header('authorization');
        if (!take(authorization ?? 'anonymous', call)) throw new DirectoryError('userRateLimitExceeded', 'User Rate Limit Exceeded');
        const refused = faults.refuse(verb, `${root}${c.req.path}`);
        if (refused && !refused.afterEffect) throw new DirectoryError(refused.reason, messages[refused.reason] ?? 'Error');
        const answer = callers.during(authorization, () => run(call));
        if (refused) throw new DirectoryError(refused.reason, messages[refused.reason] ?? 'Error');
        return respond(c, answer);
      });
    },
  };
}

const messages: Readonly<Record<string, string>> = {
  backendError: 'Service unavailable. Please try again',
  internalError: 'Internal error encountered.',
  quotaExceeded: 'Quota exceeded for the current request',
  rateLimitExceeded: 'Rate Limit Exceeded',
  userRateLimitExceeded: 'User Rate Limit Exceeded',
};

function respond(c: Context, body: object | void): Response {
  if (body === undefined) return c.body(null, 204);
  const fields = c.req.query('fields');
  return c.json(fields === undefined ? body : selectFields(body, fields));
}

async function readJson(c: Context): Promise<unknown> {
  const text = await c.req.text();
  try {
    return text === '' ? {} : (JSON.parse(text) as unknown);
  } catch (error) {
    throw new DirectoryError('parseError', 'Parse Error', { cause: error });
  }
}
