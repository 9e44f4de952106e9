import { eventually, openWorld, type World } from '../http/world.ts';

const admin = 'admin@acme.test';
const [alice, bob, carol] = ['alice@acme.test', 'bob@acme.test', 'carol@acme.test'] as const;

interface View {
  readonly id: string;
  readonly state: string;
  readonly sentence: string;
  readonly total: number;
  readonly done: number;
  readonly failures: unknown[];
}

/** Has an agent join and beat, as its machine would. */
async function openMachine(world: World, email: string) {
  const agentId = await world.agentIdOf(email);
  const join = world.credentials.mint({ kind: 'join', agentId, incarnation: 1, extra: 1, boot: 0 });
  const session = String((await world.call('POST', '/agent/join', undefined, { token: join })).body['token']);
  let secretsVersion = '1.1';
  const beat = async (): Promise<void> => {
    const body = { version: 'x', live: true, ready: true, introduction: 'Hello', secretsVersion };
    await world.call('POST', '/agent/heartbeat', undefined, body, session);
  };
  await beat();
  return {
    agentId,
    beat,
    async takeUp(): Promise<void> {
      const { body } = await world.call('GET', '/agent/assignment', undefined, undefined, session);
      secretsVersion = String(body['secretsVersion']);
      await beat();
    },
  };
}

