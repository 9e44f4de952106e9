import type { OperationView } from '../../shared/contract.ts';
import { toButton, toClick } from '../actions.ts';
import type { Card, Section, Widget } from '../card.ts';
import type { Reader } from '../reader.ts';
import { escapeHtml, toAgents, toBar, toColored, type Color } from '../words.ts';
import { isVerb, verbs } from '../verbs.ts';
import { messageSection, type Message } from './message.ts';
import { buttonRow, fact, sectionOf, warning } from './rows.ts';

type State = OperationView['state'];

const stateWords = {
  running: ['In progress', 'amber'],
  halted: ['Stopped: too many failed', 'red'],
  rollingBack: ['Rolling back', 'amber'],
  done: ['Done', 'green'],
  failed: ['Failed', 'red'],
  cancelled: ['Stopped', 'grey'],
  rolledBack: ['Rolled back', 'red'],
} as const satisfies Record<State, readonly [string, Color]>;

const otherTitles: Readonly<Record<string, string>> = {
  rotateSecrets: 'Rotate secrets',
  backup: 'Back up',
  removePlane: 'Remove the plane',
};
export const toWorkTitle = (kind: string): string => otherTitles[kind] ?? (isVerb(kind) ? verbs[kind].title : kind);

const percentOf = ({ total, done, failed, skipped }: OperationView): number =>
  total === 0 ? 100 : Math.floor(((done + failed + skipped) * 100) / total);

const toProgress = (operation: OperationView, { formats }: Reader): string => {
  const [words, color] = stateWords[operation.state];
  return toBar(percentOf(operation), words, color, formats);
};

export const operationRow = (operation: OperationView, reader: Reader): Widget => {
  const [words, color] = stateWords[operation.state];
  return {
    decoratedText: {
      topLabel: reader.formats.when(operation.startedAt),
      text: `<b>${escapeHtml(toWorkTitle(operation.kind))}</b><br>${toColored(words, color)}`,
      bottomLabel: operation.sentence,
      wrapText: true,
      onClick: toClick('openOperation', { id: operation.id }),
    },
  };
};

function ringSection({ rings, ring, state }: OperationView, { formats }: Reader): Section[] {
  if (rings.length < 2) return [];
  const at = state === 'running' || state === 'halted' || state === 'rollingBack' ? ring : -1;
  return sectionOf(
    'Step by step',
    rings
      .slice(0, 11)
      .map(({ name, total, done, failed }, index) =>
        fact(
          `${index === at ? 'Now: ' : ''}${name}`,
          `${formats.count(done)} of ${toAgents(total, formats)}${failed === 0 ? '' : `, ${formats.count(failed)} failed`}`,
        ),
      ),
    { collapsible: true, uncollapsibleWidgetsCount: 2 },
  );
}

/** How far it has come. The plane does the work, so closing the panel stops nothing; a panel beside Gmail does not move by itself. */
export function operationCard(operation: OperationView, reader: Reader, notice?: Message): Card {
  const { id, kind, state, failures, failed, by, startedAt, endedAt, sentence, total } = operation;
  const { formats } = reader;
  const running = state === 'running' || state === 'rollingBack';
  const resumable = state === 'halted' || state === 'cancelled';
  const mayAct = reader.admin && reader.wholeCompany && kind !== 'removePlane';
  return {
    name: 'operation',
    header: { title: toWorkTitle(kind), subtitle: toAgents(total, formats) },
    sections: [
      ...(notice ? [messageSection(notice)] : []),
      {
        widgets: [
          { decoratedText: { topLabel: 'Progress', text: toProgress(operation, reader), bottomLabel: sentence, wrapText: true } },
          fact('Started', `${formats.when(startedAt)} by ${by}`),
          ...(endedAt === null ? [] : [fact('Ended', formats.when(endedAt))]),
          ...buttonRow(
            mayAct && state === 'running' ? toButton('Stop', 'cancelOperation', { id }, { type: 'OUTLINED' }) : undefined,
            mayAct && resumable ? toButton('Continue', 'resumeOperation', { id }, { type: 'OUTLINED' }) : undefined,
          ),
        ],
      },
      ...ringSection(operation, reader),
      ...sectionOf(
        failed > failures.length ? `The first ${formats.count(failures.length)} that failed` : 'Failed',
        failures.slice(0, 20).map(({ ownerEmail, message }) => warning(ownerEmail, message)),
      ),
    ],
    fixedFooter: {
      primaryButton: toButton('Refresh', 'showOperation', { id }, { type: running ? 'FILLED' : 'OUTLINED' }),
      secondaryButton: toButton('All actions', 'showBulk', {}),
    },
  };
}
