import { answerAction, answerHomepage } from '../../appsscript/dispatch.ts';
import { findCardFaults } from '../../scripts/local/preview/card-rules.ts';
import { withoutAgent } from './company.ts';
import { cardsIn, click, createHost, eventOf, json, problem, textOf, working, type Reply, type SentRequest } from './sandbox.ts';

const home = { cursor: '', back: '[]' };
const mutations = new Set(['patch', 'post']);
/** Reads work; changes get this reply. */
const refusing = (reply: Reply) => (request: SentRequest) => (mutations.has(request.method) ? reply : working()(request));

describe('reading', () => {
  it('asks for counts and agents at once, as the signed-in admin', () => {
    const { host, sent } = createHost(working());
    answerHomepage(host);
    expect(sent.map(({ url }) => url)).toEqual([
      'https://plane.acme.test/v1/planes',
      'https://plane.acme.test/v1/planes/acme/agents?limit=20',
    ]);
    expect(sent.every(({ headers }) => headers['Authorization'] === 'Bearer token-of-admin')).toBe(true);
  });

  it('turns pages in place', () => {
    const { host, sent } = createHost(working(50));
    const answer = click(host, 'home', { cursor: '20', back: '[""]' });
    expect(sent[1]?.url).toContain('cursor=20');
    expect(answer.action.navigations?.[0]).toHaveProperty('updateCard');
    expect(textOf(cardsIn(answer))).toContain('Person 39');
  });

  it('finds a person by mail address and opens the card', () => {
    const { host, sent } = createHost(working());
    const answer = click(host, 'findUser', {}, { email: '  o\u2019hara+x@acme.test ' });
    expect(sent[0]?.url).toBe('https://plane.acme.test/v1/planes/acme/users/o%E2%80%99hara%2Bx%40acme.test');
    expect(answer.action.navigations?.[0]).toHaveProperty('pushCard.header.title', 'Person 7');
  });

  it.each(['', '   ', 'alice'])('asks for a whole address instead of looking for %j', (email) => {
    const { host, sent } = createHost(working());
    expect(click(host, 'findUser', {}, { email }).action).toEqual({
      notification: { text: expect.stringContaining('whole e-mail address') as string },
    });
    expect(sent).toEqual([]);
  });

  it('says when nobody has the address', () => {
    const { host } = createHost(() => problem(404, 'not_found', 'no user zoe@acme.test'));
    expect(textOf(cardsIn(click(host, 'findUser', {}, { email: 'zoe@acme.test' })))).toContain(
      'Nobody in your directory has the address zoe@acme.test',
    );
  });
});

