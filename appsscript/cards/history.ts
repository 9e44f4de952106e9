import type { Answer } from '../../shared/contract.ts';
import { toButton } from '../actions.ts';
import { toDeedWords } from '../audit-deeds.ts';
import { foldSteps } from '../audit-steps.ts';
import { toActionWords, toActorWords, toDetailWords } from '../audit-words.ts';
import type { Card, Widget } from '../card.ts';
import type { Reader } from '../reader.ts';
import { sentenceOf, stepsWidget } from './audit.ts';
import { pagerButtons, type Position } from './pager.ts';
import { buttonRow, fact, paragraph } from './rows.ts';

export const rowsPerPage = 40;

type Row = Answer<'listAudit'>['rows'][number];

const outcomes: Readonly<Partial<Record<Row['outcome'], string>>> = { failed: 'Failed', refused: 'Refused', begun: 'Began' };

/** One row of the audit log: what, who, when, how it came out and what of it changed. */
export const auditWidget = (row: Row, { formats }: Reader): Widget => {
  const { actor, at, outcome, detail } = row;
  const deed = toDeedWords(row);
  if (deed !== undefined) return fact(formats.when(at), deed);
  return fact(formats.when(at), toActionWords(row), {
    bottomLabel: [`By ${toActorWords(actor)}`, outcomes[outcome], sentenceOf(toDetailWords(detail))].filter(Boolean).join('. '),
  });
};

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
          : foldSteps(page.rows.slice(0, rowsPerPage)).map((one) =>
              'steps' in one ? stepsWidget(one.steps, false, reader) : auditWidget(one.row, reader),
            )),
        ...buttonRow(
          ...pagerButtons('showHistory', 'the history', page.next, { cursor, back }, (position) => ({ agentId, name, ...position })),
        ),
      ],
    },
  ],
  fixedFooter: { primaryButton: toButton('Newest', 'showHistory', { agentId, name, cursor: '', back: '[]' }, { type: 'OUTLINED' }) },
});
