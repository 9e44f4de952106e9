import type { AuditSink } from '../../functions/audit/checkpoints.ts';
import { createCloudLoggingSink } from '../../functions/audit/cloud-logging.ts';
import type { Actor } from '../../functions/core/records.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { fill, minuteMs, openTrail } from './trail-world.ts';

const actor: Actor = { kind: 'plane', id: 'worker' };
const deed = (on: number | 'plane') => ({ on, actor, action: 'effect.end apply' });

function collect() {
  const seen: string[] = [];
  const state = { refuse: false };
  const sink: AuditSink = {
    async write(entries) {
      if (state.refuse) throw new Error('the log is away');
      for (const entry of entries) if ('row' in entry) seen.push(`${entry.row.chain} ${entry.row.seq}`);
    },
  };
  return { sink, seen, state };
}

/** Counts what a store is asked and told. */
function counted() {
  const store = createMemoryStore();
  const count = { reads: 0, writes: 0 };
  return {
    count,
    store: {
      ...store,
      query: (async (...given: Parameters<typeof store.query>) => {
        const found = await store.query(...given);
        count.reads += found.length;
        return found;
      }) as typeof store.query,
      transact: (work: Parameters<typeof store.transact>[0]) =>
        store.transact(async (tx) =>
          work({
            get: (collection, id) => tx.get(collection, id),
            delete: (collection, id) => tx.delete(collection, id),
            set(collection, id, document) {
              count.writes += 1;
              tx.set(collection, id, document);
            },
          }),
        ),
    } as ReturnType<typeof createMemoryStore>,
  };
}

test('signs what moved once, and writes and reads nothing while nothing moves', async () => {
  const { store, count } = counted();
  const trail = openTrail(undefined, store);
  for (let n = 0; n < 20; n += 1) await trail.write(deed(n));
  await trail.checkpoint();
  for (let minute = 0; minute < 30; minute += 1) {
    trail.pass(minuteMs);
    await trail.checkpoint();
  }
  expect(await store.query('checkpoints', 'bySeq', { equals: ['acme'], limit: 10 })).toMatchObject([{ seq: 1, heads: { length: 20 } }]);
  const before = { ...count };
  for (let minute = 0; minute < 100; minute += 1) {
    trail.pass(minuteMs);
    await trail.checkpoint();
  }
  expect(count).toEqual(before);
  await trail.write(deed(7));
  await trail.checkpoint();
  expect(await store.query('checkpoints', 'bySeq', { equals: ['acme'], from: 2, limit: 10 })).toMatchObject([
    { seq: 2, heads: [{ chain: 'agent/a7', seq: 2 }] },
  ]);
});

test('signs 1,200 chains that moved in one millisecond, and each of them once', async () => {
  const trail = openTrail();
  await Promise.all(Array.from({ length: 1_200 }, (_, n) => trail.write(deed(n))));
  await trail.checkpoint();
  await trail.checkpoint();
  const found = await trail.store.query('checkpoints', 'bySeq', { equals: ['acme'], limit: 10 });
  expect(found.map(({ heads }) => heads.length)).toEqual([500, 500, 200]);
  expect(new Set(found.flatMap(({ heads }) => heads.map(({ chain }) => chain))).size).toBe(1_200);
  expect((await trail.verifyStore()).faults).toEqual([]);
});

test('of two writers at once, one signs and the chain of checkpoints stays whole', async () => {
  const trail = openTrail();
  for (let minute = 0; minute < 5; minute += 1) {
    await Promise.all([0, 1, 2].map((n) => trail.write(deed(n))));
    await Promise.all([trail.checkpoint(), trail.checkpoint(), trail.write(deed(1)), trail.checkpoint()]);
    trail.pass(minuteMs);
  }
  await trail.checkpoint();
  expect(await trail.verifyStore()).toMatchObject({ rows: 20, chains: 3, faults: [] });
});

test('signs a row that was committed four minutes after its time', async () => {
  const trail = openTrail();
  await fill(trail, 8);
  const late = trail.now();
  trail.pass(4 * minuteMs);
  await trail.write(deed(1));
  await trail.checkpoint();
  trail.pass(late - trail.now());
  await trail.write(deed(9));
  trail.pass(4 * minuteMs);
  await trail.checkpoint();
  const newest = await trail.store.query('checkpoints', 'bySeq', { equals: ['acme'], reverse: true, limit: 1 });
  expect(newest).toMatchObject([{ heads: [{ chain: 'agent/a9' }] }]);
});

describe('the sink', () => {
  test('is given each row of each chain, in order, before it is signed (REQ-WSEC-03)', async () => {
    const { sink, seen } = collect();
    const trail = openTrail(sink);
    await fill(trail, 30);
    await trail.checkpoint();
    const rows = [...trail.store.entries('audit')].map(([, { chain, seq }]) => `${chain} ${seq}`);
    expect(seen.toSorted()).toEqual(rows.toSorted());
  });

  test('gets nothing twice but what a crash left unsigned, and never loses a row (REQ-WSEC-03)', async () => {
    const { sink, seen, state } = collect();
    const trail = openTrail(sink);
    for (let minute = 0; minute < 20; minute += 1) {
      for (const on of [minute % 4, 'plane'] as const) await trail.write(deed(on));
      state.refuse = minute % 3 === 0;
      if (state.refuse) await expect(trail.checkpoint()).rejects.toThrow('the log is away');
      else await trail.checkpoint();
      trail.pass(minute === 10 ? 60 * minuteMs : minuteMs);
    }
    state.refuse = false;
    await trail.checkpoint();
    const rows = [...trail.store.entries('audit')].map(([, { chain, seq }]) => `${chain} ${seq}`);
    expect([...new Set(seen)].toSorted()).toEqual(rows.toSorted());
    expect(seen).toHaveLength(rows.length);
  });

  test('hands a row on again when the checkpoint after it was not written', async () => {
    const store = createMemoryStore();
    const { sink, seen } = collect();
    let crash = true;
    const trail = openTrail(sink, {
      ...store,
      transact: (work) => {
        if (crash && seen.length > 0) throw new Error('crashed');
        return store.transact(work);
      },
    });
    await trail.write(deed(1));
    await expect(trail.checkpoint()).rejects.toThrow('crashed');
    crash = false;
    await trail.checkpoint();
    expect(seen).toEqual(['agent/a1 1', 'agent/a1 1']);
  });

  test('writes lines that Cloud Logging takes for entries of their own, and folds when they come twice', async () => {
    let text = '';
    const trail = openTrail(createCloudLoggingSink(async (lines) => void (text += lines)));
    await trail.write({ on: 3, actor: { kind: 'user', id: 'a@acme.test' }, action: 'access.refused', target: 'pauseAgent' });
    await trail.checkpoint();
    const entries = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(entries).toEqual([
      {
        severity: 'WARNING',
        message: 'user a@acme.test: access.refused pauseAgent',
        time: '2026-01-05T00:00:00.000Z',
        'logging.googleapis.com/insertId': 'agent/a3/1',
        'logging.googleapis.com/labels': { log: 'audit', plane: 'acme', chain: 'agent/a3', actor: 'a@acme.test', action: 'access.refused' },
        audit: expect.objectContaining({ chain: 'agent/a3', seq: 1, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string }) as object,
      },
      expect.objectContaining({ 'logging.googleapis.com/insertId': 'checkpoints/acme/1' }),
    ]);
  });
});
