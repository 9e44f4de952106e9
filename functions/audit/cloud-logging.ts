import type { AuditRow, CheckpointRecord } from '../core/records.ts';
import type { AuditSink } from './checkpoints.ts';

const failed = ({ detail }: AuditRow): boolean => typeof detail === 'object' && detail !== null && 'ok' in detail && detail.ok === false;

const severityOf = (row: AuditRow): 'NOTICE' | 'WARNING' => (failed(row) || /refuse|fault|damaged/.test(row.action) ? 'WARNING' : 'NOTICE');

/** One place in the trail: Cloud Logging folds entries of one insertId and one time, so that a row that comes twice is shown once. */
function toEntry(entry: { readonly row: AuditRow } | { readonly checkpoint: CheckpointRecord }): object {
  if ('checkpoint' in entry) {
    const { checkpoint } = entry;
    const { planeId, seq, at } = checkpoint;
    return {
      ...{ severity: 'NOTICE', message: `audit checkpoint ${seq} of plane ${planeId}`, time: new Date(at).toISOString() },
      'logging.googleapis.com/insertId': `checkpoints/${planeId}/${seq}`,
      'logging.googleapis.com/labels': { log: 'audit', plane: planeId },
      checkpoint,
    };
  }
  const { row } = entry;
  const { chain, seq, at, actor, action, target, planeId } = row;
  const labels = { log: 'audit', plane: planeId, chain, actor: actor.id, action };
  return {
    ...{ severity: severityOf(row), message: `${actor.kind} ${actor.id}: ${action} ${target}`, time: new Date(at).toISOString() },
    'logging.googleapis.com/insertId': `${chain}/${seq}`,
    'logging.googleapis.com/labels': labels,
    audit: row,
  };
}

/**
 * The audit trail as structured lines, which Cloud Run hands to Cloud Logging as one LogEntry each (special fields `severity`,
 * `message`, `time`, `logging.googleapis.com/insertId` and `…/labels`: cloud.google.com/logging/docs/structured-logging, read
 * 2026-11-22). `write` resolves when the line is out of this process.
 */
export function createCloudLoggingSink(write: (text: string) => Promise<void>): AuditSink {
  return {
    async write(entries) {
      await write(entries.map((entry) => `${JSON.stringify(toEntry(entry))}\n`).join(''));
    },
  };
}
