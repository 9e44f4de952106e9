import type { ChangeDeps } from '../core/agents.ts';
import type { Actor, ApprovalRecord, HoldRecord, WalkRecord } from '../core/records.ts';
import { lookKey, makeDue } from '../core/schedule.ts';
import type { Log } from '../core/surroundings.ts';
import type { Planes } from '../planes.ts';
import { moveApproval, mostUnasked as usually, planApprovalId, releaseHolds } from './approvals.ts';

/** An agent that policy alone, and no suspension, deletion or edit of its user's page, would create or remove. */
export interface Flip {
  readonly planeId: string;
  readonly agentId: string;
  readonly userId: string;
  readonly ownerEmail: string;
  readonly to: HoldRecord['to'];
}

export interface FlipsDeps extends ChangeDeps {
  readonly planes: Planes;
  readonly log: Log;
  /** How many agents one walk may create or remove through policy without asking. */
  readonly mostUnasked?: number;
}

const actor: Actor = { kind: 'plane', id: 'walk' };

const approvalIdOf = ({ name, startedAt }: WalkRecord, planeId: string): string => `${planeId}.${name}.${startedAt}`;

/**
 * Counts what a walk would create or remove through policy, and decides at its end: few go on, many wait for an admin. Until
 * then each is held under the walk's own approval, which keeps nothing else from acting on it.
 */
