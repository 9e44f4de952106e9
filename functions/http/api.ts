import type { Context, Hono } from 'hono';
import { contract, type ContractRow, type Operation, type Role } from '../../shared/contract.ts';
import { PlaneError } from '../core/errors.ts';
import type { IdentityProvider } from '../core/providers.ts';
import type { Tally } from '../core/notes.ts';
import type { Actor } from '../core/records.ts';
import type { Ctx, Log } from '../core/surroundings.ts';
import { createHandlers, planeOf, type HandlerDeps } from './handlers.ts';
import { bearer, read, readJson, toProblemResponse } from './problems.ts';

export interface Caller {
  readonly actor: Actor;
  readonly roles: readonly Role[];
  /** The directory's id, where the directory says who it is. */
  readonly userId?: string;
}

export interface ApiDeps extends HandlerDeps {
  readonly identity: IdentityProvider;
  readonly log: Log;
  /** A caller known by something else than a Google ID token, such as the token for trying the API by hand. */
  readonly knows?: (token: string) => Caller | undefined;
  /** How long one call may take, in milliseconds. */
  readonly callMs: number;
  readonly requestId: () => string;
  readonly tally: Tally;
}

const mayCall = (roles: readonly Role[], needed: Role): boolean =>
  roles.includes('admin') || (needed === 'viewer' && roles.includes('viewer'));

/** Mounts every row of the contract: who calls, may they, is the input good, then the handler. */
export function mountApi(app: Hono, deps: ApiDeps): void {
  const handlers = createHandlers(deps);
  const { identity, log, knows, clock } = deps;

  async function callerOf(request: Request, ctx: Ctx): Promise<Caller> {
    const token = bearer(request);
    if (!token) throw new PlaneError('unauthenticated', 'cannot tell who is calling: send `Authorization: Bearer <Google ID token>`');
    const known = knows?.(token);
    if (known) return known;
    const user = await identity.authenticate(token, ctx);
    return { actor: { kind: 'user', id: user.email }, roles: user.roles, userId: user.id };
  }

  async function refuse(operation: Operation, caller: Caller, planeId: string | undefined): Promise<never> {
    const { role, summary } = contract[operation];
    const scope = planeId !== undefined && deps.planes.some(({ metadata }) => metadata.name === planeId) ? planeId : undefined;
    if (scope !== undefined) await deps.tally({ planeId: scope }, { actor: caller.actor, action: 'access.refused', target: operation });
    const needed = role === 'admin' ? 'OpenClaw Agent Admin' : 'OpenClaw Agent Viewer';
    throw new PlaneError(
      'forbidden',
      `cannot ${summary.toLowerCase()} for ${caller.actor.id}: the role ${needed} is needed; a super admin can assign it`,
    );
  }

  async function serve(operation: Operation, c: Context, requestId: string): Promise<Response> {
    const row: ContractRow = contract[operation];
    const ctx = { signal: clock.deadline(deps.callMs), log };
    const caller = await callerOf(c.req.raw, ctx);
    const rawParams = c.req.param() as Record<string, string>;
    if (!mayCall(caller.roles, row.role)) return refuse(operation, caller, rawParams['planeId']);
    if (rawParams['planeId'] !== undefined) planeOf(deps.planes, rawParams['planeId']);
    /** Roles are read anew at the moment of effect: much may have passed since the call was admitted. */
    const authorize = async (): Promise<void> => {
      if (caller.userId === undefined) return;
      const roles = await identity.rolesOf(caller.userId, { ...ctx, urgent: true });
      if (!mayCall(roles, row.role)) await refuse(operation, caller, rawParams['planeId']);
    };
    const input = {
      authorize,
      params: read(row.params, rawParams, 'the path'),
      query: read(row.query, c.req.query(), 'the query'),
      body: row.body && read(row.body, await readJson(c.req.raw), 'the request body'),
      actor: caller.actor,
      ctx,
    };
    const handle = handlers[operation] as unknown as (given: typeof input) => Promise<object>;
    return c.json(await handle(input), row.status, { 'x-request-id': requestId, 'cache-control': 'no-store' });
  }

  for (const operation of Object.keys(handlers) as Operation[]) {
    const { method, path } = contract[operation];
    app.on(method.toUpperCase(), path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
      const requestId = deps.requestId();
      try {
        return await serve(operation, c, requestId);
      } catch (error) {
        return toProblemResponse(error, requestId, log);
      }
    });
  }
}
