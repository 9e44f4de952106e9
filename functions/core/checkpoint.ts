import { genesis } from './audit.ts';
import type { AuditPosition, CheckpointHead, CheckpointRecord } from './records.ts';
import { canonical, type Hashing, type Signer } from './surroundings.ts';

export const checkpointId = (planeId: string, seq: number): string => `${planeId}/${String(seq).padStart(12, '0')}`;

const position = ({ chain, seq, hash }: AuditPosition): AuditPosition => ({ chain, seq, hash });

/** What the signature of a checkpoint covers. */
export function signedText({ signature: _signature, ...unsigned }: CheckpointRecord): string {
  return canonical({ ...unsigned, heads: unsigned.heads.map((head) => ({ ...head })) });
}

export const hashCheckpoint = (checkpoint: CheckpointRecord, { sha256 }: Hashing): string => sha256(signedText(checkpoint));

/** The checkpoint after `last` over the heads that moved since. */
export function sign(
  planeId: string,
  last: Pick<CheckpointHead, 'seq' | 'hash'> = { seq: 0, hash: genesis },
  heads: readonly AuditPosition[],
  at: number,
  signer: Signer,
): CheckpointRecord {
  const unsigned = {
    kind: 'openclaw.dev/audit-checkpoint' as const,
    ...{ planeId, seq: last.seq + 1, at, previous: last.hash },
    heads: heads.map(position),
    ...{ keyId: signer.keyId, signature: '' },
  };
  return { ...unsigned, signature: signer.sign(signedText(unsigned)) };
}
