import type { AgentRecord } from '../../functions/core/records.ts';
import { alice, bob, dayMs, hourMs, openWorld, toAgent, toBytes, type World, type WorldOptions } from './world.ts';

let world: World;
afterEach(() => world.close());

async function open(options: WorldOptions = {}): Promise<World> {
  world = openWorld(options);
  for (const agentId of [alice, bob]) await world.put(toAgent(agentId));
  return world;
}
const expire = () => world.backups.expire(['acme'], world.ctx);
const kept = async (agentId: string): Promise<string[]> => (await world.backups.latest(agentId)).map(({ id }) => id);
const remove = async (agentId: string): Promise<AgentRecord> => {
  const agent = toAgent(agentId, { desired: 'removed', removal: { askedAt: world.clock.now(), reason: 'suspended' } });
  await world.put(agent);
  return agent;
};

describe('the end of backups', () => {
  it('comes after seven days for each but the last of a living agent (REQ-MAINT-06)', async () => {
    await open();
    const made: string[] = [];
    for (let day = 0; day < 10; day += 1) {
      made.unshift((await world.make(alice, `day ${day}`)).id);
      world.clock.pass(dayMs);
      await expire();
    }
    expect(await kept(alice)).toEqual(made.slice(0, 6));
    expect(world.files()).toHaveLength(6);
    for (let day = 0; day < 60; day += 1) {
      world.clock.pass(dayMs);
      await expire();
    }
    expect(await kept(alice)).toEqual(made.slice(0, 1));
    expect(await world.read(made[0] ?? '')).toBe('day 9');
    expect((await world.rows(alice)).filter((row) => row === 'backup.destroy plane')).toHaveLength(9);
  });

  it('lets the last one of a living agent be opened while its term waits to be moved', async () => {
    await open();
    const { id } = await world.make(alice, 'x');
    world.clock.pass(8 * dayMs);
    expect(await world.read(id)).toBe('x');
    await world.put(toAgent(alice, { desired: 'removed' }));
    world.clock.pass(hourMs);
    await expect(world.read(id)).rejects.toMatchObject({ code: 'notFound' });
  });

  it('keeps one of a removed agent for the days of the plane, counted from the removal, and no other', async () => {
    await open({ retentionDays: 20 });
    await world.make(alice, 'old');
    world.clock.pass(dayMs);
    const agent = await remove(alice);
    world.clock.pass(hourMs);
    const last = await world.make(alice, 'last', 'removal');
    const other = await world.make(bob, 'of another');
    world.clock.pass(hourMs);
    const stays = await world.backups.conclude(agent, world.ctx);
    expect(stays).toMatchObject({ id: last.id, expiresAt: (agent.removal?.askedAt ?? 0) + 20 * dayMs });
    expect(await world.backups.conclude(agent, world.ctx)).toEqual(stays);
    expect([await kept(alice), await kept(bob)]).toEqual([[last.id], [other.id]]);
    world.clock.pass(20 * dayMs - 2 * hourMs - 1);
    await expire();
    expect(await kept(alice)).toEqual([last.id]);
    world.clock.pass(1);
    expect(await kept(alice)).toEqual([]);
    await expire();
    expect(world.files().filter((name) => name.includes(alice))).toEqual([]);
    expect(await world.rows(alice)).toEqual(expect.arrayContaining(['backup.keep plane', 'backup.destroy plane']));
    expect(await world.store.query('backups', 'byAgent', { equals: [alice], limit: 10 })).toEqual([]);
  });

  it('lets the last daily one stand where no other could be made', async () => {
    await open({ retentionDays: 20 });
    const daily = await world.make(alice, 'daily');
    world.clock.pass(dayMs);
    const unfinished = await world.backups.begin(await remove(alice), 'removal');
    const agent = await remove(alice);
    expect(await world.backups.conclude(agent, world.ctx)).toMatchObject({ id: daily.id, expiresAt: world.clock.now() + 20 * dayMs });
    expect(await world.store.get('backups', unfinished.id)).toBeUndefined();
  });

  it('leaves nothing of a removed agent where the plane keeps none', async () => {
    await open({ retentionDays: 0 });
    await world.make(alice, 'daily');
    const agent = await remove(alice);
    await expect(world.backups.begin(agent, 'removal')).rejects.toMatchObject({ code: 'preconditionFailed' });
    expect(await world.backups.conclude(agent, world.ctx)).toBeUndefined();
    expect([world.files(), await kept(alice)]).toEqual([[], []]);
  });

  it('does not lengthen the term of one from an earlier life', async () => {
    await open({ retentionDays: 20 });
    await world.make(alice, 'first life');
    const first = await world.backups.conclude(await remove(alice), world.ctx);
    world.clock.pass(5 * dayMs);
    await world.put(toAgent(alice, { incarnation: 2 }));
    const askedAt = world.clock.now();
    const again = toAgent(alice, { incarnation: 2, desired: 'removed', removal: { askedAt, reason: 'deleted' } });
    await world.put(again);
    expect(await world.backups.conclude(again, world.ctx)).toEqual(first);
  });

  it('comes for what was begun and never finished after a day', async () => {
    await open();
    const { id } = await world.backups.begin(toAgent(alice), 'daily');
    world.clock.pass(dayMs - 1);
    await expire();
    expect(await world.store.get('backups', id)).toBeDefined();
    world.clock.pass(1);
    expect(await expire()).toMatchObject({ destroyed: 1, more: false });
    expect(await world.store.get('backups', id)).toBeUndefined();
  });

  it('comes at once when asked for, and a second time without complaint', async () => {
    await open();
    const { id } = await world.make(alice, 'x');
    world.clock.pass(dayMs);
    const admin = { kind: 'user', id: 'admin@acme.test' } as const;
    expect(await world.backups.destroy(id, 'asked for', admin, world.ctx)).toBe(true);
    expect(await world.backups.destroy(id, 'asked for', admin, world.ctx)).toBe(true);
    expect(world.files()).toEqual([]);
    expect(await world.rows(alice)).toContain('backup.destroy user');
  });

  it('waits with the record for an upload that may still land', async () => {
    await open();
    const { id } = await world.backups.begin(toAgent(alice), 'daily');
    async function* bytes(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      expect(await world.backups.destroy(id, 'asked for', { kind: 'plane', id: 'test' }, world.ctx)).toBe(false);
    }
    await expect(world.backups.receive(id, bytes(), world.ctx)).rejects.toMatchObject({ code: 'conflict' });
    expect(await kept(alice)).toEqual([]);
    world.clock.pass(4 * hourMs);
    await expire();
    expect([world.files(), await world.store.get('backups', id)]).toEqual([[], undefined]);
  });

  it('finds objects without a record within two days, and touches nothing else', async () => {
    await open();
    const mine = await world.make(alice, 'mine');
    const age = world.clock.now();
    const orphans = [alice, bob, 'a7bobbobbobbobbo'].map((agentId) => `acme/${agentId}/lost-id/${age}-nonce.age`);
    const others = ['acme/aalicealicealice/notes.txt', `other/${alice}/lost-id/${age}-nonce.age`];
    for (const key of [...orphans, ...others]) await world.folder.put(key, toBytes('x'), world.ctx);
    let found = 0;
    for (let hour = 0; hour < 24; hour += 1) {
      found += (await expire()).orphans;
      world.clock.pass(hourMs);
    }
    expect(found).toBe(0);
    for (let hour = 0; hour < 48; hour += 1) {
      found += (await expire()).orphans;
      world.clock.pass(hourMs);
    }
    expect(found).toBe(orphans.length);
    expect(world.files().map(decodeURIComponent).sort()).toEqual([...others, mine.object].sort());
    const rows = await world.store.query('audit', 'bySeq', { equals: ['plane/acme'], limit: 10 });
    expect(rows.map(({ action }) => action)).toEqual(orphans.map(() => 'backup.orphan'));
  });

  it('is not held up by one that cannot be destroyed, and says so', async () => {
    let bad = '';
    await open({
      wrap: (folder) => ({
        ...folder,
        delete: (key, ctx) => (key.includes(bad) ? Promise.reject(new Error('EIO')) : folder.delete(key, ctx)),
      }),
    });
    bad = (await world.make(alice, 'a')).id;
    const good = await world.make(bob, 'b');
    for (const agentId of [alice, bob]) await remove(agentId);
    world.clock.pass(8 * dayMs);
    await expect(expire()).rejects.toMatchObject({ code: 'unavailable' });
    expect(await world.store.get('backups', good.id)).toBeUndefined();
    expect(await kept(alice)).toEqual([]);
    bad = 'none';
    await expire();
    expect(world.files()).toEqual([]);
  });
});
