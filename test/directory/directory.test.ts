import { eventually, openWorld, type World } from '../http/world.ts';

describe('what the directory says', () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
  });
  afterEach(() => world.close());

  const set = (userKey: string, requestBody: object) => world.directory.users.update({ userKey, requestBody });
  const enable = (userKey: string, fields: object = {}) =>
    set(userKey, { customSchemas: { OpenClaw_Agent: { agentEnabled: true, ...fields } } });
  const record = async (email: string) => world.store.get('agents', await world.agentIdOf(email));
  const published = async (email: string) => {
    const { data } = await world.directory.users.get({ userKey: email, projection: 'full' });
    return (data.customSchemas?.['OpenClaw_Agent'] ?? {}) as Record<string, unknown>;
  };

  const receiptOf = async (agentId: string) => (await world.store.query('receipts', 'byAgent', { equals: [agentId], limit: 1 }))[0];
  const openChannel = () =>
    eventually('a channel', async () => {
      const [open] = await world.store.query('channels', 'byExpiry', { limit: 1 });
      return open !== undefined && open.resourceId !== '' && open;
    });

  it('makes an agent with the policy of the user\u2019s place, by push alone (REQ-ID-03, REQ-WS-01)', async () => {
    await enable('bob@acme.test');
    const agent = await eventually('a record', () => record('bob@acme.test'));
    expect(agent).toMatchObject({
      desired: 'running',
      reason: 'enabled by user',
      spec: { modelTier: 'sonnet', tools: ['calendar', 'crm', 'email'] },
    });
    await enable('alice@acme.test');
    const leader = await eventually('a record', () => record('alice@acme.test'));
    expect(leader.policy.budgetCap).toEqual({ value: 500, origin: 'group:engineering-leads@acme.test' });
  });

  it('keeps the last good value through a typo and publishes InvalidSpec', async () => {
    await enable('bob@acme.test', { modelTier: 'haiku' });
    await eventually('haiku', async () => (await record('bob@acme.test'))?.spec.modelTier === 'haiku');
    await enable('bob@acme.test', { modelTier: 'hiaku' });
    const status = await eventually('InvalidSpec', async () => {
      const text = String((await published('bob@acme.test'))['agentStatus']);
      return text.includes('InvalidSpec') && text;
    });
    expect(status).toContain('modelTier: found "hiaku"; allowed: haiku, sonnet or opus');
    expect(await record('bob@acme.test')).toMatchObject({ desired: 'running', spec: { modelTier: 'haiku' } });
  });

  it('moves policy with the org unit and keeps the agent through a rename (REQ-ID-02, REQ-ID-03)', async () => {
    await enable('bob@acme.test');
    const before = await eventually('a record', () => record('bob@acme.test'));
    await set('bob@acme.test', { orgUnitPath: '/Engineering' });
    await eventually('opus', async () => (await record('bob@acme.test'))?.spec.modelTier === 'opus');
    await set('bob@acme.test', { primaryEmail: 'robert@acme.test' });
    const after = await eventually('the new address', async () => {
      const now = await record('robert@acme.test');
      return now?.ownerEmail === 'robert@acme.test' && now;
    });
    expect(after).toMatchObject({ agentId: before.agentId, incarnation: 1 });
  });

  it.each([
    ['suspended', { suspended: true }],
    ['archived', { archived: true }],
    ['switched off by user', { customSchemas: { OpenClaw_Agent: { agentEnabled: false } } }],
  ])('removes the agent of a user who is %s, and makes a fresh one when they come back', async (reason, change) => {
    await enable('bob@acme.test');
    await eventually('a record', () => record('bob@acme.test'));
    await set('bob@acme.test', change);
    const agentId = await world.agentIdOf('bob@acme.test');
    const receipt = await eventually('a receipt', () => receiptOf(agentId));
    expect(receipt.reason).toBe(reason);
    await set('bob@acme.test', { suspended: false, archived: false });
    await enable('bob@acme.test');
    expect(
      await eventually('a second life', async () => {
        const now = await record('bob@acme.test');
        return now?.desired === 'running' && now;
      }),
    ).toMatchObject({ agentId, incarnation: 2 });
  });

  it('removes the agent of a deleted user and looks at policy again after undelete', async () => {
    await enable('bob@acme.test');
    const { agentId } = await eventually('a record', () => record('bob@acme.test'));
    const id = await world.idOf('bob@acme.test');
    await world.directory.users.delete({ userKey: id });
    expect(await eventually('a receipt', () => receiptOf(agentId))).toMatchObject({ reason: 'deleted' });
    await world.directory.users.undelete({ userKey: id, requestBody: { orgUnitPath: '/Sales' } });
    await eventually('a second life', async () => (await world.store.get('agents', agentId))?.incarnation === 2);
  });

  it('overwrites published fields that somebody edited, and its own echo changes nothing', async () => {
    await enable('bob@acme.test');
    await eventually('the id', async () => (await published('bob@acme.test'))['agentId'] !== undefined);
    const quiet = await record('bob@acme.test');
    await set('bob@acme.test', { customSchemas: { OpenClaw_Agent: { agentId: 'mine', agentStatus: 'happy' } } });
    await eventually('the true values', async () => (await published('bob@acme.test'))['agentId'] === quiet?.agentId);
    expect((await published('bob@acme.test'))['agentStatus']).not.toBe('happy');
    expect((await record('bob@acme.test'))?.revision).toBe(quiet?.revision);
  });

  it('refuses pushes that are unsigned, foreign or malformed, and takes a replayed one for a hint', async () => {
    const channel = await openChannel();
    const good = {
      'x-goog-channel-id': channel.id,
      'x-goog-channel-token': channel.token,
      'x-goog-resource-id': channel.resourceId,
      'x-goog-resource-state': 'update',
    };
    const push = async (headers: Record<string, string>, body: string): Promise<number> =>
      (await fetch(`${world.url}/events/directory`, { method: 'POST', headers, body })).status;
    const bob = JSON.stringify({ id: await world.idOf('bob@acme.test') });
    expect(await push({}, bob)).toBe(403);
    expect(await push({ ...good, 'x-goog-channel-token': 'guess' }, bob)).toBe(403);
    expect(await push({ ...good, 'x-goog-channel-id': 'another' }, bob)).toBe(403);
    expect(await push({ ...good, 'x-goog-resource-id': 'another' }, bob)).toBe(403);
    expect(await push(good, 'not json')).toBe(400);
    expect(await push(good, '{"id":"../../etc"}')).toBe(400);
    expect(await push({ ...good, 'x-goog-resource-state': 'sync' }, '')).toBe(204);
    expect(await push(good, bob)).toBe(204);
    expect(await push(good, bob)).toBe(204);
    expect(await record('bob@acme.test')).toBeUndefined();
    expect(world.warnings.filter((line) => line.includes('refused a directory push'))).toHaveLength(4);
  });

  it('finds by a walk what no push told of', async () => {
    const { id, resourceId } = await openChannel();
    await world.directory.channels.stop({ requestBody: { id, resourceId } });
    await enable('bob@acme.test');
    await world.store.transact(async (tx) => {
      await tx.get('schedule', 'plane/walk');
      tx.set('schedule', 'plane/walk', { key: 'plane/walk', dueAt: 0, attempts: 0, stamp: 99 });
    });
    world.wake.wake('plane/walk');
    await eventually('a record', () => record('bob@acme.test'));
  });
});
