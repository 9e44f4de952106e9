import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBudgetDate } from '../../shared/budget.ts';
import { toBudgetId } from '../../functions/budget/account.ts';
import { systemClock } from '../../functions/keys.ts';
import type { Store } from '../../functions/core/store.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { agentId, openMaker, openWorld, seeded, toAgent, type Maker, type World } from './world.ts';

const path = '/model/v1/chat/completions';
const capMicros = 1_000_000;
const kinds: readonly [string, (folder: string) => Store][] = [
  ['the memory store', () => createMemoryStore()],
  ['SQLite', (folder) => openSqliteStore({ file: join(folder, 'plane.db') })],
];

describe.each(kinds)('a budget of $1.00 on %s', (_name, open) => {
  let [store, maker, folder]: [Store, Maker, string] = [createMemoryStore(), {} as Maker, ''];
  const random = seeded(20_261_122);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plane-budget-'));
    store = open(folder);
    maker = await openMaker(random);
    await store.transact(async (tx) => tx.set('agents', agentId, toAgent(1)));
  });
  afterEach(async () => {
    await maker.close();
    await store.close();
    rmSync(folder, { recursive: true });
  });

  /** One caller: asks, and reads all, some or nothing of the answer. Answers whether it was refused. */
  async function ask(world: World): Promise<boolean> {
    const stream = random() < 0.7;
    const content = 'word '.repeat(Math.ceil(random() * 400));
    const asked = { model: 'x', stream, max_tokens: Math.ceil(random() * 2_000), messages: [{ role: 'user', content }] };
    const answer = await world.call(path, asked);
    const refused = answer.headers.get('x-agents-plane') !== null;
    if (stream && random() < 0.3) {
      const reader = answer.body?.getReader();
      if (random() < 0.5) await reader?.read().catch(() => undefined);
      await reader?.cancel();
      return refused;
    }
    await answer.text().catch(() => undefined);
    return refused;
  }

  const budgetOf = async () => {
    const { month } = toBudgetDate(Date.now(), 'UTC');
    const record = await store.get('budgets', toBudgetId('1001', month));
    if (!record) throw new Error('there is no budget');
    const rows = await store.query('ledger', 'byOwner', { equals: ['1001'], limit: 500 });
    const alerts = await store.query('alerts', 'byPlane', { equals: ['acme'], limit: 500 });
    return { record, rows, alerts };
  };

  async function expectKept(): Promise<void> {
    const { record, rows, alerts } = await budgetOf();
    const open = Object.values(record.open).reduce((sum, { micros }) => sum + micros, 0);
    expect(maker.billedNanos()).toBeLessThanOrEqual(capMicros * 1000);
    expect(maker.billedNanos()).toBeLessThanOrEqual((record.spentMicros + open) * 1000);
    expect(record.spentMicros + open).toBeLessThanOrEqual(capMicros);
    expect(rows.reduce((sum, { micros }) => sum + micros, 0)).toBe(record.spentMicros);
    expect(new Set(alerts.map(({ level }) => level)).size).toBe(alerts.length);
    const raised = (await store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 500 })).filter(
      ({ action }) => action === 'budget.alert',
    );
    expect(raised).toHaveLength(alerts.length);
  }

  it('is never passed by 1,000 callers at once, some of whom hang up, and of answers that are cut', async () => {
    const world = openWorld(store, maker.upstream);
    const refused = (await Promise.all(Array.from({ length: 1_000 }, () => ask(world)))).filter(Boolean).length;
    await expectKept();
    const { record, alerts } = await budgetOf();
    expect(record.open).toEqual({});
    expect(maker.served()).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(0);
    // More until it is used up: what was set aside came back.
    for (let round = 0; round < 200 && record.alerted < 100; round += 1) {
      await Promise.all(Array.from({ length: 20 }, () => ask(world)));
      if ((await budgetOf()).record.alerted === 100) break;
    }
    await expectKept();
    const { record: last, alerts: all } = await budgetOf();
    expect(last.alerted).toBe(100);
    expect(last.spentMicros).toBeGreaterThan(capMicros * 0.95);
    expect(all.length).toBeGreaterThanOrEqual(alerts.length);
    expect(all.filter(({ level }) => level === 100)).toHaveLength(1);
  }, 60_000);

  it('is never passed by gateways that die and begin again', async () => {
    let time = Date.now();
    const clock = { ...systemClock, now: () => time };
    for (let life = 0; life < 6; life += 1) {
      // A process that dies is cut off from the store; all it had in memory goes with it.
      let dead = false;
      const cut = <T>(work: () => Promise<T>): Promise<T> => (dead ? new Promise<T>(() => undefined) : work());
      const port: Store = {
        get: (collection, id) => cut(() => store.get(collection, id)),
        query: (collection, index, query) => cut(() => store.query(collection, index, query)),
        transact: (work) => cut(() => store.transact(work)),
        changed: (collection, id, known, signal) => cut(() => store.changed(collection, id, known, signal)),
        close: async () => undefined,
      };
      const world = openWorld(port, maker.upstream, { clock });
      const asked = Array.from({ length: 40 }, () => ask(world));
      await Promise.race([Promise.all(asked), new Promise((resolve) => setTimeout(resolve, 5 + random() * 40))]);
      dead = true;
      await new Promise((resolve) => setTimeout(resolve, 60));
      await expectKept();
      const { record } = await budgetOf();
      if (random() < 0.5 && record.openUntil !== undefined) {
        time = record.openUntil + 1;
        expect(await openWorld(store, maker.upstream, { clock }).budget.sweep()).toBe(1);
        const after = (await budgetOf()).record;
        expect(Object.values(after.open).every(({ until }) => until > time)).toBe(true);
        expect(after.spentMicros).toBeGreaterThan(record.spentMicros);
      }
    }
    time += 3_600_000;
    await openWorld(store, maker.upstream, { clock }).budget.sweep();
    expect((await budgetOf()).record.open).toEqual({});
    await expectKept();
  }, 60_000);
});
