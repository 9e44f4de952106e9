import type { Answer } from '../../shared/contract.ts';
import { contract } from '../../shared/contract.ts';
import { openWorld, type World } from './world.ts';

const [admin, viewer, stranger] = ['admin@acme.test', 'viewer@acme.test', 'frank@acme.test'];
const users = '/v1/planes/acme/users';
const approvals = '/v1/planes/acme/approvals';

describe('why a user has what they have', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world.close());

  const ask = async (userKey: string, fields: Record<string, unknown>) => {
    const customSchemas = { OpenClaw_Agent: fields };
    await world.directory.users.update({ userKey, requestBody: { customSchemas } });
  };
  const explained = async (userKey: string) => {
    const { status, body } = await world.call('GET', `${users}/${userKey}/explain`, viewer);
    expect(status).toBe(200);
    return contract.explainUser.answer.parse(body);
  };
  const notesOf = async (userKey: string): Promise<Answer<'getUser'>['notes']> => {
    const { status, body } = await world.call('GET', `${users}/${userKey}`, viewer);
    expect(status).toBe(200);
    return contract.getUser.answer.parse(body).notes;
  };

  it('says for every field who won, who lost and what limits it (REQ-WS-03, REQ-ID-03)', async () => {
    await ask('alice@acme.test', { budgetCap: '900' });
    const { user, fields, sentences } = await explained('alice@acme.test');
    expect(user).toEqual({
      id: await world.idOf('alice@acme.test'),
      email: 'alice@acme.test',
      ouPath: '/Engineering',
      groups: ['engineering-leads@acme.test'],
    });
    expect(fields.find(({ field }) => field === 'budgetCap')).toEqual({
      field: 'budgetCap',
      value: 500,
      origin: 'user',
      clamped: { from: 900, by: 'organization' },
      said: [
        { origin: 'default', value: 50 },
        { origin: 'organization', value: 50 },
        { origin: 'ou:/Engineering', value: 200 },
        { origin: 'group:engineering-leads@acme.test', value: 500 },
        { origin: 'user', value: 900 },
      ],
      limits: [{ origin: 'organization', limit: 500 }],
      locked: null,
    });
    expect(sentences).toContain('Model is Opus: organizational unit /Engineering says so (the organization said Sonnet).');
    await ask('alice@acme.test', { budgetCap: null });
  });

  it('agrees with the policy that the user view shows', async () => {
    const { fields } = await explained('dave@acme.test');
    const { body } = await world.call('GET', `${users}/dave@acme.test`, viewer);
    const policy = contract.getUser.answer.parse(body).policy;
    expect(fields).toHaveLength(Object.keys(policy).length);
    for (const { field, value, origin } of fields) expect(policy[field]).toMatchObject({ value, origin });
  });

  it('tells an admin of a typo, of a budget over the cap and of a locked field, each beside its field (REQ-WS-02)', async () => {
    await world.call('PATCH', `${users}/bob@acme.test`, admin, { agentEnabled: true, modelTier: 'haiku' });
    await ask('bob@acme.test', { modelTier: 'Opuss', budgetCap: '900' });
    await world.store.transact(async (tx) => tx.set('services', 'ou:/Sales', { scope: 'ou:/Sales', enabled: false, at: Date.now() }));
    expect(await notesOf('bob@acme.test')).toEqual([
      {
        field: 'agentEnabled',
        kind: 'locked',
        message: 'Agent is off: this person’s page asks for on, the service switch of organizational unit /Sales is off.',
      },
      {
        field: 'modelTier',
        kind: 'invalid',
        message: 'modelTier: found "Opuss"; allowed: haiku, sonnet or opus; the last good value (Haiku) stays',
      },
      {
        field: 'budgetCap',
        kind: 'clamped',
        message:
          'Budget is $500 a month: this person’s page asks for $900, the organization allows at most $500 (the organization said $50).',
      },
    ]);
    expect(await notesOf('carol@acme.test')).toEqual([]);
  });

  it('does not explain to strangers, nor what is not there', async () => {
    expect((await world.call('GET', `${users}/bob@acme.test/explain`, stranger)).status).toBe(403);
    expect((await world.call('GET', `${users}/nobody@acme.test/explain`, viewer)).status).toBe(404);
    expect((await world.call('GET', '/v1/planes/nowhere/users/bob@acme.test/explain', viewer)).status).toBe(404);
  });
});

