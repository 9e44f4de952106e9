import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { toResultCode } from './sqlite-errors.ts';
import { quote } from './sqlite-schema.ts';

/** A document by collection and id; deleted where there is no text. */
export type Row = readonly [collection: string, id: string, text: string | undefined];

/** What came of a saving: nothing, the place of a row that can never be saved, or a fault of the disk with SQLite's result code. */
export type Saved =
  undefined | { readonly refused: number; readonly says: string } | { readonly failed: number | undefined; readonly says: string };

/** What the thread is begun with. */
export interface WriterTask {
  readonly file: string;
  readonly maxPages?: number;
}

/** Results that blame one statement and leave the file sound: SQL error, too big, constraint, mismatch. */
const blamesDocument = new Set<number | undefined>([1, 18, 19, 20]);

/** The thread that writes a store's file: what it has answered for is on the disk, all of it or nothing. */
function serve({ file, maxPages }: WriterTask): (rows: readonly Row[]) => Saved {
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false, timeout: 1_000 });
  database.exec('PRAGMA synchronous = FULL');
  if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`);
  const statements = new Map<string, StatementSync>();
  const run = (sql: string, ...values: string[]): void => {
    const prepared = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, prepared);
    prepared.run(...values);
  };

  function put([collection, id, text]: Row): void {
    const table = quote(collection);
    if (text === undefined) run(`DELETE FROM ${table} WHERE id = ?`, id);
    else run(`INSERT INTO ${table} (id, document) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document`, id, text);
  }

  function save(rows: readonly Row[]): Saved {
    run('BEGIN IMMEDIATE');
    for (const [at, row] of rows.entries()) {
      try {
        put(row);
      } catch (error) {
        if (blamesDocument.has(toResultCode(error))) return { refused: at, says: String(error) };
        throw error;
      }
    }
    run('COMMIT');
    return undefined;
  }

  return (rows) => {
    try {
      return save(rows);
    } catch (error) {
      return { failed: toResultCode(error), says: String(error) };
    } finally {
      if (database.isTransaction) run('ROLLBACK');
    }
  };
}

const save = serve(workerData as WriterTask);
parentPort?.on('message', (rows: readonly Row[]) => parentPort?.postMessage(save(rows)));
