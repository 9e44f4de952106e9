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
