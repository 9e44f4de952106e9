import { createRunner, makeDue, type Handler } from '../../functions/core/schedule.ts';
import type { Store } from '../../functions/core/store.ts';
import { createHints } from '../../functions/wake/hints.ts';
import { createReconcile, createSweep } from '../../functions/wake/reconcile.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { createHandClock, createHeardLog } from './loopback.ts';

const minuteMs = 60_000;
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
const post = (body: unknown): Request =>
  new Request('http://127.0.0.1/', { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
const push = (data: string): Request =>
  post({
    message: { data, messageId: '1', message_id: '1', publishTime: '2026-01-01T00:00:00Z', attributes: { key: 'pass/a' } },
    subscription: 'projects/acme-plane/subscriptions/reconcile',
    deliveryAttempt: 2,
  });

function openReconcile(handler: Handler, store: Store = createMemoryStore()) {
  const [clock, log] = [createHandClock(), createHeardLog()];
  const sent: string[] = [];
  const slept: number[] = [];
  const wake = createHints(async (keys) => void sent.push(...keys));
  const runner = createRunner({ store, clock, log, handlers: { pass: handler }, runMs: 1000 });
  const sleep = async (ms: number): Promise<void> => {
    slept.push(ms);
    clock.pass(ms);
  };
  const reconcile = createReconcile({ store, runner, wake, clock, sleep, log, kinds: ['pass'], budgetMs: 45_000 });
  const due = (key: string, inMs = 0) => store.transact(async (tx) => makeDue(tx, key, await tx.get('schedule', key), clock.now() + inMs));
  return { store, clock, log, sent, slept, wake, reconcile, due };
}

describe('the function reconcile', () => {
  it.each([
    ['a task of Cloud Tasks', () => post({ key: 'pass/a' })],
    ['a push of Pub/Sub', () => push(encode({ key: 'pass/a' }))],
  ])('runs the key of %s', async (_what, request) => {
    const ran: string[] = [];
    const { reconcile, due } = openReconcile(async (id) => void ran.push(id));
    await due('pass/a');
    const { status, body } = await reconcile(request());
    expect([status, body, ran]).toEqual([204, null, ['a']]);
  });

  it('runs a key again and again within its budget, then hands it on', async () => {
    let runs = 0;
    const { reconcile, due, slept, sent } = openReconcile(async () => ((runs += 1), 10_000));
    await due('pass/a');
    expect((await reconcile(post({ key: 'pass/a' }))).status).toBe(204);
    expect(runs).toBe(5);
    expect(slept).toEqual([10_000, 10_000, 10_000, 10_000]);
    expect(sent).toEqual(['pass/a']);
  });

  it('ends after some runs of a key that is due again at once', async () => {
    let runs = 0;
    const { reconcile, due, sent } = openReconcile(async () => ((runs += 1), 0));
    await due('pass/a');
    await reconcile(post({ key: 'pass/a' }));
    expect(runs).toBe(20);
    expect(sent).toEqual(['pass/a']);
  });

  it('begins no run after its budget, however long the one before took', async () => {
    let runs = 0;
    const world = openReconcile(async () => {
      runs += 1;
      await world.due('pass/a');
      world.clock.pass(46_000);
      return undefined;
    });
    await world.due('pass/a');
    await world.reconcile(post({ key: 'pass/a' }));
    expect([runs, world.sent]).toEqual([1, ['pass/a']]);
  });

  it('hands on what is due long after, without running it', async () => {
    const { reconcile, due, sent, slept } = openReconcile(async () => {
      throw new Error('ran too early');
    });
    await due('pass/a', minuteMs);
    await reconcile(post({ key: 'pass/a' }));
    expect([sent, slept]).toEqual([['pass/a'], []]);
  });

  it('runs nothing for a hint that comes twice or too late', async () => {
    const ran: string[] = [];
    const { reconcile, due } = openReconcile(async (id) => void ran.push(id));
    await due('pass/a');
    for (let at = 0; at < 3; at += 1) expect((await reconcile(post({ key: 'pass/a' }))).status).toBe(204);
    expect(ran).toEqual(['a']);
  });

  it('looks again after waiting, so that what another has run meanwhile is left alone', async () => {
    const ran: string[] = [];
    const world = openReconcile(async (id) => void ran.push(id));
    const sleep = async (ms: number): Promise<void> => {
      world.clock.pass(ms);
      await world.store.transact(async (tx) => tx.delete('schedule', 'pass/a'));
    };
    const run = async (): Promise<undefined> => void ran.push('again');
    const { store, clock, log, wake } = world;
    const reconcile = createReconcile({ store, runner: { run }, wake, clock, sleep, log, kinds: ['pass'], budgetMs: 45_000 });
    await world.due('pass/a', 5_000);
    await reconcile(post({ key: 'pass/a' }));
    expect(ran).toEqual([]);
  });

  it.each([
    ['no JSON', () => post('{"key":')],
    ['no body', () => new Request('http://127.0.0.1/', { method: 'POST' })],
    ['another shape', () => post({ keys: ['pass/a'] })],
    ['a key that is no text', () => post({ key: 7 })],
    ['a key without a kind', () => post({ key: 'a' })],
    ['an endless key', () => post({ key: `pass/${'a'.repeat(2000)}` })],
    ['too much', () => post({ key: 'pass/a', rest: 'a'.repeat(200_000) })],
    ['a push with no JSON in it', () => push(Buffer.from('{"key"').toString('base64'))],
    ['a push that is not base64', () => push('%%%')],
    ['a push without data', () => post({ message: { messageId: '1', attributes: { key: 'pass/a' } }, subscription: 's' })],
    ['a kind that nothing runs', () => post({ key: 'dance/a' })],
    ['a kind that every object has', () => post({ key: 'constructor/a' })],
  ])('answers 204 to %s, so that it never comes again, and says so', async (_what, request) => {
    const { reconcile, log, due } = openReconcile(async () => {
      throw new Error('ran');
    });
    await due('pass/a');
    expect((await reconcile(request())).status).toBe(204);
    expect(log.lines).toEqual([expect.stringContaining('ignored a hint')]);
  });

  it('answers 500 while the store is down, so that the hint comes again, and still sends what was hinted at', async () => {
    const down = { ...createMemoryStore(), get: async () => Promise.reject(new Error('the store is down')) };
    const { reconcile, log, sent, wake } = openReconcile(async () => undefined, down);
    wake.wake('pass/b');
    const response = await reconcile(post({ key: 'pass/a' }));
    expect([response.status, await response.text(), sent]).toEqual([500, '', ['pass/b']]);
    expect(log.lines).toEqual([expect.stringContaining('the store is down; it is delivered again')]);
  });
});

describe('the function sweep', () => {
  const openSweep = (limits: { pageSize?: number; mostPages?: number } = {}) => {
    const world = openReconcile(async () => undefined);
    const { store, wake, clock, log } = world;
    const sweep = createSweep({ store, wake, clock, log, ...limits });
    return { ...world, sweep: async () => (await sweep()).json() as Promise<unknown> };
  };

  it('wakes what is due and what will be before the next sweep, and counts both', async () => {
    const { sweep, due, sent } = openSweep();
    await due('pass/now');
    await due('pass/soon', minuteMs);
    await due('pass/later', minuteMs + 1);
    expect(await sweep()).toEqual({ due: 1, soon: 1, more: false });
    expect(sent).toEqual(['pass/now', 'pass/soon']);
  });

  it('takes page after page, each key once, also where several are due in the millisecond between two pages', async () => {
    const { sweep, due, sent } = openSweep({ pageSize: 10 });
    for (let at = 0; at < 95; at += 1) await due(`pass/${at}`, Math.floor(at / 7));
    expect(await sweep()).toEqual({ due: 7, soon: 88, more: false });
    expect([sent.length, new Set(sent).size]).toEqual([95, 95]);
  });

  it('says when it left some, and passes over more than a page that is due in one millisecond', async () => {
    const bounded = openSweep({ pageSize: 10, mostPages: 2 });
    for (let at = 0; at < 30; at += 1) await bounded.due(`pass/${at}`, at);
    expect(await bounded.sweep()).toEqual({ due: 1, soon: 18, more: true });

    const crowded = openSweep({ pageSize: 10 });
    for (let at = 0; at < 25; at += 1) await crowded.due(`pass/${at}`);
    await crowded.due('pass/last', 1);
    await crowded.sweep();
    expect(crowded.sent).toContain('pass/last');
  });

  it('answers 500 when the store cannot be read', async () => {
    const { wake, clock, log } = openReconcile(async () => undefined);
    const store = { query: async () => Promise.reject(new Error('the store is down')) };
    expect((await createSweep({ store, wake, clock, log })()).status).toBe(500);
    expect(log.lines).toEqual([expect.stringContaining('cannot sweep the schedule: the store is down')]);
  });
});
