import { answerAction, answerHomepage, type Host } from '../../appsscript/dispatch.ts';
import { handlers } from '../../appsscript/handlers/index.ts';
import type { Actions } from '../../appsscript/actions.ts';
import type { Card } from '../../appsscript/card.ts';
import { findCardFaults } from '../../scripts/local/preview/card-rules.ts';
import { agentOf } from './company.ts';
import { formOf, samplePolicies } from './policy-company.ts';
import { cardsIn, click, createHost, eventOf, json, problem, textOf, working, type FormValues, type Reply } from './sandbox.ts';

const agentId = agentOf(7).agentId;
const user = '1007';
const page = { cursor: '', back: '[]' };
const clicks: { readonly [K in keyof Actions]: readonly [Actions[K], FormValues?] } = {
  home: [{ filter: '{}', ...page }],
  findPeople: [{}, { search: 'person' }],
  openFilter: [{ filter: '{}' }],
  applyFilter: [{}],
  openUser: [{ user }],
  showUser: [{ user }],
  switchAgent: [{ user }, { enabled: 'on' }],
  switchOff: [{ user }],
  askVerb: [{ user, verb: 'pause' }],
  doVerb: [{ user, agentId, verb: 'restart' }],
  editField: [{ user, field: 'tools' }],
  whyField: [{ user, field: 'tools' }],
  saveField: [{ user, field: 'budgetCap', was: '[]' }, { value: '50' }],
  inheritField: [{ user, field: 'agentEnabled' }],
  inheritOff: [{ user }],
  openBackups: [{ agentId }],
  showBackups: [{ agentId }],
  askRestore: [{ agentId, backup: 'backup-1' }],
  restore: [{ agentId, backup: 'backup-1' }],
  openSecrets: [{ agentId }],
  openReceipt: [{ agentId, user }],
  openHistory: [{ agentId, name: 'Person 7' }],
  showHistory: [{ agentId, name: 'Person 7', ...page }],
  openBulk: [{}],
  showBulk: [{}],
  planWork: [{}, { work: 'pause', scope: 'all' }],
  startWork: [{ work: 'pause', scope: 'all' }],
  openOperation: [{ id: 'op-1' }],
  showOperation: [{ id: 'op-1' }],
  cancelOperation: [{ id: 'op-1' }],
  resumeOperation: [{ id: 'op-1' }],
  planTier: [{}, { from: 'sonnet', to: 'opus', tierScope: 'all' }],
  openCosts: [{}],
  showCosts: [{}, { by: 'ou', period: '30d' }],
  downloadCosts: [{ by: 'ou', period: '30d' }],
  openPolicies: [{}],
  showPolicies: [{}],
  openLayer: [{ scope: 'ou:/Sales' }],
  chooseUnit: [{}, { ou: '/Sales' }],
  chooseGroup: [{}, { group: 'leads@acme.test' }],
  planLayer: [{ scope: 'ou:/Sales', revision: '3' }, formOf(samplePolicies[2]?.spec)],
  planNoLayer: [{ scope: 'ou:/Sales', revision: '3' }],
  planMove: [{ scope: 'group:interns@acme.test', by: '1', revision: '3' }],
  openPlan: [{ id: 'plan-1' }],
  showPlan: [{ id: 'plan-1' }],
  askApply: [{ id: 'plan-1' }],
  applyPlan: [{ id: 'plan-1', removals: '0' }],
  decidePlan: [{ id: 'plan-1', decision: 'approve' }],
  openApprovals: [{}],
  showApprovals: [{}],
  openRequest: [{ id: 'request-1' }],
  decideRequest: [{ id: 'request-1', decision: 'approve' }, { reason: 'why not' }],
  openFlips: [{ id: 'flips-1' }],
  decideFlips: [{ id: 'flips-1', decision: 'deny' }],
  openAudit: [{}],
  showAudit: [{ filter: '{"action":"agent."}', ...page }],
  filterAudit: [{}, { who: 'admin@acme.test', agent: agentId, action: 'agent.', period: 'week' }],
  verifyAudit: [{ filter: '{}' }],
  openSettings: [{}],
  showSettings: [{}],
};

/** One click of every action there is, and the opening of the panel. */
const everyClick: Readonly<Record<string, (host: Host) => Card[]>> = {
  opening: (host) => [answerHomepage(host, {})],
  ...Object.fromEntries(
    Object.keys(handlers).map((name) => {
      const [parameters, form] = clicks[name as keyof Actions];
      return [name, (host: Host) => cardsIn(click(host, name as 'openUser', parameters as Actions['openUser'], form))];
    }),
  ),
};

describe('every click', () => {
  it.each(Object.keys(everyClick))(
    '%s asks by the contract, in two round trips at most, and answers with a card that Google shows',
    (name) => {
      const { host, trips, logged } = createHost(working());
      const cards = everyClick[name]?.(host) ?? [];
      expect(trips.length).toBeLessThanOrEqual(2);
      expect(logged).toEqual([]);
      for (const card of cards) {
        expect(findCardFaults({ ...card })).toEqual([]);
        expect(textOf(card)).not.toMatch(/cannot be reached|Not found|stumbled/);
      }
    },
  );
});

