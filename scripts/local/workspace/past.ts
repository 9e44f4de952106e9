import type { Database } from './database.ts';

export interface Past {
  /** From now on remembers what users were before each write, for as long as the longest lag; 0 stops and forgets. */
  remember(longestMs: number): void;
  /** SQL for the table `users` as it was so long ago; `users` itself where nothing is remembered. */
  usersBefore(lagMs: number): string;
}

/**
 * Eventually consistent reads: while a lag is in force, triggers of this connection keep each user's row as it was before a write.
 * What happened before the lag was set shows at once.
 */
export function createPast({ database, now }: { database: Database; now: () => number }): Past {
  const columns = database.all<{ name: string }>('PRAGMA table_info(users)').map(({ name }) => name);
  const list = columns.join(', ');
  const old = columns.map((name) => `OLD.${name}`).join(', ');
  const created = columns.map((name) => `NEW.${name}`).join(', ');
  let remembering = false;
  database.define('emulatorNow', now);

  const forget = () =>
    database.exec('DROP TRIGGER IF EXISTS temp.userWritten; DROP TRIGGER IF EXISTS temp.userCreated; DROP TABLE IF EXISTS temp.pastUsers;');

  return {
    remember(longestMs) {
      forget();
      remembering = longestMs > 0;
      if (!remembering) return;
      database.exec(`
        CREATE TEMP TABLE pastUsers AS SELECT ${list}, 0 AS existed, 0 AS until FROM users WHERE 0;
        CREATE INDEX temp.pastUsersById ON pastUsers (id, until);
        CREATE TEMP TRIGGER userWritten BEFORE UPDATE ON main.users BEGIN
          DELETE FROM pastUsers WHERE until <= emulatorNow() - ${longestMs};
          INSERT INTO pastUsers (${list}, existed, until) VALUES (${old}, 1, emulatorNow());
        END;
        CREATE TEMP TRIGGER userCreated AFTER INSERT ON main.users BEGIN
          INSERT INTO pastUsers (${list}, existed, until) VALUES (${created}, 0, emulatorNow());
        END;
      `);
    },
    usersBefore(lagMs) {
      if (!remembering || lagMs === 0) return 'users';
      const then = `emulatorNow() - ${lagMs}`;
      return `(
        SELECT ${list} FROM users WHERE id NOT IN (SELECT id FROM pastUsers WHERE until > ${then})
        UNION ALL SELECT ${list} FROM pastUsers p WHERE existed = 1 AND rowid = (
          SELECT rowid FROM pastUsers WHERE id = p.id AND until > ${then} ORDER BY until, rowid LIMIT 1
        )
      )`;
    },
  };
}
