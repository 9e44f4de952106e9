import { constants, type Stats } from 'node:fs';
import { lstat, mkdtemp, open, opendir, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { backup, DatabaseSync } from 'node:sqlite';
import { pack as createPack, type Pack } from 'tar-stream';
import { PlaneError } from '../../../functions/core/errors.ts';
import { codeOf } from '../../../functions/providers/infra/system-error.ts';
import { archiveFormat, endName, isInside, isLeftOut, limits, manifestName, parts, secretMachineState, secretTables } from './layout.ts';

interface Found {
  /** Below the machine's folder, with `/` between its steps. */
  readonly path: string;
  readonly stats: Stats;
}

/** OpenClaw goes on meanwhile: what it has taken away since it was listed, and what the agent closed to itself, is left out. */
async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ELOOP'].includes(String(codeOf(error)))) return undefined;
    throw error;
  }
}

/** Everything that belongs into the archive, each folder before what is in it. */
async function* walk(folder: string, path: string): AsyncGenerator<Found> {
  const stats = await unlessGone(lstat(join(folder, path)));
  if (!stats) return;
  yield { path, stats };
  if (!stats.isDirectory()) return;
  for await (const { name } of await opendir(join(folder, path))) {
    if (!isLeftOut(`${path}/${name}`)) yield* walk(folder, `${path}/${name}`);
  }
}

const hasTable = (database: DatabaseSync, name: string): boolean =>
  database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(name) !== undefined;

/** Takes out what would let whoever holds the archive act as this machine; what is deleted is overwritten too. */
function forgetSecrets(file: string): void {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA secure_delete = ON; PRAGMA foreign_keys = OFF');
    for (const table of secretTables) if (hasTable(database, table)) database.exec(`DELETE FROM "${table}"`);
    if (hasTable(database, 'config_machine_state')) {
      const columns = database.prepare('PRAGMA table_info("config_machine_state")').all();
      const key = columns.map(({ name }) => String(name)).find((name) => name.includes('key'));
      for (const prefix of key === undefined ? [] : secretMachineState)
        database.prepare(`DELETE FROM "config_machine_state" WHERE substr("${key}", 1, ?) = ?`).run(prefix.length, prefix);
    }
    database.exec('VACUUM');
  } finally {
    database.close();
  }
}

const isSqlite = (path: string): boolean => path.startsWith('state/') && path.endsWith('.sqlite');

/** Copies a database while others write to it, by SQLite's own online backup. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const source = new DatabaseSync(from, { readOnly: true });
  try {
    await backup(source, to);
  } finally {
    source.close();
  }
  forgetSecrets(to);
}

function addEntry(archive: Pack, headers: Parameters<Pack['entry']>[0]): Promise<void> {
  return new Promise((resolve, reject) => archive.entry(headers, (error) => (error ? reject(error) : resolve())));
}

/** Adds a file as long as it was when it was opened: one that grows meanwhile is cut there, one that shrinks ends the archive. */
async function addFile(archive: Pack, name: string, file: string, mode: number): Promise<number | undefined> {
  const handle = await unlessGone(open(file, constants.O_RDONLY | constants.O_NOFOLLOW));
  if (!handle) return undefined;
  try {
    const { size } = await handle.stat();
    const entry = archive.entry({ name, size, mode: mode & 0o700, type: 'file' });
    await pipeline(size === 0 ? [] : handle.createReadStream({ start: 0, end: size - 1, autoClose: false }), entry);
    return size;
  } finally {
    await handle.close();
  }
}

const addText = (archive: Pack, name: string, value: object): Promise<void> =>
  new Promise((resolve, reject) =>
    archive.entry({ name, mode: 0o600 }, JSON.stringify(value), (error) => (error ? reject(error) : resolve())),
  );

/** Writes the archive of a machine's workspace and state, while OpenClaw runs. */
export async function packMachine(folder: string, openclaw: string, out: Writable): Promise<void> {
  const scratch = await mkdtemp(join(folder, 'tmp', 'backup-'));
  const archive = createPack();
  const sent = pipeline(archive, out);
  let [entries, bytes] = [0, 0];

  async function addFound({ path, stats }: Found): Promise<void> {
    if (stats.isDirectory()) {
      await addEntry(archive, { name: `${path}/`, type: 'directory', mode: stats.mode & 0o700, size: 0 });
    } else if (stats.isSymbolicLink()) {
      const linkname = await readlink(join(folder, path));
      if (!isInside(path, linkname)) return;
      await addEntry(archive, { name: path, type: 'symlink', linkname, size: 0 });
    } else if (!stats.isFile()) {
      return;
    } else if (isSqlite(path)) {
      const copy = join(scratch, 'copy.sqlite');
      await copyDatabase(join(folder, path), copy);
      bytes += (await addFile(archive, path, copy, stats.mode)) ?? 0;
      await rm(copy);
    } else {
      const added = await addFile(archive, path, join(folder, path), stats.mode);
      if (added === undefined) return;
      bytes += added;
    }
    entries += 1;
  }

  async function fill(): Promise<void> {
    await addText(archive, manifestName, { format: archiveFormat, openclaw });
    for (const part of parts) {
      for await (const found of walk(folder, part)) {
        await addFound(found);
        if (entries > limits.entries || bytes > limits.bytes)
          throw new PlaneError('preconditionFailed', 'cannot back up: workspace and state are too large; remove what is not needed');
      }
    }
    await addText(archive, endName, { entries });
    archive.finalize();
  }
  try {
    await Promise.all([sent, fill().catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))))]);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
