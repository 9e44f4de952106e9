import type { Transaction } from '../../functions/core/store.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

const join = (agentId: string, count: number) => ({ agentId, incarnation: 1, count, joinedAt: 0 });

test('runs a work again that threw over reads that never stood together', async () => {
  const store = createMemoryStore();
  const writeBoth = (count: number): Promise<void> =>
    store.transact(async (tx) => ['left', 'right'].forEach((id) => tx.set('joins', id, join(id, count))));
  await writeBoth(1);
  let runs = 0;
  const seen = await store.transact(async (tx) => {
    const left = await tx.get('joins', 'left');
    if (++runs === 1) await writeBoth(2);
    const right = await tx.get('joins', 'right');
    if (left?.count !== right?.count) throw new Error('left and right differ');
    return left?.count;
  });
  expect([seen, runs]).toEqual([2, 2]);
});

test('gives up a work whose reads change every time', async () => {
  const store = createMemoryStore();
  let runs = 0;
  const restless = store.transact(async (tx) => {
    await tx.get('joins', 'j');
    runs += 1;
    await store.transact(async (other) => other.set('joins', 'j', join('j', runs)));
  });
  await expect(restless).rejects.toMatchObject({ code: 'unavailable' });
  expect(runs).toBe(20);
});

test('runs what conflicts in turn: fifty that want one document run a hundred times at most', async () => {
  const store = createMemoryStore();
  let runs = 0;
  const increment = (): Promise<void> =>
    store.transact(async (tx) => {
      runs += 1;
      tx.set('joins', 'hot', join('hot', ((await tx.get('joins', 'hot'))?.count ?? 0) + 1));
    });
  await Promise.all(Array.from({ length: 50 }, increment));
  expect(store.peek('joins', 'hot')?.count).toBe(50);
  expect(runs).toBeLessThanOrEqual(100);
});

test('refuses a transaction that outlived its work', async () => {
  const store = createMemoryStore();
  let kept: Transaction | undefined;
  await store.transact(async (tx) => void (kept = tx));
  expect(() => kept?.set('joins', 'j', join('j', 1))).toThrow(/has ended/);
  expect(() => kept?.delete('joins', 'j')).toThrow(/has ended/);
  await expect(kept?.get('joins', 'j')).rejects.toThrow(/has ended/);
});
