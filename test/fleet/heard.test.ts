import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Collection, Documents, Store } from '../../functions/core/store.ts';
import { createFleet, type Fleet } from '../../functions/fleet/fleet.ts';
import { createAgentRows, readAgentView } from '../../functions/http/views.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

const now = Date.parse('2026-11-22T12:00:00Z');
const effective = (value: unknown) => ({ value, origin: 'default' });
const policy = {
  ...{ agentEnabled: effective(true), modelTier: effective('sonnet'), budgetCap: effective(50), tools: effective([]) },
  ...{ channels: effective([]), machineType: effective('e2-medium') },
};
const idOf = (at: number): string => `a${String.fromCharCode(97 + at)}`;

async function set(store: Store, collection: Collection, id: string, document: object): Promise<void> {
  await store.transact(async (tx) => tx.set(collection, id, document as Documents[Collection] as never));
}

const agent = (at: number, revision: number, changes: object = {}) => ({
  ...{ agentId: idOf(at), planeId: 'acme', ownerId: `o${at}`, ownerEmail: `p${at}@acme.test`, ownerName: `P ${at}`, ouPath: '/' },
  ...{ name: 'A', desired: 'running', reason: 'x', revision, incarnation: 1, spec: { budgetCap: 50 }, policy, requests: {} },
  ...{ conditions: [], restarts: 0, replacements: 0, secretsVersion: 1, secretsRotatedAt: 0, enabledAt: 0, changedAt: 0, ...changes },
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fleet-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Everything that can be told of an agent, a step each; all of it with the same time, as a clock that stands would have it. */
const steps: readonly ((store: Store, at: number, step: number) => Promise<void>)[] = [
  (store, at, step) => set(store, 'agents', idOf(at), agent(at, step + 1, { ownerName: `N ${(step * 7) % 5}`, ouPath: `/${step}` })),
  (store, at, step) =>
    set(store, 'statuses', idOf(at), {
      ...{ agentId: idOf(at), planeId: 'acme', phase: step % 2 === 0 ? 'running' : 'paused', incarnation: 1, revision: 1, parts: {} },
      ...{ conditions: [], effectsUntil: 0, restarts: 0, replacements: 0, secretsVersion: 1, changedAt: step },
    }),
  (store, at, step) =>
    set(store, 'heartbeats', idOf(at), { agentId: idOf(at), incarnation: 1, at: now - step * 20_000, openclaw: `${step}`, ready: true }),
  (store, at, step) =>
    set(store, 'budgets', `o${at}/2026-11`, { planeId: 'acme', ownerId: `o${at}`, month: '2026-11', spentMicros: step, open: {} }),
  (store, at, step) => set(store, 'cares', idOf(at), { agentId: idOf(at), incarnation: 1, step: 'backup', startedAt: step, stepAt: 0 }),
  (store, at, step) => set(store, 'upgrades', idOf(at), { agentId: idOf(at), incarnation: 1, step: 'gate', to: `${step}`, startedAt: 0 }),
];

async function readList(fleet: Fleet, readRows: ReturnType<typeof createAgentRows>) {
  const page = await fleet.pageOf('acme', { limit: 100 }, { filters: [] });
  return { rows: await readRows(page?.agents ?? [], now, 'UTC'), next: page?.next };
}

describe.each([
  ['memory', (): Store => createMemoryStore()],
  ['SQLite', (): Store => openSqliteStore({ file: join(folder, `${Math.random()}.sqlite`) })],
])('a fleet over a %s store that tells of its commits', (_, open) => {
  it('says of each agent what its own page says, whatever was committed before (REQ-WS-04, REQ-MAINT-01)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ at: fc.nat(3), kind: fc.nat(steps.length - 1) }), { maxLength: 25 }), async (changes) => {
        const store = open();
        const fleet = createFleet({ store, clock: { now: () => now } });
        const readRows = createAgentRows(store, fleet);
        for (const at of [0, 1, 2, 3]) await set(store, 'agents', idOf(at), agent(at, 1));
        for (const [step, { at, kind }] of changes.entries()) {
          const busy = fleet.agentsOf('acme');
          await steps[kind]?.(store, at, step + 1);
          const { rows, next } = await readList(fleet, readRows);
          await busy;
          expect([rows.length, next]).toEqual([4, null]);
          expect(rows.map(({ ownerName, agentId }) => [ownerName, agentId])).toEqual(
            rows.map(({ ownerName, agentId }) => [ownerName, agentId] as const).toSorted((a, b) => (a.join() < b.join() ? -1 : 1)),
          );
          for (const row of rows) {
            const record = await store.get('agents', row.agentId);
            expect(row).toEqual(record && (await readAgentView(record, store, now)));
          }
        }
        await store.close();
      }),
      { numRuns: 20 },
    );
  });

  it('reads nothing again while nothing changes', async () => {
    const store = open();
    let reads = 0;
    const get: Store['get'] = (collection, id) => {
      reads += 1;
      return store.get(collection, id);
    };
    const query: Store['query'] = (collection, index, query) => {
      reads += 1;
      return store.query(collection, index, query);
    };
    const fleet = createFleet({ store: { get, query, hear: (told) => store.hear?.(told) }, clock: { now: () => now } });
    for (const at of [0, 1, 2]) await set(store, 'agents', idOf(at), agent(at, 1));
    await fleet.agentsOf('acme');
    reads = 0;
    await fleet.agentsOf('acme');
    expect(reads).toBe(0);
    await set(store, 'agents', idOf(1), agent(1, 2, { ouPath: '/Sales' }));
    expect((await fleet.agentsOf('acme')).map(({ ouPath }) => ouPath)).toEqual(['/', '/Sales', '/']);
    expect(reads).toBe(1);
    await store.close();
  });

  it('goes on where a page ended, also where that agent fits no longer, and says so where it is not known', async () => {
    const store = open();
    const fleet = createFleet({ store, clock: { now: () => now } });
    for (const at of [0, 1, 2, 3]) await set(store, 'agents', idOf(at), agent(at, 1));
    const inRoot = { key: 'root', filters: [({ ouPath }: { ouPath: string }) => ouPath === '/'] };
    const first = await fleet.pageOf('acme', { limit: 2 }, inRoot);
    expect([first?.agents.map(({ agentId }) => agentId), first?.next]).toEqual([[idOf(0), idOf(1)], idOf(2)]);
    await set(store, 'agents', idOf(2), agent(2, 2, { ouPath: '/Sales' }));
    const rest = await fleet.pageOf('acme', { limit: 2, from: idOf(2) }, inRoot);
    expect([rest?.agents.map(({ agentId }) => agentId), rest?.next]).toEqual([[idOf(3)], null]);
    expect(await fleet.pageOf('acme', { limit: 2, from: 'unknown' }, inRoot)).toBeUndefined();
    await store.close();
  });

  it('shows health that passes with time', async () => {
    const store = open();
    const clock = { at: now, now: () => clock.at };
    const fleet = createFleet({ store, clock });
    await set(store, 'agents', idOf(0), agent(0, 1));
    await steps[1]?.(store, 0, 2);
    await set(store, 'heartbeats', idOf(0), { agentId: idOf(0), incarnation: 1, at: now });
    const health = async () => (await fleet.agentsOf('acme')).map(({ health, attention }) => [health, attention]);
    expect(await health()).toEqual([['green', false]]);
    clock.at += 61_000;
    expect(await health()).toEqual([['yellow', false]]);
    clock.at += 300_000;
    expect(await health()).toEqual([['red', true]]);
    await store.close();
  });
});
