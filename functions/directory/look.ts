import { toAgentId, type Condition } from '../../shared/agent.ts';
import { requestFieldOf } from '../../shared/directory-schema.ts';
import { changeAgent, toDraft as asDraft, type AgentDraft, type ChangeDeps } from '../core/agents.ts';
import { PlaneError } from '../core/errors.ts';
import type { IdentityProvider, UserIdentity } from '../core/providers.ts';
import type { Actor, AgentRecord } from '../core/records.ts';
import { lookKey, makeDue, publishKey, relookKey, reviewKey } from '../core/schedule.ts';
import type { Reads } from '../core/store.ts';
import { canonical, type Ctx, type Json } from '../core/surroundings.ts';
import type { Planes } from '../planes.ts';
import { isHeld } from './approvals.ts';
import { grantsOf } from './grants.ts';
import { hasDrifted } from './publish.ts';
import { listServices } from './services.ts';
import { claims, toOwner, wishFor, type Wish } from './standing.ts';

export interface LookDeps extends ChangeDeps {
  readonly identity: Pick<IdentityProvider, 'resolveUser'>;
  readonly planes: Planes;
}

/** What a look may do; all of it unless said. */
export interface Scope {
  /** Somebody's access may end with it, so that it may take what quotas keep for off-boarding. */
  readonly mayEnd?: boolean;
  /** It may do what policy alone wants (`Wish.flip`). False where no signal of this user's asked for it and no walk has counted that. */
  readonly mayFlip?: boolean;
}

const actor: Actor = { kind: 'directory', id: 'look' };

/** A wish as one text, whatever order a list was written in; blank and absent are the same. */
const toText = (wish: unknown): string =>
  canonical(JSON.parse(JSON.stringify(Array.isArray(wish) ? wish.toSorted() : (wish ?? null))) as Json);

/** How long after an admin asked for something by way of us the directory's change is taken for theirs, in milliseconds. */
const theirsMs = 120_000;

/** The look, and through whom, where all that changed on a user's page is what an admin has just asked for. */
async function lookFor(current: AgentRecord | undefined, { ownerId, requests }: AgentDraft, tx: Reads, now: number): Promise<Actor> {
  const textOf = (wishes: object | undefined, key: string): string => toText(wishes && Reflect.get(wishes, key));
  const changed = Object.keys(requestFieldOf).filter((key) => textOf(current?.requests, key) !== textOf(requests, key));
  const asked = changed.length === 0 ? undefined : (await tx.get('wishes', ownerId))?.asked;
  if (!asked || now - asked.at > theirsMs) return actor;
  const { by, wishes } = asked;
  if (typeof wishes !== 'object' || wishes === null) return actor;
  return changed.every((key) => Object.hasOwn(wishes, key) && textOf(wishes, key) === textOf(requests, key))
    ? { ...actor, via: by }
    : actor;
}

const needsApproval = (to: Wish['flip']): Condition => ({
  type: 'NeedsApproval',
  message: `policy would ${to === 'running' ? 'create' : 'remove'} this agent together with many others; an admin decides on all of them`,
});

const unclaimed = 'no plane claims this user';
/** Why agents go whose plane is removed: that was asked for as it is, and waits for nobody. */
export const planeRemoved = 'plane removed';

/**
 * Level-triggered intake: reads one user again and brings the wishes for their agents in line. Events only name the user, by
 * immutable id or, where nothing else is known, by e-mail.
 */
