import type { HttpBindings } from '@hono/node-server';
import type { Context, Hono } from 'hono';
import { contract, type ContractRow, type Operation } from '../../shared/contract.ts';
import type { Credentials } from '../core/credentials.ts';
import { PlaneError } from '../core/errors.ts';
import type { Tally } from '../core/notes.ts';
import type { IdentityProvider } from '../core/providers.ts';
import type { Actor } from '../core/records.ts';
import { sentOnce, type Sent } from '../core/sent.ts';
import type { Ctx, Json, Log } from '../core/surroundings.ts';
import { createCallers, toMe, type Caller } from './callers.ts';
import { createEtags, isKnown, readBehind, readIfMatch, requireMatch } from './etag.ts';
import { createHandlers, findPlane, type HandlerDeps } from './handlers.ts';
import { createIdempotency, readKey, type KeptAnswer } from './idempotency.ts';
import { mountOpenApi } from './openapi-door.ts';
import { read, readJson, toProblemResponse } from './problems.ts';
import { createRateLimit, usualRates } from './rate.ts';
import { createReach } from './reach.ts';
import { addressOf, readQuery, requestIdOf, requireJson } from './request.ts';

export type { Caller } from './callers.ts';

export interface ApiDeps extends HandlerDeps {
  readonly identity: IdentityProvider;
  readonly log: Log;
  /** A caller known by something else than a Google ID token, such as the token for trying the API by hand. */
  readonly knows?: (token: string) => Caller | undefined;
  readonly credentials?: Pick<Credentials, 'check'>;
  /** Answers the service account of ours that sent a request; throws for all else. */
  readonly verifyWorkload?: (request: Request) => Promise<unknown>;
  /** How many proxies of ours add to `X-Forwarded-For` before a request comes here; none without it. */
  readonly forwardedHops?: number;
  /** How long one call may take, in milliseconds. */
  readonly callMs: number;
  readonly requestId: () => string;
  readonly tally: Tally;
}

/** As a handler of any row looks to the one who calls it. */
type Handle = (input: object) => Promise<object>;
type Env = { Bindings: Partial<HttpBindings> };

const jsonType = 'application/json';
const toHonoPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');
const isLines = (answer: object): answer is AsyncIterable<string> => Symbol.asyncIterator in answer;

