import type { Card, RenderedAction } from '../../appsscript/card.ts';
import { agentCard, switchOffCard } from '../../appsscript/cards/agent.ts';
import { homeCard } from '../../appsscript/cards/home.ts';
import { messageCard } from '../../appsscript/cards/message.ts';
import { bugInAddOn } from '../../appsscript/failures.ts';
import { toAgo, toBudget } from '../../appsscript/words.ts';
import { findCardFaults } from '../../scripts/local/preview/card-rules.ts';
import { agentOf, nowMs, pageOf, planeOf, userOf, withoutAgent } from './company.ts';
import { createAdapter, textOf } from './sandbox.ts';

const home = (count: number, cursor = '', back: string[] = []) =>
  homeCard({ plane: planeOf(count), page: pageOf(count, cursor), cursor, back });
const faultsOf = (card: Card) => findCardFaults({ ...card });
const buttonsOf = (card: Card) =>
  card.sections.flatMap(({ widgets }) => widgets.flatMap((widget) => ('buttonList' in widget ? widget.buttonList.buttons : [])));
const labelOf = (card: Card, topLabel: string) =>
  card.sections
    .flatMap(({ widgets }) => widgets)
    .flatMap((widget) => ('decoratedText' in widget && widget.decoratedText.topLabel === topLabel ? [widget.decoratedText] : []))[0];

const cards: Record<string, Card> = {
  'home without agents': home(0),
  'home with one agent': home(1),
  'home with 20 agents': home(20),
  'home with 500 agents, first page': home(500),
  'home with 500 agents, in the middle': home(500, '240', ['', '20']),
  'agent card': agentCard(userOf(7), nowMs),
  'agent card with a notice': agentCard(userOf(7), nowMs, bugInAddOn),
  'agent card of someone without an agent': agentCard(withoutAgent(7), nowMs),
  'agent card with more problems than anyone reads': agentCard(
    userOf(7, { active: false, problems: Array.from({ length: 300 }, (_, at) => `problem ${at}`) }),
    nowMs,
  ),
  'question before switching off': switchOffCard(userOf(7)),
  'a message': messageCard(bugInAddOn, []),
};

describe.each(Object.entries(cards))('%s', (_name, card) => {
  it('is one that Google shows whole', () => {
    expect(faultsOf(card)).toEqual([]);
  });

  it('comes out of CardService as it went in', async () => {
    const adapt = await createAdapter();
    expect(adapt('renderCard', card)).toEqual(card);
  });
});

describe('the adapter', () => {
  const click = { action: { function: 'onAction', parameters: [{ key: 'do', value: 'home' }], loadIndicator: 'NONE' } } as const;
  const everything: Card = {
    name: 'everything',
    header: { title: 'Everything', subtitle: 'that a card may hold' },
    sections: [
      {
        header: 'Widgets',
        collapsible: true,
        uncollapsibleWidgetsCount: 2,
        widgets: [
          { textParagraph: { text: '<b>x</b>' } },
          { divider: {} },
          {
            decoratedText: {
              topLabel: 'a',
              text: 'b',
              bottomLabel: 'c',
              wrapText: true,
              button: { text: 'd', type: 'BORDERLESS', onClick: click },
            },
          },
          { decoratedText: { startIcon: { materialIcon: { name: 'info' }, altText: 'e' }, text: 'f', onClick: click } },
          { textInput: { name: 'g', label: 'h', hintText: 'i', value: 'j' } },
          {
            selectionInput: {
              name: 'k',
              label: 'l',
              type: 'DROPDOWN',
              items: [{ text: 'm', value: 'n', selected: true }],
              onChangeAction: click.action,
            },
          },
          { grid: { title: 'o', columnCount: 2, items: [{ id: 'p', title: 'q', subtitle: 'r', textAlignment: 'CENTER' }] } },
          { buttonList: { buttons: [{ text: 's', type: 'OUTLINED', disabled: true, altText: 't', onClick: click }] } },
        ],
      },
    ],
    fixedFooter: { primaryButton: { text: 'u', onClick: click }, secondaryButton: { text: 'v', onClick: click } },
  };

  it('knows every widget of the model', async () => {
    const adapt = await createAdapter();
    expect(adapt('renderCard', everything)).toEqual(everything);
  });

  it('knows every way to answer a click', async () => {
    const answer: RenderedAction = {
      action: {
        navigations: [{ pop: true }, { popToRoot: true }, { pushCard: everything }, { updateCard: everything }],
        notification: { text: 'w' },
        link: { url: 'https://acme.test/' },
      },
      stateChanged: true,
    };
    const adapt = await createAdapter();
    expect(adapt('renderAction', answer)).toEqual(answer);
  });
});

