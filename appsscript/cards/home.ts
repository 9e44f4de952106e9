import type { AgentView, Answer, PlaneView } from '../../shared/contract.ts';
import { emailField, toButton, toClick } from '../actions.ts';
import type { Button, Card, Section, Widget } from '../card.ts';
import { escapeHtml, toColored, toStatus } from '../words.ts';

/** Google drops what stands beyond the hundredth widget of a card, so a page is far smaller. */
export const agentsPerPage = 20;

export interface HomePage {
  readonly plane: PlaneView;
  readonly page: Answer<'listAgents'>;
  /** The cursor of this page, `''` for the first, and those of the pages before it, the nearest last. */
  readonly cursor: string;
  readonly back: readonly string[];
}

const search = (label: string, button: string): Widget[] => [
  { textInput: { name: emailField, label, hintText: 'For example alice@yourcompany.com' } },
  { buttonList: { buttons: [toButton(button, 'findUser', {}, { type: 'FILLED_TONAL' })] } },
];

const agentRow = (agent: AgentView): Widget => {
  const { words, color } = toStatus(agent);
  return {
    decoratedText: {
      startIcon: { materialIcon: { name: 'person' }, altText: 'Agent' },
      text: `${escapeHtml(agent.ownerName)}<br>${toColored(words, color)}`,
      bottomLabel: agent.ownerEmail,
      wrapText: true,
      onClick: toClick('openUser', { user: agent.ownerId }),
    },
  };
};

const counts = ({ agents }: PlaneView): Section => ({
  widgets: [
    {
      grid: {
        columnCount: 3,
        items: [
          { id: 'running', title: String(agents.running), subtitle: 'Running', textAlignment: 'CENTER' },
          { id: 'working', title: String(agents.working), subtitle: 'Coming up', textAlignment: 'CENTER' },
          { id: 'attention', title: String(agents.attention), subtitle: 'Need attention', textAlignment: 'CENTER' },
        ],
      },
    },
  ],
});

/** How many cursors a button carries: enough for 400 agents one page at a time, within the size of an action. */
const mostBack = 20;

function pager({ page, cursor, back }: HomePage): Button[] {
  const [previous] = back.slice(-1);
  return [
    ...(previous === undefined
      ? []
      : [
          toButton(
            'Previous',
            'home',
            { cursor: previous, back: JSON.stringify(back.slice(0, -1)) },
            { altText: 'Previous page of agents' },
          ),
        ]),
    ...(page.next === null
      ? []
      : [
          toButton(
            'Next',
            'home',
            { cursor: page.next, back: JSON.stringify([...back, cursor].slice(-mostBack)) },
            { altText: 'Next page of agents' },
          ),
        ]),
  ];
}

const refresh = (cursor: string, back: readonly string[]): Button =>
  toButton('Refresh', 'home', { cursor, back: JSON.stringify(back) }, { type: 'OUTLINED' });

const firstRun = (plane: PlaneView): Card => ({
  name: 'home',
  header: { title: 'Overview', subtitle: `Plane ${plane.planeId}` },
  sections: [
    {
      header: 'Give your first person an agent',
      widgets: [
        {
          textParagraph: {
            text: 'An agent is a personal assistant that works for one person. It introduces itself by mail; there is nothing to install.',
          },
        },
        ...search('E-mail address of a person', 'Continue'),
      ],
    },
    {
      header: 'For many people at once',
      widgets: [
        {
          textParagraph: {
            text: 'Policies for the organization, organizational units and groups can switch agents on too. Whoever gets one that way appears here.',
          },
        },
      ],
    },
  ],
  fixedFooter: { primaryButton: refresh('', []) },
});

export function homeCard(home: HomePage): Card {
  const { plane, page, cursor, back } = home;
  if (page.agents.length === 0 && plane.agents.total === 0) return firstRun(plane);
  const buttons = pager(home);
  const rows: Widget[] =
    page.agents.length === 0 ? [{ textParagraph: { text: 'No agents on this page.' } }] : page.agents.slice(0, agentsPerPage).map(agentRow);
  return {
    name: 'home',
    header: { title: 'Overview', subtitle: `Plane ${plane.planeId}` },
    sections: [
      counts(plane),
      { header: 'Find a person', widgets: search('E-mail address', 'Open') },
      { header: 'Agents', widgets: [...rows, ...(buttons.length === 0 ? [] : [{ buttonList: { buttons } }])] },
    ],
    fixedFooter: { primaryButton: refresh(cursor, back) },
  };
}
