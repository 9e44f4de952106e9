import { readFileSync } from 'node:fs';
import { foldSteps } from '../../appsscript/audit-steps.ts';
import { toTargetWords } from '../../appsscript/audit-words.ts';
import { receiptCard } from '../../appsscript/cards/receipt.ts';
import { channelNames, tierNames, toolNames, unconnected } from '../../appsscript/words.ts';
import { grants } from '../../scripts/sidecar/tool-policy.ts';
import * as displayNames from '../../shared/display-names.ts';
import { admin, agentOf, auditOf, receiptOf, userOf } from './company.ts';
import { everyCard } from './every-card.ts';
import { actionsIn, cardsIn, click, createHost, problem, textOf, working } from './sandbox.ts';

const gone = agentOf(9, { phase: 'removed', detail: 'deleted', ownerName: 'Gone Girl', ownerEmail: 'gone@acme.test' });
const { agentId, ownerId } = gone;
const withGone = working(3, {
  listAgents: ({ phase }) => ({ agents: phase === 'removed' ? [gone] : [], next: null }),
  listUsers: () => ({ users: [] }),
});
/** The directory does not know who has the removed agent. */
const leaver = createHost((request) =>
  request.method === 'get' && /\/users\/[^?]/.test(request.url) ? problem(404, 'notFound', 'cannot find user') : withGone(request),
);

describe('a removed agent', () => {
  it('is listed where it is asked for, and leads to the proof (REQ-WS-06)', () => {
    const card = cardsIn(click(leaver.host, 'home', { filter: '{"phase":"removed"}', cursor: '', back: '[]' }));
    expect(textOf(card)).toContain('Agents that are gone');
    expect(actionsIn(card).map(({ parameters }) => parameters)).toContainEqual({ do: 'openReceipt', agentId, user: ownerId });
  });

  it.each(['gone', 'gone@acme.test'])('is found by %s, though its person is not in the directory any more', (search) => {
    const text = textOf(cardsIn(click(leaver.host, 'findPeople', {}, { search })));
    for (const words of ['Proof of removal', 'Removed: nothing is left', 'no longer in the directory']) expect(text).toContain(words);
  });

  it('has a receipt that says what was looked through, how soon access ended and what is kept (REQ-SEC-03)', () => {
    const text = textOf(receiptCard(receiptOf(7), true, admin));
    for (const words of [
      'The person was suspended',
      '1 second later',
      '12 seconds later',
      'Machines',
      'Secrets',
      'None found',
      'Kept until Dec 12, 2026',
    ]) {
      expect(text).toContain(words);
    }
    expect(textOf(receiptCard(receiptOf(7, { backup: undefined }), true, admin))).toContain('Nothing: there was no backup to keep.');
  });

  it('shows its proof on the person\u2019s card, no switch that is on, and no backup to make', () => {
    const agent = agentOf(7, { phase: 'removed', detail: 'suspended' });
    const { host } = createHost(
      working(2, {
        getUser: () => userOf(7, { active: false, agent }),
        getAgent: () => agent,
        listBackups: () => ({ backups: [], errands: [] }),
      }),
    );
    const card = cardsIn(click(host, 'showUser', { user: '1007' }));
    expect(textOf(card)).toContain('Proof of removal');
    expect(textOf(card)).toContain('Off: the person is suspended');
    expect(actionsIn(card).map(({ parameters }) => parameters['do'])).not.toContain('switchAgent');
    expect(textOf(cardsIn(click(host, 'openBackups', { agentId })))).toContain('No backup of this agent is kept.');
  });
});

describe('who is about to go', () => {
  it('says before switching off which backup there is, or that there is none (REQ-WS-06)', () => {
    const ask = (plane: Parameters<typeof working>[1]): string =>
      textOf(click(createHost(working(2, plane)).host, 'switchAgent', { user: '1007' }));
    expect(ask({})).toMatch(/Its last backup, of Nov 21, 2026[^.]*is kept encrypted/);
    expect(ask({ listBackups: () => ({ backups: [], errands: [] }) })).toContain('There is no backup of it yet');
  });

  it('names a channel that is allowed and not set up, and who sets it up (REQ-WS-03)', () => {
    const { host } = createHost(working(2, { getUser: () => userOf(7, { notSetUp: ['slack'] }) }));
    expect(textOf(cardsIn(click(host, 'openUser', { user: '1007' })))).toContain(
      'Allowed, but not connected yet: Slack (you set it up first)',
    );
  });
});

describe('what happened', () => {
  const anAgent = agentOf(7).agentId;
  it('tells the history page by page: who, what, when, from what to what (REQ-WS-09)', () => {
    const { host, sent } = createHost(working());
    const text = textOf(cardsIn(click(host, 'openHistory', { agentId: anAgent, name: 'Person 7' })));
    expect(sent[0]?.url).toContain(`/audit?agentId=${anAgent}&limit=40`);
    expect(text).toContain('Agent settings changed');
    expect(text).toContain('By admin@acme.test. Budget: $50 → $200');
    expect(text).toContain('Nov 22, 2026, 12:00 PM UTC');
    const next = textOf(cardsIn(click(host, 'showHistory', { agentId: anAgent, name: 'Person 7', cursor: '1.40', back: '["","1.20"]' })));
    expect(next).toContain('seat: 40');
  });

  const [row] = auditOf(1).rows;
  if (!row) throw new Error('no row was made');

  it('names the person behind an id, and the id behind the person (REQ-WS-09)', () => {
    expect(toTargetWords(row)).toBe('Agent of Person 7, person7@acme.test (abcdefghijklmnop)');
    expect(toTargetWords({ ...row, about: null, target: 'x@acme.test' })).toBe('On x@acme.test');
  });

  it('folds what the plane did by itself between two deeds of people, and nothing that failed', () => {
    const step = { ...row, action: 'effect.end apply', target: 'machine', actor: { kind: 'plane', id: 'p' } };
    const failed = { ...step, outcome: 'failed' } as const;
    expect(foldSteps([step, step, row, failed, step])).toEqual([{ steps: [step, step] }, { row }, { row: failed }, { row: step }]);
  });
});

describe('one spelling', () => {
  it('calls tiers, tools and channels on cards as in the sentences of the plane', () => {
    expect({ tierNames, toolNames, channelNames }).toEqual({
      ...{ tierNames: displayNames.tierNames, toolNames: displayNames.toolNames, channelNames: displayNames.channelNames },
    });
  });

  it('says of a tool that nothing stands behind it just where that is so', () => {
    const empty = Object.entries(grants).flatMap(([tool, { allow }]) => (allow.length === 0 ? [tool] : []));
    expect([...unconnected].sort()).toEqual(empty.sort());
  });

  it('has a drawing in the preview for each icon of a card', () => {
    const drawn = readFileSync('scripts/local/console/icons.js', 'utf8');
    const cards = JSON.stringify(Object.values(everyCard(3, admin)).map((draw) => draw()));
    const names = new Set([...cards.matchAll(/"materialIcon":\{"name":"(\w+)"/g)].map(([, name]) => name));
    for (const name of names) expect(drawn).toMatch(new RegExp(`^ {2}${name}:`, 'm'));
    expect(names.size).toBeGreaterThan(15);
  });
});

it('saves nothing that nobody changed, so that policy goes on reaching the person (REQ-WS-03)', () => {
  const { host, sent } = createHost(working());
  const form = { value: ['email', 'calendar'] };
  const answer = click(host, 'saveField', { user: '1007', field: 'tools', was: '["calendar","email"]' }, form);
  expect(answer.action.notification?.text).toContain('Nothing was changed');
  expect(sent).toEqual([]);
});
