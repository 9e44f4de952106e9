import type { Answer, BackupView } from '../../shared/contract.ts';
import { toButton } from '../actions.ts';
import type { Card, Widget } from '../card.ts';
import type { Reader } from '../reader.ts';
import { toColored } from '../words.ts';
import { confirmCard } from './confirm.ts';
import { messageSection, type Message } from './message.ts';
import { fact, paragraph, sectionOf, warning } from './rows.ts';

const reasons = {
  daily: 'Daily',
  asked: 'Asked for',
  reprovision: 'Before a fresh machine',
  upgrade: 'Before an upgrade',
  removal: 'Before the removal',
} as const satisfies Record<BackupView['reason'], string>;

/** Fewer than a card holds; older ones are there for the CLI. */
const mostBackups = 30;

function backupRow(agentId: string, backup: BackupView, mayRestore: boolean, { formats }: Reader): Widget {
  const { id, reason, startedAt, finishedAt, bytes, expiresAt } = backup;
  const size = bytes === null ? '' : `${formats.size(bytes)}, `;
  return fact(reasons[reason], formats.when(startedAt), {
    bottomLabel: finishedAt === null ? 'Not finished' : `${size}kept until ${formats.day(expiresAt)}`,
    ...(mayRestore && finishedAt !== null
      ? {
          button: toButton(
            'Restore',
            'askRestore',
            { agentId, backup: id },
            { type: 'OUTLINED', altText: `Restore the backup of ${formats.when(startedAt)}` },
          ),
        }
      : {}),
  });
}

function errandRow({ kind, state, askedAt, endedAt, result }: Answer<'listBackups'>['errands'][number], { formats }: Reader): Widget {
  const what = kind === 'restore' ? 'Restore' : 'Backup';
  if (state === 'failed') return warning(`${what} failed`, `${result ?? ''} (${formats.when(endedAt ?? askedAt)})`);
  return {
    decoratedText: {
      topLabel: what,
      text: state === 'done' ? toColored('Done', 'green') : toColored('In progress', 'amber'),
      bottomLabel:
        state === 'done'
          ? formats.when(endedAt ?? askedAt)
          : `Asked for ${formats.ago(askedAt).toLowerCase()}. Press Refresh for the latest.`,
      wrapText: true,
    },
  };
}

const noneYet = 'There is no backup yet. The first is made within a day; Back up on the agent\u2019s card makes one now.';
const noneKept = 'No backup of this agent is kept.';

/** `gone`: the agent is removed, so that there is nothing to restore to. */
export function backupsCard(
  agentId: string,
  { backups, errands }: Answer<'listBackups'>,
  gone: boolean,
  reader: Reader,
  notice?: Message,
): Card {
  return {
    name: 'backups',
    header: { title: 'Backups', subtitle: 'Encrypted; without secrets' },
    sections: [
      ...(notice ? [messageSection(notice)] : []),
      ...sectionOf(
        'Recent requests',
        errands.slice(0, 5).map((errand) => errandRow(errand, reader)),
      ),
      {
        header: 'Stored',
        widgets:
          backups.length === 0
            ? [paragraph(gone ? noneKept : noneYet)]
            : backups.slice(0, mostBackups).map((backup) => backupRow(agentId, backup, reader.admin && !gone, reader)),
      },
    ],
    fixedFooter: { primaryButton: toButton('Refresh', 'showBackups', { agentId }, { type: 'OUTLINED' }) },
  };
}

export const restoreCard = (agentId: string, { id, startedAt }: BackupView, { formats }: Reader): Card =>
  confirmCard({
    name: 'backups',
    title: 'Restore this backup?',
    subtitle: formats.when(startedAt),
    does: [
      `The agent\u2019s workspace and memory become what they were ${formats.ago(startedAt).toLowerCase()}. What it learned since is replaced.`,
      'It stops for a minute or two meanwhile. Secrets, budget and policy stay as they are now.',
    ],
    yes: toButton('Restore', 'restore', { agentId, backup: id }, { type: 'FILLED' }),
    no: toButton('Cancel', 'showBackups', { agentId }),
  });
