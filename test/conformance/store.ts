import type { ChannelRecord, JoinRecord, MessageRecord } from '../../functions/core/records.ts';
import type { Store } from '../../functions/core/store.ts';
import { auditConformance } from './store-audit.ts';
import { changeConformance } from './store-changes.ts';
import { queryConformance } from './store-queries.ts';

export interface Opened {
  readonly store: Store;
  /** Ends the store as a crash-free stop does and opens the same documents again; left out by a store that forgets. */
  reopen?(): Promise<Store>;
  close(): Promise<void>;
}

export const channel = (id: string, expiresAt: number): ChannelRecord => ({ id, token: 'a token', resourceId: 'a resource', expiresAt });
const join = (agentId: string, count: number): JoinRecord => ({ agentId, incarnation: 1, count, joinedAt: 0 });
const message = (id: string, text: string): MessageRecord => ({
  id,
  agentId: 'a1',
  incarnation: 1,
  at: 0,
  text,
  subject: '',
  state: 'waiting',
});
export const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

/** What every store promises. `open` gives an empty one to each test. */
export function storeConformance(name: string, open: () => Promise<Opened>): void {
  describe(name, () => {
    let opened: Opened;
    let store: Store;
    beforeEach(async () => {
      opened = await open();
      ({ store } = opened);
    });
    afterEach(() => opened.close());
    documentConformance(() => store);
    transactionConformance(() => store);
    queryConformance(() => store);
    auditConformance(() => store);
    changeConformance(() => store);

    test('still holds what was committed, and not what was deleted, when it is opened again', async () => {
      await store.transact(async (tx) => times(20, (n) => tx.set('channels', `c${n}`, channel(`c${n}`, n))));
      await store.transact(async (tx) => tx.delete('channels', 'c3'));
      if (!opened.reopen) return;
      const again = await opened.reopen();
      expect(await again.get('channels', 'c7')).toEqual(channel('c7', 7));
      expect(await again.get('channels', 'c3')).toBeUndefined();
      expect(await again.query('channels', 'byExpiry', { limit: 500 })).toHaveLength(19);
      await again.transact(async (tx) => tx.set('channels', 'c3', channel('c3', 33)));
      expect(await again.get('channels', 'c3')).toEqual(channel('c3', 33));
    });
  });
}

function documentConformance(current: () => Store): void {
  test('answers undefined for what is absent, inside and outside a transaction', async () => {
    expect(await current().get('channels', 'none')).toBeUndefined();
    expect(await current().transact((tx) => tx.get('channels', 'none'))).toBeUndefined();
  });

  test('sets, replaces whole and deletes a document', async () => {
    const store = current();
    await store.transact(async (tx) => tx.set('messages', 'm1', { ...message('m1', 'hello'), answer: 'hi' }));
    expect(await store.get('messages', 'm1')).toStrictEqual({ ...message('m1', 'hello'), answer: 'hi' });
    await store.transact(async (tx) => tx.set('messages', 'm1', message('m1', 'again')));
    expect(await store.get('messages', 'm1')).toStrictEqual(message('m1', 'again'));
    await store.transact(async (tx) => tx.delete('messages', 'm1'));
    expect(await store.get('messages', 'm1')).toBeUndefined();
    await store.transact(async (tx) => tx.delete('messages', 'm1'));
  });

  test('drops undefined members, however deep', async () => {
    const store = current();
    const row = {
      chain: 'c',
      seq: 1,
      at: 0,
      actor: { kind: 'plane', id: 'p' },
      action: 'a',
      target: 't',
      previous: '',
      hash: '',
      planeId: 'p',
      actorId: 'p',
      family: 'a',
    } as const;
    await store.transact(async (tx) =>
      tx.set('audit', 'c/1', { ...row, detail: { gone: undefined, kept: { gone: undefined, here: [1] } } }),
    );
    expect(await store.get('audit', 'c/1')).toStrictEqual({ ...row, detail: { kept: { here: [1] } } });
  });

  test('keeps documents of one id in two collections apart', async () => {
    const store = current();
    await store.transact(async (tx) => tx.set('joins', 'same', join('same', 1)));
    expect(await store.get('channels', 'same')).toBeUndefined();
  });

  test('is not changed through a document that was handed in or out', async () => {
    const store = current();
    const detail = { list: [1, 2] };
    const row = {
      chain: 'c',
      seq: 1,
      at: 0,
      actor: { kind: 'plane' as const, id: 'p' },
      action: 'a',
      target: 't',
      previous: '',
      hash: '',
      planeId: 'p',
      actorId: 'p',
      family: 'a',
    };
    await store.transact(async (tx) => {
      tx.set('audit', 'c/1', { ...row, detail });
      detail.list.push(3);
    });
    detail.list.push(4);
    const expected = { ...row, detail: { list: [1, 2] } };
    const spoil = (document: unknown): void => {
      const { detail: inner } = document as typeof expected;
      const ways = [
        () => Object.assign(document as object, { target: 'spoiled' }),
        () => Object.assign(inner, { more: 1 }),
        () => inner.list.push(5),
      ];
      for (const way of ways)
        try {
          way();
        } catch {
          // A store may freeze what it hands out.
        }
    };
    spoil(await store.get('audit', 'c/1'));
    spoil((await store.query('audit', 'bySeq', { equals: ['c'], limit: 1 }))[0]);
    await store.transact(async (tx) => spoil(await tx.get('audit', 'c/1')));
    expect(await store.get('audit', 'c/1')).toEqual(expected);
    expect(await store.query('audit', 'bySeq', { equals: ['c'], limit: 1 })).toEqual([expected]);
  });

  test('holds a document of half a megabyte', async () => {
    const text = 'ä🦞"\\\n\u0000'.repeat(50_000);
    await current().transact(async (tx) => tx.set('messages', 'large', message('large', text)));
    expect((await current().get('messages', 'large'))?.text).toBe(text);
  });

  test('takes any text as an id', async () => {
    const ids = ['pass/a1', 'a/b/c//', '.', '..', '__name__', 'Ünï/🦞', ' ', "'; DROP TABLE channels; --", 'a%2Fb', 'A', 'a'];
    await current().transact(async (tx) => ids.forEach((id, n) => tx.set('channels', id, channel(id, n))));
    for (const [n, id] of ids.entries()) expect(await current().get('channels', id)).toEqual(channel(id, n));
    expect((await current().query('channels', 'byExpiry', { limit: 500 })).map(({ id }) => id)).toEqual(ids);
  });
}