describe('changes of policy that wait for an admin', () => {
  let world: World;
  let agentId = '';
  beforeAll(async () => {
    world = await openWorld();
    agentId = await world.agentIdOf('bob@acme.test');
    // The walk through the directory would withdraw what policy does not want.
    await world.wake.stop();
    await world.call('PATCH', `${users}/bob@acme.test`, admin, { agentEnabled: true });
    const userId = await world.idOf('bob@acme.test');
    await world.store.transact(async (tx) => {
      const asked = { planeId: 'acme', creates: 0, removes: 30 };
      tx.set('approvals', 'one', { ...asked, id: 'one', state: 'waiting', askedAt: 1000 });
      tx.set('approvals', 'two', { ...asked, id: 'two', state: 'waiting', askedAt: 2000 });
      tx.set('approvals', 'three', { ...asked, id: 'three', state: 'withdrawn', askedAt: 3000 });
      tx.set('approvals', 'four', { ...asked, id: 'four', state: 'counting', askedAt: 4000 });
      tx.set('approvals', 'other', { ...asked, planeId: 'elsewhere', id: 'other', state: 'waiting', askedAt: 5000 });
      tx.set('holds', agentId, {
        ...{ agentId, planeId: 'acme', approvalId: 'two', userId, ownerEmail: 'bob@acme.test' },
        ...{ to: 'removed', seenAt: 0 },
      });
    });
  });
  afterAll(() => world.close());

  const list = async (query: string) => {
    const { status, body } = await world.call('GET', `${approvals}${query}`, viewer);
    expect(status).toBe(200);
    const answer = contract.listApprovals.answer.parse(body);
    return { ids: answer.approvals.map(({ id }) => id), ...answer };
  };

  it('lists them newest first, by state and page by page, but none that still counts', async () => {
    expect((await list('')).ids).toEqual(['three', 'two', 'one']);
    const first = await list('?state=waiting&limit=1');
    expect(first.approvals).toEqual([
      {
        ...{ id: 'two', planeId: 'acme', state: 'waiting', creates: 0, removes: 30 },
        ...{ askedAt: '1970-01-01T00:00:02.000Z', decidedAt: null, decidedBy: null, reason: null },
        agents: [{ agentId, ownerEmail: 'bob@acme.test', to: 'removed' }],
      },
    ]);
    const rest = await list(`?state=waiting&limit=1&cursor=${first.next}`);
    expect([rest.ids, rest.next]).toEqual([['one'], null]);
  });

  it('refuses a viewer, an unknown decision and too long a reason, and decides nothing', async () => {
    const decide = async (email: string, body: unknown) => (await world.call('POST', `${approvals}/two`, email, body)).status;
    expect(await decide(viewer, { decision: 'approve' })).toBe(403);
    expect(await decide(admin, { decision: 'perhaps' })).toBe(400);
    expect(await decide(admin, { decision: 'deny', reason: 'x'.repeat(501) })).toBe(400);
    expect((await list('?state=waiting')).ids).toEqual(['two', 'one']);
  });

  it('takes an admin\u2019s word once, with a reason and a row in the audit log (REQ-WSEC-02)', async () => {
    const approved = await world.call('POST', `${approvals}/two`, admin, { decision: 'approve', reason: 'the Sales pilot ended' });
    expect(approved.status).toBe(200);
    expect(contract.decideApproval.answer.parse(approved.body)).toMatchObject({
      ...{ id: 'two', state: 'approved', decidedBy: admin, reason: 'the Sales pilot ended' },
      agents: [{ agentId, ownerEmail: 'bob@acme.test', to: 'removed' }],
    });
    expect((await world.call('POST', `${approvals}/two`, admin, { decision: 'deny' })).status).toBe(409);
    expect((await list('?state=approved')).approvals).toMatchObject([{ id: 'two', agents: [] }]);
    const { body } = await world.call('GET', '/v1/planes/acme/audit', viewer);
    expect(body['rows']).toContainEqual(expect.objectContaining({ action: 'approval.approved', target: 'two' }));
  });

  it('knows no approval of another plane, none that counts and none that never was', async () => {
    for (const id of ['other', 'four', 'five']) {
      expect((await world.call('POST', `${approvals}/${id}`, admin, { decision: 'approve' })).status).toBe(404);
    }
  });
});
