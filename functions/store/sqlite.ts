import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { Collection, Documents, Query, Store } from '../core/store.ts';
import type { Log } from '../core/surroundings.ts';
import { createCheckpoints } from './checkpoints.ts';
import { createGroup, type Disk } from './group.ts';
import { createTransact, type Write } from './optimistic.ts';
import { createRecent } from './recent.ts';
import { parseQuery } from './query.ts';
import { explaining, toResultCode } from './sqlite-errors.ts';
import { openFile } from './sqlite-file.ts';
import { currentSchema, fieldColumn, indexName, quote, type Schema } from './sqlite-schema.ts';
import { createWatches, isSame } from './watches.ts';

export interface SqliteOptions {
  /** Its folder is made where it is not there. */
  readonly file: string;
  readonly log?: Log;
  readonly schema?: Schema;
}

/** Results that blame one statement and leave the file sound: SQL error, too big, constraint, mismatch. */
const blamesDocument = new Set<number | undefined>([1, 18, 19, 20]);

/** Nobody else writes the file, so what was read stays true: most documents of a thousand agents. */
const recentChars = 32_000_000;

const parse = <C extends Collection>(text: string): Documents[C] => JSON.parse(text) as Documents[C];

/**
 * A store in one SQLite file, held by one process. That process sees every write, so it checks transactions against what
 * it knows, and those that become ready while the disk is busy share one COMMIT and one wait. SQLite itself syncs no commit
 * (`synchronous = NORMAL`): its log is synced here, beside the event loop, before anybody is told that a transaction is durable.
 */
export function openSqliteStore({ file, log: told, schema = currentSchema }: SqliteOptions): Store {
  const { database, close } = openFile(file, schema, told);
  const checkpoints = createCheckpoints(file, told);
  let home: Promise<void> | undefined;
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
  let log: FileHandle | undefined;

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
    save(writes) {
      refuseClosed();
      const refused = explaining('write', file, () => {
        prepare('BEGIN IMMEDIATE').run();
        try {
          for (const write of writes) {
            const error = put(write);
            if (error) return { write, error };
          }
          prepare('COMMIT').run();
          return undefined;
        } finally {
          if (database.isTransaction) prepare('ROLLBACK').run();
        }
      });
      // What was shown before it was refused is no longer so.
      if (refused) watches.tell(writes);
      if (refused) return refused;
      home = checkpoints.saved(writes.length);
      for (const { collection, id, held } of writes) recent.set(`${collection}/${id}`, held ?? null);
      watches.tell(writes);
      return undefined;
    },
    async sync() {
      try {
        log ??= await open(`${file}-wal`, 'r+');
        await log.datasync();
      } catch (cause) {
        // What was shown may be lost: nothing more is built on it.
        close();
        throw new PlaneError('unavailable', `cannot sync store ${file}: ${toMessage(cause)}; it is closed, start again`, { cause });
      }
    },
    settle: () => home,
  };

  /** Answers with an error when this document is at fault. */
  function put({ collection, id, held }: Write<string>): Error | undefined {
    const table = quote(collection);
    try {
      if (held === undefined) prepare(`DELETE FROM ${table} WHERE id = ?`).run(id);
      else
        prepare(`INSERT INTO ${table} (id, document) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document`).run(
          id,
          held,
        );
      return undefined;
    } catch (error) {
      if (!blamesDocument.has(toResultCode(error))) throw error;
      return new PlaneError('invalid', `cannot store ${collection} ${id}: ${String(error)}`, { cause: error });
    }
  }

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
      await checkpoints.end();
      close();
      await log?.close();
    },
  };
}
