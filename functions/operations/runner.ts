import type { ChangeDeps } from '../core/agents.ts';
import { errorTable, PlaneError, toMessage } from '../core/errors.ts';
import type { Actor, OperationAgentRecord, OperationRecord } from '../core/records.ts';
import type { Handler } from '../core/schedule.ts';
import type { Log } from '../core/surroundings.ts';
import { advance } from './advance.ts';
import { createBooks, listId, recount, type AgentState } from './books.ts';
import { listChunk } from './operations.ts';
import { waitingOf } from './rings.ts';
import { failed, running, skipped, type Outcome, type Work } from './work.ts';

/** A kind is absent where this deployment cannot do it. */
export type Works = { readonly [K in OperationRecord['kind']]?: Work | undefined };

export interface RunnerDeps extends ChangeDeps {
  readonly log: Log;
  readonly works: Works;
}

/** How soon agents that are at work are looked at again, in milliseconds. */
const pollMs = 1_000;
/** How many agents are looked at side by side, and how many one transaction moves. */
const sideBySide = 20;
const mostMoved = 50;
/** No operation has more at work at once. */
const mostAtWork = 500;

const isGone: Outcome = skipped('it was removed meanwhile');

const atWork = ({ rings }: OperationRecord): number => rings.reduce((sum, ring) => sum + ring.running + ring.undoing, 0);

function* inPortions<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}

/**
 * Brings an operation on: looks at the agents at work, decides by how they came out, begins others in their place. Everything it knows
 * is in the store after each step, so whoever runs it next goes on from there, and two that run it at once do nothing twice.
 */