export function createLook(deps: LookDeps) {
  const { identity, planes, store, hashing, clock } = deps;

  /** Our published fields were edited by somebody else: the next publication overwrites them. */
  async function healDrift(user: UserIdentity, agentId: string, readAt: number): Promise<void> {
    const published = await store.get('published', agentId);
    // What was read before our last writing cannot show it.
    if (!published || published.at >= readAt || !hasDrifted(user, published)) return;
    await store.transact(async (tx) => {
      const due = await tx.get('schedule', publishKey(agentId));
      tx.delete('published', agentId);
      makeDue(tx, publishKey(agentId), due, clock.now());
    });
    deps.wake.wake(publishKey(agentId));
  }

  /** A look that failed has seen nothing: signals go by when the last one began. */
  async function forgetLook(userKey: string, error: unknown): Promise<never> {
    await store.transact(async (tx) => {
      const look = await tx.get('looks', userKey);
      if (look) tx.set('looks', userKey, { ...look, beganAt: 0 });
    });
    throw error;
  }

  /**
   * Looks at one user may overlap. What a look saw counts only while no later look has begun: that one decides. Where the later one
   * may do less, it is no answer to a signal, and what it may have overtaken runs once more.
   */
  async function beginLook(userKey: string, mayFlip = true): Promise<(tx: Reads) => Promise<boolean>> {
    const { seq, overtaken } = await store.transact(async (tx) => {
      const former = await tx.get('looks', userKey);
      const keys = mayFlip ? [] : [lookKey, reviewKey, relookKey].map((toKey) => toKey(userKey));
      const rows = (await Promise.all(keys.map((key) => tx.get('schedule', key)))).filter((row) => row !== undefined);
      for (const row of rows) makeDue(tx, row.key, row, row.dueAt);
      const next = (former?.seq ?? 0) + 1;
      tx.set('looks', userKey, { userId: userKey, seq: next, beganAt: mayFlip ? clock.now() : (former?.beganAt ?? 0) });
      return { seq: next, overtaken: rows };
    });
    for (const { key, dueAt } of overtaken) deps.wake.wake(key, dueAt);
    return async (tx) => (await tx.get('looks', userKey))?.seq === seq;
  }

  const ownedBy = (userId: string): Promise<readonly AgentRecord[]> =>
    store.query('agents', 'byOwner', { from: userId, before: `${userId}\u0000`, limit: 100 });

  /** Where policy's wish waits for an approval or a walk, everything follows the user but whether there is an agent. */
  async function unlessHeld(wish: Wish, current: AgentRecord | undefined, tx: Reads, mayFlip: boolean): Promise<AgentDraft | undefined> {
    const { draft, flip } = wish;
    const held = flip !== undefined && (await isHeld(tx, draft.agentId, flip));
    if (!flip || (mayFlip && !held)) return draft;
    if (!current) return undefined;
    const others = draft.conditions.filter(({ type }) => type !== 'NeedsApproval');
    return {
      ...draft,
      ...(current.paused ? { paused: current.paused } : {}),
      desired: current.desired,
      reason: current.reason,
      conditions: held ? [...others, needsApproval(flip)] : others,
    };
  }

  /** Whoever takes a plane's agents away sees those that came before it was condemned, and there are none after. */
  async function isCondemned(tx: Reads, planeId: string): Promise<boolean> {
    const record = await tx.get('planes', planeId);
    return record !== undefined && record.state !== 'active';
  }

  async function lookAt(userId: string, ctx: Ctx, { mayEnd = true, mayFlip = true }: Scope): Promise<UserIdentity | undefined> {
    const isLatest = await beginLook(userId, mayFlip);
    await planes.refresh();
    const held = await ownedBy(userId);
    // Whoever has an agent may be about to lose it.
    const urgent = mayEnd && held.some(({ desired }) => desired === 'running');
    const readAt = clock.now();
    const user = await identity.resolveUser(userId, { ...ctx, urgent }).catch((error: unknown) => forgetLook(userId, error));
    const leave = (agent: AgentRecord, reason: string, byPolicy: boolean) => {
      const decide = async (current: AgentRecord | undefined, tx: Reads) => {
        if (!current || !(await isLatest(tx))) return undefined;
        const { paused: _paused, ...kept } = asDraft(current);
        const draft = { ...kept, ...(user ? toOwner(user) : {}), desired: 'removed' as const, reason };
        const flip = byPolicy && current.desired === 'running' ? ({ flip: 'removed' } as const) : {};
        return unlessHeld({ draft, ...flip }, current, tx, mayFlip);
      };
      return changeAgent(agent.agentId, actor, decide, deps);
    };
    if (!user) {
      for (const agent of held) await leave(agent, 'deleted', false);
      return undefined;
    }
    const active = planes.active();
    const claiming = active.filter((plane) => claims(plane, user));
    for (const agent of held) {
      if (claiming.some(({ metadata }) => metadata.name === agent.planeId)) continue;
      const stands = active.some(({ metadata }) => metadata.name === agent.planeId);
      if (!stands && agent.desired === 'removed') continue;
      await leave(agent, user.inactiveBecause ?? (stands ? unclaimed : planeRemoved), user.active && stands);
    }
    const services = await listServices(store);
    for (const plane of claiming) {
      const agentId = toAgentId(plane.metadata.name, user.id, hashing.sha256);
      const grants = await grantsOf(store, plane.metadata.name, user.id);
      let settled = false;
      const decide = async (current: AgentRecord | undefined, tx: Reads) => {
        settled = false;
        const wish = (await isLatest(tx)) ? wishFor(plane, user, agentId, current, { services, grants }, claiming) : undefined;
        const comes = wish?.draft.desired === 'running' && current?.desired !== 'running';
        if (!wish || (comes && (await isCondemned(tx, plane.metadata.name)))) return undefined;
        const draft = await unlessHeld(wish, current, tx, mayFlip);
        const waited = current?.conditions.some(({ type }) => type === 'NeedsApproval') ?? false;
        settled = waited && draft?.desired === wish.draft.desired;
        return draft;
      };
      await changeAgent(agentId, (was, draft, tx) => lookFor(was, draft, tx, clock.now()), decide, deps);
      // Policy no longer wants what an admin was asked about, or what they said no to: it may be asked again.
      if (settled) await store.transact(async (tx) => void tx.delete('holds', agentId));
      await healDrift(user, agentId, readAt);
    }
    return user;
  }

  /** An address says who has it now, and the store who had it: both are looked at. */
  async function lookAtAddress(email: string, ctx: Ctx, scope: Scope): Promise<void> {
    await beginLook(email);
    const owners = await store.query('agents', 'byEmail', { from: email, before: `${email}\u0000`, limit: 100 });
    const former = new Set(owners.map(({ ownerId }) => ownerId).filter(Boolean));
    for (const ownerId of former) {
      const user = await lookAt(ownerId, ctx, scope);
      if (user?.email === email) return;
    }
    const user = await identity.resolveUser(email, ctx).catch((error: unknown) => forgetLook(email, error));
    if (user && !former.has(user.id)) await lookAt(user.id, ctx, scope);
  }

  return async function look(userKey: string, ctx: Ctx, scope: Scope = {}): Promise<void> {
    if (!userKey.includes('@')) return void (await lookAt(userKey, ctx, scope));
    try {
      await lookAtAddress(userKey, ctx, scope);
    } catch (error) {
      // An address outside the company, as a guest's in a group is: Google says `forbidden`, and will say so for ever.
      if (!(error instanceof PlaneError) || error.code !== 'forbidden') throw error;
      ctx.log.warn(`cannot look at ${userKey}: the directory does not show this address; it is left alone`);
    }
  };
}
