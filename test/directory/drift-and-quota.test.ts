import { eventually, openWorld, type World } from '../http/world.ts';
import { createAdmin, plane, type Admin } from './admin.ts';

const [bob, sue] = ['bob@acme.test', 'sue@acme.test'];

describe('what we write to the Directory', () => {
  let world: World;
  let admin: Admin;
  let agentId: string;
  beforeEach(async () => {
    world = await openWorld({ plane });
    admin = createAdmin(world);
    agentId = await world.agentIdOf(bob);
    await admin.fields(bob, { agentEnabled: true });
    await eventually('the fields', async () => (await fieldsOf(bob))['agentId'] !== undefined);
    await world.settle();
    // A process uses up what it holds of a lane within five seconds.
    await world.pass(6_000, /^publish\//);
    await world.settle();
  });
  afterEach(() => world.close());

  async function fieldsOf(userKey: string): Promise<Record<string, unknown>> {
    const { data } = await world.directory.users.get({ userKey, projection: 'full' });
    return (data.customSchemas?.['OpenClaw_Agent'] ?? {}) as Record<string, unknown>;
  }
  const receipts = () => world.store.query('receipts', 'byAgent', { equals: [agentId], limit: 1 });

  /** Nothing is left in a lane for so long. */
  const starve = (lane: string, ms: number) =>
    world.store.transact(async (tx) => tx.set('quotas', lane, { lane, left: 0, at: world.clock.now() + ms }));
  const rowOf = () => world.store.get('schedule', `publish/${agentId}`);
  async function beat(at: number): Promise<void> {
    const { incarnation, revision } = (await world.store.get('agents', agentId)) ?? { incarnation: 1, revision: 1 };
    const beats = { agentId, incarnation, revision, at, live: true, ready: true, introduction: 'Hello', boot: 0 };
    await world.store.transact(async (tx) => tx.set('heartbeats', agentId, beats));
  }

  it.each([
    ['agentId', 'mine'],
    ['agentStatus', 'happy'],
    ['agentStatus', null],
  ])('comes back after somebody set %s to %s, and no spec changes', async (field, value) => {
    const before = await fieldsOf(bob);
    const revision = (await world.store.get('agents', agentId))?.revision;
    await admin.fields(bob, { [field]: value });
    await eventually('the true value', async () => (await fieldsOf(bob))[field] === before[field]);
    expect((await world.store.get('agents', agentId))?.revision).toBe(revision);
  });

  it('is a status first: where heartbeats have no quota left, a new status is still written at once', async () => {
    await beat(world.clock.now());
    await eventually('a running agent', async () => (await fieldsOf(bob))['agentStatus'] === 'running');
    await world.settle();
    await starve('heartbeats', 3_600_000);
    await admin.fields(bob, { agentEnabled: true, modelTier: 'hiaku' });
    await eventually('the status', async () => String((await fieldsOf(bob))['agentStatus']).includes('InvalidSpec'));
  });

  it('lets heartbeats wait where their lane is starved', async () => {
    const first = world.clock.now();
    await beat(first);
    await eventually('a running agent', async () => (await fieldsOf(bob))['agentStatus'] === 'running');
    await world.settle();
    await starve('heartbeats', 3_600_000);
    await beat(first + 1);
    await world.pass(6 * 60_000, /^publish\//);
    await eventually('a later try', async () => ((await rowOf())?.dueAt ?? 0) > world.clock.now() + 3_000_000);
    expect((await fieldsOf(bob))['lastHeartbeat']).toBe(new Date(first).toISOString());
  });

  it('waits where its lane is starved, and removal does not (REQ-WSEC-05)', async () => {
    await starve('status', 3_600_000);
    const before = (await fieldsOf(bob))['agentStatus'];
    await admin.update(bob, { suspended: true });
    await eventually('a receipt', async () => (await receipts())[0]);
    expect((await fieldsOf(bob))['agentStatus']).toBe(before);
    await world.store.transact(async (tx) => tx.set('quotas', 'status', { lane: 'status', left: 100, at: world.clock.now() }));
    await world.pass(3_600_000, /^publish\//);
    await eventually('removed', async () => (await fieldsOf(bob))['agentStatus'] === 'removed');
  });

  it('waits where Google refuses it, and removal does not', async () => {
    const refusals = [{ reason: 'userRateLimitExceeded', method: 'PUT', pathPrefix: '/admin/directory/v1/users', next: 4 }] as const;
    await admin.update(bob, { orgUnitPath: '/' });
    await world.settle();
    world.workspace.faults.set({ refusals: [...refusals] });
    await world.directory.users.delete({ userKey: bob });
    expect(await eventually('a receipt', async () => (await receipts())[0])).toMatchObject({ reason: 'deleted' });
  });

  it('removes while all reads but those for off-boarding are starved (REQ-ID-04, REQ-WSEC-05)', async () => {
    for (const lane of ['reads', 'status', 'heartbeats']) await starve(lane, 3_600_000);
    await admin.update(bob, { suspended: true });
    expect(await eventually('a receipt', async () => (await receipts())[0])).toMatchObject({ reason: 'suspended' });
  });

  it('carries wishes from the API through to the Directory, and from there into the agent (REQ-WS-01, REQ-WS-02)', async () => {
    const wishes = { modelTier: 'haiku', budgetCap: 80, tools: ['email'], channels: ['slack'] };
    const { status } = await world.call('PATCH', `/v1/planes/acme/agents/${agentId}`, 'admin@acme.test', wishes);
    expect(status).toBe(202);
    expect(await fieldsOf(bob)).toMatchObject({
      modelTier: 'haiku',
      budgetCap: '80',
      toolAllowlist: 'email',
      channelRestrictions: 'slack',
    });
    expect(await world.store.get('agents', agentId)).toMatchObject({ spec: wishes });
    await admin.hire(sue, '/Sales');
    const made = await world.call('POST', '/v1/planes/acme/agents', 'admin@acme.test', { ownerEmail: sue });
    expect(made.status).toBeLessThan(300);
    expect(await fieldsOf(sue)).toMatchObject({ agentEnabled: true });
  });
});
