import { familyOf, genesis, hashRow } from './audit.ts';
import { hashCheckpoint, signedText } from './checkpoint.ts';
import type { AuditPosition, AuditRow, CheckpointRecord } from './records.ts';
import type { Hashing, Signer } from './surroundings.ts';

export interface ChainFault {
  /** A chain, `checkpoints/<planeId>`, or `export` where `seq` is a line. */
  readonly chain: string;
  readonly seq: number;
  readonly fault: string;
}

export interface Verification {
  readonly chains: number;
  readonly rows: number;
  readonly checkpoints: number;
  readonly faults: readonly ChainFault[];
}

export type Verifier = Pick<Signer, 'keyId' | 'verify'>;

/** A plane's audit trail in the order in which it is checked: checkpoints, then each chain's rows with its head behind them. */
export type AuditItem =
  | { readonly checkpoint: CheckpointRecord }
  /** What the store takes for the newest one. */
  | { readonly checkpointsEnd: { readonly seq: number; readonly hash: string } }
  | { readonly row: AuditRow }
  | { readonly head: AuditPosition };

interface Signed extends AuditPosition {
  readonly by: number;
}

/** Follows a hash chain whose links may be broken: after a broken one, the next is believed for what it follows. */
function createLinks(genesis: string) {
  let seq = 0;
  let hash: string | undefined = genesis;
  return {
    last: () => ({ seq, hash }),
    /** `hash: undefined` where the link itself cannot be trusted. */
    link(next: { readonly seq: number; readonly previous: string; readonly hash: string | undefined }): string | undefined {
      const missing = next.seq !== seq + 1;
      const follows = missing || hash === undefined || next.previous === hash;
      const at = seq + 1;
      ({ seq, hash } = next);
      if (missing) return at < next.seq ? 'missing' : 'out of order';
      return follows ? undefined : 'does not follow';
    },
  };
}

/**
 * Checks what it is fed, one item after the other, and says of each fault in which chain and row it is. Needs memory for the
 * chains alone, not for their rows.
 */
export function createAuditCheck(planeId: string | undefined, hashing: Hashing, verifier?: Verifier) {
  const faults: ChainFault[] = [];
  const signed = new Map<string, Signed>();
  const seen = new Set<string>();
  const checkpointChain = `checkpoints/${planeId ?? ''}`;
  const checkpoints = createLinks(genesis);
  let open: { readonly chain: string; readonly links: ReturnType<typeof createLinks> } | undefined;
  let ended = false;
  let count = { chains: 0, rows: 0, checkpoints: 0 };

  const blame = (chain: string, seq: number, fault: string): void => void faults.push({ chain, seq, fault });

  function checkCheckpoint(record: CheckpointRecord): void {
    const expected = checkpoints.last().seq + 1;
    const good = verifier !== undefined && verifier.verify(signedText(record), record.signature) && record.planeId === planeId;
    const seq = good ? record.seq : expected;
    const wrong = checkpoints.link({ ...record, seq, hash: good ? hashCheckpoint(record, hashing) : undefined });
    count = { ...count, checkpoints: count.checkpoints + 1 };
    if (wrong === 'missing') blame(checkpointChain, expected, 'checkpoint is missing');
    if (wrong === 'out of order') blame(checkpointChain, seq, 'checkpoint is out of order');
    if (verifier && record.keyId !== verifier.keyId)
      return blame(checkpointChain, seq, `signed with key ${record.keyId}; the key to check it with is ${verifier.keyId}`);
    if (!good) return blame(checkpointChain, seq, 'content does not match its signature');
    if (wrong === 'does not follow') blame(checkpointChain, seq, 'does not follow the checkpoint before it');
    for (const { chain, seq: end, hash } of record.heads)
      if (end >= (signed.get(chain)?.seq ?? 0)) signed.set(chain, { chain, seq: end, hash, by: seq });
  }

  function endCheckpoints(end: { readonly seq: number; readonly hash: string }): void {
    ended = true;
    const { seq, hash } = checkpoints.last();
    if (seq === end.seq && (hash === undefined || hash === end.hash)) return;
    const fault = seq === end.seq ? 'their head is not of the last one' : `checkpoints end at ${seq}, their head says ${end.seq}`;
    blame(checkpointChain, seq, fault);
  }

  function closeChain(head: AuditPosition | undefined): void {
    if (!open) return;
    const { chain, links } = open;
    open = undefined;
    const { seq, hash } = links.last();
    const held = signed.get(chain);
    if (!head) blame(chain, seq, 'chain has no head');
    else if (seq !== head.seq) blame(chain, seq, `chain ends at row ${seq}, its head says ${head.seq}`);
    else if (hash !== undefined && hash !== head.hash) blame(chain, seq, 'its head is not of its last row');
    if (held && held.seq > seq && held.seq !== head?.seq)
      blame(chain, seq, `chain ends at row ${seq}, checkpoint ${held.by} signs row ${held.seq}`);
  }

  function openChain(chain: string): ReturnType<typeof createLinks> {
    if (open?.chain === chain) return open.links;
    closeChain(undefined);
    if (seen.has(chain)) blame(chain, 1, 'chain comes twice');
    seen.add(chain);
    count = { ...count, chains: count.chains + 1 };
    open = { chain, links: createLinks(genesis) };
    return open.links;
  }

  function checkRow(row: AuditRow): void {
    const { planeId: owner, actorId, actor, family, action } = row;
    const good = row.hash === hashRow(row, hashing);
    // A chain ends with its head: before that, what is of another name and was changed is one of its rows.
    const chain = good ? row.chain : (open?.chain ?? row.chain);
    const links = openChain(chain);
    const expected = links.last().seq + 1;
    const derived = (planeId === undefined || owner === planeId) && actorId === actor.id && family === familyOf(action);
    const seq = good ? row.seq : expected;
    const wrong = links.link({ ...row, seq, hash: good ? row.hash : undefined });
    const held = signed.get(chain);
    count = { ...count, rows: count.rows + 1 };
    if (wrong === 'missing') blame(chain, expected, seq - expected > 1 ? `rows are missing, up to ${seq - 1}` : 'row is missing');
    if (wrong === 'out of order') blame(chain, seq, 'row is out of order');
    if (!good || !derived) blame(chain, seq, 'content does not match its hash');
    else if (wrong === 'does not follow') blame(chain, seq, 'does not follow the row before it');
    else if (held?.seq === seq && held.hash !== row.hash) blame(chain, seq, `is not the row that checkpoint ${held.by} signed`);
  }

  function check(item: AuditItem): void {
    if ('checkpoint' in item) checkCheckpoint(item.checkpoint);
    else if ('checkpointsEnd' in item) endCheckpoints(item.checkpointsEnd);
    else if ('row' in item) checkRow(item.row);
    else {
      openChain(item.head.chain);
      closeChain(item.head);
    }
  }

  /** Whatever was signed and never came is gone. */
  function finish(): Verification {
    closeChain(undefined);
    if (planeId !== undefined && !ended) blame(checkpointChain, checkpoints.last().seq, 'checkpoints have no head');
    for (const { chain, seq, by } of signed.values())
      if (!seen.has(chain)) blame(chain, seq, `chain is missing; checkpoint ${by} signs its row ${seq}`);
    return { ...count, faults };
  }

  return { check, finish, faults, blame };
}
