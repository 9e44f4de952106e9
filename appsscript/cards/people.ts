import type { AgentView, Answer } from '../../shared/contract.ts';
import { fieldNames, toButton, toClick } from '../actions.ts';
import type { Card, Widget } from '../card.ts';
import { escapeHtml, toColored, toShort, toStatus } from '../words.ts';
import { paragraph } from './rows.ts';

/** Google drops what stands beyond the hundredth widget of a card, so a page is far smaller. */
export const agentsPerPage = 20;

export const searchWidgets = (button: string): Widget[] => [
  { textInput: { name: fieldNames.search, label: 'Name or e-mail address', hintText: 'Such as Alice, or her address' } },
  { buttonList: { buttons: [toButton(button, 'findPeople', {}, { type: 'FILLED_TONAL' })] } },
];

const personRow = (user: string, name: string, email: string, status: string): Widget => ({
  decoratedText: {
    startIcon: { materialIcon: { name: 'person' }, altText: 'Person' },
    text: `${escapeHtml(name)}<br>${status}`,
    bottomLabel: email,
    wrapText: true,
    onClick: toClick('openUser', { user }),
  },
});

export const agentRow = (agent: AgentView): Widget => {
  const { words, color } = toStatus(agent);
  return personRow(agent.ownerId, agent.ownerName, agent.ownerEmail, toColored(words, color));
};

export interface Found {
  readonly words: string;
  readonly users: Answer<'listUsers'>['users'];
  /** Agents whose owner fits, also by the middle of a name. */
  readonly agents: readonly AgentView[];
}

/** Everybody who fits, each once, agents first. */
export function mergeFound({ users, agents }: Pick<Found, 'users' | 'agents'>): { readonly id: string; readonly row: Widget }[] {
  const owners = new Set(agents.map(({ ownerId }) => ownerId));
  return [
    ...agents.map((agent) => ({ id: agent.ownerId, row: agentRow(agent) })),
    ...users
      .filter(({ id }) => !owners.has(id))
      .map(({ id, name, email, active, agentId }) => {
        const status = active ? (agentId === null ? 'No agent' : 'Has an agent') : 'Suspended';
        return { id, row: personRow(id, name, email, toColored(status, 'grey')) };
      }),
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
