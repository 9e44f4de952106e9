import type { Actor, AuditHead, AuditRow } from './records.ts';
import type { Store, Transaction } from './store.ts';
import { canonical, type Hashing, type Json } from './surroundings.ts';

export interface Entry {
  readonly at: number;
  readonly actor: Actor;
  readonly action: string;
  readonly target: string;
  readonly detail?: Json;
}

export const agentChain = (agentId: string): string => `agent/${agentId}`;
export const planeChain = (planeId: string): string => `plane/${planeId}`;

const genesis = '0'.repeat(64);
const rowId = (chain: string, seq: number): string => `${chain}/${String(seq).padStart(12, '0')}`;

const hashRow = ({ hash: _hash, ...row }: AuditRow, { sha256 }: Hashing): string => sha256(canonical({ ...row, actor: { ...row.actor } }));

/** Reads the head of a chain; call it among a transaction's reads and hand the result to `append` among its writes. */
export const readHead = async (tx: Transaction, chain: string): Promise<AuditHead> =>
  (await tx.get('auditHeads', chain)) ?? { chain, seq: 0, hash: genesis };

/** Adds rows to a chain inside the caller's transaction, so that a change and its trace commit together. Returns the new head. */
export function append(tx: Transaction, head: AuditHead, entries: readonly Entry[], hashing: Hashing): AuditHead {
  let { seq, hash } = head;
  for (const { at, actor, action, target, detail = null } of entries) {
    seq += 1;
    const row = { chain: head.chain, seq, at, actor, action, target, detail, previous: hash, hash: '' };
    hash = hashRow(row, hashing);
    tx.set('audit', rowId(head.chain, seq), { ...row, hash });
  }
  const next = { chain: head.chain, seq, hash };
  tx.set('auditHeads', head.chain, next);
  return next;
}

export interface ChainFault {
  readonly chain: string;
  readonly seq: number;
  readonly fault: string;
}

export interface Verification {
  readonly chains: number;
  readonly rows: number;
  readonly faults: readonly ChainFault[];
}

/** Checks one chain from its first row to its head: a changed byte, a missing row and a cut end are each found and located. */
export async function verifyChain(store: Store, head: AuditHead, hashing: Hashing): Promise<{ rows: number; faults: ChainFault[] }> {
  const { chain } = head;
  let previous = genesis;
  let seq = 0;
  for (;;) {
    const page = await store.query('audit', 'bySeq', { equals: [chain], from: seq + 1, limit: 500 });
    for (const row of page) {
      if (row.seq !== seq + 1) return { rows: seq, faults: [{ chain, seq: seq + 1, fault: 'row is missing' }] };
      if (row.previous !== previous) return { rows: seq, faults: [{ chain, seq: row.seq, fault: 'does not follow the row before it' }] };
      if (row.hash !== hashRow(row, hashing))
        return { rows: seq, faults: [{ chain, seq: row.seq, fault: 'content does not match its hash' }] };
      previous = row.hash;
      seq = row.seq;
    }
    if (page.length < 500) break;
  }
  if (seq === head.seq && previous === head.hash) return { rows: seq, faults: [] };
  return { rows: seq, faults: [{ chain, seq, fault: `chain ends at row ${seq}, its head says ${head.seq}` }] };
}

/**
 * Checks the chains that `concerns` names. `pause` is awaited after each chain, so that a long check keeps nobody waiting, and
 * throws to end it.
 */
export async function verifyAll(
  store: Store,
  hashing: Hashing,
  pause: () => Promise<void> = async () => undefined,
  concerns: (chain: string) => Promise<boolean> = async () => true,
): Promise<Verification> {
  let chains = 0;
  let rows = 0;
  const faults: ChainFault[] = [];
  let from: string | undefined;
  for (;;) {
    const heads = await store.query('auditHeads', 'byChain', { ...(from === undefined ? {} : { from }), limit: 500 });
    for (const head of heads) {
      await pause();
      if (!(await concerns(head.chain))) continue;
      const checked = await verifyChain(store, head, hashing);
      chains += 1;
      rows += checked.rows;
      faults.push(...checked.faults);
    }
    const last = heads.at(-1);
    if (heads.length < 500 || !last) return { chains, rows, faults };
    from = `${last.chain}\u0000`;
  }
}
