import type { admin_directory_v1 as directory } from '@googleapis/admin';
import { z } from 'zod';
import { duplicate, notFound, readBody, unlessEmpty, withEtag } from './answers.ts';
import type { Changes } from './changes.ts';
import type { Database } from './database.ts';
import { userEvent } from './user-events.ts';
import { getUser, isTaken, type UserRow } from './user-records.ts';

const aliasBody = z.object({ alias: z.email().toLowerCase() });

export interface Aliases {
  list(userKey: string): directory.Schema$Aliases;
  insert(userKey: string, body: unknown): directory.Schema$Alias;
  remove(userKey: string, alias: string): void;
}

export function createAliases({ database, changes }: { database: Database; changes: Changes }): Aliases {
  return {
    list(userKey) {
      const user = getUser(database, userKey);
      const aliases = (JSON.parse(user.aliases) as string[]).map((alias) => toAlias(user, alias));
      return withEtag({ kind: 'admin#directory#aliases', ...unlessEmpty('aliases', aliases) });
    },
    insert: (userKey, body) =>
      changes.commit(({ announce, record }) => {
        const user = getUser(database, userKey);
        const { alias } = readBody(aliasBody, body);
        if (isTaken(database, alias)) throw duplicate();
        database.run('INSERT INTO aliases (email, userId) VALUES (?, ?)', alias, user.id);
        announce('update', user);
        record(userEvent('ADD_NICKNAME', user.email, { USER_NICKNAME: alias }));
        return toAlias(user, alias);
      }),
    remove: (userKey, alias) =>
      changes.commit(({ announce, record }) => {
        const user = getUser(database, userKey);
        const removed = database.run('DELETE FROM aliases WHERE email = ? AND userId = ?', alias.toLowerCase(), user.id);
        if (removed === 0) throw notFound('alias');
        announce('update', user);
        record(userEvent('REMOVE_NICKNAME', user.email, { USER_NICKNAME: alias.toLowerCase() }));
      }),
  };
}

const toAlias = ({ id, email }: UserRow, alias: string): directory.Schema$Alias =>
  withEtag({ kind: 'admin#directory#alias', id, primaryEmail: email, alias });
