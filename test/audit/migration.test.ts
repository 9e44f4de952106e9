import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { agentChain, append, planeChain, readHead, rowId } from '../../functions/core/audit.ts';
import { verifyTrail } from '../../functions/core/audit-trail.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { openTrail } from './trail-world.ts';

test('a trail that was written before it could be searched verifies after the store is migrated, and is found (REQ-WSEC-08)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plane-audit-'));
  try {
    const file = join(folder, 'plane.db');
    const before = openSqliteStore({ file });
    for (const chain of [agentChain('a1'), agentChain('never'), planeChain('acme')])
      for (let n = 0; n < 3; n += 1)
        await before.transact(async (tx) => {
          const entry = { at: 1_000 + n, actor: { kind: 'user' as const, id: 'bob@acme.test' }, action: 'agent.change', target: 't' };
          append(tx, await readHead(tx, chain, 'acme'), [entry], nodeHashing);
        });
    await before.close();

    const database = new DatabaseSync(file);
    database.exec(`UPDATE audit SET document = json_remove(document, '$.planeId', '$.actorId', '$.family')`);
    database.exec(`UPDATE auditHeads SET document = json_remove(document, '$.planeId', '$.moved')`);
    database.exec('PRAGMA user_version = 2');
    database.close();

    const store = openSqliteStore({ file });
    const { signer } = openTrail();
    const found = await verifyTrail(store, 'acme', { hashing: nodeHashing, verifier: signer, pause: async () => undefined });
    expect(found).toEqual({ chains: 3, rows: 9, checkpoints: 0, faults: [] });
    const rows = await store.query('audit', 'byFamily', { equals: ['acme', 'agent'], from: 1_002, limit: 10 });
    expect(rows.map(({ chain, seq }) => rowId(chain, seq))).toEqual(
      ['agent/a1', 'agent/never', 'plane/acme'].map((chain) => rowId(chain, 3)),
    );
    expect(await store.get('auditHeads', 'agent/a1')).toMatchObject({ planeId: 'acme', moved: '000000000001002 agent/a1' });
    await store.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
