import type { MessageRecord } from '../../functions/core/records.ts';
import type { Store } from '../../functions/core/store.ts';

const head = (chain: string) => ({ chain, seq: 0, hash: '', planeId: 'p', moved: '' });
const message = (agentId: string, at: number, state: MessageRecord['state'] = 'waiting'): MessageRecord => ({
  id: `${agentId}-${at}`,
  agentId,
  incarnation: 1,
  at,
  text: '',
  subject: '',
  state,
});

export function queryConformance(current: () => Store): void {
  const fill = (messages: readonly MessageRecord[]): Promise<void> =>
    current().transact(async (tx) => messages.forEach((each) => tx.set('messages', each.id, each)));
  const waiting = async (query: { from?: number; before?: number; reverse?: boolean; limit?: number }): Promise<number[]> => {
    const found = await current().query('messages', 'byState', { equals: ['a1', 1, 'waiting'], limit: 500, ...query });
    return found.map(({ at }) => at);
  };

  test('finds nothing in an empty collection', async () => {
    expect(await waiting({})).toEqual([]);
  });

  test('answers with those equal on all index fields but the last, in the order of the last', async () => {
    await fill([message('a1', 30), message('a1', 5), message('a1', 100), message('a1', 20, 'answered'), message('a2', 1)]);
    expect(await waiting({})).toEqual([5, 30, 100]);
    expect(await current().query('messages', 'byState', { equals: ['a1', 1, 'answered'], limit: 5 })).toEqual([
      message('a1', 20, 'answered'),
    ]);
  });

  test('takes a range with its lower bound and without its upper, forwards and backwards, up to a limit', async () => {
    await fill([1, 2, 3, 4, 5, 6].map((at) => message('a1', at)));
    expect(await waiting({ from: 2, before: 5 })).toEqual([2, 3, 4]);
    expect(await waiting({ from: 4 })).toEqual([4, 5, 6]);
    expect(await waiting({ before: 3 })).toEqual([1, 2]);
    expect(await waiting({ from: 2, limit: 2 })).toEqual([2, 3]);
    expect(await waiting({ reverse: true, limit: 2 })).toEqual([6, 5]);
    expect(await waiting({ from: 2, before: 5, reverse: true, limit: 2 })).toEqual([4, 3]);
    expect(await waiting({ from: 5, before: 2 })).toEqual([]);
    expect(await waiting({ from: 7 })).toEqual([]);
  });

  test('follows a document that is changed or deleted', async () => {
    await fill([message('a1', 1), message('a1', 2), message('a1', 3)]);
    await current().transact(async (tx) => {
      tx.set('messages', 'a1-1', { ...message('a1', 1), at: 9 });
      tx.set('messages', 'a1-2', message('a1', 2, 'answered'));
      tx.delete('messages', 'a1-3');
    });
    expect(await waiting({})).toEqual([9]);
  });

  test('pages through more than one answer holds', async () => {
    const chains = Array.from({ length: 1203 }, (_, n) => `chain/${String(n).padStart(5, '0')}`);
    for (let start = 0; start < chains.length; start += 400)
      await current().transact(async (tx) => chains.slice(start, start + 400).forEach((chain) => tx.set('auditHeads', chain, head(chain))));
    const found: string[] = [];
    for (let from = ''; ; from = `${found.at(-1)}\u0000`) {
      const page = await current().query('auditHeads', 'byChain', { from, limit: 500 });
      found.push(...page.map(({ chain }) => chain));
      if (page.length < 500) break;
    }
    expect(found).toEqual(chains);
  });

  test('orders text by its UTF-8 bytes', async () => {
    const chains = ['', 'A', 'Z', 'a', 'a\u0000', 'aa', 'é', '\ue000', '\ufffd', '🦞', '🦞a'];
    await current().transact(async (tx) => chains.toReversed().forEach((chain) => tx.set('auditHeads', `id of ${chain}`, head(chain))));
    expect((await current().query('auditHeads', 'byChain', { limit: 500 })).map(({ chain }) => chain)).toEqual(chains);
  });

  test('orders equals by id', async () => {
    const ids = ['c', 'a', 'b'];
    await current().transact(async (tx) => ids.forEach((id) => tx.set('messages', id, { ...message('a1', 7), id })));
    const found = async (reverse: boolean) =>
      (await current().query('messages', 'byState', { equals: ['a1', 1, 'waiting'], reverse, limit: 2 })).map(({ id }) => id);
    expect(await found(false)).toEqual(['a', 'b']);
    expect(await found(true)).toEqual(['c', 'b']);
  });

  test('refuses limits and equal values that no index has', async () => {
    for (const limit of [0, 501, -1, 1.5, Number.NaN])
      await expect(current().query('channels', 'byExpiry', { limit })).rejects.toMatchObject({ code: 'invalid' });
    await expect(current().query('channels', 'byExpiry', { equals: ['x'], limit: 1 })).rejects.toMatchObject({ code: 'invalid' });
    await expect(current().query('messages', 'byState', { equals: ['a1'], limit: 1 })).rejects.toMatchObject({ code: 'invalid' });
    // @ts-expect-error An index that is not declared is refused by types, and at run time as well.
    await expect(current().query('channels', 'byToken', { limit: 1 })).rejects.toMatchObject({ code: 'invalid' });
  });
}
