import { eventually, openWorld, type World } from '../http/world.ts';
import { catchUp, createAdmin, faultsOf, followUp, plane, polls, type Admin } from './admin.ts';

const bob = 'bob@acme.test';

describe('the echo of our own writing', () => {
  let world: World;
  let admin: Admin;
  let agentId: string;
  beforeEach(async () => {
    world = await openWorld({ plane });
    admin = createAdmin(world);
    agentId = await world.agentIdOf(bob);
    await admin.fields(bob, { agentEnabled: true });
    await eventually('an agent', () => world.store.get('agents', agentId));
    await world.settle();
    await catchUp(world);
  });
  afterEach(() => world.close());

  const record = () => world.store.get('agents', agentId);
  const calls = (method: string): number => world.workspace.calls().byMethod[`directory.${method}`] ?? 0;

  /** Makes the plane write the agent's fields once more, with a heartbeat that is new. */
  async function writeBack(at: number): Promise<void> {
    const { incarnation, revision } = (await record()) ?? { incarnation: 1, revision: 1 };
    await world.store.transact(async (tx) => {
      const published = await tx.get('published', agentId);
      const due = await tx.get('schedule', `publish/${agentId}`);
      tx.set('heartbeats', agentId, { agentId, incarnation, revision, at, live: true, ready: true, boot: 0 });
      if (published) tx.set('published', agentId, { ...published, at: 1 });
      const key = `publish/${agentId}`;
      tx.set('schedule', key, { key, dueAt: world.clock.now(), attempts: 0, stamp: (due?.stamp ?? 0) + 1 });
    });
    world.wake.wake(`publish/${agentId}`);
  }
  const written = async (at: number): Promise<boolean> =>
    (await world.store.get('published', agentId))?.lastHeartbeat === new Date(at).toISOString();

  it('costs not one call of Google’s API, by push, by the audit log or by a poll', async () => {
    world.workspace.resetCalls();
    for (const at of [1_000_000, 2_000_000, 3_000_000]) {
      await writeBack(at);
      await eventually('the mirror', async () => (await written(at)) && (await world.store.get('published', agentId))?.echoes === 0);
    }
    for (const errand of polls) await world.run(errand);
    await followUp(world, 61_000);
    const { byMethod } = world.workspace.calls();
    expect(byMethod).toEqual({ 'directory.users.update': 3, 'reports.activities.list': 3 });
  });

  it.each([
    ['a suspension', { suspended: true }, { desired: 'removed', reason: 'suspended' }],
    [
      'an edit',
      { customSchemas: { OpenClaw_Agent: { modelTier: 'haiku' } } },
      { spec: expect.objectContaining({ modelTier: 'haiku' }) as unknown },
    ],
  ])('does not hide %s of the same moment, by push alone (REQ-WSEC-05)', async (_what, change, state) => {
    world.workspace.faults.set(faultsOf.push);
    await Promise.all([writeBack(4_000_000), admin.update(bob, change)]);
    await eventually('both', async () => (await written(4_000_000)) || (await record())?.desired === 'removed');
    await eventually('the change', async () => {
      const agent = await record();
      return agent?.desired === 'removed' || agent?.spec.modelTier === 'haiku';
    });
    expect(await record()).toMatchObject(state);
  });

  it('does not hide a suspension whose push came while only the echo was lost: the audit log tells of it', async () => {
    world.workspace.faults.set({ ...faultsOf.log, pushes: { lost: { next: 1 } } });
    await writeBack(5_000_000);
    await eventually('the mirror', () => written(5_000_000));
    expect((await world.store.get('published', agentId))?.echoes).toBe(1);
    world.workspace.resetCalls();
    await admin.update(bob, { suspended: true });
    await eventually('the end', async () => (await record())?.desired === 'removed');
    expect(calls('users.get')).toBeLessThanOrEqual(2);
  });

  it('excuses no deletion: that push says so itself (REQ-ID-04)', async () => {
    world.workspace.faults.set({ ...faultsOf.push, pushes: { lost: { next: 1 } } });
    await writeBack(6_000_000);
    await eventually('the mirror', () => written(6_000_000));
    await admin.fire(bob);
    await eventually('the end', async () => (await record())?.reason === 'deleted');
  });
});
