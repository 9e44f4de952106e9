import type { AgentRecord, OperationRecord } from '../../functions/core/records.ts';
import type { Store } from '../../functions/core/store.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { createOperations, type Wanted } from '../../functions/operations/operations.ts';
import { createOperationRunner, type Works } from '../../functions/operations/runner.ts';
import { readAgentsView, readOperationView } from '../../functions/operations/view.ts';
import { done, failed, running, type Work } from '../../functions/operations/work.ts';
import { toAgent } from '../backup/world.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { createHandClock, createHeardLog } from '../wake/loopback.ts';

export const admin = { kind: 'user', id: 'admin@acme.test' } as const;
export const toId = (number: number): string => `a${String(number).padStart(15, 'b')}`;

interface Machine {
  version: string;
  /** How often each version was put on it. */
  readonly put: string[];
  readyAt: number;
}

/** Machines that take some seconds for an upgrade, which for some of them never comes out well. */
export function createMachines(clock: { now(): number }, store: Pick<Store, 'get'>, broken: ReadonlySet<string>, seconds = 3) {
  const machines = new Map<string, Machine>();
  const machineOf = (agentId: string): Machine => {
    const found = machines.get(agentId) ?? { version: '1', put: [], readyAt: 0 };
    machines.set(agentId, found);
    return found;
  };
  const tally = { most: 0 };
  async function put(agentId: string, version: string): Promise<void> {
    // As over a network: another process may come in between.
    await store.get('agents', agentId);
    const machine = machineOf(agentId);
    Object.assign(machine, { version, readyAt: clock.now() + seconds * 1_000 });
    machine.put.push(version);
    tally.most = Math.max(tally.most, [...machines.values()].filter(({ readyAt }) => readyAt > clock.now()).length);
  }
  async function look(agentId: string, before: string, version: string) {
    const machine = machineOf(agentId);
    if (String(machine.put.length) === before) {
      await put(agentId, version);
      return running;
    }
    if (machine.readyAt > clock.now()) return running;
    return broken.has(agentId) && machine.version !== '1' ? failed('the health gate did not pass') : done;
  }
  const oneWay: Work = {
    patienceMs: 60_000,
    before: async ({ agentId }) => String(machineOf(agentId).put.length),
    look: (agent, { before, args }) => look(agent.agentId, before, args['version'] ?? '2'),
  };
  const upgrade: Work = {
    ...oneWay,
    former: async ({ agentId }) => machineOf(agentId).version,
    undo: (agent, { before }, former) => look(agent.agentId, before, former),
  };
  return { machineOf, tally, works: { upgrade, backup: oneWay } satisfies Works };
}

export interface WorldOptions {
  readonly agents: number;
  readonly broken?: (number: number) => boolean;
  readonly ouOf?: (number: number) => string;
  readonly wrap?: (store: Store) => Store;
}

/** Operations over agents of which only the records exist, a store in memory and a clock that is moved by hand. */
export async function openWorld({ agents, broken = () => false, ouOf = () => '/', wrap = (each) => each }: WorldOptions) {
  const [store, clock, log] = [createMemoryStore(), createHandClock(), createHeardLog()];
  const numbers = Array.from({ length: agents }, (_, at) => at);
  const records = numbers.map((at): AgentRecord => {
    const id = toId(at);
    return toAgent(id, { ownerEmail: `u${at}@acme.test`, name: `agent ${at}`, ownerId: `o${at}`, ouPath: ouOf(at) });
  });
  for (const agent of records) await store.transact(async (tx) => tx.set('agents', agent.agentId, agent));
  const bad = new Set(numbers.filter(broken).map(toId));
  const machines = createMachines(clock, store, bad);
  let works: Works = machines.works;
  let ids = 0;
  /** What one process of the plane has. */
  const openProcess = (over: Store = store) => {
    const wake = { wake: () => undefined, flush: async () => undefined };
    const deps = { store: over, clock, hashing: nodeHashing, wake, log, random: () => `${(ids += 1)}` };
    const runner = (id: string) => createOperationRunner({ ...deps, works })(id, new AbortController().signal);
    return { operations: createOperations(deps), run: runner };
  };
  const { operations, run } = openProcess(wrap(store));
  const wanted = (more: Partial<Wanted> = {}): Wanted => ({
    ...{ planeId: 'acme', kind: 'upgrade', args: { version: '2' }, select: { all: true } },
    ...{ concurrency: 10, maxFailurePercent: 10, rings: [], ...more },
  });
  const get = async (id: string): Promise<OperationRecord> => {
    const operation = await store.get('operations', id);
    if (!operation) throw new Error(`there is no operation ${id}`);
    return operation;
  };
  return {
    ...{ store, clock, log, machines, records, operations, run, openProcess, wanted, get },
    /** From now on everything comes out well. */
    mend: (): void => bad.clear(),
    use: (given: Works): void => void (works = given),
    begin: (more: Partial<Wanted> = {}) => operations.create(records, wanted(more), admin),
    view: async (id: string) => readOperationView(await get(id), store),
    agentsOf: async (id: string, page: { cursor?: string; limit: number } = { limit: 100 }) => readAgentsView(await get(id), page, store),
    /** Runs an operation as the schedule would, until it is over or so many seconds have passed. */
    async settle(id: string, seconds = 600, runs = run): Promise<number> {
      for (let second = 0; second < seconds; second += 1) {
        if ((await runs(id)) === undefined) return second;
        clock.pass(1_000);
      }
      return seconds;
    },
    /** What a plane's chain says of operations. */
    rows: async (): Promise<string[]> => {
      const found = await store.query('audit', 'bySeq', { equals: ['plane/acme'], limit: 500 });
      return found.map(({ action, actor }) => `${action} ${actor.id}`);
    },
    /** Counts every agent's row anew, and says where an operation's own counts are otherwise. */
    async miscounted(id: string): Promise<string[]> {
      const { rings } = await get(id);
      const counted = new Map<string, number>();
      for (const [, { operationId, ring, state }] of store.entries('operationAgents'))
        if (operationId === id) counted.set(`${ring} ${state}`, (counted.get(`${ring} ${state}`) ?? 0) + 1);
      const states = ['running', 'done', 'failed', 'skipped', 'undoing', 'rolledBack', 'stuck'] as const;
      return rings.flatMap((ring, at) =>
        states.flatMap((state) => {
          const found = counted.get(`${at} ${state}`) ?? 0;
          return found === ring[state] ? [] : [`ring ${at}: ${state} is ${ring[state]}, not ${found}`];
        }),
      );
    },
  };
}
export type World = Awaited<ReturnType<typeof openWorld>>;

export class Crash extends Error {}

/** Lets so many transactions commit; then the process is dead. Where `unheard`, the last one commits and nobody hears of it. */
export function createFuse() {
  let [left, unheard] = [Number.POSITIVE_INFINITY, false];
  return {
    set: (count: number, lost = false): void => void ([left, unheard] = [count, lost]),
    wrap: (store: Store): Store => ({
      ...store,
      async transact(work) {
        left -= 1;
        if (left < 0) {
          if (left === -1 && unheard) await store.transact(work);
          throw new Crash('crashed');
        }
        return store.transact(work);
      },
    }),
  };
}
