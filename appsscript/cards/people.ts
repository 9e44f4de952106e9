import type { AgentView, Answer } from '../../shared/contract.ts';
import { fieldNames, toButton, toClick } from '../actions.ts';
import type { Card, OnClick, Widget } from '../card.ts';
import { escapeHtml, toColored, toShort, toStatus } from '../words.ts';
import { paragraph } from './rows.ts';

/** Google drops what stands beyond the hundredth widget of a card, so a page is far smaller. */
export const agentsPerPage = 20;

export const searchWidgets = (button: string): Widget[] => [
  { textInput: { name: fieldNames.search, label: 'Name or e-mail address', hintText: 'For example Alice' } },
  { buttonList: { buttons: [toButton(button, 'findPeople', {}, { type: 'FILLED_TONAL' })] } },
];

const personRow = (
  user: string,
  name: string,
  email: string,
  status: string,
  onClick: OnClick = toClick('openUser', { user }),
): Widget => ({
  decoratedText: {
    startIcon: { materialIcon: { name: 'person' }, altText: 'Person' },
    text: `${escapeHtml(name)}<br>${status}`,
    bottomLabel: email,
    wrapText: true,
    onClick,
  },
});

/** A removed agent leads to the proof of that: its person may be gone as well. */
export const agentRow = (agent: AgentView): Widget => {
  const { words, color } = toStatus(agent);
  const { agentId, ownerId, ownerName, ownerEmail, phase } = agent;
  const onClick = phase === 'removed' ? toClick('openReceipt', { agentId, user: ownerId }) : undefined;
  return personRow(ownerId, ownerName, ownerEmail, toColored(words, color), onClick);
};

export interface Found {
  readonly words: string;
  readonly users: Answer<'listUsers'>['users'];
  /** Agents whose owner fits, also by the middle of a name. */
  readonly agents: readonly AgentView[];
  /** Agents that are gone, of people who may be gone too. */
  readonly removed: readonly AgentView[];
}

interface FoundRow {
  readonly id: string;
  readonly row: Widget;
  /** Of a person whom nothing but a removed agent shows. */
  readonly removed?: AgentView;
}

/** Everybody who fits, each once: agents first, then people without one, then agents of people who are not in the directory. */
export function mergeFound({ users, agents, removed }: Omit<Found, 'words'>): FoundRow[] {
  const owners = new Set(agents.map(({ ownerId }) => ownerId));
  const known = new Set([...owners, ...users.map(({ id }) => id)]);
  return [
    ...agents.map((agent) => ({ id: agent.ownerId, row: agentRow(agent) })),
    ...users
      .filter(({ id }) => !owners.has(id))
      .map(({ id, name, email, active, agentId }) => {
        const status = active ? (agentId === null ? 'No agent' : 'Has an agent') : 'Suspended';
        return { id, row: personRow(id, name, email, toColored(status, 'grey')) };
      }),
    ...removed.filter(({ ownerId }) => !known.has(ownerId)).map((agent) => ({ id: agent.ownerId, row: agentRow(agent), removed: agent })),
  ];
}

export function foundCard(found: Found): Card {
  const rows = mergeFound(found).map(({ row }) => row);
  const many = rows.length > agentsPerPage || found.users.length >= agentsPerPage || found.agents.length >= agentsPerPage;
  return {
    name: 'found',
    header: { title: 'People found', subtitle: toShort(found.words) },
    sections: [
      {
        widgets: [
          ...(rows.length === 0 ? [paragraph('Nobody.')] : rows.slice(0, agentsPerPage)),
          ...(many ? [paragraph('There may be more. Type more of the name or the address to narrow it down.')] : []),
        ],
      },
      { header: 'Search again', widgets: searchWidgets('Search') },
    ],
  };
}
