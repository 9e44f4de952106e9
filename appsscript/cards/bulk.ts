import type { OperationView } from '../../shared/contract.ts';
import { fieldNames, toButton } from '../actions.ts';
import { openArea } from '../areas.ts';
import { works, type WorkName } from '../bulk-work.ts';
import type { Card, Section } from '../card.ts';
import { any } from '../filter.ts';
import type { Reader } from '../reader.ts';
import { tierNames, toAgents, toScopeWords } from '../words.ts';
import { confirmCard } from './confirm.ts';
import { dropdown, scopeDropdown, type Scopes } from './filter.ts';
import { messageSection, type Message } from './message.ts';
import { operationRow } from './operation.ts';
import { buttonRow, lead, paragraph, sectionOf } from './rows.ts';

export interface BulkPage {
  readonly scopes: Scopes;
  readonly operations: readonly OperationView[];
  readonly notice?: Message | undefined;
}

const forAdmins = (scopes: Scopes): Section[] => [
  {
    header: 'Act on many agents',
    widgets: [
      dropdown(
        fieldNames.work,
        'What',
        Object.entries(works).map(([value, { title }]) => [value, title] as const),
        'pause',
      ),
      ...scopeDropdown(fieldNames.scope, 'Whose agents', scopes),
      ...buttonRow(toButton('Preview', 'planWork', {}, { type: 'FILLED_TONAL' })),
    ],
  },
  {
    header: 'Move to another model',
    widgets: [
      dropdown(fieldNames.from, 'From', [[any, 'Any model'], ...Object.entries(tierNames)], 'sonnet'),
      dropdown(fieldNames.to, 'To', Object.entries(tierNames), 'opus'),
      ...scopeDropdown(fieldNames.tierScope, 'For whom', scopes),
      ...buttonRow(toButton('Preview changes', 'planTier', {}, { type: 'FILLED_TONAL' })),
    ],
  },
];

export function bulkCard({ scopes, operations, notice }: BulkPage, reader: Reader): Card {
  const costs = openArea('costs', reader);
  const mayAct = reader.admin && reader.wholeCompany;
  return {
    name: 'bulk',
    header: { title: 'Many agents at once', subtitle: 'For the company, an org unit or a group' },
    sections: [
      ...(notice ? [messageSection(notice)] : []),
      ...(mayAct
        ? forAdmins(scopes)
        : [{ widgets: [paragraph('You can look at what is under way here. Agent Admins of the whole company can start something.')] }]),
      ...(costs
        ? [
            {
              header: 'Costs',
              widgets: [lead('payments', 'Cost report', 'By department, org unit or person, with a download', { onClick: costs })],
            },
          ]
        : []),
      ...sectionOf(
        'Recent',
        operations.length === 0 ? [paragraph('Nothing yet.')] : operations.map((operation) => operationRow(operation, reader)),
      ),
    ],
    fixedFooter: { primaryButton: toButton('Refresh', 'showBulk', {}, { type: 'OUTLINED' }) },
  };
}

/** What was counted beforehand, touching nothing. */
export function confirmWorkCard(name: WorkName, scope: string, { total, sentence }: OperationView, { formats }: Reader): Card {
  const { title, does } = works[name];
  return confirmCard({
    name: 'bulk',
    title: `${title}: ${toAgents(total, formats)}?`,
    subtitle: toScopeWords(scope),
    does: [
      ...(total === 0
        ? ['No agent there needs this now, so there is nothing to do.']
        : [does, `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`]),
      'The plane does the work, a few agents at a time, and stops by itself when too many fail. You can close this panel meanwhile.',
    ],
    ...(total === 0 ? {} : { yes: toButton(title, 'startWork', { work: name, scope }, { type: 'FILLED' }) }),
    no: toButton('Back', 'showBulk', {}),
  });
}