function transactionConformance(current: () => Store): void {
  const countUp = (store: Store, id: string): Promise<number> =>
    store.transact(async (tx) => {
      const count = ((await tx.get('joins', id))?.count ?? 0) + 1;
      tx.set('joins', id, join(id, count));
      return count;
    });

  test('hands out what the work returned', async () => {
    expect(await current().transact(async () => ({ answer: 42 }))).toEqual({ answer: 42 });
  });

  test('lets exactly one of fifty create what is absent', async () => {
    const create = (n: number): Promise<boolean> =>
      current().transact(async (tx) => {
        if (await tx.get('channels', 'one')) return false;
        tx.set('channels', 'one', channel('one', n));
        return true;
      });
    const created = await Promise.all(times(50, create));
    expect(created.filter(Boolean)).toHaveLength(1);
    expect(await current().get('channels', 'one')).toEqual(channel('one', created.indexOf(true)));
  });

  test('loses none of a hundred increments at once', async () => {
    const counts = await Promise.all(times(100, () => countUp(current(), 'hot')));
    expect(new Set(counts).size).toBe(100);
    expect((await current().get('joins', 'hot'))?.count).toBe(100);
  });

  test('counts on after a document was deleted and made again', async () => {
    const store = current();
    const replace = store.transact(async (tx) => {
      tx.delete('joins', 'again');
      tx.set('joins', 'again', join('again', 10));
    });
    await Promise.all([countUp(store, 'again'), replace, countUp(store, 'again'), countUp(store, 'again')]);
    expect([10, 11, 12, 13]).toContain((await store.get('joins', 'again'))?.count);
  });

  test('prevents write skew: of two that each give up one of a pair, one sees the other', async () => {
    const store = current();
    for (let round = 0; round < 10; round += 1) {
      const pair = [`left${round}`, `right${round}`];
      await store.transact(async (tx) => pair.forEach((id) => tx.set('joins', id, join(id, 1))));
      const giveUp = (id: string): Promise<void> =>
        store.transact(async (tx) => {
          const held = [];
          for (const each of pair) held.push((await tx.get('joins', each))?.count ?? 0);
          if (held.every((count) => count === 1)) tx.set('joins', id, join(id, 0));
        });
      await Promise.all(pair.map(giveUp));
      const left = await Promise.all(pair.map((id) => store.get('joins', id)));
      expect(left.map((each) => each?.count).sort()).toEqual([0, 1]);
    }
  });

  test('takes absence for something that was read: of two that each create where the other has not, one creates', async () => {
    const store = current();
    for (let round = 0; round < 10; round += 1) {
      const pair = [`left${round}`, `right${round}`];
      const create = (id: string): Promise<void> =>
        store.transact(async (tx) => {
          const found = [];
          for (const each of pair) found.push(await tx.get('joins', each));
          if (found.every((each) => !each)) tx.set('joins', id, join(id, 1));
        });
      await Promise.all(pair.map(create));
      const made = await Promise.all(pair.map((id) => store.get('joins', id)));
      expect(made.filter(Boolean)).toHaveLength(1);
    }
  });

  test('refuses a read after the first write, and changes nothing', async () => {
    const late = current().transact(async (tx) => {
      tx.set('joins', 'early', join('early', 1));
      await tx.get('joins', 'early');
    });
    await expect(late).rejects.toThrow(/read/);
    expect(await current().get('joins', 'early')).toBeUndefined();
  });

  test('changes nothing when the work throws, and passes the error on', async () => {
    const error = new Error('changed my mind');
    const thrown = current().transact(async (tx) => {
      times(50, (n) => tx.set('joins', `j${n}`, join(`j${n}`, n)));
      throw error;
    });
    await expect(thrown).rejects.toBe(error);
    for (const id of ['j0', 'j49']) expect(await current().get('joins', id)).toBeUndefined();
  });

  test('commits all writes of a transaction together, the last of two to one document', async () => {
    const store = current();
    const write = (value: number): Promise<void> =>
      store.transact(async (tx) => {
        times(100, (n) => tx.set('joins', `all${n}`, join(`all${n}`, value)));
        tx.set('joins', 'all0', join('all0', -1));
        tx.set('joins', 'all0', join('all0', value));
      });
    const look = (): Promise<number> =>
      store.transact(async (tx) => {
        const seen = [];
        for (const n of [0, 50, 99]) seen.push((await tx.get('joins', `all${n}`))?.count);
        return new Set(seen).size;
      });
    const sizes = await Promise.all(times(10, (n) => [write(n).then(() => 1), look()]).flat());
    expect(new Set(sizes)).toEqual(new Set([1]));
    const kept = await Promise.all(times(100, (n) => store.get('joins', `all${n}`)));
    expect(new Set(kept.map((each) => each?.count)).size).toBe(1);
  });
}
