import { genesis, toMoved } from '../core/audit.ts';
import { checkpointId, hashCheckpoint, sign } from '../core/checkpoint.ts';
import { toError } from '../core/errors.ts';
import type { AuditHead, AuditRow, CheckpointHead, CheckpointRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Hashing, Signer } from '../core/surroundings.ts';

/** Takes what was written to the audit trail out of the house, each row at least once, before a checkpoint says so. */
export interface AuditSink {
  write(entries: readonly ({ readonly row: AuditRow } | { readonly checkpoint: CheckpointRecord })[]): Promise<void>;
}

export interface CheckpointDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly signer: Signer;
  readonly sink?: AuditSink | undefined;
}

/**
 * How much later than its own time a row may be committed, in milliseconds: Firestore ends a transaction after 270 seconds
 * (firebase.google.com/docs/firestore/quotas, read 2026-11-22).
 */
const lateMs = 300_000;
/** How many chains one checkpoint signs: a document holds 1 MiB. */
const atOnce = 500;

/** Signs, for each plane, the new ends of the chains that moved. Nothing moved: nothing is written. */
export function createCheckpoints({ store, clock, hashing, signer, sink }: CheckpointDeps) {
  /** How far each chain was signed lately; what is missing here was last signed long before `since`. */
  async function signedSince(planeId: string, since: number): Promise<Map<string, number>> {
    const signed = new Map<string, number>();
    let from = since;
    for (let seen = -1; ;) {
      const found = await store.query('checkpoints', 'byTime', { equals: [planeId], from, limit: 500 });
      const fresh = found.filter(({ seq }) => seq > seen);
      for (const { heads, seq } of fresh) {
        for (const head of heads) signed.set(head.chain, Math.max(head.seq, signed.get(head.chain) ?? 0));
        seen = Math.max(seen, seq);
      }
      const last = found.at(-1);
      if (found.length < 500 || !last || fresh.length === 0) return signed;
      from = last.at;
    }
  }

  /** The first row of a chain that no checkpoint has signed, where none has signed the chain since then. */
  async function firstUnsigned({ chain, seq }: AuditHead, since: number): Promise<number> {
    let first = since === 0 ? 1 : seq + 1;
    while (first > 1) {
      const rows = await store.query('audit', 'bySeq', { equals: [chain], before: first, reverse: true, limit: 100 });
      const old = rows.findIndex(({ at }) => at < since);
      if (old >= 0) return (rows[old]?.seq ?? 0) + 1;
      first = rows.at(-1)?.seq ?? 1;
    }
    return first;
  }

  /** Hands a chain's rows on that no checkpoint has signed, up to its head. */
  async function handOn(head: AuditHead, signed: number | undefined, since: number, to: AuditSink): Promise<void> {
    const { chain, seq } = head;
    let from = signed === undefined ? await firstUnsigned(head, since) : signed + 1;
    while (from <= seq) {
      const rows = await store.query('audit', 'bySeq', { equals: [chain], from, before: seq + 1, limit: 500 });
      if (rows.length > 0) await to.write(rows.map((row) => ({ row })));
      from = (rows.at(-1)?.seq ?? seq) + 1;
    }
  }

  /** Puts a checkpoint after the last one; false where somebody else has been faster. */
  const commit = (last: CheckpointHead | undefined, next: CheckpointHead, checkpoint?: CheckpointRecord): Promise<boolean> =>
    store.transact(async (tx) => {
      const { planeId } = next;
      if ((await tx.get('checkpointHeads', planeId))?.seq !== last?.seq) return false;
      if (checkpoint) tx.set('checkpoints', checkpointId(planeId, checkpoint.seq), checkpoint);
      tx.set('checkpointHeads', planeId, next);
      return true;
    });

  /** Signs what moved since the last time. Safe to run at any time, also by several at once. */
  return async function take(planeId: string, signal: AbortSignal): Promise<void> {
    const now = clock.now();
    let last = await store.get('checkpointHeads', planeId);
    const scannedAt = Math.min(last?.scannedAt ?? 0, now);
    const since = Math.max(0, scannedAt - lateMs);
    let signed: Map<string, number> | undefined;
    let from = toMoved(since, '');
    let heads: readonly AuditHead[];
    let moved = 0;
    do {
      signal.throwIfAborted();
      heads = await store.query('auditHeads', 'byMoved', { equals: [planeId], from, limit: atOnce });
      from = `${heads.at(-1)?.moved ?? ''}\u0000`;
      moved += heads.length;
      if (heads.length === 0) break;
      signed ??= await signedSince(planeId, Math.max(0, since - lateMs));
      const known = signed;
      const open = heads.filter(({ chain, seq }) => seq > (known.get(chain) ?? 0));
      if (open.length === 0) continue;
      if (sink) for (const head of open) await handOn(head, known.get(head.chain), since, sink);
      const checkpoint = sign(planeId, last ?? { seq: 0, hash: genesis }, open, now, signer);
      if (sink) await sink.write([{ checkpoint }]);
      const next = { planeId, seq: checkpoint.seq, hash: hashCheckpoint(checkpoint, hashing), scannedAt: last?.scannedAt ?? 0 };
      if (!(await commit(last, next, checkpoint))) return;
      last = next;
    } while (heads.length === atOnce);
    // What was looked at need not be looked at again for ever; while nothing moves, nothing is found and nothing written.
    if (last && moved > 0 && now - last.scannedAt >= lateMs) await commit(last, { ...last, scannedAt: now });
  };
}
export type TakeCheckpoint = ReturnType<typeof createCheckpoints>;

/** Takes a checkpoint of each plane, those that were removed too; one that fails stops no other. */
export async function takeAll(planeIds: readonly string[], take: TakeCheckpoint, signal: AbortSignal): Promise<void> {
  const failures: unknown[] = [];
  for (const planeId of planeIds) await take(planeId, signal).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw toError(failures[0]);
}
