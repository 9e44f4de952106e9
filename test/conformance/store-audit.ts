import { createHash } from 'node:crypto';
import { append, readHead, type Entry } from '../../functions/core/audit.ts';
import { verifyAll } from '../../functions/core/audit-trail.ts';
import type { AuditRow } from '../../functions/core/records.ts';
import type { Store } from '../../functions/core/store.ts';

const hashing = { sha256: (text: string): string => createHash('sha256').update(text).digest('hex') };
const chains = ['agent/a1', 'agent/a2', 'plane/acme'];

const entry = (n: number): Entry => ({
  at: n,
  actor: { kind: 'user', id: 'admin@acme.test' },
  action: 'agent.change',
  target: 'a1',
  detail: { n, changes: [{ field: 'modelTier', from: null, to: 'opus' }] },
});

export function auditConformance(current: () => Store): void {
  const write = (chain: string, n: number): Promise<unknown> =>
    current().transact(async (tx) => append(tx, await readHead(tx, chain, 'acme'), [entry(n), entry(n + 1000)], hashing));
  const fill = (): Promise<unknown> =>
    Promise.all(Array.from({ length: 50 }, (_, n) => write(n % 2 === 0 ? 'agent/a1' : n % 3 === 0 ? 'agent/a2' : 'plane/acme', n)));
  const rowOf = async (chain: string, seq: number): Promise<{ id: string; row: AuditRow }> => {
    const [row] = await current().query('audit', 'bySeq', { equals: [chain], from: seq, limit: 1 });
    if (!row) throw new Error(`${chain} has no row ${seq}`);
    return { id: `${chain}/${String(seq).padStart(12, '0')}`, row };
  };

  test('keeps audit chains whole under fifty writers', async () => {
    await fill();
    expect(await verifyAll(current(), hashing)).toEqual({ chains: chains.length, rows: 100, faults: [] });
  });

  test('lets verification find a changed byte, a missing row and a cut end', async () => {
    await fill();
    const changed = await rowOf('agent/a1', 7);
    const missing = await rowOf('agent/a2', 3);
    const end = await current().get('auditHeads', 'plane/acme');
    const last = await rowOf('plane/acme', end?.seq ?? 0);
    await current().transact(async (tx) => {
      tx.set('audit', changed.id, { ...changed.row, target: 'a9' });
      tx.delete('audit', missing.id);
      tx.delete('audit', last.id);
    });
    const { faults } = await verifyAll(current(), hashing);
    expect(faults).toEqual([
      { chain: 'agent/a1', seq: 7, fault: 'content does not match its hash' },
      { chain: 'agent/a2', seq: 3, fault: 'row is missing' },
      { chain: 'plane/acme', seq: last.row.seq - 1, fault: `chain ends at row ${last.row.seq - 1}, its head says ${last.row.seq}` },
    ]);
  });
}
