import { chmodSync, closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { migrations } from './migrations.ts';

export interface Database {
  /** The shape of the rows is the caller's word for what its SQL selects. */
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[];
  one<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined;
  /** Answers how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number;
  /** Everything or nothing; synchronous, so nothing comes in between. */
  transaction<T>(work: () => T): T;
  /** Statements that are not worth keeping prepared. */
  exec(sql: string): void;
  /** Lets SQL of this connection call `name()`. */
  define(name: string, answer: () => SQLInputValue): void;
  close(): void;
}

/** The file holds the key that signs everyone in; SQLite gives its side files the same mode. */
const ownerOnly = 0o600;

/** Opens the emulator's file, made durable against a kill at any instant: every commit is on disk before it is answered. */
export function openDatabase(file: string): Database {
  if (file !== ':memory:') {
    closeSync(openSync(file, 'a', ownerOnly));
    chmodSync(file, ownerOnly);
  }
  const connection = new DatabaseSync(file, { timeout: 5_000 });
  connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = connection.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };

  const database: Database = {
    all: <Row>(sql: string, ...values: SQLInputValue[]) => prepare(sql).all(...values) as Row[],
    one: <Row>(sql: string, ...values: SQLInputValue[]) => prepare(sql).get(...values) as Row | undefined,
    run: (sql, ...values) => Number(prepare(sql).run(...values).changes),
    transaction: (work) => {
      connection.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        connection.exec('COMMIT');
        return result;
      } catch (error) {
        connection.exec('ROLLBACK');
        throw error;
      }
    },
    exec: (sql) => connection.exec(sql),
    define: (name, answer) => connection.function(name, answer),
    close: () => connection.close(),
  };

  database.transaction(() => {
    const found = database.one<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0;
    if (found > migrations.length)
      throw new Error(
        `cannot open workspace ${file}: its schema is version ${found}, this program knows ${migrations.length}; use a newer program`,
      );
    migrations.slice(found).forEach((migration) => connection.exec(migration));
    connection.exec(`PRAGMA user_version = ${migrations.length}`);
  });
  return database;
}
