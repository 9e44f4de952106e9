import {
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PlaneError } from '../../functions/core/errors.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { currentSchema, type Schema } from '../../functions/store/sqlite-schema.ts';
import { channel, times } from '../conformance/store.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plane-file-'));
  file = join(folder, 'plane.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function fill(schema = currentSchema): Promise<void> {
  const store = openSqliteStore({ file, schema });
  await store.transact(async (tx) => times(300, (n) => tx.set('channels', `c${n}`, channel(`c${n}`, n))));
  await store.close();
}

const { version: now } = currentSchema;
const next: Schema = {
  ...currentSchema,
  version: now + 1,
  migrations: { [now]: (database) => database.exec(`UPDATE channels SET document = json_set(document, '$.token', 'renewed')`) },
};
const openWith = (schema: Schema) => () => openSqliteStore({ file, schema });

/** How a store refuses to open: its code and its sentence. */
function refusal(at = file, schema = currentSchema): { code: string; message: string } {
  try {
    void openSqliteStore({ file: at, schema }).close();
  } catch (error) {
    if (error instanceof PlaneError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error(`${at} was opened`);
}

test('migrates an older file after it has copied it, and says so', async () => {
  await fill();
  const said: unknown[] = [];
  const log = { info: (...words: unknown[]) => void said.push(words), warn: () => undefined };
  const store = openSqliteStore({ file, schema: next, log });
  expect(await store.get('channels', 'c7')).toEqual({ ...channel('c7', 7), token: 'renewed' });
  await store.close();
  const backup = `${file}.backup-v${now}`;
  expect(said).toEqual([[`migrated store ${file} from version ${now} to ${now + 1}`, { backup }]]);
  expect(statSync(backup).mode & 0o777).toBe(0o600);
  const before = openSqliteStore({ file: backup });
  expect(await before.get('channels', 'c7')).toEqual(channel('c7', 7));
  expect(await before.query('channels', 'byExpiry', { limit: 500 })).toHaveLength(300);
  await before.close();
  await openSqliteStore({ file, schema: next, log }).close();
  expect(said).toHaveLength(1);
});

test('leaves an older file as it was when its migration fails, and migrates it the next time', async () => {
  await fill();
  const failing = (database: DatabaseSync): void => database.exec('DELETE FROM channels; SELECT no_such_function()');
  expect(openWith({ ...next, migrations: { [now]: failing } })).toThrow(/^cannot open store/);
  const store = openSqliteStore({ file });
  expect(await store.query('channels', 'byExpiry', { limit: 500 })).toHaveLength(300);
  await store.close();
  await openWith(next)().close();
  expect(readdirSync(folder).sort()).toEqual(['plane.db', `plane.db.backup-v${now}`, 'plane.db.lock']);
});

test('takes up collections and indexes that are new, changes those that differ and drops those that are gone', async () => {
  const { messages: _, ...fewer } = currentSchema.collections;
  await fill({ ...currentSchema, collections: { ...fewer, channels: { byExpiry: ['token'], byToken: ['token'] } } });
  const store = openSqliteStore({ file });
  expect((await store.query('channels', 'byExpiry', { from: 7, limit: 2 })).map(({ id }) => id)).toEqual(['c7', 'c8']);
  expect(await store.query('messages', 'byState', { equals: ['a', 1, 'waiting'], limit: 1 })).toEqual([]);
  await store.close();
  const database = new DatabaseSync(file);
  const names = database.prepare(`SELECT name FROM sqlite_schema WHERE name LIKE 'channels.%'`).all();
  database.close();
  expect(names.map(({ name }) => name)).toEqual(['channels.byExpiry']);
  expect(readdirSync(folder)).toContain(`plane.db.backup-v${now}`);
});

test('reads no collection from end to end: every query follows its index', async () => {
  await fill();
  const database = new DatabaseSync(file);
  for (const [collection, declared] of Object.entries(currentSchema.collections))
    for (const [index, fields] of Object.entries(declared)) {
      const columns = fields.map((field) => `"$.${field}"`);
      const where = columns.map((column, n) => (n < columns.length - 1 ? `${column} = 1` : `${column} >= 1`)).join(' AND ');
      const order = `${columns.at(-1)} DESC, id DESC`;
      const sql = `EXPLAIN QUERY PLAN SELECT document FROM "${collection}" INDEXED BY "${collection}.${index}" WHERE ${where} ORDER BY ${order}`;
      const [step, ...rest] = database.prepare(sql).all();
      expect(step?.detail).toMatch(/^SEARCH .* USING INDEX/);
      expect(rest).toEqual([]);
    }
  database.close();
});

test('refuses a file from a newer program and leaves it alone', async () => {
  await openWith(next)().close();
  const before = readFileSync(file);
  expect(refusal()).toEqual({
    code: 'conflict',
    message:
      `cannot open store ${file}: it is of version ${now + 1} and this program knows versions up to ${now}; start the newer program again, ` +
      `or put the backup ${file}.backup-v${now} in its place, without what came after it`,
  });
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('refuses what is not a store, and leaves it alone', () => {
  writeFileSync(file, 'Dear diary, this is not a database. '.repeat(300));
  const unreadable = 'it is not a store or its first page is damaged; name another file or put a backup back';
  expect(refusal()).toEqual({ code: 'conflict', message: `cannot open store ${file}: ${unreadable}` });
  expect(readFileSync(file, 'utf8')).toMatch(/^Dear diary/);
  rmSync(file);
  const other = new DatabaseSync(file);
  other.exec('CREATE TABLE diary (page TEXT)');
  other.close();
  const before = readFileSync(file);
  const foreign = 'it is a database of another program; name another file';
  expect(refusal()).toEqual({ code: 'conflict', message: `cannot open store ${file}: ${foreign}` });
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('says that a file is damaged, whether that shows at once or later', async () => {
  const damaged = 'it is damaged; stop the plane and put a backup back';
  await fill();
  truncateSync(file, 5000);
  expect(refusal()).toEqual({ code: 'internal', message: `cannot open store ${file}: ${damaged}` });
  rmSync(file);
  await fill();
  const database = new DatabaseSync(file);
  const roots = database.prepare(`SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'channels'`).all();
  database.close();
  const descriptor = openSync(file, 'r+');
  for (const { rootpage } of roots) writeSync(descriptor, Buffer.alloc(4096, 0xa5), 0, 4096, (Number(rootpage) - 1) * 4096);
  closeSync(descriptor);
  const store = openSqliteStore({ file });
  const later = { code: 'internal', message: `cannot read store ${file}: ${damaged}` };
  await expect(store.get('channels', 'c1')).rejects.toMatchObject(later);
  await expect(store.query('channels', 'byExpiry', { limit: 5 })).rejects.toMatchObject(later);
  await store.close();
});

test('says why a folder cannot take a store', () => {
  writeFileSync(join(folder, 'note'), '');
  const nowhere = '/proc/agents-plane/plane.db';
  expect(refusal(nowhere)).toEqual({ code: 'forbidden', message: `cannot open store ${nowhere}: its folder cannot be made; name another` });
  for (const at of [join(folder, 'note', 'plane.db'), join(folder, 'note', 'data', 'plane.db')]) {
    const message = `cannot open store ${at}: a file stands where its folder would be; name another`;
    expect(refusal(at)).toEqual({ code: 'conflict', message });
  }
  expect(refusal(folder)).toEqual({ code: 'conflict', message: `cannot open store ${folder}: it is a folder; name a file` });
});

test('holds its file for itself', async () => {
  const store = openSqliteStore({ file });
  const held = 'another process has it open; stop that one first';
  expect(refusal()).toEqual({ code: 'conflict', message: `cannot open store ${file}: ${held}` });
  await store.close();
  await openSqliteStore({ file }).close();
});

test('takes over where a first start was cut short before anything was made', async () => {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL');
  database.close();
  await fill();
  expect(readdirSync(folder).sort()).toEqual(['plane.db', 'plane.db.lock']);
});

test('brings its log home, so that it does not grow with what was ever written', async () => {
  const store = openSqliteStore({ file });
  const write = (round: number) =>
    store.transact(async (tx) => times(1_000, (n) => tx.set('channels', `c${n}`, channel(`c${n}`, n + round))));
  await write(0);
  const once = statSync(`${file}-wal`).size;
  for (let round = 1; round < 40; round += 1) await write(round);
  expect(statSync(`${file}-wal`).size).toBeLessThan(once * 20);
  await store.close();
  const again = openSqliteStore({ file });
  expect(await again.get('channels', 'c999')).toEqual(channel('c999', 999 + 39));
  await again.close();
});
