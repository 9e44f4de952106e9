import type { ChangeDeps } from '../core/agents.ts';
import { append, planeChain, readHead } from '../core/audit.ts';
import { PlaneError } from '../core/errors.ts';
import type { Actor, ApprovalRecord, HoldRecord } from '../core/records.ts';
import { makeDue, reviewKey } from '../core/schedule.ts';
import type { Reads, Transaction } from '../core/store.ts';
import type { Flip } from './flips.ts';

/** One look at the whole directory may create or remove so many agents through policy without asking, unless it is told otherwise. */
export const mostUnasked = 25;

/** How many holds one transaction releases. */
const batch = 100;

/** Whether policy's wish for an agent waits for an admin, or was refused by one. */
export async function isHeld(tx: Reads, agentId: string, to: HoldRecord['to']): Promise<boolean> {
  const hold = await tx.get('holds', agentId);
  if (hold?.to !== to) return false;
  const approval = await tx.get('approvals', hold.approvalId);
  return approval?.state === 'waiting' || approval?.state === 'denied';
}

/** Ends every hold of an approval and looks at the users of those seen since a time again; safe to repeat. */
export async function releaseHolds(approvalId: string, { store, clock, wake }: ChangeDeps, seenSince = -Infinity): Promise<number> {
  let released = 0;
  for (;;) {
    const holds = await store.query('holds', 'byApproval', { equals: [approvalId], limit: batch });
    const keys = holds.filter(({ seenAt }) => seenAt >= seenSince).map(({ userId }) => reviewKey(userId));
    await store.transact(async (tx) => {
      const due = await Promise.all(keys.map((key) => tx.get('schedule', key)));
      for (const { agentId } of holds) tx.delete('holds', agentId);
      keys.forEach((key, at) => makeDue(tx, key, due[at], clock.now()));
    });
    for (const key of keys) wake.wake(key);
    released += holds.length;
    if (holds.length < batch) return released;
  }
}

/** Writes an approval with its audit row in the caller's transaction; call it after all reads. */
function settle(
  tx: Transaction,
  head: Awaited<ReturnType<typeof readHead>>,
  from: ApprovalRecord['state'],
  approval: ApprovalRecord,
  actor: Actor,
  deps: ChangeDeps,
): void {
  const { id, state, creates, removes, reason } = approval;
  tx.set('approvals', id, approval);
  const detail = { changes: [{ field: 'state', from, to: state }], creates, removes, ...(reason === undefined ? {} : { reason }) };
  append(tx, head, [{ at: deps.clock.now(), actor, action: `approval.${state}`, target: id, detail }], deps.hashing);
}

/** Moves an approval on, unless somebody has already; answers what it is now. */
export async function moveApproval(
  id: string,
  from: ApprovalRecord['state'],
  change: Partial<ApprovalRecord> & Pick<ApprovalRecord, 'state'>,
  actor: Actor,
  deps: ChangeDeps,
): Promise<ApprovalRecord | undefined> {
  return deps.store.transact(async (tx) => {
    const approval = await tx.get('approvals', id);
    if (approval?.state !== from) return approval;
    const head = await readHead(tx, planeChain(approval.planeId));
    const next = { ...approval, ...change };
    settle(tx, head, from, next, actor, deps);
    return next;
  });
}

/** Names the approval that stands for a plan which was applied. */
export const planApprovalId = (planeId: string, planId: string): string => `${planeId}.plan.${planId}`;

/**
 * What a plan that an admin applied may create and remove unasked, written in the transaction that applies it: the guard of
 * walks lets exactly these pass. Firestore takes 10 MiB in one transaction, which is about 20,000 of them.
 */
export function approveFlips(
  tx: Pick<Transaction, 'set'>,
  { planeId, planId, flips, by, at }: { planeId: string; planId: string; flips: readonly Flip[]; by: string; at: number },
): void {
  if (flips.length === 0) return;
  const id = planApprovalId(planeId, planId);
  const creates = flips.filter(({ to }) => to === 'running').length;
  const counts = { creates, removes: flips.length - creates };
  tx.set('approvals', id, {
    id,
    planeId,
    state: 'approved',
    ...counts,
    askedAt: at,
    decidedAt: at,
    decidedBy: by,
    reason: `plan ${planId}`,
  });
  for (const flip of flips) tx.set('holds', flip.agentId, { ...flip, approvalId: id, seenAt: at });
}

/** An admin's word on agents that wait: approved, all are looked at again; denied, they stay as they are until policy changes. */
export async function decideApproval(
  planeId: string,
  id: string,
  decision: 'approve' | 'deny',
  actor: Actor,
  reason: string | undefined,
  deps: ChangeDeps,
  /** Where the decision itself commits; what follows from it may be repeated. */
  within = deps.store,
): Promise<ApprovalRecord> {
  const found = await deps.store.get('approvals', id);
  if (found?.planeId !== planeId || found.state === 'counting') {
    throw new PlaneError('notFound', `cannot find approval ${id} in plane ${planeId}; GET /v1/planes/${planeId}/approvals lists them`);
  }
  const state = decision === 'approve' ? 'approved' : 'denied';
  // Who denied may think again; what was approved is done.
  const from = found.state === 'denied' && decision === 'approve' ? 'denied' : 'waiting';
  const decided = { state, decidedAt: deps.clock.now(), decidedBy: actor.id, ...(reason === undefined ? {} : { reason }) } as const;
  const approval = await moveApproval(id, from, decided, actor, { ...deps, store: within });
  if (approval?.state !== state) {
    throw new PlaneError('conflict', `cannot ${decision} ${id}: it is ${approval?.state ?? 'gone'} already; look at it again`);
  }
  if (state === 'approved') await releaseHolds(id, deps);
  return approval;
}
