import type { Answer } from '../../shared/contract.ts';
import { fieldNames, toButton, type Actions } from '../actions.ts';
import { actionFamilies, periods, type AuditFilter } from '../audit-filter.ts';
import { toDeedWords } from '../audit-deeds.ts';
import { foldSteps, type Entry } from '../audit-steps.ts';
import { toActionWords, toActorWords, toDetailWords, toStepsWords, toTargetWords, toViaWords } from '../audit-words.ts';
import type { Card, Section, Widget } from '../card.ts';
import { any } from '../filter.ts';
import type { Reader } from '../reader.ts';
import { escapeHtml, toColored, toShort, type Color } from '../words.ts';
import { dropdown } from './filter.ts';
import { messageSection, type Message } from './message.ts';
import { pagerButtons, type Position } from './pager.ts';
import { buttonRow, paragraph, warning } from './rows.ts';

export const rowsPerPage = 40;

type Row = Answer<'listAudit'>['rows'][number];
export type Verification = Answer<'verifyAudit'>;

export interface AuditPage extends Position {
  readonly page: Answer<'listAudit'>;
  readonly filter: AuditFilter;
  /** Absent until somebody asks: it reads the whole log. */
  readonly verification?: Verification | undefined;
  readonly notice?: Message | undefined;
}

const outcomes = {
  done: ['Done', 'green'],
  begun: ['Began', 'grey'],
  failed: ['Failed', 'red'],
  refused: ['Refused', 'red'],
} as const satisfies Record<Row['outcome'], readonly [string, Color]>;

/** What, to whom, by whom, from where, and how it came out. */
function entry(row: Row, { formats }: Reader): Widget {
  const { actor, at, outcome, detail } = row;
  const [words, color] = outcomes[outcome];
  const from = [actor.from === undefined ? '' : `from ${actor.from}`, actor.via === undefined ? '' : `through ${toViaWords(actor.via)}`];
  const deed = toDeedWords(row);
  const by = [deed === undefined ? `By ${toActorWords(actor)}` : '', ...from].filter(Boolean).join(' ');
  const told = deed === undefined ? [by, toTargetWords(row), sentenceOf(toDetailWords(detail))] : [sentenceOf(by)];
  return {
    decoratedText: {
      topLabel: formats.when(at),
      text: `<b>${escapeHtml(deed ?? toActionWords(row))}</b><br>${toColored(words, color)}`,
      bottomLabel: toShort(told.filter(Boolean).join('. '), 400),
      wrapText: true,
    },
  };
}

/** What the plane did by itself, folded. */
export const stepsWidget = (steps: readonly Row[], named: boolean, { formats }: Reader): Widget => {
  const [newest] = steps;
  const about = named && newest?.about ? `Agent of ${newest.about.ownerName}, ${newest.about.ownerEmail}` : '';
  return {
    decoratedText: {
      topLabel: newest ? formats.when(newest.at) : '',
      text: `${formats.count(steps.length)} technical steps`,
      bottomLabel: toShort([about, toStepsWords(steps)].filter(Boolean).join('. '), 300),
      wrapText: true,
    },
  };
};

export const sentenceOf = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

const mostFaults = 10;

/** Whether the log is as it was written; words beside every colour. */
function verificationSection(verification: Verification | undefined, filter: string, { formats }: Reader): Section {
  const again = toButton(verification ? 'Verify again' : 'Verify the log', 'verifyAudit', { filter }, { type: 'OUTLINED' });
  if (!verification) {
    return { header: 'Is the log intact?', widgets: [paragraph('Checks that no entry was changed or cut out.'), ...buttonRow(again)] };
  }
  const { chains, rows, checkpoints, faults } = verification;
  const counted = `${formats.count(rows)} rows in ${formats.count(chains)} chains, ${formats.count(checkpoints)} signed checkpoints`;
  const mark =
    faults.length === 0 ? toColored('Verified: nothing was changed or cut out', 'green') : toColored('Not as it was written', 'red');
  return {
    header: 'Is the log intact?',
    widgets: [
      { decoratedText: { topLabel: 'Checked just now', text: mark, bottomLabel: counted, wrapText: true } },
      ...faults.slice(0, mostFaults).map(({ chain, seq, fault }) => warning(`${chain}, row ${formats.count(seq)}`, fault)),
      ...buttonRow(again),
    ],
  };
}

