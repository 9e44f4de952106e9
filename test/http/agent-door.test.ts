import { assignmentSchema } from '../../shared/sidecar.ts';
import { eventually, openWorld, type World } from './world.ts';

describe('the door of the agents', () => {
  let world: World;
  let agentId = '';
  beforeEach(async () => {
    world = await openWorld();
    agentId = await world.agentIdOf('bob@acme.test');
    const requestBody = { customSchemas: { OpenClaw_Agent: { agentEnabled: true } } };
    await world.directory.users.update({ userKey: 'bob@acme.test', requestBody });
    await eventually('a record', () => world.store.get('agents', agentId));
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await world.close();
  });

  const mint = (kind: 'join' | 'session' | 'model', extra: number, boot = 0) =>
    world.credentials.mint({ kind, agentId, incarnation: 1, extra, boot });
  const join = (token: string) => world.call('POST', '/agent/join', undefined, { token });
  const beat = (token: string) => world.call('POST', '/agent/heartbeat', undefined, { version: 'v', live: true, ready: true }, token);

  it('trades a join token once, and notes the replay', async () => {
    expect((await join(mint('join', 1))).status).toBe(200);
    expect((await join(mint('join', 1))).status).toBe(401);
    const rows = await world.store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 100 });
    expect(rows.map(({ action, target }) => `${action} ${target}`)).toContain('access.refused join');
  });

  it('ends a session with the next join, so that a copied one dies with a restart', async () => {
    const first = String((await join(mint('join', 1))).body['token']);
    expect((await beat(first)).status).toBe(200);
    const second = String((await join(mint('join', 2))).body['token']);
    expect((await beat(first)).status).toBe(401);
    expect((await beat(second)).status).toBe(200);
  });

  it('refuses expired sessions, changed tokens and tokens of another kind', async () => {
    await join(mint('join', 1));
    expect((await beat(mint('session', Date.now() - 1, 1))).status).toBe(401);
    expect((await beat(mint('model', 0))).status).toBe(401);
    const good = mint('session', Date.now() + 60_000, 1);
    expect((await beat(good)).status).toBe(200);
    expect((await beat(good.replace('.1.1', '.2.1'))).status).toBe(401);
    expect((await beat(`${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`)).status).toBe(401);
  });

  it('tells in the audit log of each refused token: on its agent\u2019s chain if we made it, else on the plane\u2019s (REQ-WSEC-04)', async () => {
    await join(mint('join', 1));
    const rowsOf = async (chain: string) =>
      (await world.store.query('audit', 'bySeq', { equals: [chain], limit: 200 }))
        .filter(({ action }) => action === 'access.refused')
        .map(({ actor, target, detail }) => [actor.id, target, JSON.stringify(detail)]);
    const good = mint('session', Date.now() + 60_000, 1);
    await beat(mint('session', Date.now() - 1, 1));
    await beat(`${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`);
    await beat(`${good.slice(0, -1)}${good.endsWith('C') ? 'D' : 'C'}`);
    await join('nonsense');
    await world.call('POST', '/agent/heartbeat', undefined, { version: 'v', live: true, ready: true, budgetCap: 500 }, good);
    await world.call('POST', '/model/v1/chat/completions', undefined, { messages: [] });
    expect(await rowsOf(`agent/${agentId}`)).toEqual([
      [agentId, 'session', '{"detail":"token has ended"}'],
      [agentId, 'heartbeat', '{"detail":"not of the agreed form"}'],
    ]);
    expect(await rowsOf('plane/acme')).toEqual([
      ['unproven', 'session', JSON.stringify({ detail: { claims: agentId } })],
      ['unproven', 'join', '{"detail":"not a token of ours"}'],
      ['unproven', 'model', '{"detail":"no token"}'],
    ]);
  });

  it('writes what a machine read of its secrets into the audit log, with the heartbeat that tells of it (REQ-SEC-05)', async () => {
    const token = String((await join(mint('join', 1))).body['token']);
    const secretReads = { since: 1, agent: { 'model/apiKey': 2 }, sidecar: { 'join/1-1': 1 }, refused: { secrets: 3, config: 1 } };
    for (let time = 0; time < 3; time += 1)
      await world.call('POST', '/agent/heartbeat', undefined, { version: 'v', live: true, ready: true, secretReads }, token);
    const rows = await world.store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 200 });
    const told = rows.filter(({ action }) => action === 'secret.read' || action === 'access.refused');
    expect(told.map(({ action, detail }) => [action, detail])).toEqual([
      ['secret.read', { agent: { 'model/apiKey': 2 }, sidecar: { 'join/1-1': 1 } }],
      ['access.refused', { count: 3 }],
      ['access.refused', { count: 1 }],
    ]);
  });

  it('refuses a session from the moment its owner is suspended (REQ-WSEC-05)', async () => {
    const session = String((await join(mint('join', 1))).body['token']);
    await world.directory.users.update({ userKey: 'bob@acme.test', requestBody: { suspended: true } });
    await eventually('the refusal', async () => (await beat(session)).status === 401);
    expect((await join(mint('join', 2))).status).toBe(401);
  });

  describe('the assignment', () => {
    const joined = async (): Promise<string> => String((await join(mint('join', 1))).body['token']);
    const ask = (token: string, after: string, signal: AbortSignal = AbortSignal.timeout(10_000)) =>
      Promise.resolve(world.app.request(`/agent/assignment?after=${after}`, { headers: { authorization: `Bearer ${token}` }, signal }));
    const told = async (answer: Promise<Response>) => assignmentSchema.parse(await (await answer).json());
    const beatWith = (token: string, more: object) =>
      world.call('POST', '/agent/heartbeat', undefined, { version: 'v', live: true, ready: true, ...more }, token);
    const write = (text: string) =>
      world.call('POST', '/mail/messages', undefined, { from: 'bob@acme.test', to: `${agentId}@agents.acme.test`, text });
    /** Once nothing of the agent's coming up moves it any more. */
    const settled = async (token: string) => {
      await beatWith(token, { introduction: 'Hello' });
      return eventually('the introduction', async () => {
        const assignment = await told(ask(token, ''));
        return !assignment.introduce && assignment;
      });
    };
    /** A call that is being held; its answer is for later. */
    const hold = async (token: string, after: string): Promise<{ answer: Promise<Response> }> => {
      const waits = jest.spyOn(world.store, 'changed');
      const answer = ask(token, after);
      await eventually('the hold', async () => waits.mock.calls.length > 0);
      waits.mockRestore();
      return { answer };
    };

    it('is held while it is as it was, for the two reads of its token and one wait', async () => {
      const token = await joined();
      const { version } = await settled(token);
      await world.settle();
      await world.wake.stop();
      const [reads, queries, waits] = [
        jest.spyOn(world.store, 'get'),
        jest.spyOn(world.store, 'query'),
        jest.spyOn(world.store, 'changed'),
      ];
      const began = Date.now();
      expect((await ask(token, version, AbortSignal.timeout(300))).status).toBe(204);
      expect(Date.now() - began).toBeGreaterThan(250);
      expect(reads.mock.calls).toEqual([
        ['agents', agentId],
        ['joins', agentId],
      ]);
      expect(queries).not.toHaveBeenCalled();
      expect(waits).toHaveBeenCalledTimes(1);
    });

    it('tells a held call of a change of the directory, of a mail, and of its answer', async () => {
      const token = await joined();
      const first = await settled(token);
      const changing = await hold(token, first.version);
      const requestBody = { customSchemas: { OpenClaw_Agent: { agentEnabled: true, toolAllowlist: 'email' } } };
      await world.directory.users.update({ userKey: 'bob@acme.test', requestBody });
      const second = await told(changing.answer);
      expect(second.tools).toEqual(['email']);
      expect(first.tools).not.toEqual(['email']);

      const writing = await hold(token, second.version);
      expect((await write('How are you?')).status).toBe(202);
      const third = await told(writing.answer);
      expect(third.messages).toMatchObject([{ text: 'How are you?' }]);

      const answering = await hold(token, third.version);
      await beatWith(token, { introduction: 'Hello', answers: third.messages.map(({ id }) => ({ id, text: 'Well.' })) });
      const fourth = await told(answering.answer);
      expect(fourth.messages).toEqual([]);
      expect(new Set([first, second, third, fourth].map(({ version }) => version)).size).toBe(4);
    });

    it('tells a held call that the owner has the introduction', async () => {
      const token = await joined();
      const { version, introduce } = await told(ask(token, ''));
      expect(introduce).toBe(true);
      const { answer } = await hold(token, version);
      await beatWith(token, { introduction: 'Hello' });
      expect((await told(answer)).introduce).toBe(false);
    });

    it('is told at once to whoever missed a change between two calls, and to whoever knows it from a process with other terms', async () => {
      const token = await joined();
      const { version } = await settled(token);
      await write('Hello?');
      const next = await told(ask(token, version));
      expect(next.messages).toHaveLength(1);
      const [stamp, terms] = next.version.split('-');
      for (const other of [`${stamp}-0123456789abcdef`, `NaN-${terms}`, `0-${terms}`, 'x'])
        expect((await told(ask(token, other))).version).toBe(next.version);
    });

    it('is refused to a held call as soon as its owner is suspended, or its machine joins again (REQ-WSEC-05)', async () => {
      const token = await joined();
      const copied = await hold(token, (await settled(token)).version);
      const second = String((await join(mint('join', 2))).body['token']);
      expect((await copied.answer).status).toBe(401);

      const { answer } = await hold(second, (await told(ask(second, ''))).version);
      await world.directory.users.update({ userKey: 'bob@acme.test', requestBody: { suspended: true } });
      await eventually('the suspension', async () => (await world.store.get('agents', agentId))?.desired === 'removed');
      const suspendedAt = Date.now();
      expect((await answer).status).toBe(401);
      expect(Date.now() - suspendedAt).toBeLessThan(1_000);
    });

    it('is not moved by a heartbeat that says nothing new, and the schedule is not even read for one', async () => {
      const token = await joined();
      await settled(token);
      await world.wake.stop();
      const passes = jest.fn();
      const transact = world.store.transact.bind(world.store);
      jest.spyOn(world.store, 'transact').mockImplementation((work) =>
        transact((tx) =>
          work({
            ...tx,
            get(collection, id) {
              if (id === `pass/${agentId}`) passes();
              return tx.get(collection, id);
            },
          }),
        ),
      );
      const before = await world.store.get('assignments', agentId);
      expect((await beatWith(token, { introduction: 'Hello' })).status).toBe(200);
      expect(passes).not.toHaveBeenCalled();
      expect(await world.store.get('assignments', agentId)).toEqual(before);
      expect((await beatWith(token, { introduction: 'Hello', ready: false })).status).toBe(200);
      expect(passes).toHaveBeenCalledTimes(1);
    });
  });
});
