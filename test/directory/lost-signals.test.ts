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

  /** Lets time pass and waits until what is due by then is done with, or was tried. */
  async function wait(ms: number): Promise<void> {
    await world.pass(ms);
    await eventually('the roll call', async () => ((await world.store.get('schedule', 'plane/roll-call'))?.dueAt ?? 0) > world.clock.now());
    await world.settle();
  }

  /** Lets so much time pass in steps of half a minute, as long as the agent is wanted. */
  async function live(ms: number): Promise<number> {
    for (let passed = 0; passed < ms; passed += minute / 2) {
      if ((await desired()) === 'removed') return passed;
      await wait(minute / 2);
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

  const kinds: readonly CredentialKind[] = ['join', 'session', 'model', 'gateway', 'link'];
  /** The kinds of an agent's tokens that are accepted now, and what the others are told. */
  async function tokensOf(id: string) {
    const answers = await Promise.all(
      kinds.map(async (kind) => {
        const extra = kind === 'session' || kind === 'link' ? world.clock.now() + 60 * minute : 1;
        const token = world.credentials.mint({ kind, agentId: id, incarnation: 1, extra, boot: 0 });
        return world.credentials.check(token, kind).then(
          () => kind,
          (error: unknown) => error,
        );
      }),
    );
    return {
      accepted: answers.filter((answer) => typeof answer === 'string'),
      refusals: answers.filter((answer) => answer instanceof Error),
    };
  }

  it('is found by the roll call when all signals are lost and the search index is a day behind, and every token is refused (REQ-WSEC-05, REQ-ID-04)', async () => {
    world.workspace.faults.set({ ...allLost, searchLagMs: 24 * 60 * minute });
    await admin.update(sue, { suspended: true });
    await world.settle();
    expect((await tokensOf(agentId)).accepted).toEqual(kinds);
    const foundAfter = await live(60 * minute);
    expect(foundAfter).toBeGreaterThan(minute);
    expect(foundAfter).toBeLessThanOrEqual(9 * minute);
    expect((await tokensOf(agentId)).accepted).toEqual([]);
  }, 60_000);

  it('ends every token within fifteen minutes while no signal comes and the Directory does not answer; nothing is removed, and who is still there goes on at once (REQ-WSEC-05, REQ-ID-04)', async () => {
    const max = 'max@acme.test';
    await admin.hire(max, '/Support');
    const other = await world.agentIdOf(max);
    await eventually('an agent', () => world.store.get('agents', other));
    await world.settle();
    await wait(20 * minute);
    const idle = await tokensOf(other);
    expect(idle.accepted).toEqual(kinds);

    world.workspace.faults.set({ ...allLost, ...refuse('backendError') });
    await admin.update(sue, { suspended: true });
    let passedMs = 0;
    for (; (await tokensOf(agentId)).accepted.length > 0 && passedMs < 30 * minute; passedMs += minute / 2) {
      await wait(minute / 2);
    }
    expect(passedMs).toBeLessThanOrEqual(15 * minute);
    expect(passedMs).toBeGreaterThan(5 * minute);
    await wait(50 * minute);
    for (const id of [agentId, other]) {
      const { accepted, refusals } = await tokensOf(id);
      expect(accepted).toEqual([]);
      for (const refusal of refusals)
        expect(refusal).toMatchObject({
          code: 'unavailable',
          message: expect.stringMatching(/nothing is lost, the agent goes on/) as string,
        });
      expect(await world.store.get('agents', id)).toMatchObject({ desired: 'running' });
    }
    const extra = world.clock.now() + minute;
    const doors = [
      ['GET', '/agent/assignment', world.credentials.mint({ kind: 'session', agentId: other, incarnation: 1, extra, boot: 0 })],
      ['POST', '/model/v1/messages', world.credentials.mint({ kind: 'model', agentId: other, incarnation: 1, extra: 1 })],
    ] as const;
    for (const [method, path, token] of doors) {
      const answer = await fetch(world.url + path, { method, headers: { authorization: `Bearer ${token}` } });
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
      expect(await answer.json()).toMatchObject({ code: 'unavailable', detail: expect.stringContaining('nothing is lost') as string });
    }
    expect(world.warnings.filter((line) => line.startsWith('agents are held'))).toHaveLength(1);
    expect(world.warnings).not.toContain('request failed');

    world.workspace.faults.set(allLost);
    await wait(minute / 2);
    expect((await tokensOf(other)).accepted).toEqual(kinds);
    expect((await tokensOf(agentId)).accepted).toEqual([]);
    expect(await world.store.get('agents', agentId)).toMatchObject({ desired: 'removed', reason: 'suspended' });
    expect(await world.store.get('agents', other)).toMatchObject({ desired: 'running', incarnation: 1 });
  }, 60_000);
});

describe('a suspension that no signal told of', () => {
  it.each([
    ['of one page', 5],
    ['of many pages and few agents', 300],
  ])('is found within nine minutes in a company %s (REQ-ID-04)', async (_which, people) => {
    const company = openCompany(toPlane([inOu('/on', { agentEnabled: true })]));
    for (let number = 0; number < people; number += 1) company.hire(number, number === 0 ? '/on' : '/off');
    await company.begin();
    await company.pass(2 * 60 * minute);
    expect(await company.desired()).toEqual({ 1000: 'running' });
    const since = await company.store.get('walks', 'roll-call').then((round) => round?.readAt ?? 0);
    while ((await company.store.get('walks', 'roll-call'))?.readAt === since) await company.pass(seconds);
    company.change('1000', { active: false, inactiveBecause: 'suspended' });
    const suspendedAt = company.now();
    while ((await company.desired())['1000'] === 'running' && company.now() - suspendedAt < 60 * minute) await company.pass(minute / 2);
    expect(company.now() - suspendedAt).toBeLessThanOrEqual(9 * minute);
    expect(company.now() - suspendedAt).toBeGreaterThan(2 * minute);
  });
});