const failures: [string, () => Reply, string][] = [
  [
    'no answer',
    () => {
      throw new Error('Address unavailable: https://plane.acme.test');
    },
    'cannot be reached',
  ],
  ['an HTML page', () => ({ status: 200, body: '<!doctype html><title>Sign in</title>' }), 'not Agents Plane'],
  ['an HTML 404', () => ({ status: 404, body: '<h1>Not Found</h1>' }), 'not Agents Plane'],
  ['a redirect', () => ({ status: 302, body: '' }), 'not Agents Plane'],
  ['401', () => problem(401, 'unauthenticated', 'the token has expired'), 'sign-in was not accepted'],
  ['403', () => problem(403, 'forbidden', 'you have no role here'), 'You do not have permission for this'],
  ['404', () => problem(404, 'not_found', 'there is no plane acme'), 'Not found'],
  ['409', () => problem(409, 'conflict', 'changed meanwhile'), 'Not changed'],
  ['422', () => problem(422, 'invalid', 'ownerEmail: found "x"'), 'Not accepted'],
  ['412', () => problem(412, 'preconditionFailed', 'changed meanwhile'), 'Not changed'],
  ['504', () => problem(504, 'timeout', 'cannot list agents: it took too long'), 'is slow right now'],
  ['429', () => problem(429, 'rate_limited', 'too many requests'), 'Too much at once'],
  ['500', () => problem(500, 'internal', 'something broke'), 'had a problem'],
  ['an HTML 500', () => ({ status: 500, body: '<h1>Error</h1>' }), 'had a problem'],
  ['an answer of another shape', () => json(200, { planes: [{ planeId: 'acme' }] }), 'Something went wrong'],
];

describe.each(failures)('when the backend gives %s', (_name, reply, words) => {
  const everyCard = () => {
    const { host, trips } = createHost(reply);
    return Object.entries(everyClick).flatMap(([name, draw]) => {
      trips.length = 0;
      const cards = draw(host);
      return cards.map((card) => ({ name, card, trips: trips.length }));
    });
  };

  it('shows a card for every action that says so and what to do next, after two round trips at most', () => {
    const shown = everyCard();
    expect(shown.map(({ name }) => name)).toEqual(Object.keys(everyClick));
    for (const { name, card, trips } of shown) {
      expect({ name, faults: findCardFaults({ ...card }) }).toEqual({ name, faults: [] });
      expect(textOf(card)).toContain(words);
      expect(textOf(card)).not.toContain('<!doctype');
      expect(trips).toBeLessThanOrEqual(2);
    }
  });
});

describe('a slow backend', () => {
  /** Each round trip takes that long. */
  const slow = (tripMs: number) => {
    let nowMs = 0;
    const { host, trips } = createHost(
      (request) => {
        nowMs += tripMs / (request.url.endsWith('/v1/me') ? 1 : 1_000_000);
        return request.method === 'get' ? working(0)(request) : problem(409, 'conflict', 'changed meanwhile');
      },
      { now: () => nowMs },
    );
    return { host, trips };
  };

  it('is not asked a second time when the first answer took long, so that Google\u2019s own time-out never shows', () => {
    const { host, trips } = slow(15_000);
    const [card] = cardsIn(click(host, 'switchOff', { user: '1007' }));
    expect(trips).toHaveLength(1);
    expect(textOf(card)).toContain('changed meanwhile');
    expect(textOf(answerHomepage(host, {}))).toContain('This could not be checked just now');
    expect(trips).toHaveLength(2);
  });

  it('is asked again while there is time', () => {
    const { host, trips } = slow(2_000);
    click(host, 'switchOff', { user: '1007' });
    expect(trips).toHaveLength(2);
  });
});

describe('before it can ask', () => {
  it('says that the add-on is not connected', () => {
    const { host, sent } = createHost(working(), { property: () => null });
    expect(textOf(answerHomepage(host, {}))).toContain('not connected yet');
    expect(sent).toEqual([]);
  });

  it('says that Google gave no identity', () => {
    const { host, sent } = createHost(working(), { identityToken: () => null });
    expect(textOf(answerHomepage(host, {}))).toContain('did not say who you are');
    expect(sent).toEqual([]);
  });

  it('names a plane that is not there', () => {
    const { host } = createHost(working(), { property: (name) => (name === 'planeId' ? 'other' : 'https://plane.acme.test') });
    expect(textOf(answerHomepage(host, {}))).toContain('does not have a plane named other');
  });

  it.each([
    undefined,
    null,
    'x',
    {},
    { commonEventObject: { parameters: { do: 'constructor' } } },
    eventOf('home', { filter: '{', cursor: '', back: '[]' }),
  ])('answers the odd event %j with a card', (event) => {
    const { host } = createHost(working());
    expect(textOf(answerAction(host, event))).toContain('Something went wrong');
  });

  it('logs what surprised it', () => {
    const { host, logged } = createHost(working());
    answerAction(host, eventOf('home', { filter: '{', cursor: '', back: '[]' }));
    expect(logged).toHaveLength(1);
  });
});
