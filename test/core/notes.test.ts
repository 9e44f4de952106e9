import { createTally } from '../../functions/core/notes.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

it('writes the first of a kind at once and counts the rest of the minute, so that knocking fills no disk', async () => {
  let now = 0;
  const store = createMemoryStore();
  const tally = createTally({ store, hashing: nodeHashing, clock: { now: () => now, deadline: () => new AbortController().signal } });
  const knock = (id: string) =>
    tally({ planeId: 'acme' }, { actor: { kind: 'agent', id }, action: 'access.refused', target: 'x'.repeat(9_000) });
  for (let at = 0; at < 100; at += 1) await knock('uid:61001');
  await knock('uid:61002');
  now = 60_001;
  await knock('uid:61001');
  const rows = await store.query('audit', 'bySeq', { equals: ['plane/acme'], limit: 100 });
  expect(rows.map(({ actor, detail, target }) => [actor.id, detail, target.length])).toEqual([
    ['uid:61001', {}, 200],
    ['uid:61002', {}, 200],
    ['uid:61001', { unwritten: 99 }, 200],
  ]);
});

it('gives each target a row of its own, so that of many attempts none hides another, up to a bound', async () => {
  let now = 0;
  const store = createMemoryStore();
  const tally = createTally({ store, hashing: nodeHashing, clock: { now: () => now, deadline: () => new AbortController().signal } });
  const knock = (target: string) => tally({ planeId: 'acme' }, { actor: { kind: 'agent', id: 'a1' }, action: 'access.refused', target });
  for (let round = 0; round < 3; round += 1) for (let at = 0; at < 200; at += 1) await knock(`door ${at}`);
  expect(await store.query('audit', 'bySeq', { equals: ['plane/acme'], limit: 500 })).toHaveLength(65);
  now = 60_001;
  await knock('door 0');
  const [last] = await store.query('audit', 'bySeq', { equals: ['plane/acme'], reverse: true, limit: 1 });
  expect(last).toMatchObject({ target: 'door 0', detail: { unwritten: 600 - 65 } });
});