function filterSection({ user = '', agent = '', action, since }: AuditFilter): Section {
  const narrowed = user !== '' || agent !== '' || action !== undefined || since !== undefined;
  const input = (name: string, label: string, hintText: string, value: string): Widget => ({
    textInput: { name, label, hintText, ...(value === '' ? {} : { value }) },
  });
  return {
    header: narrowed ? 'Filter (active)' : 'Filter',
    ...(narrowed ? {} : { collapsible: true, uncollapsibleWidgetsCount: 0 }),
    widgets: [
      input(fieldNames.who, 'Who did it', 'An e-mail address', user),
      input(fieldNames.agent, 'Whose agent', 'The person\u2019s name or e-mail address', agent),
      dropdown(fieldNames.action, 'What', [[any, 'Anything'], ...Object.entries(actionFamilies)], action ?? any),
      dropdown(
        fieldNames.period,
        since === undefined ? 'When' : 'When (choose again)',
        Object.entries(periods).map(([value, [text]]) => [value, text] as const),
        any,
      ),
      ...buttonRow(
        toButton('Show', 'filterAudit', {}, { type: 'FILLED_TONAL' }),
        narrowed ? toButton('Show all', 'showAudit', { filter: '{}', cursor: '', back: '[]' }, { type: 'OUTLINED' }) : undefined,
      ),
    ],
  };
}

/** Whoever asks for technical steps sees each. */
const entriesOf = (rows: readonly Row[], { action }: AuditFilter): Entry[] =>
  action === undefined || action === 'agent.' ? foldSteps(rows) : rows.map((row) => ({ row }));

const actionWords = (action: string): string => Object.entries(actionFamilies).find(([name]) => name === action)?.[1] ?? action;

/** `by admin@acme.test, since 1 Nov`. */
const toFilterWords = ({ user, agent, action, since }: AuditFilter, { formats }: Reader): string =>
  [
    ...(user === undefined ? [] : [`by ${user}`]),
    ...(agent === undefined ? [] : [`about the agent of ${agent}`]),
    ...(action === undefined ? [] : [`of the kind \u201c${actionWords(action)}\u201d`]),
    ...(since === undefined ? [] : [`since ${formats.when(since)}`]),
  ].join(', ');

export function auditCard({ page, filter, cursor, back, verification, notice }: AuditPage, reader: Reader): Card {
  const json = JSON.stringify(filter);
  const words = toFilterWords(filter, reader);
  const toParameters = (position: { readonly cursor: string; readonly back: string }): Actions['showAudit'] => ({
    filter: json,
    ...position,
  });
  return {
    name: 'audit',
    header: { title: 'Audit log', subtitle: 'Newest first, in your time zone' },
    sections: [
      ...(notice ? [messageSection(notice)] : []),
      filterSection(filter),
      {
        header: 'What happened',
        widgets: [
          ...(words === '' ? [] : [paragraph(`Showing only what was done ${toShort(words, 300)}.`)]),
          ...(page.rows.length === 0 ? [paragraph(page.next === null ? 'Nothing.' : 'Nothing on this page; look further back.')] : []),
          ...entriesOf(page.rows.slice(0, rowsPerPage), filter).map((one) =>
            'steps' in one ? stepsWidget(one.steps, true, reader) : entry(one.row, reader),
          ),
          ...buttonRow(...pagerButtons('showAudit', 'the audit log', page.next, { cursor, back }, toParameters)),
        ],
      },
      verificationSection(verification, json, reader),
    ],
    fixedFooter: { primaryButton: toButton('Newest', 'showAudit', { filter: json, cursor: '', back: '[]' }, { type: 'OUTLINED' }) },
  };
}
