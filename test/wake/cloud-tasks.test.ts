import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlaneError } from '../../functions/core/errors.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { createCloudTasksWake } from '../../functions/wake/cloud-tasks.ts';
import { accessToken, closeServers, listen } from './loopback.ts';
import { openQueuedWorld, queue } from './queued-world.ts';

const minuteMs = 60_000;
afterEach(closeServers);

/** A handler that notes when it ran, and is done. */
function noting(): { ran: string[]; handler: (id: string) => Promise<number | undefined> } {
  const ran: string[] = [];
  return { ran, handler: async (id) => void ran.push(id) };
}

describe('waking by Cloud Tasks', () => {
  it('runs at its time what is due later, once, whatever number of hints told of it', async () => {
    const { ran, handler } = noting();
    const world = await openQueuedWorld(handler);
    await world.makeDue('a', 5 * minuteMs);
    for (let hint = 0; hint < 3; hint += 1) {
      world.wake.wake('pass/a');
      world.wake.wake('pass/a');
      await world.wake.flush();
    }
    expect([world.tasks.created.length, world.tasks.folded.length, world.log.lines]).toEqual([1, 2, []]);
    await world.tasks.run(world.clock.now() + 5 * minuteMs - 1);
    expect(ran).toEqual([]);
    await world.tasks.run(world.clock.now() + minuteMs);
    expect(ran).toEqual(['a']);
    expect(world.tasks.deliveries).toEqual([{ body: '{"key":"pass/a"}', at: Date.UTC(2026, 0, 1, 0, 5), status: 204 }]);
    expect(await world.store.get('schedule', 'pass/a')).toBeUndefined();
  });

  it('does nothing for a key without a schedule row', async () => {
    const world = await openQueuedWorld(async () => undefined);
    world.wake.wake('pass/nobody');
    await world.wake.flush();
    expect([world.tasks.created, world.log.lines]).toEqual([[], []]);
  });

  it('queues a key again that is due again with the same stamp and no failed attempt, hour after hour', async () => {
    let runs = 0;
    const world = await openQueuedWorld(async () => ((runs += 1) < 30 ? 5 * minuteMs : undefined));
    await world.makeDue('a');
    world.wake.wake('pass/a');
    await world.wake.flush();
    await world.tasks.run(world.clock.now() + 30 * 5 * minuteMs);
    expect(runs).toBe(30);
    expect(world.tasks.folded).toEqual([]);
    expect(new Set(world.tasks.created.map(({ name }) => name)).size).toBe(30);
  });

  it('queues a key that is made due while its task waits, and again soon after it ran', async () => {
    const { ran, handler } = noting();
    const world = await openQueuedWorld(handler);
    for (const inMs of [10 * minuteMs, 0]) {
      await world.makeDue('a', inMs);
      world.wake.wake('pass/a');
      await world.wake.flush();
    }
    await world.tasks.run(world.clock.now());
    expect(ran).toEqual(['a']);
    await world.makeDue('a');
    world.wake.wake('pass/a');
    await world.wake.flush();
    await world.tasks.run(world.clock.now() + 20 * minuteMs);
    expect(ran).toEqual(['a', 'a']);
  });

  it('heals a create that failed by the next sweep, and says so without secrets', async () => {
    const { ran, handler } = noting();
    const world = await openQueuedWorld(handler);
    await world.makeDue('a');
    world.tasks.faults.push(503);
    world.wake.wake('pass/a');
    await world.wake.flush();
    expect(world.log.lines).toEqual([
      `cannot queue 1 of 1 hints in ${queue}: 503 UNAVAILABLE; the next sweep finds what is due {"keys":["pass/a"]}`,
    ]);
    await world.tasks.run(world.clock.now() + minuteMs);
    expect(ran).toEqual([]);
    expect(await world.sweep()).toEqual({ due: 1, soon: 0, more: false });
    await world.tasks.run(world.clock.now());
    expect(ran).toEqual(['a']);
    expect(world.log.lines.join()).not.toContain(accessToken);
  });

  it('flushes all the same when nothing answers, when the store is down, and when a row is beyond a task’s horizon', async () => {
    const down = { get: async () => Promise.reject(new PlaneError('unavailable', 'cannot reach the store')) };
    const deaf = await listen(async () => new Response());
    await closeServers();
    const world = await openQueuedWorld(async () => undefined);
    for (const part of [{ rootUrl: `${deaf}/` }, { store: down }]) {
      const wake = createCloudTasksWake({ ...world.base, ...part });
      await world.makeDue('a');
      wake.wake('pass/a');
      await wake.flush();
    }
    expect(world.log.lines).toEqual([expect.stringContaining('ECONNREFUSED'), expect.stringContaining('cannot reach the store')]);
    await world.makeDue('far', 31 * 24 * 60 * minuteMs);
    world.wake.wake('pass/far');
    await world.wake.flush();
    expect(world.log.lines).toHaveLength(2);
    expect(world.tasks.created).toEqual([]);
  });

  it('sends what other requests hinted at before any of them is answered', async () => {
    const world = await openQueuedWorld(async () => undefined);
    await world.makeDue('a');
    world.wake.wake('pass/a');
    const first = world.wake.flush();
    await world.wake.flush();
    expect(world.tasks.created).toHaveLength(1);
    await first;
  });

  it('brings a task back until it is answered, and after it was given up the sweep finds its key within a minute', async () => {
    const { ran, handler } = noting();
    const world = await openQueuedWorld(handler, { nameMs: 24 * 60 * minuteMs });
    await world.makeDue('a');
    world.wake.wake('pass/a');
    await world.wake.flush();
    world.faults.push(...Array.from({ length: 3 }, () => new Error('no')));
    await world.tasks.run(world.clock.now() + minuteMs);
    expect(world.tasks.deliveries.map(({ status }) => status)).toEqual([500, 500, 500]);
    expect(world.tasks.waiting()).toBe(0);
    await world.sweep();
    await world.tasks.run(world.clock.now());
    expect(ran).toEqual(['a']);
  });

  it('finds again what a purged queue lost, over and over, with ever fewer tasks for one row', async () => {
    const { ran, handler } = noting();
    const world = await openQueuedWorld(handler, { nameMs: 24 * 60 * minuteMs });
    await world.makeDue('a');
    for (let minute = 0; minute < 60; minute += 1) {
      await world.sweep();
      world.tasks.purge();
      world.clock.pass(minuteMs);
    }
    expect(world.tasks.created.length).toBe(7);
    await world.tasks.run(world.clock.now() + minuteMs);
    expect(ran).toEqual([]);
    world.clock.pass(4 * minuteMs);
    await world.sweep();
    await world.tasks.run(world.clock.now());
    expect(ran).toEqual(['a']);
  });

  it('does no harm when every task is delivered twice', async () => {
    const { ran, handler } = noting();
    const world = await openQueuedWorld(handler);
    world.tasks.doubled.on = true;
    for (const id of ['a', 'b', 'c']) await world.makeDue(id);
    expect(await world.sweep()).toEqual({ due: 3, soon: 0, more: false });
    await world.tasks.run(world.clock.now() + minuteMs);
    expect(world.tasks.deliveries.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 204));
    expect(ran.sort()).toEqual(['a', 'b', 'c']);
  });

  it('tries what failed again, by the schedule alone', async () => {
    let runs = 0;
    const world = await openQueuedWorld(async () => {
      if ((runs += 1) < 10) throw new Error('not yet');
      return undefined;
    });
    await world.makeDue('a');
    world.wake.wake('pass/a');
    await world.wake.flush();
    await world.tasks.run(world.clock.now() + 4 * minuteMs);
    expect(runs).toBe(10);
    expect(world.tasks.deliveries.every(({ status }) => status === 204)).toBe(true);
    expect(await world.store.get('schedule', 'pass/a')).toBeUndefined();
  });

  it('works the same over SQLite', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plane-wake-'));
    const store = openSqliteStore({ file: join(folder, 'plane.db') });
    const { ran, handler } = noting();
    const world = await openQueuedWorld(handler, { store });
    for (let at = 0; at < 100; at += 1) await world.makeDue(String(at), at * 1000);
    await world.sweep();
    await world.tasks.run(world.clock.now() + 2 * minuteMs);
    expect(ran).toHaveLength(61);
    await world.sweep();
    await world.tasks.run(world.clock.now() + minuteMs);
    expect(new Set(ran).size).toBe(100);
    expect(ran).toHaveLength(100);
    await store.close();
    rmSync(folder, { recursive: true });
  });

  it('names tasks so that nothing about the key shows and no two begin alike', async () => {
    const world = await openQueuedWorld(async () => undefined);
    for (let at = 0; at < 50; at += 1) {
      await world.makeDue(`alice-${at}@acme.test`);
      world.wake.wake(`pass/alice-${at}@acme.test`);
    }
    await world.wake.flush();
    const ids = world.tasks.created.map(({ name }) => name.split('/').at(-1) ?? '');
    expect(ids.join()).not.toContain('alice');
    expect(new Set(ids.map((id) => id.slice(0, 6))).size).toBe(50);
  });

  it.each([
    [{ queue: 'wake' }, 'cannot use queue wake: it has another form'],
    [{ audience: '' }, 'its tasks would carry no identity'],
    [{ serviceAccount: '' }, 'its tasks would carry no identity'],
    [{ dispatchMs: 5_000 }, 'a dispatch deadline of 5000 ms; use 15 s to 30 minutes'],
  ])('refuses to start with %j', async (part, message) => {
    const world = await openQueuedWorld(async () => undefined);
    expect(() => createCloudTasksWake({ ...world.base, ...part })).toThrow(message);
  });
});
