import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PlaneError } from '../core/errors.ts';
import type { Log } from '../core/surroundings.ts';
import { explaining } from './sqlite-errors.ts';
import { planStructure, type Schema } from './sqlite-schema.ts';

/** "APLN": tells our files from those of other programs. */
const applicationId = 0x41504c4e;

function readPragma(database: DatabaseSync, name: 'application_id' | 'user_version' | 'schema_version'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/** Not Node's own `recursive`: below /proc it never ends (seen with 24.21). */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

function touch(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Copies the whole file beside itself; the copy has its name only once it is complete and on the disk. */
function backUp(database: DatabaseSync, file: string, version: number): string {
  const backup = `${file}.backup-v${version}`;
  const partial = `${backup}.partial`;
  rmSync(partial, { force: true });
  touch(partial);
  database.prepare('VACUUM INTO ?').run(partial);
  sync(partial);
  renameSync(partial, backup);
  sync(dirname(file));
  return backup;
}

function refuseForeign(database: DatabaseSync, file: string, { version }: Schema): void {
  if (readPragma(database, 'schema_version') === 0) return;
  if (readPragma(database, 'application_id') !== applicationId)
    throw new PlaneError('conflict', `cannot open store ${file}: it is a database of another program; name another file`);
  const found = readPragma(database, 'user_version');
  if (found > version)
    throw new PlaneError(
      'conflict',
      `cannot open store ${file}: it is of version ${found} and this program knows versions up to ${version}; ` +
        `start the newer program again, or put the backup ${file}.backup-v${version} in its place, without what came after it`,
    );
}

function migrate(database: DatabaseSync, file: string, schema: Schema, log: Log | undefined): void {
  const fresh = readPragma(database, 'schema_version') === 0;
  const found = fresh ? schema.version : readPragma(database, 'user_version');
  const plan = planStructure(database, schema.collections);
  if (found === schema.version && plan.length === 0) return;
  const backup = fresh ? undefined : backUp(database, file, found);
  database.exec('BEGIN IMMEDIATE');
  for (const sql of plan) database.exec(sql);
  for (let version = found; version < schema.version; version += 1) schema.migrations[version]?.(database);
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schema.version}; COMMIT`);
  if (backup) log?.info(`migrated store ${file} from version ${found} to ${schema.version}`, { backup });
}

/** Held until it is closed or the process ends. Beside the store and not on it: a thread of ours opens that a second time. */
function lock(file: string): DatabaseSync {
  const held = `${file}.lock`;
  touch(held);
  const database = new DatabaseSync(held, { timeout: 1_000 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

export interface OpenFile {
  readonly database: DatabaseSync;
  readonly close: () => void;
}

/**
 * Opens or makes the file of a store, for this process alone until it is closed or killed. An older file is backed up
 * beside itself and migrated in one transaction. Throws a PlaneError with a sentence for whoever started the program.
 */
export function openFile(file: string, schema: Schema, log: Log | undefined): OpenFile {
  return explaining('open', file, () => {
    makeFolder(dirname(resolve(file)));
    // SQLite gives its other files the mode of this one: agents share the machine under other users.
    touch(file);
    const held = lock(file);
    const database = new DatabaseSync(file, { enableForeignKeyConstraints: false, timeout: 1_000 });
    const close = (): void => {
      if (database.isOpen) database.close();
      if (held.isOpen) held.close();
    };
    try {
      refuseForeign(database, file, schema);
      database.exec('PRAGMA journal_mode = WAL');
      migrate(database, file, schema, log);
      return { database, close };
    } catch (error) {
      close();
      throw error;
    }
  });
}
