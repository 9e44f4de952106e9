import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PlaneError } from '../core/errors.ts';
import { ensureFolder } from '../files.ts';

export interface Message {
  readonly id: string;
  /** ISO 8601, UTC, with milliseconds. */
  readonly date: string;
  readonly from: string;
  /** One bare address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The id of the message that this one answers. */
  readonly inReplyTo?: string;
  /** The ids of the thread up to here, oldest first. */
  readonly references?: readonly string[];
}

/** The mailbox of the embedded plane: every message that anyone sent, on this machine alone. */
export interface Mailbox {
  /** False when a message of this id is there already; it stays as it is. Durable on return. */
  deliver(message: Message): boolean;
  /** Newest first; `to` without regard to case. */
  list(filter?: { readonly to?: string; readonly limit?: number }): Message[];
  get(id: string): Message | undefined;
  /** All messages that a chain of answers ties to this id, oldest first. */
  thread(id: string): Message[];
  close(): void;
}

/** Raise it together with a migration. */
const schemaVersion = 1;

const schema = `
  CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    date TEXT NOT NULL,
    recipient TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX messages_by_date ON messages (date, seq);
  CREATE INDEX messages_by_recipient ON messages (recipient, date, seq);
  CREATE TABLE ties (a TEXT NOT NULL, b TEXT NOT NULL, PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID;
`;

/** Every tie stands in the table both ways. */
const threadQuery = `
  WITH RECURSIVE tied (id) AS (SELECT ? UNION SELECT ties.b FROM ties JOIN tied ON ties.a = tied.id)
  SELECT body FROM messages WHERE id IN (SELECT id FROM tied) ORDER BY date, seq
`;

const defaultLimit = 100;

const isIso = (date: string): boolean => {
  const parsed = new Date(date);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString() === date;
};

const toRecipient = (address: string): string => address.trim().toLowerCase();

/** Opens the mailbox in a file, and makes it where there is none. */
export function openMailbox({ file }: { readonly file: string }): Mailbox {
  ensureFolder(dirname(file));
  // SQLite gives its -wal and -shm files the mode of the database.
  closeSync(openSync(file, 'a', 0o600));
  const db = new DatabaseSync(file, { timeout: 5_000 });
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');

  function transact<T>(run: () => T): T {
    db.exec('BEGIN IMMEDIATE');
    try {
      const answer = run();
      db.exec('COMMIT');
      return answer;
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  }

  transact(() => {
    const found = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
    if (found > schemaVersion) {
      throw new PlaneError('preconditionFailed', `cannot open mailbox ${file}: its schema is version ${found}; use a newer program`);
    }
    if (found === 0) db.exec(`${schema} PRAGMA user_version = ${schemaVersion};`);
  });

  const insert = db.prepare('INSERT INTO messages (id, date, recipient, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING');
  const tie = db.prepare('INSERT OR IGNORE INTO ties (a, b) VALUES (?, ?)');
  const all = db.prepare('SELECT body FROM messages ORDER BY date DESC, seq DESC LIMIT ?');
  const byRecipient = db.prepare('SELECT body FROM messages WHERE recipient = ? ORDER BY date DESC, seq DESC LIMIT ?');
  const byId = db.prepare('SELECT body FROM messages WHERE id = ?');
  const byThread = db.prepare(threadQuery);

  const toMessage = ({ body }: Record<string, unknown>): Message => JSON.parse(String(body)) as Message;

  return {
    deliver(message) {
      const { id, date, from, to, subject, text, html, inReplyTo, references } = message;
      if (!isIso(date))
        throw new PlaneError(
          'invalid',
          `cannot deliver message ${id}: date ${JSON.stringify(date)} is not ISO 8601 in UTC with milliseconds`,
        );
      const body = JSON.stringify({ id, date, from, to, subject, text, html, inReplyTo, references });
      return transact(() => {
        if (insert.run(id, date, toRecipient(to), body).changes === 0) return false;
        for (const other of new Set([...(inReplyTo === undefined ? [] : [inReplyTo]), ...(references ?? [])])) {
          tie.run(id, other);
          tie.run(other, id);
        }
        return true;
      });
    },
    list({ to, limit = defaultLimit } = {}) {
      return (to === undefined ? all.all(limit) : byRecipient.all(toRecipient(to), limit)).map(toMessage);
    },
    get(id) {
      const row = byId.get(id);
      return row && toMessage(row);
    },
    thread: (id) => byThread.all(id).map(toMessage),
    close: () => db.close(),
  };
}