describe('changing', () => {
  it('switches on at once', () => {
    const { host, sent } = createHost(working());
    const answer = click(host, 'switchAgent', { user: '1007' }, { enabled: 'on' });
    expect(sent).toMatchObject([{ method: 'patch', payload: '{"agentEnabled":true}' }]);
    expect(answer).toMatchObject({
      stateChanged: true,
      action: { notification: { text: 'Person 7 gets an agent. It introduces itself by mail.' } },
    });
  });

  it('asks before switching off, and changes nothing by asking', () => {
    const { host, sent } = createHost(working());
    const answer = click(host, 'switchAgent', { user: '1007' });
    expect(sent.map(({ method }) => method)).toEqual(['get']);
    expect(answer.action.navigations?.[0]).toHaveProperty('updateCard.header.title', 'Switch this agent off?');
  });

  it('switches off once that is confirmed', () => {
    const { host, sent } = createHost((request) => (request.method === 'patch' ? json(202, withoutAgent(7)) : working()(request)));
    const answer = click(host, 'switchOff', { user: '1007' });
    expect(sent).toMatchObject([{ method: 'patch', payload: '{"agentEnabled":false}' }]);
    expect(textOf(cardsIn(answer))).toContain('No agent');
  });

  it('restarts', () => {
    const { host, sent } = createHost(working());
    const answer = click(host, 'restart', { user: '1007', agentId: 'abcdefghijklmnop' });
    expect(sent[0]).toMatchObject({ method: 'post', url: 'https://plane.acme.test/v1/planes/acme/agents/abcdefghijklmnop/restart' });
    expect(answer.action.notification?.text).toBe('The agent of Person 7 is restarting.');
  });

  it.each([
    [403, 'forbidden', 'viewer@acme.test is an Agent Viewer', 'Agent Viewers can look but not change'],
    [409, 'conflict', 'agentEnabled is managed by planes.yaml; run planes apply', 'something else decides this'],
    [429, 'busy', 'Directory quota is used up', 'Wait a minute'],
  ])('says what happened on a %i and shows how things really stand', (status, code, detail, words) => {
    const { host } = createHost(refusing(problem(status, code, detail)));
    const answer = click(host, 'switchAgent', { user: '1007' }, { enabled: 'on' });
    const [card] = cardsIn(answer);
    expect(textOf(card)).toContain(detail);
    expect(textOf(card)).toContain(words);
    expect(textOf(card)).toContain('Agent enabled');
    expect(answer.action.notification?.text).not.toBe('');
    expect(answer).not.toHaveProperty('stateChanged');
  });
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
  ['403', () => problem(403, 'forbidden', 'you have no role here'), 'You may not do this'],
  ['404', () => problem(404, 'not_found', 'there is no plane acme'), 'Not found'],
  ['409', () => problem(409, 'conflict', 'changed meanwhile'), 'Not changed'],
  ['422', () => problem(422, 'invalid', 'ownerEmail: found "x"'), 'Not accepted'],
  ['429', () => problem(429, 'rate_limited', 'too many requests'), 'Too much at once'],
  ['500', () => problem(500, 'internal', 'something broke'), 'had a problem'],
  ['an HTML 500', () => ({ status: 500, body: '<h1>Error</h1>' }), 'had a problem'],
  ['an answer of another shape', () => json(200, { planes: [{ planeId: 'acme' }] }), 'stumbled'],
];

describe.each(failures)('when the backend gives %s', (_name, reply, words) => {
  const everyCard = () => {
    const { host } = createHost(reply);
    return [
      answerHomepage(host),
      ...cardsIn(click(host, 'home', home)),
      ...cardsIn(click(host, 'openUser', { user: '1007' })),
      ...cardsIn(click(host, 'switchAgent', { user: '1007' }, { enabled: 'on' })),
      ...cardsIn(click(host, 'switchOff', { user: '1007' })),
      ...cardsIn(click(host, 'restart', { user: '1007', agentId: 'abcdefghijklmnop' })),
    ];
  };

  it('shows a card for every action that says so and what to do next', () => {
    const cards = everyCard();
    expect(cards).toHaveLength(6);
    for (const card of cards) {
      expect(findCardFaults({ ...card })).toEqual([]);
      expect(textOf(card)).toContain(words);
      expect(textOf(card)).not.toContain('<!doctype');
    }
  });
});

describe('before it can ask', () => {
  it('says that the add-on is not connected', () => {
    const { host, sent } = createHost(working(), { property: () => null });
    expect(textOf(answerHomepage(host))).toContain('not connected yet');
    expect(sent).toEqual([]);
  });

  it('says that Google gave no identity', () => {
    const { host, sent } = createHost(working(), { identityToken: () => null });
    expect(textOf(answerHomepage(host))).toContain('did not say who you are');
    expect(sent).toEqual([]);
  });

  it('names a plane that is not there', () => {
    const { host } = createHost(working(), { property: (name) => (name === 'planeId' ? 'other' : 'https://plane.acme.test') });
    expect(textOf(answerHomepage(host))).toContain('does not have a plane named other');
  });

  it.each([
    undefined,
    null,
    'x',
    {},
    { commonEventObject: { parameters: { do: 'constructor' } } },
    eventOf('home', { cursor: '', back: '{' }),
  ])('answers the odd event %j with a card', (event) => {
    const { host } = createHost(working());
    expect(textOf(answerAction(host, event))).toContain('stumbled');
  });

  it('logs what surprised it', () => {
    const { host, logged } = createHost(working());
    answerAction(host, eventOf('home', { cursor: '', back: '{' }));
    expect(logged).toHaveLength(1);
  });
});
