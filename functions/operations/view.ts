import type { z } from 'zod';
import type { agentWorkViewSchema, OperationView } from '../../shared/views-fleet.ts';
import type { OperationAgentRecord, OperationRecord, OperationRing } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import { agentRowId, listId } from './books.ts';
import { listChunk } from './operations.ts';
import { waitingOf } from './rings.ts';

export type AgentWorkView = z.infer<typeof agentWorkViewSchema>;

const mostFailures = 20;

const words = {
  restart: 'restarted',
  pause: 'paused',
  resume: 'resumed',
  rotateSecrets: 'have new secrets',
  backup: 'backed up',
  reprovision: 'reprovisioned',
  upgrade: 'upgraded',
  removePlane: 'removed',
} as const satisfies Record<OperationRecord['kind'], string>;

const time = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

const sum = ({ rings }: OperationRecord, of: (ring: OperationRing) => number): number => rings.reduce((all, ring) => all + of(ring), 0);
const failedOf = ({ failed, stuck }: OperationRing): number => failed + stuck;

function toSentence(operation: OperationRecord): string {
  const { kind, state, rings, ring } = operation;
  const parts = [`${sum(operation, ({ done }) => done)} of ${sum(operation, ({ total }) => total)} ${words[kind]}`];
  const counts = [
    [sum(operation, failedOf), 'failed'],
    [sum(operation, ({ skipped }) => skipped), 'skipped'],
    [sum(operation, ({ rolledBack }) => rolledBack), 'rolled back'],
  ] as const;
  for (const [count, what] of counts) if (count > 0) parts.push(`${count} ${what}`);
  const at = rings.length > 1 ? ` in ring ${ring + 1} of ${rings.length} (${rings[ring]?.name ?? ''})` : '';
  const ends = { halted: `halted${at}`, rollingBack: `rolling back${at}`, rolledBack: `ended${at}`, failed: `failed${at}` } as const;
  if (state === 'cancelled') parts.push('cancelled');
  else if (state === 'running' && at !== '') parts.push(`at work${at}`);
  else if (state !== 'running' && state !== 'done') parts.push(ends[state]);
  return parts.join(', ');
}

const verbs = {
  restart: 'restart',
  pause: 'pause',
  resume: 'resume',
  rotateSecrets: 'make new secrets for',
  backup: 'back up',
  reprovision: 'reprovision',
  upgrade: 'upgrade',
  removePlane: 'remove',
} as const satisfies Record<OperationRecord['kind'], string>;

/** What an operation that was not begun would do. */
export function toDryRunView(operation: OperationRecord): OperationView {
  const { kind, rings } = operation;
  const parts = rings.length > 1 ? `: ${rings.map(({ name, total }) => `${total} in ${name}`).join(', ')}` : '';
  const agents = sum(operation, ({ total }) => total);
  return { ...toOperationView(operation), sentence: `would ${verbs[kind]} ${agents} agent${agents === 1 ? '' : 's'}${parts}` };
}

/** What somebody sees of an operation, without asking for its failures. */
export function toOperationView(operation: OperationRecord, failures: OperationView['failures'] = []): OperationView {
  const { id, planeId, kind, args, state, by, askedAt, endedAt, ring, rings } = operation;
  return {
    ...{ id, planeId, kind, args: { ...args }, state, by: by.id, startedAt: new Date(askedAt).toISOString(), endedAt: time(endedAt) },
    total: sum(operation, ({ total }) => total),
    waiting: sum(operation, waitingOf),
    running: sum(operation, ({ running, undoing }) => running + undoing),
    done: sum(operation, ({ done }) => done),
    failed: sum(operation, failedOf),
    skipped: sum(operation, ({ skipped }) => skipped),
    ring,
    rings: rings.map((each) => ({ name: each.name, total: each.total, done: each.done, failed: failedOf(each) })),
    sentence: toSentence(operation),
    failures,
  };
}

const shownState = (state: OperationAgentRecord['state']): AgentWorkView['state'] =>
  state === 'undoing' ? 'running' : state === 'stuck' ? 'failed' : state;

export async function readOperationView(operation: OperationRecord, store: Store): Promise<OperationView> {
  const failures: OperationView['failures'] = [];
  for (const [ring, counts] of operation.rings.entries()) {
    for (const state of ['failed', 'stuck'] as const) {
      if (counts[state] === 0 || failures.length >= mostFailures) continue;
      const limit = mostFailures - failures.length;
      const rows = await store.query('operationAgents', 'byState', { equals: [operation.id, state, ring], limit });
      failures.push(...rows.map(({ agentId, ownerEmail, message = '' }) => ({ agentId, ownerEmail, message })));
    }
  }
  return toOperationView(operation, failures);
}

/** A page of an operation's agents in the order in which they begin; the cursor is how many came before. */
export async function readAgentsView(
  operation: OperationRecord,
  { cursor = '0', limit }: { readonly cursor?: string | undefined; readonly limit: number },
  store: Store,
): Promise<{ readonly agents: AgentWorkView[]; readonly next: string | null }> {
  const from = Number(cursor);
  const ids: { readonly agentId: string; readonly ring: number }[] = [];
  let before = 0;
  for (const [ring, { total }] of operation.rings.entries()) {
    const [first, end] = [Math.max(from - before, 0), Math.min(from + limit - before, total)];
    before += total;
    for (let chunk = Math.floor(first / listChunk); chunk * listChunk < end; chunk += 1) {
      const list = (await store.get('operationLists', listId(operation.id, ring, chunk)))?.agentIds ?? [];
      const inside = list.slice(Math.max(first - chunk * listChunk, 0), end - chunk * listChunk);
      ids.push(...inside.map((agentId) => ({ agentId, ring })));
    }
  }
  const agents = ids.map(async ({ agentId, ring }): Promise<AgentWorkView> => {
    const row = await store.get('operationAgents', agentRowId(operation.id, agentId));
    if (!row || row.state === 'waiting') {
      const { ownerEmail = '' } = row ?? (await store.get('agents', agentId)) ?? {};
      return { agentId, ownerEmail, ring, state: 'waiting', message: null, startedAt: null, endedAt: null };
    }
    const { ownerEmail, state, message = null, startedAt, endedAt } = row;
    return { agentId, ownerEmail, ring, state: shownState(state), message, startedAt: time(startedAt), endedAt: time(endedAt) };
  });
  return { agents: await Promise.all(agents), next: from + ids.length < before ? String(from + ids.length) : null };
}
