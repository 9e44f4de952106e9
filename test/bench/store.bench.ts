import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentChain, append, readHead } from '../../functions/core/audit.ts';
import { makeDue, passKey } from '../../functions/core/schedule.ts';
import type { Store } from '../../functions/core/store.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

/*
 * How many transactions a second a store commits, one after another and 64 in flight, over a thousand agents and over one.
 * Each is what a change of an agent is: two reads, an audit row, its head and a due time.
 * `node test/bench/store.bench.ts [folder]`; the folder says which disk is measured.
 */
const measureMs = 2000;
const hashing = { sha256: (text: string): string => createHash('sha256').update(text).digest('hex') };
const actor = { kind: 'user', id: 'admin@acme.test' } as const;

async function change(store: Store, agentId: string, at: number): Promise<void> {
  await store.transact(async (tx) => {
    const due = await tx.get('schedule', passKey(agentId));
    const head = await readHead(tx, agentChain(agentId));
    append(tx, head, [{ at, actor, action: 'agent.change', target: agentId, detail: { field: 'modelTier', to: 'opus' } }], hashing);
    makeDue(tx, passKey(agentId), due, at);
  });
}

async function measure(store: Store, inFlight: number, agents: number): Promise<number> {
  const startedAt = performance.now();
  let done = 0;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - startedAt < measureMs) {
      next += 1;
      await change(store, `a${next % agents}`, next);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return done / ((performance.now() - startedAt) / 1000);
}

async function report(name: string, store: Store): Promise<void> {
  for (const agents of [1000, 1]) {
    const [alone, together] = [await measure(store, 1, agents), await measure(store, 64, agents)];
    const numbers = [alone, together].map((rate) => Math.round(rate).toLocaleString('en').padStart(9));
    console.log(
      `${name} over ${agents} agents: ${numbers[0]}/s one by one, ${numbers[1]}/s with 64 in flight, ratio ${(together / alone).toFixed(1)}`,
    );
  }
  await store.close();
}

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'plane-bench-'));
await report('sqlite', openSqliteStore({ file: join(folder, 'plane.db') }));
await report('memory', createMemoryStore());
rmSync(folder, { recursive: true });
