import { answerHomepage } from '../../appsscript/dispatch.ts';
import { homeCard } from '../../appsscript/cards/home.ts';
import { admin, agentOf, checksOf, meOf, operationOf, pageOf, planeOf, viewer } from './company.ts';
import { actionsIn, cardsIn, click, createHost, problem, textOf, verbsIn, working } from './sandbox.ts';
import type { Answers, SentRequest } from './plane-double.ts';

const firstPage = { filter: '{}', cursor: '', back: '[]' };
const opened = (count: number, answers: Answers = {}) => {
  const { host, sent, trips } = createHost(working(count, answers));
  return { card: answerHomepage(host, {}), sent, trips };
};
const parametersOf = (value: unknown, name: string) =>
  actionsIn(value)
    .filter(({ parameters }) => parameters['do'] === name)
    .map(({ parameters }) => parameters);

describe('opening the panel', () => {
  it('asks for everything in one round trip, as the signed-in admin (REQ-WS-04)', () => {
    const { sent, trips } = opened(500);
    expect(trips).toEqual([8]);
    expect(sent.map(({ url }) => url.replace('https://plane.acme.test', ''))).toEqual([
      '/v1/planes',
      '/v1/planes/acme/agents?limit=20',
      '/v1/me',
      '/v1/planes/acme/approvals?state=waiting&limit=10',
      '/v1/planes/acme/requests?state=waiting&limit=10',
      '/v1/planes/acme/plans?state=waiting&limit=10',
      '/v1/planes/acme/operations?state=running&limit=3',
      '/v1/planes/acme/models',
    ]);
    expect(sent.every(({ headers }) => headers['Authorization'] === 'Bearer token-of-admin')).toBe(true);
  });

  it('counts what runs, needs attention, is paused and is on its way (REQ-WS-04)', () => {
    const { card } = opened(20, { listPlanes: () => ({ planes: [planeOf(1_204, 2, 3, 4)] }) });
    expect(card.sections[0]?.widgets[0]).toMatchObject({
      grid: {
        items: [
          { title: '1,204', subtitle: 'Running' },
          { title: '3', subtitle: 'Need attention' },
          { title: '4', subtitle: 'Paused' },
          { title: '2', subtitle: 'Starting or leaving' },
        ],
      },
    });
  });

  it('shows this month\u2019s spend against the caps, as a bar with its share (REQ-WS-04)', () => {
    const spend = { month: '2026-11', capUsd: 10_000, spentUsd: 8_500.5 };
    const text = textOf(opened(2, { listPlanes: () => ({ planes: [{ ...planeOf(2), spend }] }) }).card);
    expect(text).toContain('$8,500.50');
    expect(text).toContain('$10,000 a month');
    expect(text).toMatch(/\u2588{17}<\/font><font color="#dadce0">\u2588{3}<\/font> 85%/);
    expect(text).toContain('Close to the limit');
  });

  it('says what waits for somebody to decide', () => {
    const approval = { planeId: 'acme', state: 'waiting', creates: 30, removes: 0, askedAt: '2026-11-22T11:00:00.000Z' } as const;
    const one = { ...approval, id: 'x', decidedAt: null, decidedBy: null, reason: null, agents: [] };
    expect(textOf(opened(2, { listApprovals: () => ({ approvals: [one], next: null }) }).card)).toContain('1 large change');
    expect(textOf(opened(2).card)).not.toContain('For you to decide');
  });

  it('shows work that goes on, also after the panel was closed', () => {
    const { card } = opened(2, { listOperations: () => ({ operations: [operationOf()], next: null }) });
    expect(textOf(card)).toContain('12 of 40 paused, 1 failed');
    expect(parametersOf(card, 'openOperation')).toEqual([{ do: 'openOperation', id: 'op-1' }]);
  });

  it('does without what an admin of some org units is refused', () => {
    const refused = /\/(?:approvals|requests|plans|operations)\?/;
    const { host } = createHost((request: SentRequest) =>
      refused.test(request.url)
        ? problem(403, 'forbidden', 'cannot list for the whole company')
        : working(3, { me: () => meOf('admin', ['/Sales']) })(request),
    );
    const text = textOf(answerHomepage(host, {}));
    expect(text).toContain('Person 2');
    expect(text).not.toContain('cannot list');
  });

  it('leads to the parts of the add-on', () => {
    expect(verbsIn(opened(2).card)).toEqual(expect.arrayContaining(['openBulk', 'openCosts']));
  });
});

