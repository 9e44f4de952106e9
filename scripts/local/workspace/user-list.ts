import type { admin_directory_v1 as directory } from '@googleapis/admin';
import type { SQLInputValue } from 'node:sqlite';
import { digest, DirectoryError, unlessEmpty, unsupported } from './answers.ts';
import type { Database } from './database.ts';
import type { OrgUnits } from './org-units.ts';
import { readPage, toPage } from './pages.ts';
import type { Schemas } from './schemas.ts';
import { toConditions } from './user-query.ts';
import { selectUserFrom, toUser, toView, type UserRow } from './user-records.ts';
import { undeleteWindowMs } from './users.ts';

export interface UserListDeps {
  readonly database: Database;
  readonly schemas: Schemas;
  readonly orgUnits: OrgUnits;
  readonly customerId: string;
  readonly now: () => number;
  /** SQL for the table of users as a list sees it, or a search. */
  readonly seen: (bySearch: boolean) => string;
}

const limits = { fallback: 100, max: 500, strict: true };

/** One page in alphabetical order of addresses; with `showDeleted=true` the deleted users and only these, as Google does. */
export function listUsers(query: Record<string, string>, deps: UserListDeps): directory.Schema$Users {
  const { database, schemas, orgUnits, customerId, now, seen } = deps;
  const view = toView(query, customerId, schemas.all());
  const { size, after } = readPage(query, limits, now());
  if ((query['orderBy'] ?? 'email') !== 'email') throw unsupported(`orderBy=${query['orderBy']}`);
  const descending = readOrder(query['sortOrder']);

  const conditions = toConditions(query['query'] ?? '', (path) => orgUnits.subtreeOf(path));
  const where = [
    query['showDeleted'] === 'true' ? 'u.deletedAt > ?' : 'u.deletedAt IS NULL',
    ...conditions.map(({ sql }) => sql),
    ...(after === undefined ? [] : [`(u.email, u.id) ${descending ? '<' : '>'} (?, ?)`]),
  ];
  const values: SQLInputValue[] = [
    ...(query['showDeleted'] === 'true' ? [now() - undeleteWindowMs] : []),
    ...conditions.flatMap((condition) => condition.values),
    ...(after === undefined ? [] : after.split(' ')),
  ];
  const order = descending ? 'DESC' : 'ASC';
  const rows = database.all<UserRow>(
    `${selectUserFrom(seen(Boolean(query['query'])))} WHERE ${where.join(' AND ')} ORDER BY u.email ${order}, u.id ${order} LIMIT ?`,
    ...values,
    size + 1,
  );
  const { rows: shown, ...next } = toPage(rows, size, ({ email, id }) => `${email} ${id}`, now());
  const users = shown.map((row) => toUser(row, view));
  const etag = `"agents-plane-workspace/${digest(users.map((user) => user.etag).join(' '))}"`;
  return { kind: 'admin#directory#users', etag, ...unlessEmpty('users', users), ...next };
}

function readOrder(sortOrder = 'ASCENDING'): boolean {
  if (sortOrder === 'ASCENDING' || sortOrder === 'DESCENDING') return sortOrder === 'DESCENDING';
  throw new DirectoryError('invalidParameter', `Invalid value '${sortOrder}'. Allowed values: [ASCENDING, DESCENDING]`);
}
