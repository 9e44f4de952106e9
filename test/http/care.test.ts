import { eventually, openWorld, type World } from './world.ts';

const admin = 'admin@acme.test';

/** A machine of an agent as far as the plane sees it: it joins, beats, and does what it is told. */
async function openMachine(world: World, agentId: string, boot: number) {
  const join = world.credentials.mint({ kind: 'join', agentId, incarnation: 1, extra: boot, boot: 0 });
  const session = String((await world.call('POST', '/agent/join', undefined, { token: join })).body['token']);
  const beat = (more: object = {}) =>
    world.call('POST', '/agent/heartbeat', undefined, { version: 'x', live: true, ready: true, introduction: 'Hello', ...more }, session);
  const assignment = async () => (await world.call('GET', '/agent/assignment', undefined, undefined, session)).body;
  const bytes = (method: string, id: string, body?: string) =>
    fetch(`${world.url}/agent/backups/${id}`, {
      method,
      headers: { authorization: `Bearer ${session}` },
      ...(body === undefined ? {} : { body }),
    });
  const command = (kind: string) =>
    eventually(`the command ${kind}`, async () => {
      const commands = (await assignment())['commands'] as { id: string; kind: string; args: Record<string, string> }[];
      return commands.find((each) => each.kind === kind);
    });
  return { beat, assignment, bytes, command, done: (id: string) => beat({ results: [{ id, ok: true, result: 'done' }] }) };
}

describe('care for an agent', () => {
  let world: World;
  let agentId = '';
  beforeEach(async () => {
    world = await openWorld();
    await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: 'bob@acme.test' });
    agentId = await world.agentIdOf('bob@acme.test');
  });
  afterEach(() => world.close());

  const view = async () => (await world.call('GET', `/v1/planes/acme/agents/${agentId}`, admin)).body;
  const stepIs = (step: string) =>
    eventually(
      step,
      async () => (await view())['reprovision'] !== null && ((await view())['reprovision'] as { step: string }).step === step,
    );

  it('gives a fresh machine with the memory of the old one (REQ-MAINT-03, REQ-MAINT-06, REQ-WS-07)', async () => {
    const old = await openMachine(world, agentId, 1);
    await old.beat();
    await eventually('running', async () => (await view())['phase'] === 'running');
    expect((await world.call('POST', `/v1/planes/acme/agents/${agentId}/reprovision`, admin)).status).toBe(202);
    expect((await world.call('POST', `/v1/planes/acme/agents/${agentId}/reprovision`, admin)).status).toBe(409);
    const backup = await old.command('backup');
    expect((await old.bytes('PUT', backup.args['backupId'] ?? '', 'all that I remember')).status).toBeLessThan(300);
    await old.done(backup.id);
    await stepIs('replace');
    await eventually('the machine to be replaced', async () => (await world.store.get('statuses', agentId))?.replacements === 1);
    const fresh = await openMachine(world, agentId, 2);
    await fresh.beat();
    const restore = await fresh.command('restore');
    expect(await (await fresh.bytes('GET', restore.args['backupId'] ?? '')).text()).toBe('all that I remember');
    await fresh.done(restore.id);
    await stepIs('done');
    expect((await old.beat()).status).toBe(401);
  }, 30_000);

  it('changes nothing when the backup fails, and says so', async () => {
    const machine = await openMachine(world, agentId, 1);
    await machine.beat();
    await eventually('running', async () => (await view())['phase'] === 'running');
    await world.call('POST', `/v1/planes/acme/agents/${agentId}/reprovision`, admin);
    const backup = await machine.command('backup');
    await machine.beat({ results: [{ id: backup.id, ok: false, result: 'the disk is full' }] });
    await stepIs('failed');
    expect((await view())['reprovision']).toMatchObject({ failure: 'the backup failed, nothing was changed: the disk is full' });
    expect(await world.store.get('agents', agentId)).toMatchObject({ replacements: 0 });
  }, 30_000);

  it('keeps the machine of a silent agent that has no backup, unless its memory may be lost', async () => {
    const replacements = async () => (await world.store.get('agents', agentId))?.replacements;
    await world.call('POST', `/v1/planes/acme/agents/${agentId}/reprovision`, admin);
    await stepIs('failed');
    expect((await view())['reprovision']).toMatchObject({
      failure: 'nothing to restore from: the agent is silent and has no backup; restart it, or reprovision with `acceptLoss`',
    });
    expect(await replacements()).toBe(0);
    expect((await world.call('POST', `/v1/planes/acme/agents/${agentId}/reprovision`, admin, { acceptLoss: true })).status).toBe(202);
    await eventually('the machine to be replaced', async () => (await world.store.get('statuses', agentId))?.replacements === 1);
  }, 30_000);

  it('destroys what has expired in a round of its own, whatever becomes of the backups', async () => {
    const due = (errand: string) => world.store.get('schedule', `plane/${errand}`);
    expect([await due('backups'), await due('expiry')]).toEqual([expect.anything(), expect.anything()]);
    const id = 'b-old';
    const labels = { id, planeId: 'acme', agentId: 'agone', ownerId: 'o', incarnation: 1 };
    await world.store.transact(async (tx) =>
      tx.set('backups', id, { ...labels, reason: 'daily', startedAt: 1, finishedAt: 2, bytes: 1, sha256: '', expiresAt: 3 }),
    );
    await world.run('expiry');
    expect(await world.store.get('backups', id)).toBeUndefined();
  }, 30_000);

  it('has a machine take up rotated secrets, and retires the old ones then (REQ-SEC-02, REQ-SEC-04)', async () => {
    const machine = await openMachine(world, agentId, 1);
    await machine.beat({ secretsVersion: '1.1' });
    await eventually('running', async () => (await view())['phase'] === 'running');
    const key = world.credentials.mint({ kind: 'model', agentId, incarnation: 1, extra: 1 });
    await world.call('POST', '/v1/planes/acme/rotate-secrets', admin, { agentId });
    await eventually('the new values', async () => (await machine.assignment())['secretsVersion'] === '1.2');
    await machine.beat({ secretsVersion: '1.1' });
    const reload = await machine.command('reloadSecrets');
    expect(reload.args).toEqual({ version: '1.2' });
    await expect(world.credentials.check(key, 'model')).resolves.toBeDefined();
    await machine.beat({ secretsVersion: '1.2', results: [{ id: reload.id, ok: true, result: 'reloaded' }] });
    await expect(world.credentials.check(key, 'model')).rejects.toMatchObject({ code: 'unauthenticated' });
  }, 30_000);

  it('tells the agent once what its admin decided (REQ-UX-05)', async () => {
    const machine = await openMachine(world, agentId, 1);
    await machine.beat();
    const session = world.credentials.mint({ kind: 'join', agentId, incarnation: 1, extra: 2, boot: 0 });
    const token = String((await world.call('POST', '/agent/join', undefined, { token: session })).body['token']);
    const { body } = await world.call('POST', '/agent/requests', undefined, { tools: ['github'], why: 'a bug' }, token);
    await world.call('POST', `/v1/planes/acme/requests/${String(body['id'])}`, admin, { decision: 'approve' });
    const again = await openMachine(world, agentId, 3);
    const notices = (await again.assignment())['notices'] as { id: string; text: string }[];
    expect(notices[0]?.text).toContain('approved what you asked for: github');
    await again.beat({ told: [notices[0]?.id] });
    expect((await again.assignment())['notices']).toEqual([]);
  }, 30_000);
});
