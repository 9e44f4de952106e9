import type { ChangeDeps } from '../core/agents.ts';
import { moveAssignment } from '../core/assignments.ts';
import { agentChain, append, readHead } from '../core/audit.ts';
import { PlaneError } from '../core/errors.ts';
import type { Actor, CapabilityRequestRecord } from '../core/records.ts';
import { makeDue, reviewKey } from '../core/schedule.ts';

/**
 * An admin's word on what an agent asked for on its owner's behalf. Approved, it becomes a grant of that user's and is looked at
 * at once; limits of policy still hold. Either way the agent is told.
 */
export async function decideRequest(
  planeId: string,
  id: string,
  decision: 'approve' | 'deny',
  actor: Actor,
  reason: string | undefined,
  { store, clock, hashing, wake }: ChangeDeps,
): Promise<CapabilityRequestRecord> {
  const decided = await store.transact(async (tx) => {
    const request = await tx.get('requests', id);
    if (request?.planeId !== planeId) {
      throw new PlaneError('notFound', `cannot find request ${id} in plane ${planeId}; GET /v1/planes/${planeId}/requests lists them`);
    }
    if (request.state !== 'waiting') {
      throw new PlaneError('conflict', `cannot ${decision} ${id}: it was ${request.state} by ${request.decidedBy ?? 'somebody'} already`);
    }
    const key = reviewKey(request.ownerId);
    const assignment = await tx.get('assignments', request.agentId);
    const [head, due] = [await readHead(tx, agentChain(request.agentId)), await tx.get('schedule', key)];
    const now = clock.now();
    const state = decision === 'approve' ? 'approved' : 'denied';
    const next: CapabilityRequestRecord = {
      ...{ ...request, state, decidedAt: now, decidedBy: actor.id },
      ...(reason === undefined ? {} : { reason }),
    };
    const { tools, channels, ownerId } = request;
    tx.set('requests', id, next);
    if (state === 'approved') tx.set('grants', id, { id, planeId, ownerId, tools, channels, grantedBy: actor.id, grantedAt: now });
    const granted = { tools: [...tools], channels: [...channels] };
    const changes = [
      { field: 'state', from: request.state, to: state },
      ...(state === 'approved' ? [{ field: 'grant', from: null, to: granted }] : []),
    ];
    const detail = { changes, ...granted, ...(reason === undefined ? {} : { reason }) };
    append(tx, head, [{ at: now, actor, action: `request.${state}`, target: id, detail }], hashing);
    makeDue(tx, key, due, now);
    moveAssignment(tx, request.agentId, assignment, now);
    return next;
  });
  wake.wake(reviewKey(decided.ownerId));
  return decided;
}
