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
const rounds = 10;
const roundMs = 200;
const hashing = { sha256: (text: string): string => createHash('sha256').update(text).digest('hex') };
const actor = { kind: 'user', id: 'admin@acme.test' } as const;

async function change(store: Store, agentId: string, at: number): Promise<void> {
  await store.transact(async (tx) => {
    const due = await tx.get('schedule', passKey(agentId));
    const head = await readHead(tx, agentChain(agentId), 'acme');
    append(tx, head, [{ at, actor, action: 'agent.change', target: agentId, detail: { field: 'modelTier', to: 'opus' } }], hashing);
    makeDue(tx, passKey(agentId), due, at);
  });
}

/** Time only ever goes forward. */
let at = 0;

/** How many transactions are done in one round. */
async function run(store: Store, inFlight: number, agents: number): Promise<number> {
  const endsAt = performance.now() + roundMs;
  let done = 0;
  const lane = async (): Promise<void> => {
    for (; performance.now() < endsAt; done += 1) {
      at += 1;
      await change(store, `a${at % agents}`, at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return done;
}

async function report(name: string, store: Store): Promise<void> {
  for (const agents of [1000, 1]) {
    const done = { alone: 0, together: 0 };
    // By turns, so that a disk that is slow for a while slows both.
    for (let round = 0; round < rounds; round += 1) {
      done.alone += await run(store, 1, agents);
      done.together += await run(store, 64, agents);
    }
    const [alone, together] = [done.alone, done.together].map((count) => Math.round(count / ((rounds * roundMs) / 1000)));
    const ratio = (done.together / done.alone).toFixed(1);
    console.log(`${name}, ${agents} agents: ${alone}/s one by one, ${together}/s with 64 in flight, ratio ${ratio}`);
  }
  await store.close();
}

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'plane-bench-'));
await report('sqlite', openSqliteStore({ file: join(folder, 'plane.db') }));
await report('memory', createMemoryStore());
rmSync(folder, { recursive: true });
