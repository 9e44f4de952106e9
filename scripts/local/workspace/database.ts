import { chmodSync, closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

export interface Database {
  /** The shape of the rows is the caller's word for what its SQL selects. */
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[];
  one<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined;
  /** Answers how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number;
  /** Everything or nothing; synchronous, so nothing comes in between. */
  transaction<T>(work: () => T): T;
  close(): void;
}

const schemaVersion = 1;
/** The file holds the key that signs everyone in; SQLite gives its side files the same mode. */
const ownerOnly = 0o600;

const schema = `
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE orgUnits (
  id TEXT PRIMARY KEY,
  path TEXT NOT NULL UNIQUE COLLATE NOCASE,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  parentId TEXT REFERENCES orgUnits (id)
) STRICT;
CREATE INDEX orgUnitsByParent ON orgUnits (parentId);
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL,
  givenName TEXT NOT NULL,
  familyName TEXT NOT NULL,
  orgUnitId TEXT NOT NULL REFERENCES orgUnits (id),
  suspended INTEGER NOT NULL DEFAULT 0,
  archived INTEGER NOT NULL DEFAULT 0,
  createdAt INTEGER NOT NULL,
  suspendedAt INTEGER,
  archivedAt INTEGER,
  deletedAt INTEGER,
  custom TEXT NOT NULL DEFAULT '{}',
  profile TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE UNIQUE INDEX usersByEmail ON users (email) WHERE deletedAt IS NULL;
CREATE INDEX deletedUsersByEmail ON users (email) WHERE deletedAt IS NOT NULL;
CREATE INDEX usersByOrgUnit ON users (orgUnitId);
CREATE TABLE aliases (email TEXT, userId TEXT REFERENCES users (id) ON DELETE CASCADE, PRIMARY KEY (email, userId)) STRICT;
CREATE INDEX aliasesByUser ON aliases (userId);
CREATE TABLE groups (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT NOT NULL) STRICT;
CREATE TABLE members (
  groupId TEXT REFERENCES groups (id) ON DELETE CASCADE,
  memberId TEXT,
  type TEXT NOT NULL,
  role TEXT NOT NULL,
  PRIMARY KEY (groupId, memberId)
) STRICT;
CREATE INDEX membersByMember ON members (memberId);
CREATE TABLE schemas (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, displayName TEXT NOT NULL, fields TEXT NOT NULL) STRICT;
CREATE TABLE roles (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  privileges TEXT NOT NULL,
  system INTEGER NOT NULL DEFAULT 0,
  superAdmin INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE roleAssignments (
  id TEXT PRIMARY KEY,
  roleId TEXT NOT NULL REFERENCES roles (id),
  assigneeId TEXT NOT NULL,
  assigneeType TEXT NOT NULL,
  scopeType TEXT NOT NULL,
  orgUnitId TEXT
) STRICT;
CREATE INDEX roleAssignmentsByAssignee ON roleAssignments (assigneeId);
CREATE TABLE channels (
  id TEXT PRIMARY KEY,
  resourceId TEXT NOT NULL,
  resourceUri TEXT NOT NULL,
  event TEXT,
  address TEXT NOT NULL,
  token TEXT,
  expiresAt INTEGER NOT NULL,
  stoppedAt INTEGER,
  messageNumber INTEGER NOT NULL DEFAULT 1
) STRICT;
`;

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
    close: () => connection.close(),
  };

  database.transaction(() => {
    const found = database.one<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0;
    if (found === 0) connection.exec(`${schema} PRAGMA user_version = ${schemaVersion};`);
    else if (found !== schemaVersion)
      throw new Error(
        `cannot open workspace ${file}: its schema is version ${found}, this program knows ${schemaVersion}; delete the file`,
      );
  });
  return database;
}
