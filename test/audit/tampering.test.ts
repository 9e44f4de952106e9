import fc from 'fast-check';
import { generateKeyPairSync } from 'node:crypto';
import { checkpointId, sign } from '../../functions/core/checkpoint.ts';
import { hashRow, rowId } from '../../functions/core/audit.ts';
import { createSigner, nodeHashing } from '../../functions/keys.ts';
import { fill, minuteMs, openTrail, type Trail } from './trail-world.ts';

let trail: Trail;
let bytes: Buffer;
let lines: string[];
beforeAll(async () => {
  trail = openTrail();
  await fill(trail);
  bytes = await trail.exported();
  lines = bytes.toString().trimEnd().split('\n');
});

interface Place {
  readonly chain: string;
  readonly seq: number;
}

/** The place in the trail that a line is about, as faults name it. */
function placeOf(line: string): Place | undefined {
  const parsed = JSON.parse(line) as { row?: Place; head?: Place; checkpoint?: { seq: number }; checkpointsEnd?: { seq: number } };
  const { row, head, checkpoint = parsed.checkpointsEnd } = parsed;
  return checkpoint ? { chain: 'checkpoints/acme', seq: checkpoint.seq } : (row ?? head);
}

const join = (changed: readonly string[]): Buffer => Buffer.from(`${changed.join('\n')}\n`);

test('an export that nobody touched verifies offline with the public key alone', async () => {
  const found = await trail.verify(bytes);
  expect(found).toMatchObject({ chains: 4, rows: 25, checkpoints: 4, faults: [], header: { planeId: 'acme' } });
  expect(await trail.verifyStore()).toEqual({ chains: 4, rows: 25, checkpoints: 4, faults: [] });
});

test('any single flipped bit anywhere in an export is found, and its line or row is named (REQ-WSEC-08)', async () => {
  const starts = [0];
  for (const [at, byte] of bytes.entries()) if (byte === 10) starts.push(at + 1);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 7 }), async (at, bit) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      const { faults } = await trail.verify(changed);
      const line = starts.filter((start) => start <= at).length;
      const place = placeOf(lines[line - 1] ?? '');
      const named = faults.some(
        ({ chain, seq }) =>
          (chain === 'export' && seq === line) || (chain === place?.chain && (seq === place.seq || seq === place.seq + 1)),
      );
      if (!named) throw new Error(JSON.stringify({ at, bit, line, text: lines[line - 1], faults }));
    }),
    { numRuns: 400 },
  );
}, 120_000);

test('each byte of each line of an export, changed to another, is found', async () => {
  const [longest] = lines.filter((line) => line.includes('"row"')).toSorted((a, b) => b.length - a.length);
  const start = bytes.indexOf(longest ?? '');
  for (let at = start; at < start + Buffer.byteLength(longest ?? ''); at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = changed[at] === 48 ? 49 : 48;
    expect({ at, faults: (await trail.verify(changed)).faults.length > 0 }).toEqual({ at, faults: true });
  }
}, 60_000);

test('a line that is taken out of an export is found and named, whichever it is (REQ-WSEC-08)', async () => {
  for (const [at, line] of lines.entries()) {
    const { faults } = await trail.verify(join(lines.toSpliced(at, 1)));
    const place = placeOf(line);
    const near = faults.filter(({ chain, seq }) => place && chain === place.chain && (seq === place.seq || seq === place.seq - 1));
    expect({ line, faults: faults.length }).not.toMatchObject({ faults: 0 });
    if (place) expect({ line, near: near.length, faults }).not.toMatchObject({ near: 0 });
  }
});

test('lines that change places, come twice or come from elsewhere are found', async () => {
  const at = lines.findIndex((line) => line.includes('"row"'));
  const [one = '', two = ''] = [lines[at], lines[at + 1]];
  expect((await trail.verify(join(lines.toSpliced(at, 2, two, one)))).faults).not.toEqual([]);
  expect((await trail.verify(join(lines.toSpliced(at, 0, one)))).faults).not.toEqual([]);
  expect((await trail.verify(join([...lines, one]))).faults).toContainEqual({
    chain: 'export',
    seq: lines.length + 1,
    fault: 'comes after the last line',
  });
});

test('an export that is cut short is found, wherever it is cut', async () => {
  for (const length of [0, 1, bytes.indexOf(10) + 1, bytes.length >> 1, bytes.length - 1]) {
    expect((await trail.verify(bytes.subarray(0, length))).faults.length).toBeGreaterThan(0);
  }
});

test('an export by another key is refused, though it is whole', async () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const { faults } = await trail.verify(bytes, pem);
  expect(faults[0]?.fault).toMatch(/signed with key .*; the key to check it with is/);
});

