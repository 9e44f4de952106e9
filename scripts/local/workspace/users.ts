import type { admin_directory_v1 as directory } from '@googleapis/admin';
import { z } from 'zod';
import { DirectoryError, duplicate, invalid, notFound, readBody } from './answers.ts';
import type { Changes } from './changes.ts';
import { customBody, mergeCustom, type CustomValues } from './custom-values.ts';
import type { Database } from './database.ts';
import { toUserId } from './ids.ts';
import type { OrgUnits } from './org-units.ts';
import { roleEvent, type Roles } from './roles.ts';
import { superAdminRole } from './sample-company.ts';
import type { Schemas } from './schemas.ts';
import { toUserEvents, userEvent } from './user-events.ts';
import { getUser, isTaken, profileFields, selectUser, toUser, toView, type Profile, type UserRow } from './user-records.ts';

/** A deleted user can come back for 20 days (manage-users, undelete). */
export const undeleteWindowMs = 20 * 24 * 60 * 60 * 1000;

const profileBody = z.object({
  ...Object.fromEntries(profileFields.map((field) => [field, z.unknown().optional()])),
  changePasswordAtNextLogin: z.boolean().nullish(),
  emails: z.array(z.looseObject({ address: z.string().optional() })).nullish(),
});
const readProfile = (body: unknown) => readBody(profileBody, body) as Profile;
const name = z.string().min(1).max(60);
const changesBody = z.object({
  primaryEmail: z.email().toLowerCase().optional(),
  name: z.object({ givenName: name.optional(), familyName: name.optional() }).optional(),
  password: z.string().min(8).max(100).optional(),
  orgUnitPath: z.string().nullish(),
  suspended: z.boolean().nullish(),
  archived: z.boolean().nullish(),
  customSchemas: customBody,
});
type Asked = z.infer<typeof changesBody>;
const insertBody = changesBody.extend({
  primaryEmail: z.email().toLowerCase(),
  name: z.object({ givenName: name, familyName: name }),
  password: z.string().min(8).max(100),
});
const statusBody = z.object({ status: z.boolean() });
const undeleteBody = z.object({ orgUnitPath: z.string().optional() });

export interface Users {
  get(key: string, query: Record<string, string>): directory.Schema$User;
  insert(body: unknown): directory.Schema$User;
  /** Patch semantics for PUT as for PATCH: what is left out stays, `null` clears. */
  update(key: string, body: unknown): directory.Schema$User;
  remove(key: string): void;
  /** Takes the id alone: a deleted user has no address. */
  undelete(id: string, body: unknown): void;
  makeAdmin(key: string, body: unknown): void;
}

export interface UsersDeps {
  readonly database: Database;
  readonly schemas: Schemas;
  readonly orgUnits: OrgUnits;
  readonly roles: Roles;
  readonly changes: Changes;
  /** SQL for the table of users as reads see it. */
  readonly seen: () => string;
  readonly customerId: string;
  readonly domain: string;
  readonly now: () => number;
  readonly createId: () => string;
}

