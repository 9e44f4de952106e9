import { genesis } from './audit.ts';
import { createAuditCheck, type AuditItem, type Verification, type Verifier } from './audit-verify.ts';
import type { AuditHead, CheckpointHead } from './records.ts';
import type { Store } from './store.ts';
import type { Hashing } from './surroundings.ts';

const atOnce = 500;

/** The rows of one chain up to its head, then the head. A row that goes beyond its head comes as well. */
async function* readChain(store: Store, head: AuditHead): AsyncGenerator<AuditItem> {
  const { chain, seq, hash } = head;
  let from = 1;
  while (from <= seq) {
    const rows = await store.query('audit', 'bySeq', { equals: [chain], from, before: seq + 1, limit: atOnce });
    for (const row of rows) yield { row };
    const last = rows.at(-1);
    if (!last) break;
    from = last.seq + 1;
  }
  const [beyond] = await store.query('audit', 'bySeq', { equals: [chain], from: seq + 1, limit: 1 });
  // A chain may have grown while it was read.
  if (beyond && (await store.get('auditHeads', chain))?.seq === seq) yield { row: beyond };
  yield { head: { chain, seq, hash } };
}

async function* readHeads(store: Store, planeId: string | undefined): AsyncGenerator<AuditHead> {
  let from: string | undefined;
  for (;;) {
    const range = { ...(from === undefined ? {} : { from }), limit: atOnce };
    const heads = await (planeId === undefined
      ? store.query('auditHeads', 'byChain', range)
      : store.query('auditHeads', 'byPlane', { equals: [planeId], ...range }));
    yield* heads;
    const last = heads.at(-1);
    if (heads.length < atOnce || !last) return;
    from = `${last.chain}\u0000`;
  }
}

async function* readCheckpoints(store: Store, planeId: string, end: CheckpointHead | undefined): AsyncGenerator<AuditItem> {
  const last = end?.seq ?? 0;
  let from = 1;
  while (from <= last) {
    const found = await store.query('checkpoints', 'bySeq', { equals: [planeId], from, before: last + 1, limit: atOnce });
    for (const checkpoint of found) yield { checkpoint };
    const newest = found.at(-1);
    if (!newest) break;
    from = newest.seq + 1;
  }
  const [beyond] = await store.query('checkpoints', 'bySeq', { equals: [planeId], from: last + 1, limit: 1 });
  if (beyond && (await store.get('checkpointHeads', planeId))?.seq === end?.seq) yield { checkpoint: beyond };
  yield { checkpointsEnd: { seq: last, hash: end?.hash ?? genesis } };
}

/** A plane's whole audit trail as it stands, in the order in which it is checked. What comes to it meanwhile may be missing at its end. */
export async function* readTrail(store: Store, planeId: string): AsyncGenerator<AuditItem> {
  yield* readCheckpoints(store, planeId, await store.get('checkpointHeads', planeId));
  for await (const head of readHeads(store, planeId)) yield* readChain(store, head);
}

/**
 * Checks the whole trail of a plane in the store. `pause` is awaited after each chain and checkpoint, so that a long check keeps nobody
 * waiting, and throws to end it.
 */
export async function verifyTrail(
  store: Store,
  planeId: string,
  { hashing, verifier, pause }: { readonly hashing: Hashing; readonly verifier: Verifier; readonly pause: () => Promise<void> },
): Promise<Verification> {
  const { check, finish } = createAuditCheck(planeId, hashing, verifier);
  for await (const item of readTrail(store, planeId)) {
    check(item);
    if (!('row' in item)) await pause();
  }
  return finish();
}

/** Checks the chains of every plane, without the checkpoints that sign them. */
export async function verifyAll(store: Store, hashing: Hashing): Promise<Omit<Verification, 'checkpoints'>> {
  const { check, finish } = createAuditCheck(undefined, hashing);
  for await (const head of readHeads(store, undefined)) for await (const item of readChain(store, head)) check(item);
  const { chains, rows, faults } = finish();
  return { chains, rows, faults };
}
