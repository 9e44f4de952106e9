import { settingsCard } from '../../appsscript/cards/settings.ts';
import { admin, agentOf, auditOf, checksOf, meOf, withoutAgent } from './company.ts';
import { modelsOf, verificationOf } from './policy-company.ts';
import { actionsIn, cardsIn, click, createHost, problem, textOf, working } from './sandbox.ts';

const [row] = auditOf(1).rows;
if (!row) throw new Error('no row was made');
const refused = {
  ...row,
  action: 'access.refused',
  outcome: 'refused',
  actor: { kind: 'user', id: 'eve@acme.test', from: '203.0.113.7', via: 'cli' },
} as const;

describe('the audit log', () => {
  it('says who did what, when, from where and how it came out (REQ-WS-09)', () => {
    const { host } = createHost(working(2, { listAudit: () => ({ rows: [refused], next: null }) }));
    const text = textOf(cardsIn(click(host, 'openAudit', {})));
    for (const words of ['By eve@acme.test from 203.0.113.7 through cli', 'Access was refused', 'Refused', 'Nov 22, 2026'])
      expect(text).toContain(words);
  });

  it('tells what somebody asked for in one sentence, from what held before, and folds away what took it in (REQ-WS-09)', () => {
    const said = (changes: object[]) => ({
      ...row,
      ...{ action: 'user.requests', actor: { kind: 'user', id: 'admin@acme.test' }, outcome: 'done' as const },
      ...{ detail: { changes } as never, about: { ...agentOf(1), ownerName: 'Carol <b>Chen' } },
    });
    const rows = [
      { ...said([]), action: 'agent.change', actor: { kind: 'directory', id: 'look', via: 'admin@acme.test' } },
      { ...said([]), action: 'effect.end apply', actor: { kind: 'plane', id: 'worker' } },
      said([{ field: 'budgetCap', from: null, to: 100, inForce: 50 }]),
      said([
        { field: 'agentEnabled', from: null, to: true },
        { field: 'toolAllowlist', from: 'email', to: ['email', 'github'], inForce: ['email'] },
      ]),
      said([{ field: 'modelTier', from: 'opus', to: null, inForce: 'opus' }]),
      said([{ field: 'budgetCap', from: null, to: 50, inForce: 50 }]),
    ];
    const { host } = createHost(working(2, { listAudit: () => ({ rows, next: null }) }));
    for (const card of [click(host, 'openAudit', {}), click(host, 'openHistory', { agentId: agentOf(1).agentId, name: 'Carol' })]) {
      const text = textOf(cardsIn(card));
      for (const words of [
        'admin@acme.test set Carol &lt;b&gt;Chen\u2019s budget from $50 to $100',
        'switched Carol &lt;b&gt;Chen\u2019s agent on, and set Carol &lt;b&gt;Chen\u2019s tools from Email to Email, GitHub',
        'let Carol &lt;b&gt;Chen\u2019s model follow policy again (was Opus)',
        'fixed Carol &lt;b&gt;Chen\u2019s budget at $50',
        '2 technical steps',
      ])
        expect(text).toContain(words);
      expect(text).not.toMatch(/nothing to|By the plane, following/);
    }
  });

  it('filters by who, whose agent, what and when, and keeps that while paging', () => {
    const { host, sent } = createHost(working());
    const form = { who: 'admin@acme.test', agent: 'person7@acme.test', action: 'agent.', period: 'week' };
    const card = click(host, 'filterAudit', {}, form);
    const query = new URL(sent.find(({ url }) => url.includes('/audit?'))?.url ?? '').searchParams;
    expect(Object.fromEntries(query)).toEqual({
      ...{ limit: '40', agentId: agentOf(7).agentId, user: 'admin@acme.test', action: 'agent.' },
      since: '2026-11-15T12:00:00.000Z',
    });
    const next = actionsIn(card).find(({ parameters }) => parameters['do'] === 'showAudit' && parameters['cursor'] !== '');
    expect(JSON.parse(next?.parameters['filter'] ?? '{}')).toMatchObject({
      agentId: agentOf(7).agentId,
      since: '2026-11-15T12:00:00.000Z',
    });
    sent.length = 0;
    click(host, 'showAudit', { filter: next?.parameters['filter'] ?? '', cursor: next?.parameters['cursor'] ?? '', back: '[""]' });
    expect(new URL(sent[0]?.url ?? '').searchParams.get('cursor')).toBe('1.40');
    expect(new URL(sent[0]?.url ?? '').searchParams.get('action')).toBe('agent.');
  });

  it('takes the id of an agent that is gone, and says so where there is none', () => {
    const { host, trips } = createHost(working(2, { getUser: () => withoutAgent(7) }));
    click(host, 'filterAudit', {}, { agent: agentOf(9).agentId });
    expect(trips).toHaveLength(1);
    expect(click(host, 'filterAudit', {}, { agent: 'nobody' }).action.notification?.text).toContain(
      'Nobody like nobody has or had an agent',
    );
    expect(click(host, 'filterAudit', {}, { agent: 'person8@acme.test' }).action.notification?.text).toContain('Nobody like person8');
    expect(textOf(cardsIn(click(host, 'filterAudit', {}, { agent: 'Person 7' })))).toContain('about the agent of person7@acme.test');
  });

  it('is marked as verified, or names what was changed', () => {
    const { host } = createHost(working());
    expect(textOf(cardsIn(click(host, 'verifyAudit', { filter: '{}' })))).toContain('Verified: nothing was changed or cut out');
    const broken = createHost(
      working(2, { verifyAudit: () => verificationOf({ chain: 'agent/x', seq: 4, fault: 'the hash does not fit' }) }),
    );
    const text = textOf(cardsIn(click(broken.host, 'verifyAudit', { filter: '{}' })));
    expect(text).toContain('Not as it was written');
    expect(text).toContain('the hash does not fit');
    expect(text).not.toContain('Verified: nothing');
  });

  it('shows the log all the same when verifying took too long', () => {
    const { host } = createHost((request) =>
      request.url.endsWith('/verify') ? problem(504, 'timeout', 'it took too long') : working()(request),
    );
    const text = textOf(cardsIn(click(host, 'verifyAudit', { filter: '{}' })));
    expect(text).toContain('it took too long');
    expect(text).toContain('Agent settings changed');
    expect(text).not.toContain('Verified: nothing');
  });
});

describe('settings', () => {
  it('names what is wrong first, with what to do', () => {
    const { host } = createHost(working(2, { diagnose: () => checksOf('Roles') }));
    const text = textOf(cardsIn(click(host, 'openSettings', {})));
    expect(text).toContain('1 of 3 need attention');
    expect(text).toContain('What to do: Set up Roles');
    expect(text.indexOf('Roles is not there')).toBeLessThan(text.indexOf('Custom schema'));
  });

  it('shows versions, models with their prices, and who one is', () => {
    const { host } = createHost(working());
    const text = textOf(cardsIn(click(host, 'openSettings', {})));
    for (const words of [
      'Everything is set up',
      '1.0.0',
      'claude-sonnet',
      '$3 in, $15 out per million tokens',
      'Agent Admin for the whole company',
    ]) {
      expect(text).toContain(words);
    }
  });

  it('says what an admin of some org units and a Viewer may do', () => {
    const page = { planeId: 'acme', diagnosis: checksOf(), models: modelsOf().models };
    expect(textOf(settingsCard({ ...page, me: meOf('admin', ['/Sales']) }, admin))).toContain('Agent Admin for /Sales');
    expect(textOf(settingsCard({ ...page, me: meOf('viewer') }, admin))).toContain('changes nothing');
  });
});
