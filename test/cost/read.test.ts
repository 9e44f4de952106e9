import { readModelUse } from '../../functions/cost/read.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

it('reads every ledger row once, also where one owner stands on both sides of a page', async () => {
  const store = createMemoryStore();
  const rows = Array.from({ length: 1_203 }, (_, at) => ({
    ownerId: `o${String(Math.floor(at / 3)).padStart(4, '0')}`,
    model: `m${at % 3}`,
    micros: at + 1,
  }));
  for (const day of ['2026-11-01', '2026-11-02']) {
    for (const { ownerId, model, micros } of rows) {
      await store.transact(async (tx) => {
        tx.set('ledger', `${ownerId}/acme/${day}/${model}`, {
          ...{ planeId: 'acme', ownerId, agentId: `a${ownerId}`, ownerEmail: `${ownerId}@acme.test`, ouPath: '/', day, model, calls: 1 },
          ...{ inputTokens: 1, cachedTokens: 1, outputTokens: 1, micros, unsettled: 0 },
        });
      });
    }
  }
  const found: number[] = [];
  for await (const { micros, inputTokens } of readModelUse(store, 'acme', '2026-10-30', '2026-11-02', AbortSignal.timeout(20_000))) {
    expect(inputTokens).toBe(2);
    found.push(micros);
  }
  expect(found.length).toBe(2 * rows.length);
  expect(found.reduce((sum, each) => sum + each, 0)).toBe(2 * rows.reduce((sum, { micros }) => sum + micros, 0));
});
