import { sessionMs } from '../../functions/core/credentials.ts';
import type { FaultsBody } from '../../scripts/local/workspace/faults.ts';
import { eventually, openWorld, type World } from '../http/world.ts';
import { createAdmin, plane, type Admin } from './event-rows.ts';

const sue = 'sue@acme.test';
const [minute, never] = [60_000, 36 * 3_600_000];
const lost = { lost: {} };
const allLost: FaultsBody = { pushes: lost, sink: lost, reportsLateMs: never };
const refuse = (reason: 'backendError' | 'quotaExceeded' | 'rateLimitExceeded', next?: number): FaultsBody => ({
  refusals: [{ reason, pathPrefix: '/admin/', method: 'GET', ...(next === undefined ? {} : { next }) }],
});

describe('a suspension', () => {
  let world: World;
  let admin: Admin;
  let agentId: string;
  beforeEach(async () => {
    world = await openWorld({ plane });
    admin = createAdmin(world);
    await admin.hire(sue, '/Support');
    agentId = await world.agentIdOf(sue);
    await eventually('an agent', () => world.store.get('agents', agentId));
    await world.settle();
    // What told of the hiring has been read twice by then.
    for (const errand of ['poll-admin', 'poll-groups_enterprise', 'poll-login', 'rolling']) await world.run(errand);
    await world.pass(minute, /^look\//);
    await world.settle();
  });
  afterEach(() => world.close());

  const desired = async () => (await world.store.get('agents', agentId))?.desired;
  const ended = (withinMs?: number) => eventually('the end', async () => (await desired()) === 'removed', withinMs);

  /** Lets so much time pass in steps of half a minute, as long as the agent is wanted. */
  async function live(ms: number): Promise<number> {
    for (let passed = 0; passed < ms; passed += minute / 2) {
      if ((await desired()) === 'removed') return passed;
      await world.pass(minute / 2);
      await world.settle();
    }
    return ms;
  }

  it.each<[string, FaultsBody]>([
    ['whose push is lost is found by the audit log’s push', { pushes: lost, reportsLateMs: never }],
    ['whose pushes come twice and late ends one agent once', { pushes: { duplicated: {}, lateMs: 300 }, sink: lost, reportsLateMs: never }],
    ['whose pushes overtake each other ends it', { pushes: { duplicated: {}, outOfOrderMs: 500 }, sink: { outOfOrderMs: 500 } }],
    ['is found while the search index is a day behind', { searchLagMs: 24 * 60 * minute }],
    ['is found while Google’s clock is two minutes ahead', { clockSkewMs: 2 * minute }],
    ['is found while Google’s clock is two minutes behind', { clockSkewMs: -2 * minute }],
    ['is found after 503s', refuse('backendError', 2)],
    ['is found after 403s of the quota', refuse('quotaExceeded', 1)],
    ['is found after 429s', refuse('rateLimitExceeded', 1)],
  ])('%s (REQ-ID-04, REQ-WSEC-05)', async (_what, faults) => {
    world.workspace.faults.set(faults);
    await admin.update(sue, { suspended: true });
    await ended(10_000);
    expect(await world.store.get('agents', agentId)).toMatchObject({ reason: 'suspended', incarnation: 1 });
    const receipts = await eventually('a receipt', async () => {
      const found = await world.store.query('receipts', 'byAgent', { equals: [agentId], limit: 5 });
      return found.length > 0 && found;
    });
    expect(receipts).toHaveLength(1);
  });

  it.each<[string, FaultsBody]>([
    ['push and audit log are lost', { pushes: lost, sink: lost }],
    ['the channel has ended without a word', { expireChannels: true, sink: lost }],
  ])('is found by the next poll when %s (REQ-ID-04)', async (_what, faults) => {
    world.workspace.faults.set(faults);
    await admin.update(sue, { suspended: true });
    await world.settle();
    expect(await desired()).toBe('running');
    expect(await live(5 * minute)).toBeLessThanOrEqual(minute);
  });

  it('whose first reading showed the old state is found by the second, which the next poll asks for', async () => {
    world.workspace.faults.set({ readLagMs: 5_000 });
    await admin.update(sue, { suspended: true });
    await world.settle();
    expect(await desired()).toBe('running');
    expect(await live(5 * minute)).toBeLessThanOrEqual(minute);
  });

  it('is found by the rolling walk within the hour when push, audit log and polls are lost, and ends the session at once', async () => {
    const session = () =>
      world.credentials.mint({ kind: 'session', agentId, incarnation: 1, extra: world.clock.now() + sessionMs, boot: 0 });
    const beat = (token: string) => world.call('POST', '/agent/heartbeat', undefined, { version: '', live: true, ready: true }, token);
    world.workspace.faults.set(allLost);
    await admin.update(sue, { suspended: true });
    await world.settle();
    expect((await beat(session())).status).toBe(200);
    const foundAfter = await live(60 * minute);
    expect(foundAfter).toBeGreaterThan(minute);
    expect(foundAfter).toBeLessThan(50 * minute);
    expect((await beat(session())).status).toBe(401);
  }, 60_000);

  it('does not end agents while the Directory cannot be reached, and is found when it can be again', async () => {
    world.workspace.faults.set({ ...allLost, ...refuse('backendError') });
    await world.pass(50 * minute);
    expect(await desired()).toBe('running');
    await admin.update(sue, { suspended: true });
    world.workspace.faults.set(allLost);
    await live(50 * minute);
    expect(await desired()).toBe('removed');
  }, 60_000);
});
