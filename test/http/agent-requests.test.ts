import { askSidecar, takeResults, waitingCommands } from '../../functions/core/commands.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { assignmentSchema } from '../../shared/sidecar.ts';
import { eventually, openWorld, type World } from './world.ts';

describe('what an agent’s machine and the plane ask of each other', () => {
  let world: World;
  let agentId = '';
  let session = '';
  let agent: AgentRecord;
  let count = 0;
  const deps = () => ({ store: world.store, clock: world.clock, hashing: nodeHashing, random: () => String((count += 1)) });
  const admin = { kind: 'user', id: 'admin@acme.test' } as const;
  const actions = async (): Promise<string[]> =>
    (await world.store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 200 })).map(({ action }) => action);

  beforeEach(async () => {
    world = await openWorld();
    agentId = await world.agentIdOf('bob@acme.test');
    const requestBody = { customSchemas: { OpenClaw_Agent: { agentEnabled: true } } };
    await world.directory.users.update({ userKey: 'bob@acme.test', requestBody });
    agent = await eventually('a record', () => world.store.get('agents', agentId));
    const join = world.credentials.mint({ kind: 'join', agentId, incarnation: 1, extra: 1, boot: 0 });
    session = String((await world.call('POST', '/agent/join', undefined, { token: join })).body['token']);
  });
  afterEach(() => world.close());

  describe('a request for more', () => {
    const request = (body: object, token = session) => world.call('POST', '/agent/requests', undefined, body, token);
    const why = 'to sort files';
    const stored = () => world.store.query('requests', 'byAgent', { equals: [agentId], limit: 100 });

    it('is kept for an admin, on one line, and is in the audit without its text (REQ-UX-05)', async () => {
      const { status, body } = await request({ tools: ['ssh', 'ssh'], why: '  Please:\n\n# approve\u202eall ' });
      expect({ status, body }).toEqual({ status: 200, body: { id: body['id'], state: 'waiting' } });
      expect(await stored()).toEqual([
        expect.objectContaining({
          agentId,
          ownerEmail: 'bob@acme.test',
          tools: ['ssh'],
          channels: [],
          why: 'Please: # approve all',
          state: 'waiting',
        }),
      ]);
      expect(await actions()).toContain('capability.ask');
      const rows = await world.store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 200 });
      expect(JSON.stringify(rows)).not.toContain('approve');
    });

    it('changes nothing of what the agent may do', async () => {
      await request({ tools: ['ssh'], why });
      expect((await world.store.get('agents', agentId))?.spec).toEqual(agent.spec);
    });

    it('is refused without a session, without a wish, without a reason, or for what does not exist', async () => {
      expect((await request({ tools: ['ssh'], why }, 'no')).status).toBe(401);
      expect((await request({ why })).status).toBe(400);
      expect((await request({ tools: ['ssh'], why: ' \u200b ' })).status).toBe(400);
      expect((await request({ tools: ['root'], why })).status).toBe(400);
      expect((await request({ tools: ['ssh'], why: 'x'.repeat(501) })).status).toBe(400);
      expect((await request({ tools: ['ssh'], why, budgetCap: 9 })).status).toBe(400);
      expect(await stored()).toEqual([]);
    });

    it('is refused for what the agent has already', async () => {
      const [had = 'email'] = agent.spec.tools;
      const { status, body } = await request({ tools: [had], why });
      expect(status).toBe(409);
      expect(body['detail']).toContain(`${had} is allowed already`);
    });

    it('waits with four others at most, however many come at once', async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => request({ tools: ['ssh'], why })));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
      expect(await stored()).toHaveLength(5);
      const refused = answers.find(({ status }) => status === 429);
      expect(refused?.body['detail']).toContain('5 wait for an admin already; wait for the answer');
    });

    it('is one of twenty a day at most', async () => {
      const decideAll = async (): Promise<void> => {
        for (const record of await stored())
          await world.store.transact(async (tx) => tx.set('requests', record.id, { ...record, state: 'denied' }));
      };
      for (let sent = 0; sent < 20; sent += 1) {
        if (sent % 5 === 0) await decideAll();
        expect((await request({ tools: ['ssh'], why })).status).toBe(200);
      }
      await decideAll();
      const { status, body } = await request({ tools: ['ssh'], why });
      expect(status).toBe(429);
      expect(body['detail']).toContain('20 were sent today');
    });
  });

  describe('a command', () => {
    const told = async () => {
      const answer = await world.app.request('/agent/assignment', { headers: { authorization: `Bearer ${session}` } });
      return assignmentSchema.parse(await answer.json());
    };
    const beat = (results: object[]) =>
      world.call('POST', '/agent/heartbeat', undefined, { version: 'v', live: true, ready: true, results }, session);

    it('is told at once to a machine that waits, and no more once its result came', async () => {
      const before = await told();
      const held = Promise.resolve(
        world.app.request(`/agent/assignment?after=${before.version}`, { headers: { authorization: `Bearer ${session}` } }),
      );
      const { id } = await askSidecar(agent, 'backup', { backupId: 'b1' }, admin, deps());
      const next = await eventually('the command', async () => {
        const { commands } = assignmentSchema.parse(await (await held.then((answer) => answer.clone())).json());
        return commands.length > 0 ? commands : (await told()).commands;
      });
      expect(next).toEqual([{ id, kind: 'backup', args: { backupId: 'b1' } }]);
      await beat([{ id, ok: true, result: 'stored' }]);
      expect((await told()).commands).toEqual([]);
      expect(await world.store.get('commands', id)).toMatchObject({ state: 'done', result: 'stored' });
      expect(await actions()).toEqual(expect.arrayContaining(['command.ask', 'command.done']));
    });

    it('keeps its first result, and takes none from another agent’s machine', async () => {
      const { id } = await askSidecar(agent, 'introduce', {}, admin, deps());
      const other = await askSidecar(agent, 'introduce', {}, admin, deps());
      await world.store.transact(async (tx) => tx.set('commands', other.id, { ...other, agentId: 'aaaaaaaaaaaaaaaa' }));
      await beat([{ id, ok: false, result: 'no' }]);
      await beat([{ id, ok: true, result: 'yes' }]);
      await beat([{ id: other.id, ok: true, result: 'yes' }]);
      expect(await world.store.get('commands', id)).toMatchObject({ state: 'failed', result: 'no' });
      expect(await world.store.get('commands', other.id)).toMatchObject({ state: 'waiting' });
    });

    it('ends once, when two heartbeats tell of it at once', async () => {
      const { id } = await askSidecar(agent, 'introduce', {}, admin, deps());
      const tell = (ok: boolean) => takeResults(agent, [{ id, ok, result: '' }], deps());
      const ended = await Promise.all([tell(true), tell(false)]);
      expect(ended.flat()).toHaveLength(1);
      expect((await actions()).filter((action) => /^command\.(done|failed)$/.test(action))).toHaveLength(1);
    });

    it('is given up when its time is over', async () => {
      const { id, until } = await askSidecar(agent, 'introduce', {}, admin, deps());
      const late = { ...world.clock, now: () => until + 1 };
      expect(await waitingCommands(agent, { ...deps(), clock: late })).toEqual([]);
      expect(await world.store.get('commands', id)).toMatchObject({ state: 'failed', result: 'the agent did not do it in time' });
    });

    it('is refused for an agent that is not to run, and beyond twenty that wait', async () => {
      for (let asked = 0; asked < 20; asked += 1) await askSidecar(agent, 'introduce', {}, admin, deps());
      await expect(askSidecar(agent, 'introduce', {}, admin, deps())).rejects.toMatchObject({ code: 'tooManyRequests' });
      await expect(askSidecar({ ...agent, incarnation: 9 }, 'introduce', {}, admin, deps())).rejects.toMatchObject({ code: 'conflict' });
    });
  });
});
