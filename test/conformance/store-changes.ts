import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JoinRecord } from '../../functions/core/records.ts';
import type { Store } from '../../functions/core/store.ts';

const join = (count: number): JoinRecord => ({ agentId: 'a1', incarnation: 1, count, joinedAt: 0 });

/** Long enough for a store to say what it should not, in milliseconds. */
const quietMs = 300;

export function changeConformance(current: () => Store): void {
  const save = (count: number | undefined, id = 'j'): Promise<void> =>
    current().transact(async (tx) => (count === undefined ? tx.delete('joins', id) : tx.set('joins', id, join(count))));
  const wait = (known: JoinRecord | undefined, signal = new AbortController().signal, id = 'j') =>
    current().changed('joins', id, known, signal);

  test('tells at once of a document that is another than is known', async () => {
    await wait(join(1));
    await save(1);
    await wait(undefined);
    await wait(join(2));
    await save(undefined);
    await wait(join(1));
  });

  test('waits while a document is as it is known, and no longer', async () => {
    const steps = [undefined, 1, 2, undefined] as const;
    for (const [at, before] of steps.slice(0, -1).entries()) {
      const after = steps[at + 1];
      let told = false;
      const known = before === undefined ? undefined : { ...join(before), more: undefined };
      const waiting = wait(known).then(() => (told = true));
      await sleep(quietMs);
      expect(told).toBe(false);
      await save(after);
      await waiting;
    }
  });

  test('misses no change that is made while it begins', async () => {
    for (let count = 1; count <= 20; count += 1) {
      const known = await current().get('joins', 'j');
      await Promise.all([wait(known), save(count)]);
    }
  });

  test('says nothing of what leaves the document as it is', async () => {
    await save(1);
    let told = false;
    const ending = new AbortController();
    const waiting = wait(join(1), ending.signal).then(() => (told = true));
    await save(1);
    await save(2, 'j2');
    await current().transact(async (tx) =>
      tx.set('heartbeats', 'j', { agentId: 'j', incarnation: 1, at: 0, revision: 1, live: true, ready: true, boot: 1 }),
    );
    await expect(
      current().transact(async (tx) => {
        tx.set('joins', 'j', join(3));
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await sleep(quietMs);
    expect(told).toBe(false);
    ending.abort();
    await waiting;
  });

  test('ends without a word when the signal aborts, before or while it waits, and holds on to nothing', async () => {
    await wait(undefined, AbortSignal.abort());
    const ending = new AbortController();
    const { signal } = ending;
    const waiting = [wait(undefined, signal), wait(undefined, signal), wait(undefined, signal, 'j2')];
    await save(1, 'j2');
    await waiting[2];
    ending.abort(new Error('enough'));
    await Promise.all(waiting);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('tells everybody who waits', async () => {
    const waiting = Array.from({ length: 50 }, () => wait(undefined));
    await sleep(quietMs);
    await save(1);
    await Promise.all(waiting);
  });

  test('refuses whoever still waits when it is closed', async () => {
    const waiting = expect(wait(undefined)).rejects.toThrow(/it is closed$/);
    await current().close();
    await waiting;
  });
}
