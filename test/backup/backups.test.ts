import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupStore } from '../../functions/backup/backup-store.ts';
import { createBackups } from '../../functions/backup/backups.ts';
import { createEncryption } from '../../functions/backup/encryption.ts';
import { createIdentity } from '../../functions/backup/identity.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { alice, dayMs, hourMs, openWorld, sha256, toAgent, toBytes, type World } from './world.ts';

describe('the backups of an agent', () => {
  let world: World;
  beforeEach(async () => {
    world = openWorld({ mostBytes: 1_000_000 });
    await world.put(toAgent(alice));
  });
  afterEach(() => world.close());

  const admin = { kind: 'user', id: 'admin@acme.test' } as const;
  const begin = async () => (await world.backups.begin(toAgent(alice), 'daily')).id;
  const receive = (id: string, text: string) => world.backups.receive(id, toBytes(text), world.ctx);

  it('come back as they were received, each step with its row (REQ-MAINT-06)', async () => {
    const record = await world.make(alice, 'the workspace', 'asked');
    expect(record).toMatchObject({ agentId: alice, reason: 'asked', expiresAt: world.clock.now() + 7 * dayMs });
    const stored = readFileSync(world.fileOf(record.id));
    expect([record.bytes, record.sha256]).toEqual([stored.length, sha256(stored)]);
    expect(await world.backups.latest(alice)).toEqual([record]);
    expect(await world.read(record.id)).toBe('the workspace');
    expect(await world.rows(alice)).toEqual(['backup.begin plane', 'backup.finish agent', 'backup.read user']);
  });

  it('lie nowhere in plain', async () => {
    const marker = 'MARKER-of-a-secret-plan';
    await world.make(alice, marker.repeat(1000));
    for (const name of readdirSync(world.dir)) expect(readFileSync(join(world.dir, name)).includes(marker)).toBe(false);
    expect(JSON.stringify([...world.store.entries('backups'), ...world.store.entries('audit')])).not.toContain(marker);
    expect(world.log.lines.join()).not.toContain(marker);
  });

  it('are on record before the first byte is asked for, and no backup before the last is stored', async () => {
    const id = await begin();
    async function* watched(): AsyncGenerator<Uint8Array> {
      const record = await world.store.get('backups', id);
      expect(record?.attempts).toHaveLength(1);
      yield Buffer.from('a');
      expect(record?.finishedAt).toBeUndefined();
      expect(await world.backups.latest(alice)).toEqual([]);
      await expect(world.read(id)).rejects.toMatchObject({ code: 'notFound' });
    }
    await world.backups.receive(id, watched(), world.ctx);
    expect(await world.backups.latest(alice)).toHaveLength(1);
  });

  it('take no part of an upload that was cut, and the whole of the next one', async () => {
    const id = await begin();
    const cut = toBytes('half', () => {
      throw new Error('ECONNRESET');
    });
    await expect(world.backups.receive(id, cut, world.ctx)).rejects.toMatchObject({ code: 'invalid' });
    expect([world.files(), await world.backups.latest(alice)]).toEqual([[], []]);
    await receive(id, 'whole');
    expect(await world.read(id)).toBe('whole');
  });

  it('are sent once: a replay is refused and changes nothing', async () => {
    const id = await begin();
    const first = await receive(id, 'one');
    await expect(receive(id, 'two')).rejects.toMatchObject({ code: 'conflict' });
    expect(await world.store.get('backups', id)).toEqual(first);
    expect(await world.read(id)).toBe('one');
  });

  it('are one of two that are sent at once, and the other leaves nothing', async () => {
    const id = await begin();
    const sent = await Promise.allSettled([receive(id, 'one'), receive(id, 'two')]);
    expect(sent.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(sent.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'conflict' } });
    expect(world.files()).toHaveLength(1);
    expect(['one', 'two']).toContain(await world.read(id));
    expect((await world.rows(alice)).filter((row) => row.startsWith('backup.finish'))).toHaveLength(1);
  });

  it.each([
    ['empty', '', {}],
    ['too large', 'x'.repeat(1_000_001), {}],
    ['not what its sender hashed', 'abc', { sha256: sha256('abd') }],
  ])('refuse an archive that is %s', async (_what, text, wanted) => {
    const id = await begin();
    await expect(world.backups.receive(id, toBytes(text), world.ctx, wanted)).rejects.toMatchObject({ code: 'invalid' });
    expect(world.files()).toEqual([]);
    await world.backups.receive(id, toBytes('abc'), world.ctx, { sha256: sha256('abc') });
  });

  it('are refused where none was begun, too late, too often, and when their agent is no longer what it was', async () => {
    await expect(receive('never', 'x')).rejects.toMatchObject({ code: 'notFound' });
    const [late, removed, reborn, often] = [await begin(), await begin(), await begin(), await begin()];
    for (let count = 0; count < 10; count += 1) await expect(receive(often, '')).rejects.toMatchObject({ code: 'invalid' });
    await expect(receive(often, 'x')).rejects.toMatchObject({ code: 'conflict' });
    await world.put(toAgent(alice, { desired: 'removed' }));
    await expect(receive(removed, 'x')).rejects.toMatchObject({ code: 'conflict' });
    await world.put(toAgent(alice, { incarnation: 2 }));
    await expect(receive(reborn, 'x')).rejects.toMatchObject({ code: 'conflict' });
    await world.put(toAgent(alice));
    world.clock.pass(12 * hourMs);
    await expect(receive(late, 'x')).rejects.toMatchObject({ code: 'conflict' });
    expect(world.files()).toEqual([]);
  });

  it('do not count when their agent was removed while they came', async () => {
    const id = await begin();
    async function* bytes(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      await world.put(toAgent(alice, { desired: 'removed' }));
    }
    await expect(world.backups.receive(id, bytes(), world.ctx)).rejects.toMatchObject({ code: 'conflict' });
    expect(world.files()).toEqual([]);
  });

  it.each([
    ['a flipped byte', (bytes: Buffer) => ((bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1), bytes), 'was changed'],
    ['a cut end', (bytes: Buffer) => bytes.subarray(0, -1), 'bytes are stored instead of'],
    ['an added byte', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')]), 'bytes are stored instead of'],
    ['nothing', () => Buffer.alloc(0), '0 bytes are stored'],
  ])('are refused before a byte is given out where the store holds %s, and the audit tells', async (_what, how, fact) => {
    const { id } = await world.make(alice, 'y'.repeat(300_000));
    world.change(id, how);
    await expect(world.backups.open(id, admin, world.ctx)).rejects.toThrow(fact);
    expect(await world.rows(alice)).toEqual([...(await world.rows(alice)).slice(0, 2), 'backup.read user', 'backup.damaged plane']);
  });

  it('break off before their end where the store swaps them for another after they were checked', async () => {
    const [mine, other] = [await world.make(alice, 'm'.repeat(300_000)), await world.make(alice, 'o'.repeat(300_000))];
    let gets = 0;
    const get: BackupStore['get'] = (key, ctx) => world.folder.get((gets += 1) === 1 ? key : (other.object ?? ''), ctx);
    const swapped = createBackups({ ...world.deps, backupStore: { ...world.folder, get } });
    const { bytes } = await swapped.open(mine.id, admin, world.ctx);
    let got = 0;
    await expect(
      (async () => {
        for await (const chunk of bytes) got += chunk.length;
      })(),
    ).rejects.toThrow('was changed while it was read');
    expect(got).toBeLessThan(300_000);
  });

  it('say which key they want where the plane has another one', async () => {
    const { id } = await world.make(alice, 'x');
    const other = createBackups({ ...world.deps, encryption: createEncryption(createIdentity()) });
    await expect(other.open(id, admin, world.ctx)).rejects.toMatchObject({ code: 'preconditionFailed' });
    await expect(other.open(id, admin, world.ctx)).rejects.toThrow(/encrypted to age1/);
  });

  it('are opened once in ten seconds', async () => {
    const { id } = await world.make(alice, 'x');
    await world.read(id);
    await expect(world.read(id)).rejects.toMatchObject({ code: 'tooManyRequests' });
    world.clock.pass(10_000);
    expect(await world.read(id)).toBe('x');
  });

  it('show that the store fails as that, and never as absence', async () => {
    const { id } = await world.make(alice, 'x');
    const down = { ...world.folder, get: () => Promise.reject(new PlaneError('unavailable', 'down')) };
    const other = createBackups({ ...world.deps, backupStore: down });
    await expect(other.open(id, admin, world.ctx)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await world.rows(alice)).not.toContain('backup.damaged plane');
  });
});