export function createFlips(deps: FlipsDeps) {
  const { store, clock, wake, log, planes, mostUnasked = usually } = deps;

  async function count(walk: WalkRecord, { planeId, agentId, userId, ownerEmail, to }: Flip): Promise<void> {
    const approvalId = approvalIdOf(walk, planeId);
    const key = lookKey(userId);
    const released = await store.transact(async (tx) => {
      const hold = await tx.get('holds', agentId);
      const state = hold?.to === to ? (await tx.get('approvals', hold.approvalId))?.state : undefined;
      const own = await tx.get('approvals', approvalId);
      const due = await tx.get('schedule', key);
      if (state === 'denied') return false;
      if (state === 'approved') {
        // A plan's word stands until a walk finds it done: the look may still be on its way when another walk comes by.
        if (hold?.approvalId.startsWith(planApprovalId(planeId, ''))) tx.set('holds', agentId, { ...hold, seenAt: clock.now() });
        else tx.delete('holds', agentId);
        makeDue(tx, key, due, clock.now());
        return true;
      }
      const kept = state === 'waiting' && hold ? hold.approvalId : approvalId;
      if (kept === approvalId && !own) {
        tx.set('approvals', approvalId, { id: approvalId, planeId, state: 'counting', creates: 0, removes: 0, askedAt: walk.startedAt });
      }
      tx.set('holds', agentId, { agentId, planeId, approvalId: kept, userId, ownerEmail, to, seenAt: clock.now() });
      return false;
    });
    if (released) wake.wake(key);
  }

  /** An agent that a walk could not judge, because its owner was not where it looked, goes on waiting for an admin if it does. */
  async function keep(agentId: string): Promise<void> {
    await store.transact(async (tx) => {
      const hold = await tx.get('holds', agentId);
      if (hold && (await tx.get('approvals', hold.approvalId))?.state === 'waiting')
        tx.set('holds', agentId, { ...hold, seenAt: clock.now() });
    });
  }

  async function* holdsOf(approvalId: string): AsyncIterable<HoldRecord> {
    let from = '';
    for (;;) {
      const holds = await store.query('holds', 'byApproval', { equals: [approvalId], from, limit: 500 });
      yield* holds;
      const last = holds.at(-1);
      if (holds.length < 500 || !last) return;
      from = `${last.agentId}\u0000`;
    }
  }

  async function tally(approvalId: string, since = -Infinity): Promise<Pick<ApprovalRecord, 'creates' | 'removes'>> {
    let [creates, removes] = [0, 0];
    for await (const { to, seenAt } of holdsOf(approvalId)) {
      if (seenAt < since) continue;
      if (to === 'running') creates += 1;
      else removes += 1;
    }
    return { creates, removes };
  }

  /** Gives up what a walk has counted so far: the walk after it counts anew. */
  async function forgetApproval(id: string): Promise<void> {
    await forgetHolds(id);
    await store.transact(async (tx) => void tx.delete('approvals', id));
  }

  async function forgetHolds(id: string, seenBefore = Infinity): Promise<void> {
    for await (const { agentId, seenAt } of holdsOf(id)) {
      if (seenAt >= seenBefore) continue;
      await store.transact(async (tx) => {
        if ((await tx.get('holds', agentId))?.approvalId === id) tx.delete('holds', agentId);
      });
    }
  }

  /** Counting approvals of this walk's former runs, which died or were begun anew. */
  async function forgetFormer(walk: WalkRecord): Promise<void> {
    for (const { metadata } of planes.all()) {
      const prefix = `${metadata.name}.${walk.name}.`;
      const counting = await store.query('approvals', 'byState', { equals: [metadata.name, 'counting'], limit: 100 });
      const former = counting.filter(({ id }) => id.startsWith(prefix) && id !== approvalIdOf(walk, metadata.name));
      for (const { id } of former) await forgetApproval(id);
    }
  }

  /** What a plan was allowed to do and this walk, which began after it, did not find to do is asked for again when it comes up. */
  async function forgetPlan(planeId: string, walk: WalkRecord): Promise<void> {
    const approved = await store.query('approvals', 'byState', { equals: [planeId, 'approved'], reverse: true, limit: 10 });
    const plans = approved.filter(({ id, askedAt }) => id.startsWith(planApprovalId(planeId, '')) && askedAt < walk.startedAt);
    for (const { id } of plans) await forgetHolds(id, walk.startedAt);
  }

  /** False when somebody decided on the waiting ones meanwhile: what is new then waits by itself. */
  async function addTo(waiting: ApprovalRecord, own: string): Promise<boolean> {
    for await (const hold of holdsOf(own)) {
      const moved = await store.transact(async (tx) => {
        if ((await tx.get('approvals', waiting.id))?.state !== 'waiting') return false;
        tx.set('holds', hold.agentId, { ...hold, approvalId: waiting.id });
        return true;
      });
      if (!moved) return false;
    }
    const counts = await tally(waiting.id);
    await moveApproval(waiting.id, 'waiting', { state: 'waiting', ...counts }, actor, deps);
    await forgetApproval(own);
    return true;
  }

  /** Two walks may share what one change of policy would do: neither acts on its part of too many. */
  async function countElsewhere(planeId: string, own: string): Promise<number> {
    let count = 0;
    for (const { id } of await store.query('approvals', 'byState', { equals: [planeId, 'counting'], limit: 100 })) {
      if (id === own) continue;
      const { creates, removes } = await tally(id);
      count += creates + removes;
    }
    return count;
  }

  async function decideFor(planeId: string, walk: WalkRecord): Promise<void> {
    const own = approvalIdOf(walk, planeId);
    const [waiting] = await store.query('approvals', 'byState', { equals: [planeId, 'waiting'], limit: 1 });
    const found = await tally(own);
    // What another walk has seen since is wanted all the same: this one may have gone past it before policy changed.
    const kept = waiting ? await tally(waiting.id, walk.startedAt) : { creates: 0, removes: 0 };
    const fresh = found.creates + found.removes;
    const elsewhere = await countElsewhere(planeId, own);
    if (fresh + kept.creates + kept.removes + elsewhere <= mostUnasked) {
      const withdrawn = { state: 'withdrawn', decidedAt: clock.now(), reason: 'few enough to go on unasked' } as const;
      const moved = waiting && (await moveApproval(waiting.id, 'waiting', withdrawn, actor, deps));
      // Somebody decided meanwhile: their word stands. What is new is counted again.
      if (moved && moved.state !== 'withdrawn') return forgetApproval(own);
      // A listing may be older than what waits: only what this walk has seen is looked at for it.
      if (waiting) await releaseHolds(waiting.id, deps, walk.startedAt);
      await releaseHolds(own, deps);
      await store.transact(async (tx) => void tx.delete('approvals', own));
      return;
    }
    if (fresh === 0) return;
    if (waiting && (await addTo(waiting, own))) return;
    const left = waiting ? await tally(own) : found;
    await moveApproval(own, 'counting', { state: 'waiting', ...left, askedAt: clock.now() }, actor, deps);
    log.warn(
      `plane ${planeId}: policy would create ${left.creates} and remove ${left.removes} agents at once; an admin decides: planes approvals`,
    );
  }

  return {
    count,
    keep,
    /** At the end of a walk. */
    async decide(walk: WalkRecord): Promise<void> {
      await forgetFormer(walk);
      for (const { metadata } of planes.active()) {
        await decideFor(metadata.name, walk);
        await forgetPlan(metadata.name, walk);
      }
    },
  };
}
