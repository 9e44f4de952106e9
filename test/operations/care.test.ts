import type { OperationView } from '../../shared/contract.ts';
import { eventually, openWorld, type World } from '../http/world.ts';

const admin = 'admin@acme.test';
const operations = '/v1/planes/acme/operations';

interface Command {
  readonly id: string;
  readonly kind: string;
  readonly args: Readonly<Record<string, string>>;
}

/** A machine of an agent as far as the plane sees it. */
async function openMachine(world: World, agentId: string, boot: number) {
  const join = world.credentials.mint({ kind: 'join', agentId, incarnation: 1, extra: boot, boot: 0 });
  const session = String((await world.call('POST', '/agent/join', undefined, { token: join })).body['token']);
  const beat = (openclaw: string, more: object = {}) => {
    const body = { version: 'x', live: true, ready: true, introduction: 'Hello', openclaw, ...more };
    return world.call('POST', '/agent/heartbeat', undefined, body, session);
  };
  return {
    beat,
    command: (kind: string) =>
      eventually(`the command ${kind}`, async () => {
        const { body } = await world.call('GET', '/agent/assignment', undefined, undefined, session);
        return (body['commands'] as Command[]).find((each) => each.kind === kind);
      }),
    end: (openclaw: string, { id }: Command, ok: boolean, result: string) => beat(openclaw, { results: [{ id, ok, result }] }),
    store: ({ args }: Command) =>
      fetch(`${world.url}/agent/backups/${args['backupId'] ?? ''}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${session}` },
        body: 'all that I remember',
      }),
  };
}

describe('an operation whose work is done by care', () => {
  let world: World;
  let agentId = '';
  let machine: Awaited<ReturnType<typeof openMachine>>;
  beforeEach(async () => {
    world = await openWorld();
    await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: 'bob@acme.test' });
    agentId = await world.agentIdOf('bob@acme.test');
    machine = await openMachine(world, agentId, 1);
    await machine.beat('1.0.0');
    const path = `/v1/planes/acme/agents/${agentId}`;
    await eventually('running', async () => (await world.call('GET', path, admin)).body['phase'] === 'running');
  });
  afterEach(() => world.close());

  async function begin(work: object): Promise<string> {
    const { status, body } = await world.call('POST', operations, admin, { work, select: { agents: ['bob@acme.test'] } });
    expect({ status, body }).toMatchObject({ status: 202, body: { total: 1 } });
    return String(body['id']);
  }
  const ended = (id: string): Promise<OperationView> =>
    eventually(
      'the end',
      async () => {
        const body = (await world.call('GET', `${operations}/${id}`, admin)).body as unknown as OperationView;
        return body.endedAt !== null && body;
      },
      15_000,
    );
  async function upgrade(ok: boolean, result: string): Promise<OperationView> {
    const id = await begin({ kind: 'upgrade', version: '2.0.0' });
    const command = await machine.command('upgrade');
    await machine.store(command);
    await machine.end(ok ? '2.0.0' : '1.0.0', command, ok, result);
    return ended(id);
  }

  it('upgrades, and skips who has that version already (REQ-INFRA-06)', async () => {
    expect(await upgrade(true, 'OpenClaw 2.0.0 is in force')).toMatchObject({ state: 'done', done: 1, failed: 0 });
    expect(await world.store.get('agents', agentId)).toMatchObject({ openclaw: '2.0.0' });
    expect(await ended(await begin({ kind: 'upgrade', version: '2.0.0' }))).toMatchObject({ state: 'done', done: 0, skipped: 1 });
  }, 30_000);

  it('ends as rolled back where an agent went back by itself, says why, and can be tried again (REQ-INFRA-06)', async () => {
    const why = 'it answers no prompt; 1.0.0 is back';
    const failures = [{ agentId, ownerEmail: 'bob@acme.test', message: why }];
    expect(await upgrade(false, why)).toMatchObject({ state: 'rolledBack', done: 0, failed: 1, failures });
    expect(await world.store.get('agents', agentId)).toMatchObject({ openclaw: '1.0.0' });
    expect(await upgrade(true, 'OpenClaw 2.0.0 is in force')).toMatchObject({ state: 'done', done: 1, failed: 0 });
  }, 30_000);

  it('gives fresh machines with the memory of the former ones (REQ-MAINT-03)', async () => {
    const id = await begin({ kind: 'reprovision' });
    const backup = await machine.command('backup');
    await machine.store(backup);
    await machine.end('1.0.0', backup, true, 'stored');
    await eventually('the machine to be replaced', async () => (await world.store.get('statuses', agentId))?.replacements === 1);
    const fresh = await openMachine(world, agentId, 2);
    await fresh.beat('1.0.0');
    const restore = await fresh.command('restore');
    expect(restore.args['backupId']).toBe(backup.args['backupId']);
    await fresh.end('1.0.0', restore, true, 'restored');
    expect(await ended(id)).toMatchObject({ state: 'done', done: 1, failed: 0 });
  }, 30_000);
});
