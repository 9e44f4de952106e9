import { PlaneError } from './errors.ts';
import type { Actor, AuditHead, AuditRow } from './records.ts';
import type { Transaction } from './store.ts';
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

/** What comes before the first row of a chain. */
export const genesis = '0'.repeat(64);
export const rowId = (chain: string, seq: number): string => `${chain}/${String(seq).padStart(12, '0')}`;
/** Sorts by time, and no two chains have the same. */
export const toMoved = (at: number, chain: string): string => `${String(at).padStart(15, '0')} ${chain}`;
export const familyOf = (action: string): string => action.split('.', 1)[0] ?? action;

export function hashRow(
  { hash: _hash, planeId: _planeId, actorId: _actorId, family: _family, ...row }: AuditRow,
  hashing: Hashing,
): string {
  return hashing.sha256(canonical({ ...row, actor: { ...row.actor } }));
}

/**
 * Reads the head of a chain; call it among a transaction's reads and hand the result to `append` among its writes. An agent's chain
 * may begin before there is an agent: then the caller says whose plane it is.
 */
export async function readHead(tx: Pick<Transaction, 'get'>, chain: string, planeId?: string): Promise<AuditHead> {
  const found = await tx.get('auditHeads', chain);
  if (found) return found;
  const [kind, id = ''] = chain.split('/', 2);
  const owner = kind === 'plane' ? id : (planeId ?? (await tx.get('agents', id))?.planeId);
  if (owner !== undefined) return { chain, seq: 0, hash: genesis, planeId: owner, moved: '' };
  throw new PlaneError('internal', `cannot begin audit chain ${chain}: nothing tells which plane it belongs to`);
}

/** Adds rows to a chain inside the caller's transaction, so that a change and its trace commit together. Returns the new head. */
export function append(tx: Transaction, head: AuditHead, entries: readonly Entry[], hashing: Hashing): AuditHead {
  const { chain, planeId } = head;
  let { seq, hash, moved } = head;
  for (const { at, actor, action, target, detail = null } of entries) {
    seq += 1;
    const derived = { planeId, actorId: actor.id, family: familyOf(action) };
    const row = { chain, seq, at, actor, action, target, detail, previous: hash, hash: '', ...derived };
    hash = hashRow(row, hashing);
    tx.set('audit', rowId(chain, seq), { ...row, hash });
    moved = toMoved(at, chain);
  }
  const next = { chain, planeId, seq, hash, moved };
  tx.set('auditHeads', chain, next);
  return next;
}