describe('home card', () => {
  it('invites the first person when there is no agent', () => {
    const card = home(0);
    expect(textOf(card)).toContain('Give your first person an agent');
    expect(textOf(card)).not.toContain('Need attention');
  });

  it('lists 20 agents a page and leads to the next', () => {
    const card = home(500);
    expect(textOf(card)).toContain('Person 19');
    expect(textOf(card)).not.toContain('Person 20');
    expect(buttonsOf(card).map(({ text }) => text)).toEqual(['Open', 'Next']);
  });

  it('leads back the way it came', () => {
    const previous = buttonsOf(home(500, '40', ['', '20'])).find(({ text }) => text === 'Previous');
    expect(previous?.onClick.action.parameters).toEqual([
      { key: 'do', value: 'home' },
      { key: 'cursor', value: '20' },
      { key: 'back', value: '[""]' },
    ]);
  });

  it('counts agents by what an admin wants to know', () => {
    const card = homeCard({ plane: planeOf(4, 2, 1), page: pageOf(7), cursor: '', back: [] });
    expect(card.sections[0]?.widgets[0]).toMatchObject({
      grid: {
        items: [
          { title: '4', subtitle: 'Running' },
          { title: '2', subtitle: 'Coming up' },
          { title: '1', subtitle: 'Need attention' },
        ],
      },
    });
  });

  it('says health in words beside its colour', () => {
    const agents = [
      agentOf(1, { health: 'red' }),
      agentOf(2, { health: 'yellow' }),
      agentOf(3, { phase: 'provisioning', health: 'unknown' }),
    ];
    const text = textOf(homeCard({ plane: planeOf(3), page: { agents, next: null }, cursor: '', back: [] }));
    expect(text).toContain('Running, not responding');
    expect(text).toContain('Running, slow to report');
    expect(text).toContain('Coming up');
  });

  it('shows names as they are, markup and all', () => {
    const agents = [agentOf(1, { ownerName: '<b>Eve</b> & "co"' })];
    const text = textOf(homeCard({ plane: planeOf(1), page: { agents, next: null }, cursor: '', back: [] }));
    expect(text).toContain('&lt;b&gt;Eve&lt;/b&gt; &amp; &quot;co&quot;');
  });
});

describe('agent card', () => {
  it('says where each value comes from and what a limit took away', () => {
    const card = agentCard(userOf(7), nowMs);
    expect(labelOf(card, 'Model')).toMatchObject({ text: 'Sonnet', bottomLabel: 'From organization default' });
    expect(labelOf(card, 'Budget')).toMatchObject({
      text: '$200 a month',
      bottomLabel: 'Asked for $1,500 a month (this person\u2019s page); limited by organization default',
    });
    expect(labelOf(card, 'Tools')).toMatchObject({ text: 'Calendar, Email', bottomLabel: 'From organizational unit /Engineering' });
    expect(labelOf(card, 'Channels')).toMatchObject({ text: 'Email, Google Chat', bottomLabel: 'From group engineering-leads@acme.test' });
  });

  it('offers a restart only while the agent runs', () => {
    const restart = (phase: 'running' | 'paused') =>
      buttonsOf(agentCard(userOf(7, { agent: agentOf(7, { phase }) }), nowMs)).find(({ text }) => text === 'Restart');
    expect(restart('running')?.disabled).toBe(false);
    expect(restart('paused')?.disabled).toBe(true);
  });

  it('puts conditions and typing errors into plain words, each once', () => {
    const problem = 'modelTier: found "opuss"; allowed: haiku, sonnet or opus';
    const agent = agentOf(7, { conditions: [{ type: 'InvalidSpec', message: problem }] });
    const text = textOf(agentCard(userOf(7, { agent, problems: [problem, 'budgetCap: found -1; allowed: at least 0'] }), nowMs));
    expect(text.split(problem)).toHaveLength(2);
    expect(text).toContain('budgetCap: found -1');
    expect(text).toContain('cannot be used');
    expect(text).toContain('Running, needs attention');
  });

  it('shows a typo, a cap and a lock beside the value they are about (REQ-WS-02)', () => {
    const notes = [
      { field: 'modelTier' as const, kind: 'invalid' as const, message: 'modelTier: found "Opuss"; the last good value (sonnet) stays' },
      { field: 'budgetCap' as const, kind: 'clamped' as const, message: 'Budget is $200 a month: at most $200.' },
      { field: 'toolAllowlist' as const, kind: 'locked' as const, message: 'Tools are email: the organisation locks this.' },
    ];
    const widgets = agentCard(userOf(7, { notes }), nowMs).sections.flatMap((section) => section.widgets);
    const rows = widgets.flatMap((widget) => ('decoratedText' in widget ? [widget.decoratedText] : []));
    const under = (label: string) => rows.find(({ topLabel }) => topLabel === label)?.bottomLabel;
    expect([under('Model'), under('Budget'), under('Tools')]).toEqual(notes.map(({ message }) => message));
    expect(under('Channels')).toMatch(/^From /);
  });

  it('says that suspended people have no agent', () => {
    expect(textOf(agentCard(userOf(7, { active: false, agent: null }), nowMs))).toContain('This person is suspended');
  });

  it('says what will be deleted before switching off', () => {
    expect(textOf(switchOffCard(userOf(7)))).toContain('its machine, its secrets and its account are deleted');
  });
});

describe('words', () => {
  it.each([
    [null, 'Never'],
    ['2026-11-22T12:00:05.000Z', 'Just now'],
    ['2026-11-22T11:59:59.000Z', '1 second ago'],
    ['2026-11-22T11:57:00.000Z', '3 minutes ago'],
    ['2026-11-20T11:57:00.000Z', '2 days ago'],
  ])('tells the age of %s as %s', (iso, words) => {
    expect(toAgo(iso, nowMs)).toBe(words);
  });

  it('groups the digits of large budgets', () => {
    expect(toBudget(1_000_000)).toBe('$1,000,000 a month');
  });
});
