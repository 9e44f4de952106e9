import { createRunner, makeDue } from '../../functions/core/schedule.ts';
import { systemClock } from '../../functions/keys.ts';
import { createInProcessWake } from '../../functions/wake/in-process.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

const log = { info: () => undefined, warn: () => undefined };

function openWake(handler: (id: string) => Promise<number | undefined>, store = createMemoryStore()) {
  const wake = createInProcessWake({ clock: systemClock, log, concurrency: 4, sweepMs: 60_000 });
  wake.attach(createRunner({ store, clock: systemClock, log, handlers: { pass: handler }, runMs: 1_000 }));
  const due = (id: string, inMs: number) =>
    store.transact(async (tx) => makeDue(tx, `pass/${id}`, await tx.get('schedule', `pass/${id}`), Date.now() + inMs));
  return { wake, due, store };
}
const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('the wake of one process', () => {
  it('runs what a process that is gone had left for a moment later', async () => {
    const ran: string[] = [];
    const { wake, due } = openWake(async (id) => void ran.push(id));
    await due('now', 0);
    await due('later', 150);
    wake.start();
    await soon(50);
    expect(ran).toEqual(['now']);
    await soon(250);
    expect(ran).toEqual(['now', 'later']);
    await wake.stop();
  });

  it('never runs one key twice at once, and runs it again for a hint that came meanwhile', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const { wake, due } = openWake(async () => {
      running += 1;
      runs += 1;
      most = Math.max(most, running);
      await soon(30);
      running -= 1;
      return undefined;
    });
    await due('a', 0);
    wake.start();
    await soon(10);
    await due('a', 0);
    for (let at = 0; at < 5; at += 1) wake.wake('pass/a');
    await soon(150);
    expect([most, runs]).toEqual([1, 2]);
    await wake.stop();
  });

  it('lets passes that go on wait while looks wait, so that everybody’s access ends before anybody’s machine goes', async () => {
    const store = createMemoryStore();
    const order: string[] = [];
    const wake = createInProcessWake({ clock: systemClock, log, concurrency: 2, sweepMs: 60_000 });
    const run = (kind: string) => async (id: string) => {
      const again = order.includes(`${kind} ${id}`);
      order.push(again ? `${kind} ${id} again` : `${kind} ${id}`);
      await soon(5);
      return kind === 'pass' && !again ? 0 : undefined;
    };
    const handlers = { look: run('look'), pass: run('pass') };
    wake.attach(createRunner({ store, clock: systemClock, log, handlers, runMs: 1_000 }));
    for (const key of ['pass/a', ...Array.from({ length: 12 }, (_none, at) => `look/${at}`), 'pass/b'])
      await store.transact(async (tx) => makeDue(tx, key, undefined, Date.now()));
    wake.start();
    await soon(400);
    expect(order).toHaveLength(16);
    expect(order.indexOf('pass b')).toBeLessThan(order.indexOf('look 11'));
    // All looks have begun: nobody waits any more.
    expect(order.indexOf('pass a again')).toBeGreaterThan(order.indexOf('look 9'));
    await wake.stop();
  });

  it('takes more than one batch of what is due', async () => {
    const ran = new Set<string>();
    const { wake, due } = openWake(async (id) => void ran.add(id));
    for (let at = 0; at < 1_200; at += 1) await due(String(at), 0);
    wake.start();
    await soon(1_500);
    expect(ran.size).toBe(1_200);
    await wake.stop();
  });
});