describe('operations over the API', () => {
  let world: World;
  let machines: Readonly<Record<string, Awaited<ReturnType<typeof openMachine>>>> = {};
  beforeEach(async () => {
    world = await openWorld();
    const opened = [alice, bob, carol].map(async (email) => {
      await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: email });
      return [email, await openMachine(world, email)] as const;
    });
    machines = Object.fromEntries(await Promise.all(opened));
    for (const email of [alice, bob, carol]) await phaseIs(email, 'running');
  }, 30_000);
  afterEach(() => world.close());

  const agentOf = async (email: string) => world.store.get('agents', machines[email]?.agentId ?? '');
  const phaseIs = (email: string, phase: string) =>
    eventually(
      `${email} ${phase}`,
      async () => (await world.store.get('statuses', machines[email]?.agentId ?? ''))?.phase === phase,
      15_000,
    );
  const begin = (body: object) => world.call('POST', '/v1/planes/acme/operations', admin, body);
  const read = async (id: string) => (await world.call('GET', `/v1/planes/acme/operations/${id}`, admin)).body as unknown as View;
  const over = (id: string) =>
    eventually(
      `the end of ${id}`,
      async () => {
        const view = await read(id);
        return view.state !== 'running' && view;
      },
      15_000,
    );

  it('pauses everybody in an org unit and nobody else, and resumes them (REQ-WS-05)', async () => {
    const { status, body } = await begin({ work: { kind: 'pause', reason: 'fair' }, select: { ou: '/Sales' } });
    expect({ status, body }).toMatchObject({ status: 202, body: { kind: 'pause', state: 'running', by: admin, args: { reason: 'fair' } } });
    expect(await over(String(body['id']))).toMatchObject({ state: 'done', sentence: '1 of 1 paused' });
    expect((await agentOf(bob))?.paused).toMatchObject({ by: admin, reason: 'fair' });
    expect([(await agentOf(alice))?.paused, (await agentOf(carol))?.paused]).toEqual([undefined, undefined]);
    const again = await begin({ work: { kind: 'pause' }, select: { ou: '/Sales' } });
    expect((await over(String(again.body['id']))).sentence).toBe('0 of 1 paused, 1 skipped');
    const agents = await world.call('GET', `/v1/planes/acme/operations/${String(again.body['id'])}/agents`, admin);
    expect(agents.body['agents']).toMatchObject([{ ownerEmail: bob, state: 'skipped', message: 'it was paused already (fair)' }]);

    const { body: resumed } = await begin({ work: { kind: 'resume' }, select: { all: true } });
    await eventually('bob to be on again', async () => (await agentOf(bob))?.paused === undefined);
    await eventually(
      'three that are ready',
      async () => {
        await machines[bob]?.beat();
        return (await read(String(resumed['id']))).state === 'done';
      },
      15_000,
    );
    expect(await read(String(resumed['id']))).toMatchObject({ sentence: '1 of 3 resumed, 2 skipped' });
  }, 60_000);

  it('tells each agent’s audit who asked and which operation it was a part of', async () => {
    const { body } = await begin({ work: { kind: 'pause' }, select: { agents: [bob] } });
    await over(String(body['id']));
    const rows = await world.store.query('audit', 'bySeq', { equals: [`agent/${machines[bob]?.agentId ?? ''}`], limit: 500 });
    const change = rows.findLast(({ action }) => action === 'agent.pause');
    expect(change?.actor).toMatchObject({ kind: 'user', id: admin, via: `operation/${String(body['id'])}` });
    const plane = await world.store.query('audit', 'bySeq', { equals: ['plane/acme'], limit: 500 });
    const begun = plane.find(({ action, target }) => action === 'operation.begin' && target === body['id']);
    expect(begun?.detail).toMatchObject({ kind: 'pause', total: 1, select: { agents: [bob] } });
    expect(plane.find(({ action, target }) => action === 'operation.done' && target === body['id'])?.detail).toMatchObject({ done: 1 });
  }, 60_000);

  it('rotates the secrets of the whole plane, and is done when every machine has taken them up (REQ-SEC-02, REQ-SEC-04)', async () => {
    const { status, body } = await world.call('POST', '/v1/planes/acme/rotate-secrets', admin, {});
    expect({ status, body }).toMatchObject({ status: 202, body: { kind: 'rotateSecrets', total: 3, sentence: '0 of 3 have new secrets' } });
    const id = String(body['id']);
    await eventually('new secrets', async () => (await agentOf(alice))?.secretsVersion === 2);
    expect((await read(id)).done).toBe(0);
    await eventually(
      'all to take them up',
      async () => {
        for (const machine of Object.values(machines)) await machine.takeUp();
        return (await read(id)).done === 3;
      },
      15_000,
    );
    expect(await over(id)).toMatchObject({ state: 'done', sentence: '3 of 3 have new secrets' });
    expect(await agentOf(carol)).toMatchObject({ secretsVersion: 2 });
  }, 60_000);

  it('rotates one agent by its id, and says 404 for one that is not here', async () => {
    const rotate = (agentId: string) => world.call('POST', '/v1/planes/acme/rotate-secrets', admin, { agentId });
    expect(await rotate(machines[bob]?.agentId ?? '')).toMatchObject({ status: 202, body: { total: 1 } });
    await eventually('new secrets', async () => (await agentOf(bob))?.secretsVersion === 2);
    expect((await rotate('aaaaaaaaaaaaaaaa')).status).toBe(404);
    expect(await agentOf(alice)).toMatchObject({ secretsVersion: 1 });
  }, 60_000);

  it('restarts by label, and is done when each agent has said again that it is ready', async () => {
    const agent = await agentOf(alice);
    if (!agent) throw new Error('no agent');
    await world.store.transact(async (tx) => tx.set('agents', agent.agentId, { ...agent, labels: { department: 'R&D' } }));
    const { body } = await begin({ work: { kind: 'restart' }, select: { label: 'department=R&D' } });
    const id = String(body['id']);
    await eventually('the restart', async () => (await world.store.get('statuses', agent.agentId))?.restarts === 1);
    expect(await read(id)).toMatchObject({ total: 1, done: 0 });
    await eventually(
      'a heartbeat to count',
      async () => {
        await machines[alice]?.beat();
        return (await read(id)).state === 'done';
      },
      15_000,
    );
    expect((await agentOf(bob))?.restarts).toBe(0);
  }, 60_000);

  it('shows what it would do and does nothing, refuses what it cannot, and lets nobody but admins (REQ-WS-05)', async () => {
    const dry = await begin({ work: { kind: 'restart' }, select: { all: true }, rings: [{ ou: '/Sales' }], dryRun: true });
    expect(dry.body).toMatchObject({ total: 3, waiting: 3, sentence: 'would restart 3 agents: 1 in /Sales, 2 in the rest' });
    expect((await world.call('GET', '/v1/planes/acme/operations', admin)).body['operations']).toEqual([]);
    const refused = async (body: object) => (await begin(body)).status;
    const work = { kind: 'restart' } as const;
    expect(await refused({ work, select: { agents: [bob, 'nobody@acme.test'] } })).toBe(404);
    expect(await refused({ work, select: { ou: '/Nowhere' } })).toBe(409);
    expect(await refused({ work, select: {} })).toBe(400);
    expect(await refused({ work, select: { all: true }, rings: [{ ou: '/Canray' }] })).toBe(400);
    expect(await refused({ work: { kind: 'upgrade', version: '0.0.0-nothing' }, select: { all: true } })).toBe(400);
    const viewer = await world.call('POST', '/v1/planes/acme/operations', 'viewer@acme.test', { work, select: { all: true } });
    expect(viewer.status).toBe(403);
    expect(await agentOf(bob)).toMatchObject({ restarts: 0 });
  }, 60_000);

  it('selects a group, lists what was begun newest first, cancels and resumes', async () => {
    const first = await begin({ work: { kind: 'rotateSecrets' }, select: { group: 'engineering@acme.test' }, concurrency: 1 });
    expect(first).toMatchObject({ status: 202, body: { total: 1 } });
    const second = await begin({ work: { kind: 'rotateSecrets' }, select: { agents: [bob, carol] }, concurrency: 1 });
    const id = String(second.body['id']);
    await eventually('one at work', async () => (await world.store.get('operations', id))?.rings[0]?.running === 1);
    const { body } = await world.call('GET', '/v1/planes/acme/operations?state=running', admin);
    expect((body['operations'] as View[]).map((view) => view.id)).toEqual([id, first.body['id']]);
    const path = `/v1/planes/acme/operations/${id}`;
    expect((await world.call('POST', `${path}/cancel`, admin)).body).toMatchObject({ state: 'cancelled', running: 1, waiting: 1 });
    expect((await world.call('POST', `${path}/resume`, admin)).body).toMatchObject({ state: 'running' });
    expect((await world.call('POST', `${path}x/cancel`, admin)).status).toBe(404);
  }, 60_000);

  it('removes a plane that has agents only with force, and follows them until nothing is left', async () => {
    expect((await world.call('DELETE', '/v1/planes/acme', admin)).status).toBe(409);
    const { status, body } = await world.call('DELETE', '/v1/planes/acme?force=true', admin);
    expect({ status, body }).toMatchObject({ status: 202, body: { kind: 'removePlane', total: 3 } });
    const again = await world.call('DELETE', '/v1/planes/acme?force=true', admin);
    expect(again.body['id']).toBe(body['id']);
    await eventually('all to be gone', async () => (await world.store.get('operations', String(body['id'])))?.state === 'done', 30_000);
    for (const email of [alice, bob, carol]) expect((await agentOf(email))?.desired).toBe('removed');
  }, 60_000);
});
