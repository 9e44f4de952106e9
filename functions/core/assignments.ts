import type { AssignmentRecord } from './records.ts';
import type { Transaction } from './store.ts';

/**
 * Says inside the caller's transaction that it changes what an agent's machine is told: its record, joins, introduction or
 * waiting messages. `row` was read among the transaction's reads.
 */
export function moveAssignment(tx: Transaction, agentId: string, row: AssignmentRecord | undefined, now: number): void {
  // From the time on, so that a row that was deleted and comes back is never taken for the one before.
  tx.set('assignments', agentId, { agentId, stamp: Math.max((row?.stamp ?? 0) + 1, now) });
}
