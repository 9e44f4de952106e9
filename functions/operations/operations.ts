import type { OperationWork } from '../../shared/contract-operations.ts';
import type { Selection } from '../../shared/views-fleet.ts';
import type { ChangeDeps } from '../core/agents.ts';
import { append, planeChain, readHead } from '../core/audit.ts';
import { PlaneError } from '../core/errors.ts';
import type { Actor, AgentRecord, OperationListRecord, OperationRecord } from '../core/records.ts';
import { makeDue } from '../core/schedule.ts';
import type { Json } from '../core/surroundings.ts';
import { createBooks, listId, operationKey, standing } from './books.ts';
import { emptyRing, partRings, type Ring, type RingWish } from './rings.ts';

export interface OperationsDeps extends ChangeDeps {
  /** A random text of 128 bits or more. */
  readonly random: () => string;
}

export interface Wanted {
  readonly planeId: string;
  readonly kind: OperationWork['kind'] | 'removePlane';
  readonly args: Readonly<Record<string, string>>;
  readonly select: Selection;
  readonly concurrency: number;
  readonly maxFailurePercent: number;
  readonly rings: readonly RingWish[];
}

/** So many ids are in one document of a list. */
export const listChunk = 500;
/** One transaction writes all lists of an operation. */
const mostAgents = 200_000;

const plain = (selection: Selection): Json => JSON.parse(JSON.stringify(selection)) as Json;

function toLists(operationId: string, rings: readonly Ring[]): readonly OperationListRecord[] {
  return rings.flatMap(({ agentIds }, ring) =>
    Array.from({ length: Math.ceil(agentIds.length / listChunk) }, (_, chunk) => ({
      ...{ operationId, ring, chunk },
      agentIds: agentIds.slice(chunk * listChunk, (chunk + 1) * listChunk),
    })),
  );
}

/** Where operations come from and what people decide of them; `createOperationRunner` brings them on. */
export function createOperations(deps: OperationsDeps) {
  const { store, clock, hashing, wake, random } = deps;
  const books = createBooks(deps);

  /** An operation as it would begin, and its rings. Changes nothing. */
  function plan(
    agents: readonly AgentRecord[],
    wanted: Wanted,
    by: Actor,
    id: string,
  ): { operation: OperationRecord; rings: readonly Ring[] } {
    const { planeId, kind, args, concurrency, maxFailurePercent } = wanted;
    if (agents.length > mostAgents)
      throw new PlaneError('invalid', `cannot begin work on ${agents.length} agents: ${mostAgents} are the most; select fewer`);
    const rings = partRings(agents, wanted.rings);
    const counts = rings.map(({ name, agentIds }) => emptyRing(name, agentIds.length));
    const terms = { concurrency, maxFailurePercent, rings: counts, ring: 0, askedAt: clock.now() };
    return { operation: { id, planeId, kind, args, state: 'running', by, ...terms }, rings };
  }

  /** Stores an operation with the list of its agents, and has it begin. */
  async function create(agents: readonly AgentRecord[], wanted: Wanted, by: Actor): Promise<OperationRecord> {
    const { operation, rings } = plan(agents, wanted, by, `op-${random()}`);
    const { id, planeId, kind, args, concurrency, maxFailurePercent } = operation;
    const key = operationKey(id);
    const begun = await store.transact(async (tx) => {
      const [head, due] = [await readHead(tx, planeChain(planeId)), await tx.get('schedule', key)];
      tx.set('operations', id, operation);
      for (const list of toLists(id, rings)) tx.set('operationLists', listId(id, list.ring, list.chunk), list);
      const changes = [{ field: 'state', from: null, to: operation.state }];
      const detail = { changes, ...standing(operation), kind, args, select: plain(wanted.select), concurrency, maxFailurePercent };
      append(tx, head, [{ at: operation.askedAt, actor: by, action: 'operation.begin', target: id, detail }], hashing);
      makeDue(tx, key, due, operation.askedAt);
      return operation;
    });
    wake.wake(key);
    return begun;
  }

  async function find(planeId: string, id: string): Promise<OperationRecord> {
    const operation = await store.get('operations', id);
    if (operation?.planeId === planeId) return operation;
    throw new PlaneError('notFound', `cannot find operation ${id} in plane ${planeId}; GET /v1/planes/${planeId}/operations lists them`);
  }

  const refuse = (verb: string, { id, kind, state }: OperationRecord, remedy: string): PlaneError =>
    new PlaneError(
      'conflict',
      `cannot ${verb} operation ${id}: it is ${kind === 'removePlane' ? 'the end of the plane' : state}; ${remedy}`,
    );

  /** Begins no more agents; those that have begun go on. */
  async function cancel(planeId: string, id: string, by: Actor): Promise<OperationRecord> {
    await find(planeId, id);
    const after = await books.change(id, [], (current) => {
      if (current.state === 'cancelled') return undefined;
      if (current.state !== 'running' || current.kind === 'removePlane') throw refuse('cancel', current, 'there is nothing to hold back');
      const { retrying: _retrying, ...held } = current;
      return { next: { ...held, state: 'cancelled' }, row: { actor: by, action: 'operation.cancel' }, wake: true };
    });
    return after ?? find(planeId, id);
  }

  /** Goes on with what was halted, cancelled or came to its end with failures, and tries those again. */
  async function resume(planeId: string, id: string, by: Actor): Promise<OperationRecord> {
    await find(planeId, id);
    const after = await books.change(id, [], (current) => {
      const { state, rings } = current;
      if (state === 'running') return undefined;
      const reversed = rings.some(({ undoing, rolledBack, stuck }) => undoing + rolledBack + stuck > 0);
      const failures = rings.some((ring) => ring.failed > 0);
      if (reversed || state === 'rollingBack' || state === 'rolledBack' || (state === 'done' && !failures))
        throw refuse('resume', current, 'begin another one');
      const { endedAt: _endedAt, ...held } = current;
      return { next: { ...held, state: 'running', retrying: true }, row: { actor: by, action: 'operation.resume' }, wake: true };
    });
    return after ?? find(planeId, id);
  }

  return { plan, create, find, cancel, resume };
}
export type Operations = ReturnType<typeof createOperations>;
