import type { DatabaseSync } from 'node:sqlite';
import { indexes } from '../core/store.ts';

/** What a file holds: collections with their indexes, and how documents of an older version become those of the next. */
export interface Schema {
  /** Grows with every change to the shape of documents; tables and indexes follow `collections` by themselves. */
  readonly version: number;
  readonly collections: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** Runs in the transaction of the whole migration, after tables and indexes are as declared; by the version it starts from. */
  readonly migrations: Readonly<Record<number, (database: DatabaseSync) => void>>;
}

export const currentSchema: Schema = {
  version: 3,
  collections: indexes,
  migrations: {
    1: (database) => {
      database.exec(`UPDATE looks SET document = json_set(document, '$.beganAt', 0)`);
      const enabledAt = `json_extract(document, '$.enabledAt')`;
      const added = `'$.replacements', 0, '$.secretsVersion', 1, '$.secretsRotatedAt', ${enabledAt}`;
      database.exec(`UPDATE agents SET document = json_set(document, ${added})`);
      database.exec(`UPDATE statuses SET document = json_set(document, '$.replacements', 0, '$.secretsVersion', 0)`);
      database.exec(`UPDATE published SET document = json_set(document, '$.echoes', 0, '$.echoUntil', 0)`);
    },
    // The audit trail is looked through by plane, actor and kind of action; no hash covers what is added here.
    2: (database) => {
      const fleet = `(SELECT json_extract(document, '$.planeId') FROM agents LIMIT 1)`;
      const named = `SELECT json_extract(agents.document, '$.planeId') FROM agents WHERE agents.id = substr(auditHeads.id, 7)`;
      const owner = `CASE WHEN id LIKE 'plane/%' THEN substr(id, 7) ELSE coalesce((${named}), ${fleet}, 'acme') END`;
      const movedAt = `SELECT json_extract(audit.document, '$.at') FROM audit
        WHERE audit.id = printf('%s/%012d', auditHeads.id, json_extract(auditHeads.document, '$.seq'))`;
      const moved = `printf('%015d %s', coalesce((${movedAt}), 0), id)`;
      database.exec(`UPDATE auditHeads SET document = json_set(document, '$.planeId', ${owner}, '$.moved', ${moved})`);
      const plane = `(SELECT json_extract(auditHeads.document, '$.planeId') FROM auditHeads
        WHERE auditHeads.id = json_extract(audit.document, '$.chain'))`;
      const action = `json_extract(document, '$.action')`;
      const family = `substr(${action}, 1, instr(${action} || '.', '.') - 1)`;
      const actorId = `json_extract(document, '$.actor.id')`;
      const derived = `'$.planeId', ${plane}, '$.actorId', ${actorId}, '$.family', ${family}`;
      database.exec(`UPDATE audit SET document = json_set(document, ${derived})`);
    },
  },
};

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** The generated column of a document's field. A JSON path as its name clashes with no other column. */
export const fieldColumn = (field: string): string => quote(`$.${field}`);
export const indexName = (collection: string, index: string): string => quote(`${collection}.${index}`);

/** The statements that bring tables, generated columns and indexes to what is declared; none when they are. */
export function planStructure(database: DatabaseSync, collections: Schema['collections']): string[] {
  const plan: string[] = [];
  const wanted = new Set<string>();
  const found = database.prepare(`SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL`).all();
  const tables = new Set(found.filter(({ type }) => type === 'table').map(({ name }) => name));
  const present = new Set(found.map(({ sql }) => sql));
  for (const [collection, declared] of Object.entries(collections)) {
    const table = quote(collection);
    if (!tables.has(collection)) plan.push(`CREATE TABLE ${table} (id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)`);
    const columns = new Set(
      database
        .prepare(`SELECT name FROM pragma_table_xinfo(?)`)
        .all(collection)
        .map(({ name }) => name),
    );
    for (const field of new Set(Object.values(declared).flat()))
      if (!columns.has(`$.${field}`))
        plan.push(
          `ALTER TABLE ${table} ADD COLUMN ${fieldColumn(field)} GENERATED ALWAYS AS (json_extract(document, '$.${field}')) VIRTUAL`,
        );
    for (const [index, fields] of Object.entries(declared)) {
      const sql = `CREATE INDEX ${indexName(collection, index)} ON ${table} (${[...fields.map(fieldColumn), 'id'].join(', ')})`;
      wanted.add(sql);
      if (!present.has(sql)) plan.push(sql);
    }
  }
  const stale = found.filter(({ type, sql }) => type === 'index' && !wanted.has(String(sql)));
  return [...stale.map(({ name }) => `DROP INDEX ${quote(String(name))}`), ...plan];
}