describe('in the store', () => {
  let own: Trail;
  beforeEach(async () => {
    own = openTrail();
    await fill(own);
  });
  const remove = (collection: 'audit' | 'auditHeads' | 'checkpoints' | 'checkpointHeads', ...ids: string[]): Promise<void> =>
    own.store.transact(async (tx) => ids.forEach((id) => tx.delete(collection, id)));

  test('a chain that is gone with its head is found, and named', async () => {
    const { store } = own;
    const head = await store.get('auditHeads', 'agent/a2');
    const ids = Array.from({ length: head?.seq ?? 0 }, (_, n) => rowId('agent/a2', n + 1));
    await remove('audit', ...ids);
    await remove('auditHeads', 'agent/a2');
    expect((await own.verifyStore()).faults).toEqual([
      { chain: 'agent/a2', seq: head?.seq, fault: `chain is missing; checkpoint 3 signs its row ${head?.seq}` },
    ]);
  });

  test('a chain that was cut with its head moved back is found', async () => {
    const last = await own.store.get('auditHeads', 'agent/a1');
    const [before] = await own.store.query('audit', 'bySeq', { equals: ['agent/a1'], before: last?.seq ?? 0, reverse: true, limit: 1 });
    if (!last || !before) throw new Error('no rows');
    await remove('audit', rowId('agent/a1', last.seq));
    await own.store.transact(async (tx) => tx.set('auditHeads', 'agent/a1', { ...last, seq: before.seq, hash: before.hash }));
    expect((await own.verifyStore()).faults).toEqual([
      { chain: 'agent/a1', seq: before.seq, fault: `chain ends at row ${before.seq}, checkpoint 4 signs row ${last.seq}` },
    ]);
  });

  test('a chain that was written anew from a row on, hashes and head and all, is found', async () => {
    const rows = await own.store.query('audit', 'bySeq', { equals: ['agent/a1'], limit: 500 });
    const head = await own.store.get('auditHeads', 'agent/a1');
    let previous = rows[1]?.hash ?? '';
    await own.store.transact(async (tx) => {
      for (const row of rows.slice(2)) {
        const forged = { ...row, previous, target: 'forged', hash: '' };
        previous = hashRow(forged, nodeHashing);
        tx.set('audit', rowId(row.chain, row.seq), { ...forged, hash: previous });
      }
      if (head) tx.set('auditHeads', 'agent/a1', { ...head, hash: previous });
    });
    expect((await own.verifyStore()).faults).toEqual([
      { chain: 'agent/a1', seq: head?.seq, fault: 'is not the row that checkpoint 4 signed' },
    ]);
  });

  test('an index field that was changed, so that a search would miss the row, is found', async () => {
    const [row] = await own.store.query('audit', 'bySeq', { equals: ['plane/acme'], limit: 1 });
    if (!row) throw new Error('no row');
    for (const changed of [{ actorId: 'x' }, { family: 'x' }, { planeId: 'x' }]) {
      await own.store.transact(async (tx) => tx.set('audit', rowId('plane/acme', 1), { ...row, ...changed }));
      expect((await own.verifyStore()).faults).toEqual([{ chain: 'plane/acme', seq: 1, fault: 'content does not match its hash' }]);
    }
  });

  test('a checkpoint that is missing, cut off or forged is found, and named', async () => {
    const second = await own.store.get('checkpoints', checkpointId('acme', 2));
    if (!second) throw new Error('no checkpoint');
    await remove('checkpoints', checkpointId('acme', 2));
    expect((await own.verifyStore()).faults).toEqual([{ chain: 'checkpoints/acme', seq: 2, fault: 'checkpoint is missing' }]);
    const thief = createSigner(generateKeyPairSync('ed25519').privateKey);
    const forged = sign('acme', { seq: 1, hash: second.previous }, [], second.at, { ...thief, keyId: own.signer.keyId });
    await own.store.transact(async (tx) => tx.set('checkpoints', checkpointId('acme', 2), forged));
    expect((await own.verifyStore()).faults).toEqual([
      { chain: 'checkpoints/acme', seq: 2, fault: 'content does not match its signature' },
    ]);
    await own.store.transact(async (tx) => tx.set('checkpoints', checkpointId('acme', 2), second));
    await remove('checkpoints', checkpointId('acme', 4));
    expect((await own.verifyStore()).faults).toEqual([
      { chain: 'checkpoints/acme', seq: 3, fault: 'checkpoints end at 3, their head says 4' },
    ]);
  });

  test('a row beyond the head of its chain is found', async () => {
    const rows = await own.store.query('audit', 'bySeq', { equals: ['agent/a1'], reverse: true, limit: 1 });
    const [last] = rows;
    if (!last) throw new Error('no row');
    const row = { ...last, seq: last.seq + 1, previous: last.hash, hash: '' };
    await own.store.transact(async (tx) => tx.set('audit', rowId(row.chain, row.seq), { ...row, hash: hashRow(row, nodeHashing) }));
    expect((await own.verifyStore()).faults).toEqual([
      { chain: 'agent/a1', seq: row.seq, fault: `chain ends at row ${row.seq}, its head says ${last.seq}` },
    ]);
  });

  test('a trail that grows while it is read is no fault', async () => {
    const store = { ...own.store };
    let grown = 0;
    store.query = async (collection, index, query) => {
      const found = await own.store.query(collection, index, query);
      if (collection === 'audit' && grown++ < 3)
        await own.write({ on: 1, actor: { kind: 'plane', id: 'w' }, action: 'effect.start apply' });
      if (collection === 'audit') await own.checkpoint();
      return found;
    };
    const { verifyTrail } = await import('../../functions/core/audit-trail.ts');
    const deps = { hashing: nodeHashing, verifier: own.signer, pause: async () => undefined };
    expect((await verifyTrail(store, 'acme', deps)).faults).toEqual([]);
    expect(grown).toBeGreaterThan(3);
    own.pass(minuteMs);
  });
});
