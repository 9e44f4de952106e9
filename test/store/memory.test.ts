import { createMemoryStore } from '../simulation/memory-store.ts';
import { storeConformance } from '../conformance/store.ts';

storeConformance('memory store', async () => {
  const store = createMemoryStore();
  return { store, close: () => store.close() };
});

test('the memory store shows its documents without a promise', async () => {
  const store = createMemoryStore();
  await store.transact(async (tx) => tx.set('joins', 'j', { agentId: 'j', incarnation: 1, count: 1, joinedAt: 0 }));
  expect(store.peek('joins', 'j')).toBe(await store.get('joins', 'j'));
  expect([...store.entries('joins')].map(([id, { count }]) => [id, count])).toEqual([['j', 1]]);
  expect(store.peek('joins', 'none')).toBeUndefined();
});