/** Mounts every row of the contract that has a handler: who calls, may they, is the input good, then the handler. */
export function mountApi(app: Hono, deps: ApiDeps): { clearIdempotency(): Promise<boolean> } {
  const { identity, log, clock, hashing, store } = deps;
  const handlers: Partial<Record<Operation, unknown>> = { ...createHandlers(deps) };
  const etags = createEtags(hashing);
  const takeRate = createRateLimit({ clock });
  const idempotency = createIdempotency({ store, clock, hashing, random: deps.random, callMs: deps.callMs });
  const reach = createReach({ store, identity });

  const pathPlane = (request: Request): string | undefined => {
    const planeId = /^\/v1\/planes\/([^/]+)/.exec(new URL(request.url).pathname)?.[1];
    return planeId !== undefined && deps.planes.find(planeId) ? planeId : undefined;
  };
  const tellRefused = async (actor: Actor, operation: Operation, request: Request): Promise<void> => {
    const planeId = pathPlane(request);
    const entry = { actor, action: 'access.refused', target: operation };
    if (planeId !== undefined) await deps.tally({ planeId }, entry);
    else if (actor.kind === 'agent') await deps.tally({ agentId: actor.id }, entry);
  };
  const callerOf = createCallers({
    ...{ identity, clock, hashing, refused: tellRefused },
    ...(deps.knows ? { knows: deps.knows } : {}),
    ...(deps.credentials ? { credentials: deps.credentials } : {}),
    ...(deps.verifyWorkload ? { verifyWorkload: deps.verifyWorkload } : {}),
  });

  async function refuse(operation: Operation, actor: Actor, request: Request, where = ''): Promise<never> {
    const { role, summary } = contract[operation];
    await tellRefused(actor, operation, request);
    const needed = role === 'admin' ? 'OpenClaw Agent Admin' : 'OpenClaw Agent Viewer';
    throw new PlaneError(
      'forbidden',
      `cannot ${summary.toLowerCase()} for ${actor.id}: the role ${needed} is needed${where}; a super admin can assign it`,
    );
  }

  /** What `If-Match` is about, where it is not looked at again inside the effect: as the read beside the row answers now. */
  async function checkIfMatch(row: ContractRow, input: { params: unknown; ifMatch: ReturnType<typeof readIfMatch> }): Promise<void> {
    const asked = readBehind(row.path);
    const handle = asked && (handlers[asked] as Handle | undefined);
    if (input.ifMatch === undefined || !asked || !handle) return;
    requireMatch(input.ifMatch, etags.baseOf(asked, await handle({ ...input, query: {} })), new URL(row.path, 'x:/').pathname);
  }

  async function serve(operation: Operation, c: Context<Env>, requestId: string): Promise<Response> {
    const row: ContractRow = contract[operation];
    const request = c.req.raw;
    const ctx: Ctx = { signal: clock.deadline(deps.callMs), log };
    const caller = await callerOf(request, operation, ctx);
    const from = addressOf(request, c.env?.incoming, deps.forwardedHops);
    const actor: Actor = { ...caller.actor, ...(from === undefined ? {} : { from }), requestId };
    const mutates = row.method !== 'get';
    takeRate(caller.actor.id, mutates ? 'mutations' : 'reads', caller.rates ?? usualRates);
    const rawParams = c.req.param() as Record<string, string>;

    if (!reach.holds(caller.roles, row)) return refuse(operation, actor, request, row.reach === 'plane' ? ' for the whole company' : '');
    if (rawParams['planeId'] !== undefined) findPlane(deps.planes, rawParams['planeId']);
    const params = read(row.params, rawParams, 'the path');
    const elsewhere = (): Promise<never> => refuse(operation, actor, request, ' for their org unit');
    if (!(await reach.covers(caller.roles, row, { params }, ctx))) return elsewhere();
    if (mutates) requireJson(request);
    const given = {
      params,
      query: read(row.query, readQuery(request.url), 'the query'),
      body: row.body && read(row.body, await readJson(request), 'the request body'),
    };
    if (reach.isNamedInBody(row) && !(await reach.covers(caller.roles, row, given, ctx))) return elsewhere();
    /** Roles are read anew at the moment of effect: much may have passed since the call was admitted. */
    const authorize = async (): Promise<void> => {
      if (caller.userId === undefined) return;
      const roles = await identity.rolesOf(caller.userId, { ...ctx, urgent: true });
      const may = reach.holds(roles, row) && (await reach.covers(roles, row, given, ctx));
      if (!may) await refuse(operation, actor, request);
    };
    const ifMatch = mutates ? readIfMatch(request.headers.get('if-match')) : undefined;
    const input = { ...given, actor, authorize, ctx, ifMatch, within: reach.within(caller.roles, row) };
    const headers = { 'x-request-id': requestId, 'cache-control': 'no-store' };
    if (operation === 'me')
      return c.json(
        toMe(caller, (role) => reach.within(caller.roles, { role })),
        200,
        headers,
      );
    const handle = handlers[operation] as Handle;

    if (!mutates) {
      const answer = await handle(input);
      if (isLines(answer)) return lines(answer, row, headers);
      const etag = etags.etagOf(operation, answer);
      if (etag === undefined) return c.json(answer, row.status, headers);
      if (isKnown(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers: { ...headers, etag } });
      return c.json(answer, row.status, { ...headers, etag });
    }

    const work = async (sent: Sent): Promise<KeptAnswer> => {
      if (!sent.begun) await checkIfMatch(row, input);
      const answer = await handle({ ...input, sent });
      const asked = readBehind(row.path);
      const etag = asked && etags.etagOf(asked, answer);
      return { status: row.status, body: JSON.stringify(answer), ...(etag === undefined ? {} : { etag }) };
    };
    const key = readKey(request.headers.get('idempotency-key'));
    const said = JSON.parse(JSON.stringify(given)) as Json;
    const asked = { key: key ?? '', actor: caller.actor, operation, input: said };
    const { answer, replayed } =
      key === undefined ? { answer: await work(sentOnce(store, deps.random)), replayed: false } : await idempotency.once(asked, work, ctx);
    const more = { ...(answer.etag === undefined ? {} : { etag: answer.etag }), ...(replayed ? { 'idempotency-replayed': 'true' } : {}) };
    return new Response(answer.body, { status: answer.status, headers: { ...headers, ...more, 'content-type': jsonType } });
  }

  function lines(answer: AsyncIterable<string>, row: ContractRow, headers: Record<string, string>): Response {
    const encoder = new TextEncoder();
    const each = answer[Symbol.asyncIterator]();
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        const step = await each.next();
        if (step.done) controller.close();
        else controller.enqueue(encoder.encode(step.value.endsWith('\n') ? step.value : `${step.value}\n`));
      },
      async cancel() {
        await each.return?.();
      },
    });
    return new Response(body, { status: row.status, headers: { ...headers, 'content-type': row.produces ?? jsonType } });
  }

  const api = app as unknown as Hono<Env>;
  const allowed = new Map<string, string[]>();
  const operations = Object.keys(contract) as Operation[];
  for (const operation of operations) {
    const { method, path } = contract[operation];
    const methods = allowed.get(path) ?? [];
    allowed.set(path, methods.concat(method === 'get' ? ['GET', 'HEAD'] : method.toUpperCase()));
    api.on(method.toUpperCase(), toHonoPath(path), async (c) => {
      const requestId = requestIdOf(c.req.raw, deps.requestId);
      try {
        return await serve(operation, c, requestId);
      } catch (error) {
        return toProblemResponse(error, requestId, log);
      }
    });
  }
  for (const path of mountOpenApi(app, operations)) allowed.set(path, ['GET', 'HEAD']);

  for (const [path, methods] of allowed) {
    api.all(toHonoPath(path), (c) => {
      const allow = methods.join(', ');
      const error = new PlaneError('methodNotAllowed', `cannot serve ${c.req.method} here; allowed: ${allow}`);
      return toProblemResponse(error, requestIdOf(c.req.raw, deps.requestId), log, { headers: { allow } });
    });
  }
  api.all('/v1/*', (c) => {
    const error = new PlaneError('notFound', `cannot find ${c.req.path}; GET /v1/openapi.json lists what there is`);
    return toProblemResponse(error, requestIdOf(c.req.raw, deps.requestId), log);
  });

  return { clearIdempotency: () => idempotency.clear() };
}
