import type { AgentRecord, LedgerRecord, Receipt } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import { plusDays } from '../../shared/budget.ts';
import { machineUsdPerMonth } from './machine-prices.ts';
import type { MachineUse, ModelUse } from './report.ts';

const pageSize = 500;

const toModelUse = ({ labels = {}, cachedTokens, inputTokens, agentName, ...row }: LedgerRecord): ModelUse => ({
  ...{ agentId: row.agentId, ownerEmail: row.ownerEmail, agentName: agentName ?? row.agentId, ouPath: row.ouPath, labels },
  ...{ day: row.day, calls: row.calls, inputTokens: inputTokens + cachedTokens, outputTokens: row.outputTokens, micros: row.micros },
});

/** Every use of models on the days from one to another, both included. */
export async function* readModelUse(store: Store, planeId: string, from: string, to: string, signal: AbortSignal): AsyncIterable<ModelUse> {
  for (let day = from; day <= to; day = plusDays(day, 1)) {
    let last = '';
    let seen = new Set<string>();
    for (;;) {
      signal.throwIfAborted();
      // Rows of one owner, a model each, may stand on both sides of a page's end.
      const page = await store.query('ledger', 'byDay', { equals: [planeId, day], from: last, limit: pageSize });
      const fresh = page.filter(({ ownerId, model }) => ownerId !== last || !seen.has(model));
      for (const row of fresh) yield toModelUse(row);
      const end = page.at(-1);
      if (page.length < pageSize || !end || fresh.length === 0) break;
      const models = page.filter(({ ownerId }) => ownerId === end.ownerId).map(({ model }) => model);
      seen = new Set(end.ownerId === last ? [...seen, ...models] : models);
      last = end.ownerId;
    }
  }
}

async function* agentsOf(store: Store, planeId: string, signal: AbortSignal): AsyncIterable<AgentRecord> {
  let from = '';
  for (;;) {
    signal.throwIfAborted();
    const page = await store.query('agents', 'byPlane', { equals: [planeId], from, limit: pageSize });
    yield* page;
    const last = page.at(-1);
    if (page.length < pageSize || !last) return;
    from = `${last.agentId}\u0000`;
  }
}

async function* receiptsSince(store: Store, planeId: string, since: number, signal: AbortSignal): AsyncIterable<Receipt> {
  let from = new Date(since).toISOString();
  let seen = new Set<string>();
  const idOf = ({ agentId, incarnation, seq }: Receipt): string => `${agentId}/${incarnation}/${seq}`;
  for (;;) {
    signal.throwIfAborted();
    const page = await store.query('receipts', 'byPlane', { equals: [planeId], from, limit: pageSize });
    const fresh = page.filter((receipt) => !seen.has(idOf(receipt)));
    yield* fresh;
    const last = page.at(-1);
    if (page.length < pageSize || !last || fresh.length === 0) return;
    from = last.removedAt;
    seen = new Set(page.map(idOf));
  }
}

/** Every machine that stood at some time since, as far as it can be told: those of agents of now, and those that receipts tell of. */
export async function readMachineUse(
  store: Store,
  planeId: string,
  provider: string,
  since: number,
  signal: AbortSignal,
): Promise<MachineUse[]> {
  const agents = new Map<string, AgentRecord>();
  const uses: MachineUse[] = [];
  const whoOf = (agent: AgentRecord) => ({
    ...{ agentId: agent.agentId, ownerEmail: agent.ownerEmail, agentName: agent.name, ouPath: agent.ouPath, labels: agent.labels ?? {} },
    usdPerMonth: machineUsdPerMonth(provider, agent.spec.region, agent.spec.machineType),
  });
  for await (const agent of agentsOf(store, planeId, signal)) {
    agents.set(agent.agentId, agent);
    const status = await store.get('statuses', agent.agentId);
    const gone = status?.phase === 'removed' && status.incarnation === agent.incarnation;
    if (!gone) uses.push({ ...whoOf(agent), from: agent.enabledAt });
  }
  for await (const { agentId, madeFrom, removedAt } of receiptsSince(store, planeId, since, signal)) {
    const agent = agents.get(agentId);
    if (agent && madeFrom !== undefined) uses.push({ ...whoOf(agent), from: Date.parse(madeFrom), to: Date.parse(removedAt) });
  }
  return uses;
}
