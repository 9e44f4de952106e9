import { randomUUID } from 'node:crypto';
import { toBudgetDate } from '../../shared/budget.ts';
import { toBudgetId } from '../../functions/budget/account.ts';
import type { Store } from '../../functions/core/store.ts';
import { createFirestoreStore, openFirestore } from '../../functions/store/firestore.ts';
import { agentId, openMaker, openWorld, seeded, toAgent } from '../budget/world.ts';
import { startFirestore, type Emulator } from './emulators.ts';

jest.setTimeout(120_000);

let emulator: Emulator;
let stores: Store[];
beforeAll(async () => {
  emulator = await startFirestore();
}, 120_000);
afterAll(() => emulator.stop());
/** Two clients, as two processes of the gateway have them. */
beforeEach(() => {
  const projectId = `test-${randomUUID().slice(0, 8)}`;
  const open = (): Store =>
    createFirestoreStore({ firestore: openFirestore({ projectId, databaseId: '(default)', emulatorHost: emulator.host }) });
  stores = [open(), open()];
});
afterEach(() => Promise.all(stores.map((store) => store.close())));

test('50 callers of two gateways share one budget of $1.00 and never pass it', async () => {
  const random = seeded(50);
  const maker = await openMaker(random);
  try {
    const [first] = stores;
    if (!first) throw new Error('there is no store');
    await first.transact(async (tx) => tx.set('agents', agentId, toAgent(1)));
    const worlds = stores.map((store) => openWorld(store, maker.upstream));
    const ask = async (at: number): Promise<string> => {
      const body = {
        model: 'x',
        stream: at % 2 === 0,
        max_tokens: 1 + Math.floor(random() * 8_000),
        messages: [{ role: 'user', content: 'Hello' }],
      };
      const answer = await worlds[at % worlds.length]?.call('/model/v1/chat/completions', body);
      await answer?.text().catch(() => undefined);
      return answer?.headers.get('x-agents-plane') ?? String(answer?.status);
    };
    const said: string[] = [];
    for (let round = 0; round < 3; round += 1) said.push(...(await Promise.all(Array.from({ length: 50 }, (_, at) => ask(at)))));
    const record = await first.get('budgets', toBudgetId('1001', toBudgetDate(Date.now(), 'UTC').month));
    expect(record?.open).toEqual({});
    expect(record?.spentMicros).toBeLessThanOrEqual(1_000_000);
    expect(maker.billedNanos()).toBeLessThanOrEqual((record?.spentMicros ?? 0) * 1000);
    expect(maker.billedNanos()).toBeGreaterThan(0);
    expect(said).toContain('200');
    const rows = await first.query('ledger', 'byOwner', { equals: ['1001'], limit: 10 });
    expect(rows.reduce((sum, { micros }) => sum + micros, 0)).toBe(record?.spentMicros);
    const alerts = await first.query('alerts', 'byPlane', { equals: ['acme'], limit: 10 });
    expect(new Set(alerts.map(({ level }) => level)).size).toBe(alerts.length);
  } finally {
    await maker.close();
  }
});
