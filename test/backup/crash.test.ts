import type { BackupStore } from '../../functions/backup/backup-store.ts';
import type { Store } from '../../functions/core/store.ts';
import { alice, bob, dayMs, hourMs, openWorld, toAgent, type World } from './world.ts';

class Crash extends Error {}

/** Lets so many effects happen; then the process is dead: no effect happens any more. Where `lost`, the last one happened unheard. */
function createFuse() {
  let [left, lost] = [Number.POSITIVE_INFINITY, false];
  async function effect<T>(act: () => Promise<T>): Promise<T> {
    left -= 1;
    if (left < 0) {
      if (left === -1 && lost) await act();
      throw new Crash('crashed');
    }
    return act();
  }
  return {
    set: (count: number, unheard = false): void => void ([left, lost] = [count, unheard]),
    store: (store: Store): Store => ({ ...store, transact: (work) => effect(() => store.transact(work)) }),
    backupStore: (inner: BackupStore): BackupStore => ({
      ...inner,
      put: (key, bytes, ctx) => effect(() => inner.put(key, bytes, ctx)),
      delete: (key, ctx) => effect(() => inner.delete(key, ctx)),
    }),
  };
}

const points = [0, 1, 2, 3, 4, 5, 6].flatMap((count) => [
  [count, false],
  [count, true],
]) as [number, boolean][];

describe.each(points)('a crash after %d effects, the next one unheard: %s,', (count, unheard) => {
  let world: World;
  let fuse: ReturnType<typeof createFuse>;
  beforeEach(async () => {
    fuse = createFuse();
    world = openWorld({ wrap: fuse.backupStore, wrapStore: fuse.store });
    for (const agentId of [alice, bob]) await world.put(toAgent(agentId));
  });
  afterEach(() => world.close());

  /** Runs the errand once an hour. */
  async function expireFor(days: number): Promise<void> {
    fuse.set(Number.POSITIVE_INFINITY);
    for (let hour = 0; hour < days * 24; hour += 1) {
      world.clock.pass(hourMs);
      await world.backups.expire(['acme'], world.ctx);
    }
  }

  it('loses nothing that was finished while another is made, and leaves nothing half-made for ever', async () => {
    const before = await world.make(alice, 'before');
    world.clock.pass(hourMs);
    fuse.set(count, unheard);
    const after = await world.make(alice, 'after').catch((error: unknown) => {
      expect(error).toBeInstanceOf(Crash);
      return undefined;
    });
    await expireFor(3);
    const kept = await world.backups.latest(alice);
    expect(kept.map(({ id }) => id)).toContain(before.id);
    if (after) expect(kept.map(({ id }) => id)).toContain(after.id);
    for (const record of kept) expect(await world.read(record.id)).toBe(record.id === before.id ? 'before' : 'after');
    expect(world.files().map(decodeURIComponent).sort()).toEqual(kept.map(({ object }) => object).sort());
    expect(await world.store.query('backups', 'byAgent', { equals: [alice], limit: 10 })).toHaveLength(kept.length);
  });

  it('is made good when it hits the end of a removed agent’s backups', async () => {
    await world.make(alice, 'old');
    world.clock.pass(hourMs);
    const last = await world.make(alice, 'last');
    const other = await world.make(bob, 'of another');
    const askedAt = world.clock.now();
    const agent = toAgent(alice, { desired: 'removed', removal: { askedAt, reason: 'deleted' } });
    await world.put(agent);
    fuse.set(count, unheard);
    await world.backups.conclude(agent, world.ctx).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
    fuse.set(Number.POSITIVE_INFINITY);
    expect(await world.backups.conclude(agent, world.ctx)).toMatchObject({ id: last.id, expiresAt: askedAt + 20 * dayMs });
    await expireFor(1);
    expect((await world.backups.latest(alice)).map(({ id }) => id)).toEqual([last.id]);
    world.clock.pass(19 * dayMs);
    fuse.set(count, unheard);
    await world.backups.expire(['acme'], world.ctx).catch(() => undefined);
    await expireFor(1);
    expect(world.files().map(decodeURIComponent)).toEqual([other.object]);
    expect((await world.rows(alice)).filter((row) => row === 'backup.destroy plane')).toHaveLength(2);
  });
});