export function createUsers(deps: UsersDeps): Users {
  const { database, schemas, orgUnits, roles, changes, customerId, domain, now, createId, seen } = deps;
  const show = (row: UserRow) => toUser(row, { customerId, schemas: schemas.all() });

  const refuseForeign = (email: string) => {
    if (!email.endsWith(`@${domain}`)) throw new DirectoryError('notFound', 'Domain not found.');
  };

  const write = (user: UserRow, asked: Asked, profile: Profile) => {
    const { suspended = user.suspended === 1, archived = user.archived === 1 } = asked;
    const merged = Object.entries({ ...(JSON.parse(user.profile) as Profile), ...profile }).filter(([, value]) => value !== null);
    const custom = mergeCustom(JSON.parse(user.custom) as CustomValues, asked.customSchemas, schemas.all());
    database.run(
      `UPDATE users SET email = ?, givenName = ?, familyName = ?, orgUnitId = ?, suspended = ?, suspendedAt = ?, suspensionReason = ?,
       archived = ?, archivedAt = ?, custom = ?, profile = ? WHERE id = ?`,
      asked.primaryEmail ?? user.email,
      asked.name?.givenName ?? user.givenName,
      asked.name?.familyName ?? user.familyName,
      asked.orgUnitPath === undefined ? user.orgUnitId : orgUnits.toId(asked.orgUnitPath ?? '/'),
      suspended ? 1 : 0,
      suspended ? (user.suspendedAt ?? now()) : null,
      suspended ? (user.suspensionReason ?? 'ADMIN') : null,
      archived ? 1 : 0,
      archived ? (user.archivedAt ?? now()) : null,
      JSON.stringify(custom),
      JSON.stringify(Object.fromEntries(merged)),
      user.id,
    );
  };

  const purge = () => {
    for (const { id } of database.all<{ id: string }>('SELECT id FROM users WHERE deletedAt <= ?', now() - undeleteWindowMs)) {
      database.run('DELETE FROM members WHERE memberId = ?', id);
      database.run('DELETE FROM roleAssignments WHERE assigneeId = ?', id);
      database.run('DELETE FROM users WHERE id = ?', id);
    }
  };

  /** The old address stays as an alias (Directory API limits, renaming). */
  const rename = (user: UserRow, email: string) => {
    if (!email.endsWith(`@${domain}`)) throw invalid('New domain name is not a verified secondary domain');
    const ownAlias = (JSON.parse(user.aliases) as string[]).includes(email);
    if (!ownAlias && isTaken(database, email)) throw duplicate();
    database.run('DELETE FROM aliases WHERE email = ? AND userId = ?', email, user.id);
    database.run('INSERT INTO aliases (email, userId) VALUES (?, ?)', user.email, user.id);
  };

  return {
    get: (key, query) => toUser(getUser(database, key, seen()), toView(query, customerId, schemas.all())),

    insert: (body) =>
      changes.commit(({ announce, record }) => {
        const asked = readBody(insertBody, body);
        const { primaryEmail: email, name: named } = asked;
        refuseForeign(email);
        if (isTaken(database, email)) throw duplicate();
        const id = toUserId(createId());
        database.run(
          'INSERT INTO users (id, email, givenName, familyName, orgUnitId, createdAt) VALUES (?, ?, ?, ?, ?, ?)',
          ...[id, email, named.givenName, named.familyName, orgUnits.toId(asked.orgUnitPath ?? '/'), now()],
        );
        const bare = getUser(database, id);
        write(bare, asked, readProfile(body));
        announce('add', { id, email });
        record(userEvent('CREATE_USER', email));
        const user = getUser(database, id);
        toUserEvents(bare, user, schemas.all()).forEach((event) => record(event));
        return show(user);
      }),

    update: (key, body) =>
      changes.commit(({ announce, record }) => {
        const user = getUser(database, key);
        const asked = readBody(changesBody, body);
        if (asked.name && !asked.name.givenName && !asked.name.familyName)
          throw new DirectoryError('required', 'Required parameter: [resource.name.field]');
        if (asked.primaryEmail !== undefined && asked.primaryEmail !== user.email) rename(user, asked.primaryEmail);
        write(user, asked, readProfile(body));
        const current = getUser(database, user.id);
        const after = show(current);
        if (show(user).etag !== after.etag || asked.password !== undefined) announce('update', current);
        toUserEvents(user, current, schemas.all()).forEach((event) => record(event));
        if (asked.password !== undefined) record(userEvent('CHANGE_PASSWORD', current.email));
        return after;
      }),

    remove: (key) =>
      changes.commit(({ announce, record }) => {
        const user = getUser(database, key);
        purge();
        database.run('UPDATE users SET deletedAt = ? WHERE id = ?', now(), user.id);
        announce('delete', user);
        record(userEvent('DELETE_USER', user.email));
      }),

    undelete: (id, body) =>
      changes.commit(({ announce, record }) => {
        const { orgUnitPath } = readBody(undeleteBody, body ?? {});
        const user = database.one<UserRow>(`${selectUser} WHERE u.id = ? AND u.deletedAt > ?`, id, now() - undeleteWindowMs);
        if (!user) throw notFound('userKey');
        if (isTaken(database, user.email)) throw duplicate();
        for (const alias of JSON.parse(user.aliases) as string[])
          if (isTaken(database, alias)) database.run('DELETE FROM aliases WHERE email = ? AND userId = ?', alias, id);
        const orgUnitId = orgUnitPath === undefined ? user.orgUnitId : orgUnits.toId(orgUnitPath);
        database.run('UPDATE users SET deletedAt = NULL, orgUnitId = ? WHERE id = ?', orgUnitId, id);
        announce('undelete', user);
        record(userEvent('UNDELETE_USER', user.email));
      }),

    makeAdmin: (key, body) =>
      changes.commit(({ announce, record }) => {
        const user = getUser(database, key);
        const { status } = readBody(statusBody, body);
        if ((user.admin === 1) === status) return;
        roles.setSuperAdmin(user.id, status);
        announce('makeAdmin', user);
        record(userEvent(status ? 'GRANT_ADMIN_PRIVILEGE' : 'REVOKE_ADMIN_PRIVILEGE', user.email));
        record(roleEvent(status ? 'ASSIGN_ROLE' : 'UNASSIGN_ROLE', { USER_EMAIL: user.email, ROLE_NAME: superAdminRole }));
      }),
  };
}
