import type { CredentialKind } from '../../functions/core/credentials.ts';
import { relookKey } from '../../functions/core/schedule.ts';
import type { FaultsBody } from '../../scripts/local/workspace/faults.ts';
import { eventually, openWorld, type World } from '../http/world.ts';
import { catchUp, createAdmin, faultsOf, followUp, minute, plane, type Admin } from './admin.ts';
import { inOu, openCompany, toPlane } from './company.ts';

const sue = 'sue@acme.test';
const { none: allLost, push: pushAlone, log: logAlone } = faultsOf;
const lost = { lost: {} };
const seconds = 1_000;
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
    await world.run('rolling');
    await catchUp(world);
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
    ['whose push is lost is found by the audit log’s push', logAlone],
    ['whose pushes come twice and late ends one agent once', { ...pushAlone, pushes: { duplicated: {}, lateMs: 300 } }],
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

  it('whose push came while the Directory still showed the old state is found by the second look, ten seconds later (REQ-ID-04)', async () => {
    world.workspace.faults.set({ ...pushAlone, readLagMs: 5 * seconds });
    await admin.update(sue, { suspended: true });
    await world.settle();
    await followUp(world, 8 * seconds);
    expect(await desired()).toBe('running');
    await followUp(world, 2 * seconds);
    expect(await desired()).toBe('removed');
  });

  it('is given ten seconds of its own where it follows on another change', async () => {
    world.workspace.faults.set({ ...pushAlone, readLagMs: 5 * seconds });
    await admin.fields(sue, { modelTier: 'haiku' });
    await world.settle();
    await followUp(world, 8 * seconds);
    await admin.update(sue, { suspended: true });
    await world.settle();
    world.wake.wake(relookKey(await world.idOf(sue)));
    await followUp(world, 3 * seconds);
    await followUp(world, 7 * seconds);
    expect(await world.store.get('agents', agentId)).toMatchObject({ desired: 'removed', reason: 'suspended' });
  });

  it('whose first reading, by the audit log’s push, showed the old state is found by the second, which the next poll asks for', async () => {
    world.workspace.faults.set({ pushes: lost, readLagMs: 5 * seconds });
    await admin.update(sue, { suspended: true });
    await world.settle();
    expect(await desired()).toBe('running');
    expect(await live(5 * minute)).toBeLessThanOrEqual(minute);
  });

  it('is found by the walk within ten to forty-five minutes when all signals are lost, and from then on every token is refused at once (REQ-WSEC-05)', async () => {
    const kinds: readonly CredentialKind[] = ['join', 'session', 'model', 'gateway', 'link'];
    const tokens = kinds.map((kind) => {
      const extra = kind === 'session' || kind === 'link' ? world.clock.now() + 60 * minute : 0;
      return [kind, world.credentials.mint({ kind, agentId, incarnation: 1, extra, boot: 0 })] as const;
    });
    const accepted = async () => {
      const answers = await Promise.allSettled(tokens.map(async ([kind, token]) => world.credentials.check(token, kind)));
      return kinds.filter((_kind, at) => answers[at]?.status === 'fulfilled');
    };
    world.workspace.faults.set(allLost);
    await admin.update(sue, { suspended: true });
    await world.settle();
    const before = await accepted();
    expect(before).toEqual(expect.arrayContaining(['session', 'link']));
    const foundAfter = await live(60 * minute);
    expect(foundAfter).toBeGreaterThan(minute);
    expect(foundAfter).toBeLessThanOrEqual(11 * minute);
    expect(await accepted()).toEqual([]);
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

describe('a suspension that no signal told of', () => {
  it.each([
    ['ten minutes in a company of one page', 10, 5],
    ['forty-five minutes in a company of many pages and few agents', 45, 300],
  ])('is found within %s', async (_when, within, people) => {
    const company = openCompany(toPlane([inOu('/on', { agentEnabled: true })]));
    for (let number = 0; number < people; number += 1) company.hire(number, number === 0 ? '/on' : '/off');
    await company.begin();
    await company.pass(2 * 60 * minute);
    expect(await company.desired()).toEqual({ 1000: 'running' });
    const [walk] = await company.store
      .query('schedule', 'byDue', { limit: 500 })
      .then((due) => due.filter(({ key }) => key === 'plane/rolling'));
    await company.pass((walk?.dueAt ?? 0) - company.now());
    company.change('1000', { active: false, inactiveBecause: 'suspended' });
    const since = company.now();
    while ((await company.desired())['1000'] === 'running' && company.now() - since < 60 * minute) await company.pass(minute);
    expect(company.now() - since).toBeLessThanOrEqual((within + 1) * minute);
    expect(company.now() - since).toBeGreaterThan((within / 4) * minute);
  });
});
