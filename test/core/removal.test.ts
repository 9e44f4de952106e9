import type { Collection, Documents, Store } from '../../functions/core/store.ts';
import { agentId, openPassWorld } from './pass-world.ts';

const marker = 'what the agent once said';

/** How many documents of these kinds each transaction deletes. */
function countDeletes(store: Store, sizes: number[]): Store {
  return {
    ...store,
    transact: (work) =>
      store.transact((tx) => {
        let deletes = 0;
        const counting = { ...tx, delete: (collection: Collection, id: string) => (tx.delete(collection, id), void (deletes += 1)) };
        return work(counting).then((answer) => (sizes.push(deletes), answer));
      }),
  };
}

const toMessage = (nth: number, incarnation = 1): Documents['messages'] => ({
  ...{ id: `m${nth}`, agentId, incarnation, at: Math.floor(nth / 3), text: marker, subject: '', state: 'answered' },
});
const toCommand = (nth: number, incarnation = 1): Documents['commands'] => ({
  ...{ id: `c${nth}`, agentId, incarnation, kind: 'introduce', args: {}, state: 'done', askedAt: nth, until: nth, result: marker },
});
const toRequest = (nth: number, state: 'waiting' | 'denied'): Documents['requests'] => ({
  ...{ id: `r${nth}`, planeId: 'acme', agentId, ownerId: 'o', ownerEmail: '', tools: [], channels: [], why: marker, state, askedAt: nth },
});
const toCare = (incarnation: number): Documents['cares'] => ({
  agentId,
  incarnation,
  step: 'restore',
  startedAt: 0,
  stepAt: 0,
  by: 'admin',
});

const idsOf = (world: Awaited<ReturnType<typeof openPassWorld>>, collection: 'messages' | 'commands' | 'requests') =>
  [...world.store.entries(collection)].map(([id]) => id);

describe('a removal', () => {
  it('leaves nothing that the agent said or was told, however much it was (REQ-ID-04)', async () => {
    const sizes: number[] = [];
    const world = await openPassWorld({ wrap: (store) => countDeletes(store, sizes) });
    await world.store.transact(async (tx) => {
      for (let nth = 0; nth < 1_200; nth += 1) tx.set('messages', `m${nth}`, toMessage(nth));
      for (let nth = 0; nth < 150; nth += 1) tx.set('commands', `c${nth}`, toCommand(nth));
      for (let nth = 0; nth < 250; nth += 1) tx.set('requests', `r${nth}`, toRequest(nth, nth % 50 === 0 ? 'waiting' : 'denied'));
      tx.set('cares', agentId, toCare(1));
      tx.set('upgrades', agentId, { agentId, incarnation: 1, step: 'done', to: '2.0.0', startedAt: 1, by: 'x' });
    });
    await world.remove();
    await world.settle();
    expect(world.status()?.phase).toBe('removed');
    expect([idsOf(world, 'messages'), idsOf(world, 'commands')]).toEqual([[], []]);
    expect([...world.store.entries('requests')].filter(([, { state }]) => state === 'waiting')).toEqual([]);
    expect(idsOf(world, 'requests')).toHaveLength(245);
    expect(world.store.peek('cares', agentId)).toBeUndefined();
    expect(world.store.peek('upgrades', agentId)).toBeUndefined();
    expect(JSON.stringify([...world.store.entries('audit')])).not.toContain(marker);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
  });

  it('of a former life leaves what belongs to the one to come', async () => {
    const world = await openPassWorld();
    await world.store.transact(async (tx) => {
      for (const incarnation of [1, 2]) {
        tx.set('messages', `m${incarnation}`, toMessage(incarnation, incarnation));
        tx.set('commands', `c${incarnation}`, toCommand(incarnation, incarnation));
      }
      tx.set('cares', agentId, toCare(2));
    });
    await world.write({ incarnation: 2 });
    for (let passes = 0; passes < 20 && !world.store.peek('receipts', `${agentId}/1`); passes += 1)
      world.clock.pass((await world.step()) ?? 0);
    expect([idsOf(world, 'messages'), idsOf(world, 'commands')]).toEqual([['m2'], ['c2']]);
    expect(world.store.peek('cares', agentId)).toBeDefined();
  });

  it('says which listing failed and lets the next pass try at once', async () => {
    const world = await openPassWorld();
    const { secrets } = world.providers;
    const listNamespaces = jest.spyOn(secrets, 'listNamespaces').mockRejectedValue(new Error('it is down'));
    await world.remove();
    await expect(world.settle()).rejects.toThrow('it is down');
    const message = `cannot list secrets of instant for the removal of agent ${agentId}: it is down; it is tried again`;
    expect(world.status()).toMatchObject({ phase: 'removing', conditions: [{ type: 'ProviderFailed', message }] });
    expect(world.lease()?.expiresAt).toBe(0);
    listNamespaces.mockRestore();
    await world.settle();
    expect(world.status()).toMatchObject({ phase: 'removed', conditions: [] });
  });

  it('says that the last backup could not be settled and lets the next pass try at once', async () => {
    let failing = true;
    const retained = async () => {
      if (failing) throw new Error('the folder is full');
      return { id: 'b1', expiresAt: 0 };
    };
    const world = await openPassWorld({ retained });
    await world.remove();
    await expect(world.settle()).rejects.toThrow('the folder is full');
    const message = `cannot settle the last backup of agent ${agentId}: the folder is full; it is tried again`;
    expect(world.status()).toMatchObject({ phase: 'removing', conditions: [{ type: 'ProviderFailed', message }] });
    expect(world.lease()?.expiresAt).toBe(0);
    failing = false;
    await world.settle();
    expect(world.store.peek('receipts', `${agentId}/1`)).toMatchObject({ backup: { id: 'b1' } });
  });
});
