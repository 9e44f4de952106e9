import { eventually, openWorld, type World } from './world.ts';

const [admin, viewer] = ['admin@acme.test', 'viewer@acme.test'];

interface Command {
  readonly id: string;
  readonly kind: string;
  readonly args: Readonly<Record<string, string>>;
}

/** A machine of an agent as far as the plane sees it. */
async function openMachine(world: World, agentId: string, incarnation = 1) {
  const join = world.credentials.mint({ kind: 'join', agentId, incarnation, extra: 1, boot: 0 });
  const session = String((await world.call('POST', '/agent/join', undefined, { token: join })).body['token']);
  const beat = (more: object = {}) =>
    world.call('POST', '/agent/heartbeat', undefined, { version: 'x', live: true, ready: true, introduction: 'Hello', ...more }, session);
  const command = (kind: string) =>
    eventually(`the command ${kind}`, async () => {
      const { body } = await world.call('GET', '/agent/assignment', undefined, undefined, session);
      return (body['commands'] as Command[]).find((each) => each.kind === kind);
    });
  const transfer = (method: string, id = '', body?: string) =>
    fetch(`${world.url}/agent/backups/${id}`, {
      method,
      headers: { authorization: `Bearer ${session}` },
      ...(body === undefined ? {} : { body }),
    });
  return { beat, command, transfer, end: ({ id }: Command, ok = true, result = 'done') => beat({ results: [{ id, ok, result }] }) };
}

describe('the rows of care for one agent', () => {
  let world: World;
  let agentId = '';
  let path = '';
  beforeEach(async () => {
    world = await openWorld();
    await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: 'bob@acme.test' });
    agentId = await world.agentIdOf('bob@acme.test');
    path = `/v1/planes/acme/agents/${agentId}`;
  });
  afterEach(() => world.close());

  const view = async () => (await world.call('GET', path, admin)).body;
  const running = () => eventually('running', async () => (await view())['phase'] === 'running');
  const backUp = async (machine: Awaited<ReturnType<typeof openMachine>>, text: string): Promise<string> => {
    expect((await world.call('POST', `${path}/backups`, admin)).status).toBe(202);
    const command = await machine.command('backup');
    await machine.transfer('PUT', command.args['backupId'], text);
    await machine.end(command);
    return command.args['backupId'] ?? '';
  };

  it('upgrade an agent and show each step; what cannot be is refused (REQ-INFRA-06)', async () => {
    const machine = await openMachine(world, agentId);
    await machine.beat({ openclaw: '1.0.0' });
    await running();
    expect((await world.call('POST', `${path}/upgrade`, viewer, { version: '2.0.0' })).status).toBe(403);
    expect(await world.call('POST', `${path}/upgrade`, admin, { version: '9.9.9' })).toMatchObject({ status: 400 });
    expect(await world.call('POST', `${path}/upgrade`, admin, { version: '2.0.0' })).toMatchObject({ status: 202, body: { agentId } });
    expect((await world.call('POST', `${path}/reprovision`, admin)).status).toBe(409);
    const command = await machine.command('upgrade');
    expect(command.args).toMatchObject({ version: '2.0.0' });
    await machine.transfer('PUT', command.args['backupId'], 'all');
    await machine.beat({ openclaw: '2.0.0' });
    await eventually('the gate', async () => (await view())['upgrade'] && ((await view())['upgrade'] as { step: string }).step === 'gate');
    await machine.end(command, false, 'it answers no prompt; 1.0.0 is back');
    await eventually('the end', async () => ((await view())['upgrade'] as { step: string }).step === 'rolledBack');
    expect(await view()).toMatchObject({ upgrade: { from: '1.0.0', to: '2.0.0', failure: 'it answers no prompt; 1.0.0 is back' } });
    await world.call('POST', `${path}/pause`, admin, { reason: 'holidays' });
    expect((await world.call('POST', `${path}/upgrade`, admin, {})).status).toBe(409);
  }, 30_000);

  it('make, list and bring back backups, of this agent alone (REQ-MAINT-06)', async () => {
    const machine = await openMachine(world, agentId);
    await machine.beat();
    await running();
    const id = await backUp(machine, 'the first');
    const listed = (await world.call('GET', `${path}/backups`, viewer)).body;
    expect(listed).toMatchObject({ backups: [{ id, reason: 'asked' }], errands: [{ kind: 'backup', state: 'done', result: 'done' }] });
    expect(Object.keys((listed['backups'] as object[])[0] ?? {}).sort()).toEqual([
      'bytes',
      'expiresAt',
      'finishedAt',
      'id',
      'reason',
      'sha256',
      'startedAt',
    ]);

    await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: 'carol@acme.test' });
    const other = `/v1/planes/acme/agents/${await world.agentIdOf('carol@acme.test')}`;
    expect((await world.call('POST', `${other}/backups/${id}/restore`, admin)).status).toBe(404);
    expect((await world.call('POST', `${path}/backups/none/restore`, admin)).status).toBe(404);
    expect((await world.call('POST', `${path}/backups/${id}/restore`, viewer)).status).toBe(403);
    expect((await world.call('POST', `${path}/backups/${id}/restore`, admin)).status).toBe(202);
    expect((await world.call('POST', `${path}/backups`, admin)).status).toBe(409);
    const command = await machine.command('restore');
    expect(await (await machine.transfer('GET', command.args['backupId'])).text()).toBe('the first');
  }, 30_000);

  it('bring back what an agent knew in an earlier life only when an admin says so (REQ-WS-06, REQ-MAINT-06)', async () => {
    const machine = await openMachine(world, agentId);
    await machine.beat();
    await running();
    const id = await backUp(machine, 'from before');
    await world.call('DELETE', path, admin);
    await eventually('the removal', async () => (await view())['phase'] === 'removed', 15_000);
    expect((await world.call('POST', `${path}/backups/${id}/restore`, admin)).status).toBe(409);
    await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: 'bob@acme.test' });
    const fresh = await openMachine(world, agentId, 2);
    await fresh.beat();
    await running();
    expect(await world.store.query('commands', 'byAgent', { equals: [agentId], limit: 10 })).toEqual([]);
    expect((await world.call('POST', `${path}/backups/${id}/restore`, admin)).status).toBe(202);
    const command = await fresh.command('restore');
    expect(await (await fresh.transfer('GET', command.args['backupId'])).text()).toBe('from before');
  }, 40_000);

  it('tell names and ages of secrets, never a value (REQ-WSEC-06, REQ-SEC-04)', async () => {
    const machine = await openMachine(world, agentId);
    await machine.beat({ secretsVersion: '1.1' });
    await running();
    const { body } = await world.call('GET', `${path}/secrets`, viewer);
    const secrets = body['secrets'] as { name: string; version: number; rotatedAt: string; dueAt: string; takenUp: boolean }[];
    expect(secrets.map(({ name }) => name)).toEqual(['gateway/token', 'model/apiKey']);
    for (const { version, rotatedAt, dueAt, takenUp } of secrets) {
      expect({ version, takenUp, days: (Date.parse(dueAt) - Date.parse(rotatedAt)) / 86_400_000 }).toEqual({
        version: 1,
        takenUp: true,
        days: 90,
      });
    }
    expect(JSON.stringify(body)).not.toMatch(/oc1\.|model-|gateway-/);
  }, 30_000);
});
