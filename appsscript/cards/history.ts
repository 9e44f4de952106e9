import type { Answer } from '../../shared/contract.ts';
import { toButton } from '../actions.ts';
import { toActionWords, toActorWords, toDetailWords } from '../audit-words.ts';
import type { Card, Widget } from '../card.ts';
import type { Reader } from '../reader.ts';
import { pagerButtons, type Position } from './pager.ts';
import { buttonRow, fact, paragraph } from './rows.ts';

export const rowsPerPage = 20;

type Row = Answer<'listAudit'>['rows'][number];

const outcomes: Readonly<Partial<Record<Row['outcome'], string>>> = { failed: 'Failed', refused: 'Refused', begun: 'Began' };

/** One row of the audit log: what, who, when, how it came out and what of it changed. */
export const auditWidget = ({ action, actor, at, outcome, detail }: Row, { formats }: Reader): Widget =>
  fact(formats.when(at), toActionWords(action), {
    bottomLabel: [`By ${toActorWords(actor)}`, outcomes[outcome], toDetailWords(detail)].filter(Boolean).join('. '),
  });

export interface History extends Position {
  readonly agentId: string;
  readonly name: string;
  readonly page: Answer<'listAudit'>;
}

export const historyCard = ({ agentId, name, page, cursor, back }: History, reader: Reader): Card => ({
  name: 'history',
  header: { title: 'History', subtitle: `Agent of ${name}` },
  sections: [
    {
      widgets: [
        ...(page.rows.length === 0
          ? [paragraph('Nothing is written here yet.')]
          : page.rows.slice(0, rowsPerPage).map((row) => auditWidget(row, reader))),
        ...buttonRow(
          ...pagerButtons('showHistory', 'the history', page.next, { cursor, back }, (position) => ({ agentId, name, ...position })),
        ),
      ],
    },
  ],
  fixedFooter: { primaryButton: toButton('Newest', 'showHistory', { agentId, name, cursor: '', back: '[]' }, { type: 'OUTLINED' }) },
});
