import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { PlaneError } from '../core/errors.ts';
import type { Collection, Documents, Query, Store } from '../core/store.ts';
import type { Log } from '../core/surroundings.ts';
import { createGroup, type Disk } from './group.ts';
import { createTransact } from './optimistic.ts';
import { createRecent } from './recent.ts';
import { parseQuery } from './query.ts';
import { explaining, toPlaneError } from './sqlite-errors.ts';
import { openFile } from './sqlite-file.ts';
import { currentSchema, fieldColumn, indexName, quote, type Schema } from './sqlite-schema.ts';
import { createWatches, isSame } from './watches.ts';
import { createWriting } from './writing.ts';

export interface SqliteOptions {
  /** Its folder is made where it is not there. */
  readonly file: string;
  readonly log?: Log;
  readonly schema?: Schema;
  /** How many pages of 4 KiB the file may have; as many as the disk holds unless said. */
  readonly maxPages?: number;
}

/** Nobody else writes the file, so what was read stays true: most documents of a thousand agents. */
const recentChars = 32_000_000;

/** SQLITE_IOERR (sqlite.org/rescode.html). */
const diskFault = 10;

const parse = <C extends Collection>(text: string): Documents[C] => JSON.parse(text) as Documents[C];

/**
 * A store in one SQLite file, held by one process. That process sees every write, so it checks transactions against what
 * it knows, and those that become ready while the disk is busy share one COMMIT and one wait. A thread of its own writes and
 * syncs (`synchronous = FULL`); whatever is read here is on the disk.
 */
export function openSqliteStore({ file, log: told, schema = currentSchema, maxPages }: SqliteOptions): Store {
  const { database, close } = openFile(file, schema, told);
  const writing = createWriting(maxPages === undefined ? { file } : { file, maxPages });
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const prepared = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, prepared);
    return prepared;
  };
  const refusal = (): PlaneError => new PlaneError('unavailable', `cannot use store ${file}: it is closed`);
  const refuseClosed = (): void => {
    if (!database.isOpen) throw refusal();
  };
  const watches = createWatches();
  const recent = createRecent(recentChars);

  const disk: Disk<string> = {
    read(collection, id) {
      refuseClosed();
      const key = `${collection}/${id}`;
      const known = recent.get(key);
      if (known !== undefined) return known ?? undefined;
      const row = explaining('read', file, () => prepare(`SELECT document FROM ${quote(collection)} WHERE id = ?`).get(id));
      const text = row && String(row.document);
      recent.set(key, text ?? null);
      return text;
    },
    async save(writes) {
      refuseClosed();
      const saved = await writing.save(writes.map(({ collection, id, held }) => [collection, id, held]));
      if (saved && 'failed' in saved) {
        // Nobody knows whether it was saved: nothing more is built on what is remembered here.
        if (saved.failed === undefined || saved.failed === diskFault) close();
        throw toPlaneError({ errcode: saved.failed, message: saved.says }, 'write', file);
      }
      if (!saved) for (const { collection, id, held } of writes) recent.set(`${collection}/${id}`, held ?? null);
      // What was shown before it was refused is no longer so.
      watches.tell(writes);
      const write = saved && writes[saved.refused];
      if (!write) return undefined;
      return { write, error: new PlaneError('invalid', `cannot store ${write.collection} ${write.id}: ${saved.says}`) };
    },
  };

  const group = createGroup(disk);

  const read = <C extends Collection>(collection: C, id: string): Documents[C] | undefined => {
    const text = disk.read(collection, id);
    return text === undefined ? undefined : parse<C>(text);
  };

  return {
    async get(collection, id) {
      return read(collection, id);
    },
    async query<C extends Collection>(collection: C, index: string, query: Query) {
      const { equal, order } = parseQuery(collection, index, query);
      refuseClosed();
      const { equals = [], from, before, reverse = false, limit } = query;
      const column = fieldColumn(order);
      const conditions = [...equal.map((field) => `${fieldColumn(field)} = ?`), `${column} IS NOT NULL`];
      const values: SQLInputValue[] = [...equals];
      for (const [bound, operator] of [[from, '>='] as const, [before, '<'] as const])
        if (bound !== undefined) {
          conditions.push(`${column} ${operator} ?`);
          values.push(bound);
        }
      const direction = reverse ? 'DESC' : 'ASC';
      const sql =
        `SELECT document FROM ${quote(collection)} INDEXED BY ${indexName(collection, index)} ` +
        `WHERE ${conditions.join(' AND ')} ORDER BY ${column} ${direction}, id ${direction} LIMIT ?`;
      const rows = explaining('read', file, () => prepare(sql).all(...values, limit));
      return rows.map(({ document }) => parse<C>(String(document)));
    },
    transact: createTransact<string>({
      read: group.read,
      hold: (document) => JSON.stringify(document),
      show: parse,
      apply: group.apply,
    }),
    async changed(collection, id, known, signal) {
      refuseClosed();
      return watches.until(collection, id, () => !isSame(read(collection, id), known), signal);
    },
    hear: (told) => watches.hear(told),
    async close() {
      if (!database.isOpen) return;
      await group.flush();
      watches.end(refusal());
      await writing.end();
      close();
    },
  };
}
