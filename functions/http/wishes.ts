import { requestFieldOf, type UserRequests } from '../../shared/directory-schema.ts';
import { toAgentId } from '../../shared/agent.ts';
import type { ChangeDeps } from '../core/agents.ts';
import { PlaneError } from '../core/errors.ts';
import { agentChain, append, readHead } from '../core/audit.ts';
import type { IdentityProvider, UserIdentity } from '../core/providers.ts';
import type { Actor, AgentRecord } from '../core/records.ts';
import type { Sent } from '../core/sent.ts';
import { canonical, type Ctx, type Json } from '../core/surroundings.ts';

export type Wishes = { readonly [K in keyof UserRequests]: UserRequests[K] | null };

export interface WishDeps extends ChangeDeps {
  readonly identity: Pick<IdentityProvider, 'writeRequests'>;
  readonly look: (userId: string, ctx: Ctx) => Promise<void>;
  readonly random: () => string;
}

export interface WishCall {
  readonly actor: Actor;
  readonly authorize: () => Promise<void>;
  readonly sent: Sent;
  readonly ctx: Ctx;
  /** What the directory held, as it gives it. */
  readonly before: UserIdentity['fields'];
  /** Throws where the user or agent is no longer as the caller saw it; asked when nobody else can write and all was taken in. */
  readonly unchanged?: (() => Promise<void>) | undefined;
}

/** Longer than any call may take, so that a lock that has lapsed is one of a process that died. */
const lockMs = 30_000;

const plain = (value: unknown): Json => (value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json));

/**
 * Each wish by its field in the directory, from what is there to what is asked for; `null` is blank. `inForce` is what held before,
 * whoever said so: of a blank page, what policy gave.
 */
const toChanges = (wishes: Wishes, before: UserIdentity['fields'], policy: AgentRecord['policy'] | undefined) =>
  Object.entries(requestFieldOf).flatMap(([key, field]) => {
    const to = wishes[key as keyof Wishes];
    const inForce = policy && { inForce: plain(policy[key as keyof Wishes].value) };
    return to === undefined ? [] : [{ field, from: plain(before[field]), to: plain(to), ...inForce }];
  });

/** Those of which the directory still says what it said when they were noted: of a call that is sent again, what it has not written yet. */
const stillWished = (wishes: Wishes, noted: ReturnType<typeof toChanges>, before: UserIdentity['fields']): Wishes => {
  const same = noted.filter(({ field, from }) => canonical(plain(before[field])) === canonical(from)).map(({ field }) => field);
  return Object.fromEntries(Object.entries(wishes).filter(([key]) => same.includes(requestFieldOf[key as keyof Wishes])));
};

/** Writes admins' wishes through to the directory, which owns them, and takes them in at once; for one user one after the other. */
export function createWishes(deps: WishDeps) {
  const { store, clock, hashing, identity, look, random } = deps;

  async function lock(userId: string, holder: string, ctx: Ctx): Promise<void> {
    for (;;) {
      const held = await store.transact(async (tx) => {
        const known = await tx.get('wishes', userId);
        if (known && known.until > clock.now()) return known;
        tx.set('wishes', userId, { ...known, userId, holder, until: clock.now() + lockMs });
        return undefined;
      });
      if (!held) return;
      const lapse = clock.deadline(Math.max(1, held.until - clock.now()));
      await store.changed('wishes', userId, held, AbortSignal.any([ctx.signal, lapse]));
      if (ctx.signal.aborted) {
        throw new PlaneError('conflict', `cannot change user ${userId} now: another change of theirs is under way; try again in a moment`);
      }
    }
  }

  const unlock = (userId: string, holder: string): Promise<void> =>
    store.transact(async (tx) => {
      const held = await tx.get('wishes', userId);
      if (held?.holder === holder) tx.set('wishes', userId, { ...held, until: 0 });
    });

  return async (planeId: string, userId: string, wishes: Wishes, call: WishCall): Promise<void> => {
    const { actor, authorize, sent, ctx, before, unchanged } = call;
    const holder = random();
    await lock(userId, holder, ctx);
    try {
      if (unchanged && !sent.begun) {
        // What was written elsewhere, or by a process that died before its look, counts as well.
        await look(userId, ctx);
        await unchanged();
      }
      await authorize();
      const agentId = toAgentId(planeId, userId, hashing.sha256);
      const noted = await sent.once('wish').transact(async (tx) => {
        const [agent, held] = [await tx.get('agents', agentId), await tx.get('wishes', userId)];
        const changes = toChanges(wishes, before, agent?.policy);
        const head = await readHead(tx, agentChain(agentId), planeId);
        const asked = { by: actor.id, wishes: plain(wishes), at: clock.now() };
        if (held?.holder === holder) tx.set('wishes', userId, { ...held, asked });
        append(tx, head, [{ at: clock.now(), actor, action: 'user.requests', target: userId, detail: { changes } }], hashing);
        return changes;
      });
      const left = stillWished(wishes, noted, before);
      if (Object.keys(left).length > 0) await identity.writeRequests(userId, left, ctx);
      await look(userId, ctx);
    } finally {
      // Where this fails, the lock lapses by itself.
      await unlock(userId, holder).catch(() => undefined);
    }
  };
}
