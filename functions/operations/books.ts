import type { ChangeDeps } from '../core/agents.ts';
import { append, planeChain, readHead } from '../core/audit.ts';
import type { Actor, OperationAgentRecord, OperationRecord, OperationRing } from '../core/records.ts';
import { makeDue } from '../core/schedule.ts';
import type { Json } from '../core/surroundings.ts';
import { waitingOf } from './rings.ts';

export const operationKey = (id: string): string => `operation/${id}`;
export const agentRowId = (operationId: string, agentId: string): string => `${operationId}/${agentId}`;
export const listId = (operationId: string, ring: number, chunk: number): string => `${operationId}/${ring}/${chunk}`;

export type AgentState = OperationAgentRecord['state'];

/** Moves one agent of a ring from one state to another in the counts; those that wait have no count of their own. */
export function recount(operation: OperationRecord, ring: number, from: AgentState, to: AgentState): OperationRecord {
  const moved = (held: OperationRing): OperationRing => {
    const counts = { ...held };
    if (from !== 'waiting') counts[from] -= 1;
    if (to !== 'waiting') counts[to] += 1;
    return counts;
  };
  return { ...operation, rings: operation.rings.map((held, at) => (at === ring ? moved(held) : held)) };
}

export interface Decided {
  readonly next: OperationRecord;
  readonly agents?: readonly OperationAgentRecord[];
  /** On the plane's chain, with how the operation stands. */
  readonly row?: { readonly actor: Actor; readonly action: `operation.${string}`; readonly detail?: { readonly [key: string]: Json } };
  /** Has it run at once. */
  readonly wake?: boolean;
}

/** For the audit: how the operation stands as a whole. */
export function standing({ rings, ring }: OperationRecord): { readonly [key: string]: Json } {
  const sum = (of: (each: OperationRing) => number): number => rings.reduce((total, each) => total + of(each), 0);
  return {
    ring: rings[ring]?.name ?? '',
    total: sum(({ total }) => total),
    waiting: sum(waitingOf),
    running: sum((each) => each.running + each.undoing),
    done: sum((each) => each.done),
    failed: sum((each) => each.failed + each.stuck),
    skipped: sum((each) => each.skipped),
    rolledBack: sum((each) => each.rolledBack),
  };
}

/**
 * The one way in which an operation changes: itself, the agents that moved and its audit row in one transaction. So its counts are
 * always right, and of two processes that mean to begin the same agent one finds that it has begun.
 */
export function createBooks({ store, clock, hashing, wake }: ChangeDeps) {
  async function change(
    id: string,
    agentIds: readonly string[],
    decide: (operation: OperationRecord, agents: ReadonlyMap<string, OperationAgentRecord>) => Decided | undefined,
  ): Promise<OperationRecord | undefined> {
    const key = operationKey(id);
    const outcome = await store.transact(async (tx) => {
      const operation = await tx.get('operations', id);
      if (!operation) return undefined;
      const found = await Promise.all(agentIds.map((agentId) => tx.get('operationAgents', agentRowId(id, agentId))));
      const decided = decide(operation, new Map(found.flatMap((row) => (row ? [[row.agentId, row] as const] : []))));
      if (!decided) return { operation, woken: false };
      const { next, agents = [], row, wake: woken = false } = decided;
      const head = row && (await readHead(tx, planeChain(next.planeId)));
      const due = woken ? await tx.get('schedule', key) : undefined;
      const now = clock.now();
      tx.set('operations', id, next);
      for (const agent of agents) tx.set('operationAgents', agentRowId(id, agent.agentId), agent);
      const changes = next.state === operation.state ? {} : { changes: [{ field: 'state', from: operation.state, to: next.state }] };
      if (row && head)
        append(tx, head, [{ at: now, target: id, ...row, detail: { ...changes, ...standing(next), ...row.detail } }], hashing);
      if (woken) makeDue(tx, key, due, now);
      return { operation: next, woken };
    });
    if (outcome?.woken) wake.wake(key);
    return outcome?.operation;
  }

  const agentsIn = (id: string, state: AgentState, ring: number, limit: number) =>
    store.query('operationAgents', 'byState', { equals: [id, state, ring], limit });

  return { change, agentsIn };
}
export type Books = ReturnType<typeof createBooks>;
