import { writeSync } from 'node:fs';
import { openSqliteStore } from '../../functions/store/sqlite.ts';

// Commits numbered pairs, sixteen in flight, and says each number once it is committed, until it is killed.
const store = openSqliteStore({ file: process.argv[2] ?? '' });
let next = 0;
async function commitForEver(): Promise<never> {
  for (;;) {
    const at = next++;
    await store.transact(async (tx) => {
      const total = ((await tx.get('joins', 'total'))?.count ?? 0) + 1;
      for (const id of [`left/${at}`, `right/${at}`]) tx.set('channels', id, { id, token: '', resourceId: '', expiresAt: at });
      tx.set('joins', 'total', { agentId: 'total', incarnation: 1, count: total, joinedAt: at });
    });
    writeSync(1, `${at}\n`);
  }
}
await Promise.all(Array.from({ length: 16 }, commitForEver));