export function createOperationRunner(deps: RunnerDeps): Handler {
  const { store, clock, log, works } = deps;
  const books = createBooks(deps);

  /** What became of an agent's work, and the state it is in by that. */
  async function lookAt(operation: OperationRecord, row: OperationAgentRecord): Promise<Outcome> {
    const work = works[operation.kind];
    const agent = await store.get('agents', row.agentId);
    if (!work) return failed(`nothing here can do it any more`);
    if (!agent || (agent.desired === 'removed' && !work.outlives)) return isGone;
    const by: Actor = { ...operation.by, via: `operation/${operation.id}` };
    const claim = { before: row.before, startedAt: row.startedAt, args: operation.args };
    let trouble = '';
    try {
      const back = row.state === 'undoing';
      const outcome = await (back ? work.undo?.(agent, claim, row.former ?? '', by) : work.look(agent, claim, by));
      if (outcome && outcome.state !== 'running') return outcome;
    } catch (error) {
      if (error instanceof PlaneError && error.code === 'conflict') return skipped(error.message);
      if (error instanceof PlaneError && !errorTable[error.code].retry) return failed(error.message);
      trouble = `: ${toMessage(error)}`;
      log.warn(`cannot bring agent ${row.agentId} on in operation ${operation.id}${trouble}; it is tried again`);
    }
    const { patienceMs } = work;
    return clock.now() - row.startedAt > patienceMs ? failed(`it was not done after ${patienceMs / 60_000} minutes${trouble}`) : running;
  }

  function stateAfter({ state }: OperationAgentRecord, outcome: Outcome): AgentState {
    if (state !== 'undoing') return outcome.state;
    if (outcome.state === 'done') return 'rolledBack';
    return outcome === isGone ? 'skipped' : outcome.state === 'running' ? 'undoing' : 'stuck';
  }

  /** Looks at these agents and writes down what is over. */
  async function settle(operation: OperationRecord, rows: readonly OperationAgentRecord[]): Promise<void> {
    for (const portion of inPortions(rows, sideBySide)) {
      const seen = await Promise.all(portion.map(async (row) => [row, await lookAt(operation, row)] as const));
      const over = seen.filter(([row, outcome]) => stateAfter(row, outcome) !== row.state);
      if (over.length === 0) continue;
      const ids = over.map(([{ agentId }]) => agentId);
      await books.change(operation.id, ids, (current, held) => {
        const moved = over.flatMap(([row, outcome]) => {
          const now = held.get(row.agentId);
          if (now?.state !== row.state || now.startedAt !== row.startedAt) return [];
          const message = 'message' in outcome ? { message: outcome.message.slice(0, 500) } : {};
          return [{ from: row.state, row: { ...now, state: stateAfter(row, outcome), ...message, endedAt: clock.now() } }];
        });
        if (moved.length === 0) return undefined;
        const next = moved.reduce((sum, { from, row }) => recount(sum, row.ring, from, row.state), current);
        return { next, agents: moved.map(({ row }) => row) };
      });
    }
  }

  async function listed(id: string, ring: number, from: number, count: number): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let chunk = Math.floor(from / listChunk); chunk * listChunk < from + count; chunk += 1)
      ids.push(...((await store.get('operationLists', listId(id, ring, chunk)))?.agentIds ?? []));
    const first = Math.floor(from / listChunk) * listChunk;
    return ids.slice(from - first, from - first + count);
  }

  /** What an agent's row says as it begins. */
  async function toRow(
    operation: OperationRecord,
    agentId: string,
    state: 'running' | 'undoing',
    former?: string,
  ): Promise<OperationAgentRecord> {
    const work = works[operation.kind];
    const agent = await store.get('agents', agentId);
    const before = (agent && (await work?.before(agent))) ?? '';
    const back = former ?? (agent && (await work?.former?.(agent)));
    return {
      ...{ operationId: operation.id, agentId, ownerEmail: agent?.ownerEmail ?? '', ring: operation.ring, state, before },
      ...{ startedAt: clock.now(), ...(back === undefined ? {} : { former: back }) },
    };
  }

  /** Begins as many agents of the ring at work as there is room for, one portion of them; answers those it began. */
  async function claim(operation: OperationRecord): Promise<readonly OperationAgentRecord[]> {
    const { id, ring } = operation;
    const counts = operation.rings[ring];
    if (!counts || operation.endedAt !== undefined || operation.retrying) return [];
    const room = Math.min(operation.concurrency - atWork(operation), mostMoved);
    if (room <= 0) return [];
    if (operation.state === 'rollingBack')
      return counts.running > 0 ? [] : begin(operation, await books.agentsIn(id, 'done', ring, room), []);
    if (operation.state !== 'running') return [];
    const again = waitingOf(counts) - (counts.total - counts.next);
    const rows = again > 0 ? await books.agentsIn(id, 'waiting', ring, room) : [];
    const fresh = room > rows.length ? await listed(id, ring, counts.next, Math.min(room - rows.length, counts.total - counts.next)) : [];
    return begin(operation, rows, fresh);
  }

  async function begin(
    operation: OperationRecord,
    again: readonly OperationAgentRecord[],
    fresh: readonly string[],
  ): Promise<readonly OperationAgentRecord[]> {
    const { id, ring, state } = operation;
    const to = state === 'rollingBack' ? 'undoing' : 'running';
    const known = await Promise.all(again.map(async (row) => toRow(operation, row.agentId, to, row.former)));
    const unknown = await Promise.all(fresh.map(async (agentId) => toRow(operation, agentId, to)));
    const rows = [...known, ...unknown];
    if (rows.length === 0) return [];
    let begun = false;
    const ids = again.map(({ agentId }) => agentId);
    await books.change(id, ids, (current, held) => {
      const [counts, was] = [current.rings[ring], operation.rings[ring]];
      begun = current.state === state && current.ring === ring && !current.retrying && counts?.next === was?.next;
      begun &&= again.every((row) => held.get(row.agentId)?.state === row.state && held.get(row.agentId)?.startedAt === row.startedAt);
      begun &&= atWork(current) + rows.length <= current.concurrency;
      if (!begun) return undefined;
      const from = to === 'undoing' ? 'done' : 'waiting';
      const counted = rows.reduce((sum) => recount(sum, ring, from, to), current);
      const rings = counted.rings.map((each, at) => (at === ring ? { ...each, next: each.next + fresh.length } : each));
      return { next: { ...counted, rings }, agents: rows };
    });
    return begun ? rows : [];
  }

  /** Puts those that failed back among those that wait, once for each time the operation is resumed. */
  async function retry(operation: OperationRecord): Promise<void> {
    for (let ring = 0; ring < operation.rings.length; ring += 1) {
      for (;;) {
        const rows = await books.agentsIn(operation.id, 'failed', ring, mostMoved);
        if (rows.length === 0) break;
        const ids = rows.map(({ agentId }) => agentId);
        const after = await books.change(operation.id, ids, (current, held) => {
          const again = rows.filter(({ agentId }) => held.get(agentId)?.state === 'failed');
          if (!current.retrying || again.length === 0) return undefined;
          const next = again.reduce((sum) => recount(sum, ring, 'failed', 'waiting'), current);
          return { next, agents: again.map(({ endedAt: _endedAt, message: _message, ...row }) => ({ ...row, state: 'waiting' as const })) };
        });
        if (!after?.retrying) return;
      }
    }
    await books.change(operation.id, [], ({ retrying, ...current }) => {
      const first = current.rings.findIndex((each) => waitingOf(each) + each.running > 0);
      return retrying ? { next: { ...current, ring: first < 0 ? current.ring : first } } : undefined;
    });
  }

  const goOn = (id: string): Promise<OperationRecord | undefined> =>
    books.change(id, [], (current) => advance(current, { reversible: works[current.kind]?.undo !== undefined, now: clock.now() }));

  return async (id, signal) => {
    const found = await store.get('operations', id);
    if (!found || found.endedAt !== undefined) return undefined;
    if (found.retrying) await retry(found);
    const reads = found.rings.flatMap((counts, ring) =>
      (['running', 'undoing'] as const).flatMap((state) => (counts[state] > 0 ? [books.agentsIn(id, state, ring, mostAtWork)] : [])),
    );
    let rows: readonly OperationAgentRecord[] = (await Promise.all(reads)).flat();
    for (;;) {
      await settle(found, rows);
      const before = await goOn(id);
      if (!before || before.endedAt !== undefined) return undefined;
      if (signal.aborted) return 0;
      rows = await claim(before);
      if (rows.length === 0) return pollMs;
    }
  };
}