describe('the list', () => {
  it('turns pages in place and back the way it came', () => {
    const { host, sent } = createHost(working(50));
    const answer = click(host, 'home', { ...firstPage, cursor: '20', back: '[""]' });
    expect(sent[1]?.url).toContain('cursor=20');
    expect(answer.action.navigations?.[0]).toHaveProperty('updateCard');
    expect(textOf(cardsIn(answer))).toContain('Person 39');
    const turns = parametersOf(answer, 'home').map(({ cursor, back }) => [cursor, back]);
    expect(turns).toEqual(
      expect.arrayContaining([
        ['', '[]'],
        ['40', '["","20"]'],
      ]),
    );
  });

  it('asks the plane for what was filtered, and keeps the filter from page to page', () => {
    const { host, sent } = createHost(working(50));
    const form = { ou: '/Sales', group: 'any', phase: 'paused', health: 'any', attention: 'any' };
    const answer = click(host, 'applyFilter', {}, form);
    expect(sent[1]?.url).toContain('agents?limit=20&ou=%2FSales&phase=paused');
    expect(answer.action.navigations).toMatchObject([{ pop: true }, { updateCard: { name: 'home' } }]);
    expect(textOf(cardsIn(answer))).toContain('Showing only: in /Sales, paused.');
    const next = parametersOf(answer, 'home').find(({ cursor }) => cursor === '20');
    expect(JSON.parse(next?.['filter'] ?? '')).toEqual({ ou: '/Sales', phase: 'paused' });
  });

  it('offers the org units and groups there are, with what is chosen selected', () => {
    const { host } = createHost(working());
    const text = JSON.stringify(click(host, 'openFilter', { filter: '{"ou":"/Unit 0002"}' }));
    expect(text).toContain('"text":"/Unit 0002","value":"/Unit 0002","selected":true');
    expect(text).toContain('group1@acme.test');
  });

  it('says health in words beside its colour (REQ-MAINT-01)', () => {
    const agents = [
      agentOf(1, { health: 'red' }),
      agentOf(2, { health: 'yellow' }),
      agentOf(3, { phase: 'provisioning', health: 'unknown' }),
    ];
    const home = { plane: planeOf(3), filter: {}, cursor: '', back: [], operations: [], standIn: false };
    const text = textOf(homeCard({ ...home, page: { agents, next: null } }, admin));
    expect(text).toContain('Running, not responding');
    expect(text).toContain('Running, slow to report');
    expect(text).toContain('Coming up');
  });

  it('shows names as they are, markup and all', () => {
    const agents = [agentOf(1, { ownerName: '<b>Eve</b> & "co"' })];
    const home = { plane: planeOf(1), filter: {}, cursor: '', back: [], operations: [], standIn: false };
    expect(textOf(homeCard({ ...home, page: { agents, next: null } }, viewer))).toContain('&lt;b&gt;Eve&lt;/b&gt; &amp; &quot;co&quot;');
  });

  it('stays small with 10,000 agents', () => {
    expect(textOf(opened(10_000).card)).not.toContain('Person 20');
    expect(pageOf(10_000).agents).toHaveLength(20);
  });
});

describe('the first run', () => {
  it('leads from the first card to the first agent in two clicks (REQ-WS-01)', () => {
    const { card, trips } = opened(0);
    expect(trips).toEqual([8, 2]);
    const [own] = parametersOf(card, 'openUser');
    expect(own).toEqual({ do: 'openUser', user: 'admin@acme.test' });
    const { host, sent } = createHost(working(0));
    const [userCard] = cardsIn(click(host, 'openUser', { user: own?.['user'] ?? '' }));
    const [flip] = parametersOf(userCard, 'switchAgent');
    click(host, 'switchAgent', { user: flip?.['user'] ?? '' }, { enabled: 'on' });
    expect(sent.at(-2)).toMatchObject({ method: 'patch', payload: '{"agentEnabled":true}' });
  });

  it('says what is still missing and what to do about it', () => {
    const text = textOf(opened(0, { diagnose: () => checksOf('Custom schema') }).card);
    expect(text).toContain('Custom schema: not working');
    expect(text).toContain('What to do: Set up Custom schema');
    expect(text).not.toContain('Roles: not working');
    expect(textOf(opened(0).card)).toContain('Everything is set up');
  });

  it('offers a Viewer nothing to switch on', () => {
    const { card } = opened(0, { me: () => meOf('viewer') });
    expect(textOf(card)).toContain('Nobody has an agent yet');
    expect(parametersOf(card, 'openUser')).toEqual([]);
  });
});

describe('finding people', () => {
  it('opens whoever has the address', () => {
    const { host, sent, trips } = createHost(working());
    const answer = click(host, 'findPeople', {}, { search: '  o\u2019hara+x@acme.test ' });
    expect(sent[0]?.url).toBe('https://plane.acme.test/v1/planes/acme/users/o%E2%80%99hara%2Bx%40acme.test');
    expect(answer.action.navigations?.[0]).toHaveProperty('pushCard.header.title', 'Person 7');
    expect(trips).toEqual([3]);
  });

  it('opens the only one who fits at once', () => {
    const { host, trips } = createHost(working());
    expect(cardsIn(click(host, 'findPeople', {}, { search: 'person' }))[0]?.header?.title).toBe('Person 7');
    expect(trips).toEqual([3, 2]);
  });

  it('lists people with and without an agent, each once', () => {
    const user = { id: '9', email: 'zoe@acme.test', name: 'Zoe', ouPath: '/', active: true, agentId: null };
    const answers: Answers = { listUsers: () => ({ users: [user, { ...user, id: '1007', name: 'Person 7' }] }) };
    const { host } = createHost(working(2, answers));
    const [card] = cardsIn(click(host, 'findPeople', {}, { search: 'p' }));
    expect(parametersOf(card, 'openUser').map(({ user: id }) => id)).toEqual(['1007', '9']);
    expect(textOf(card)).toContain('No agent');
  });

  it('says when nobody fits', () => {
    const { host } = createHost(() => problem(404, 'not_found', 'no user zoe@acme.test'));
    expect(textOf(cardsIn(click(host, 'findPeople', {}, { search: 'zoe@acme.test' })))).toContain(
      'Nobody in your directory has the address zoe@acme.test',
    );
    const other = createHost(working());
    expect(textOf(cardsIn(click(other.host, 'findPeople', {}, { search: 'nobody' })))).toContain('begins with nobody');
  });

  it.each(['', '   '])('asks for words instead of looking for %j', (search) => {
    const { host, sent } = createHost(working());
    expect(click(host, 'findPeople', {}, { search }).action).toEqual({ notification: { text: 'Type a name or an e-mail address.' } });
    expect(sent).toEqual([]);
  });
});
