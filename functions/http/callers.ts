import type { Operation, Role } from '../../shared/contract.ts';
import type { Credentials } from '../core/credentials.ts';
import { PlaneError } from '../core/errors.ts';
import type { IdentityProvider, RoleGrant } from '../core/providers.ts';
import type { Actor } from '../core/records.ts';
import type { Clock, Ctx, Hashing } from '../core/surroundings.ts';
import { bearer } from './problems.ts';
import type { Rates } from './rate.ts';

export interface Caller {
  readonly actor: Actor;
  readonly roles: readonly RoleGrant[];
  /** The directory's id, where the directory says who it is. */
  readonly userId?: string;
  /** Instead of the usual ones. */
  readonly rates?: Rates;
}

export interface CallersDeps {
  readonly identity: Pick<IdentityProvider, 'authenticate'>;
  readonly clock: Clock;
  readonly hashing: Hashing;
  /** A caller known by something else than a Google ID token, such as the token for trying the API by hand. */
  readonly knows?: (token: string) => Caller | undefined;
  readonly credentials?: Pick<Credentials, 'check'>;
  /** Answers the service account of ours that sent a request; throws for all else. */
  readonly verifyWorkload?: (request: Request) => Promise<unknown>;
  /** Hears of agents and services of ours that called where people alone may. */
  readonly refused: (actor: Actor, operation: Operation, request: Request) => Promise<void>;
}

/** For so long a caller is taken for who they were: reads cost the directory nothing meanwhile. Effects ask anew. */
export const heldMs = 30_000;
const mostHeld = 10_000;

interface Held {
  readonly until: number;
  readonly caller: Promise<Caller>;
}

/** When an ID token ends, in milliseconds since 1970; of what is none, never. It is trusted only where the token was. */
function endOf(token: string): number {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const end: unknown = typeof claims === 'object' && claims !== null ? Reflect.get(claims, 'exp') : undefined;
    return typeof end === 'number' ? end * 1000 : Infinity;
  } catch {
    return Infinity;
  }
}

function createHold(clock: Clock) {
  const held = new Map<string, Held>();
  return {
    get(key: string): Promise<Caller> | undefined {
      const known = held.get(key);
      if (known && known.until > clock.now()) return known.caller;
      held.delete(key);
      return undefined;
    },
    set(key: string, until: number, caller: Promise<Caller>): void {
      const [oldest] = held.keys();
      if (held.size >= mostHeld && oldest !== undefined) held.delete(oldest);
      held.set(key, { until, caller });
    },
    delete: (key: string) => held.delete(key),
  };
}

const agentKinds = ['session', 'model', 'join', 'gateway', 'link'] as const;

/** Who calls the API: people by their ID token. Agents and our own services are told apart, and refused. */
export function createCallers({ identity, clock, hashing, knows, credentials, verifyWorkload, refused }: CallersDeps) {
  // Apart, so that nobody who makes up tokens drives out who is known.
  const [admitted, unknown] = [createHold(clock), createHold(clock)];

  async function refuseAgent(token: string, operation: Operation, request: Request): Promise<void> {
    const kind = agentKinds.find((known) => token.startsWith(`oc1.${known}.`));
    if (!credentials || kind === undefined) return;
    const { agent } = await credentials.check(token, kind);
    await refused({ kind: 'agent', id: agent.agentId }, operation, request);
    throw new PlaneError('forbidden', `cannot serve agent ${agent.agentId} here: agents reach /agent/ and /model/ only`);
  }

  async function refuseWorkload(operation: Operation, request: Request): Promise<void> {
    const account = await verifyWorkload?.(request).catch(() => undefined);
    if (typeof account !== 'object' || account === null) return;
    const email = String(Reflect.get(account, 'email'));
    await refused({ kind: 'plane', id: email }, operation, request);
    throw new PlaneError('forbidden', `cannot serve ${email} here: it is a service account; people call the API as themselves`);
  }

  function authenticate(token: string, ctx: Ctx): Promise<Caller> {
    const key = hashing.sha256(token);
    const known = admitted.get(key) ?? unknown.get(key);
    if (known) return known;
    const until = Math.min(clock.now() + heldMs, endOf(token));
    const caller = identity.authenticate(token, ctx).then(({ id, email, roles }): Caller => {
      return { actor: { kind: 'user', id: email }, roles, userId: id };
    });
    admitted.set(key, until, caller);
    caller.catch((error: unknown) => {
      admitted.delete(key);
      if (error instanceof PlaneError && error.code === 'unauthenticated') unknown.set(key, until, caller);
    });
    return caller;
  }

  return async function callerOf(request: Request, operation: Operation, ctx: Ctx): Promise<Caller> {
    const token = bearer(request);
    if (!token) throw new PlaneError('unauthenticated', 'cannot tell who is calling: send `Authorization: Bearer <Google ID token>`');
    const known = knows?.(token);
    if (known) return known;
    await refuseAgent(token, operation, request);
    try {
      return await authenticate(token, ctx);
    } catch (error) {
      if (error instanceof PlaneError && error.code === 'unauthenticated') await refuseWorkload(operation, request);
      throw error;
    }
  };
}

/** What `GET /v1/me` says: the org units are those of the strongest role. */
export function toMe({ actor, roles }: Caller, within: (role: Role) => readonly string[] | undefined) {
  const strongest: Role = roles.some(({ role }) => role === 'admin') ? 'admin' : 'viewer';
  const held: Role[] = strongest === 'admin' ? ['admin', 'viewer'] : ['viewer'];
  const ous = within(strongest);
  return { email: actor.id, roles: held, ous: ous === undefined ? null : [...ous] };
}
