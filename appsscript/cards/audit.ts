import type { Answer } from '../../shared/contract.ts';
import { fieldNames, toButton, type Actions } from '../actions.ts';
import { actionFamilies, periods, type AuditFilter } from '../audit-filter.ts';
import { toActionWords, toActorWords, toDetailWords } from '../audit-words.ts';
import type { Card, Section, Widget } from '../card.ts';
import { any } from '../filter.ts';
import type { Reader } from '../reader.ts';
import { escapeHtml, toColored, toShort, type Color } from '../words.ts';
import { dropdown } from './filter.ts';
import { messageSection, type Message } from './message.ts';
import { pagerButtons, type Position } from './pager.ts';
import { buttonRow, paragraph, warning } from './rows.ts';

export const rowsPerPage = 20;

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
function entry({ action, actor, at, outcome, target, detail }: Row, { formats }: Reader): Widget {
  const [words, color] = outcomes[outcome];
  const from = [actor.from === undefined ? '' : `from ${actor.from}`, actor.via === undefined ? '' : `through ${actor.via}`];
  const by = [`By ${toActorWords(actor)}`, ...from].filter(Boolean).join(' ');
  return {
    decoratedText: {
      topLabel: formats.when(at),
      text: `<b>${escapeHtml(toActionWords(action))}</b><br>${toColored(words, color)}`,
      bottomLabel: toShort([by, `On ${target}`, toDetailWords(detail)].filter(Boolean).join('. '), 400),
      wrapText: true,
    },
  };
}

const mostFaults = 10;

/** Whether the log is as it was written; words beside every colour. */
function verificationSection(verification: Verification | undefined, filter: string, { formats }: Reader): Section {
  const again = toButton(verification ? 'Verify again' : 'Verify the log', 'verifyAudit', { filter }, { type: 'OUTLINED' });
  if (!verification) {
    return { header: 'Is it whole?', widgets: [paragraph('Checks every hash and every signed checkpoint.'), ...buttonRow(again)] };
  }
  const { chains, rows, checkpoints, faults } = verification;
  const counted = `${formats.count(rows)} rows in ${formats.count(chains)} chains, ${formats.count(checkpoints)} signed checkpoints`;
  const mark =
    faults.length === 0 ? toColored('Verified: nothing was changed or cut out', 'green') : toColored('Not as it was written', 'red');
  return {
    header: 'Is it whole?',
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
    header: narrowed ? 'Filter (in force)' : 'Filter',
    ...(narrowed ? {} : { collapsible: true, uncollapsibleWidgetsCount: 0 }),
    widgets: [
      input(fieldNames.who, 'Who did it', 'An e-mail address', user),
      input(fieldNames.agent, 'Whose agent', 'The person\u2019s e-mail address, or an agent id', agent),
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
    header: { title: 'Audit log', subtitle: 'Newest first; times are yours' },
    sections: [
      ...(notice ? [messageSection(notice)] : []),
      filterSection(filter),
      {
        header: 'What happened',
        widgets: [
          ...(words === '' ? [] : [paragraph(`Only what was done ${toShort(words, 300)}.`)]),
          ...(page.rows.length === 0 ? [paragraph(page.next === null ? 'Nothing.' : 'Nothing on this page; look further back.')] : []),
          ...page.rows.slice(0, rowsPerPage).map((row) => entry(row, reader)),
          ...buttonRow(...pagerButtons('showAudit', 'the audit log', page.next, { cursor, back }, toParameters)),
        ],
      },
      verificationSection(verification, json, reader),
    ],
    fixedFooter: { primaryButton: toButton('Newest', 'showAudit', { filter: json, cursor: '', back: '[]' }, { type: 'OUTLINED' }) },
  };
}
