import type { admin_directory_v1 as directory } from '@googleapis/admin';
import { z } from 'zod';
import { DirectoryError, duplicate, invalid, notFound, readBody } from './answers.ts';
import type { Channels } from './channels.ts';
import { customBody, mergeCustom, type CustomValues } from './custom-values.ts';
import type { Database } from './database.ts';
import { toUserId } from './ids.ts';
import type { OrgUnits } from './org-units.ts';
import type { Roles } from './roles.ts';
import type { Schemas } from './schemas.ts';
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
type Changes = z.infer<typeof changesBody>;
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
  readonly channels: Channels;
  readonly customerId: string;
  readonly domain: string;
  readonly now: () => number;
  readonly createId: () => string;
}

export function createUsers(deps: UsersDeps): Users {
  const { database, schemas, orgUnits, roles, channels, customerId, domain, now, createId } = deps;
  const show = (row: UserRow) => toUser(row, { customerId, schemas: schemas.all() });

  const refuseForeign = (email: string) => {
    if (!email.endsWith(`@${domain}`)) throw new DirectoryError('notFound', 'Domain not found.');
  };

  const write = (user: UserRow, changes: Changes, profile: Profile) => {
    const { suspended = user.suspended === 1, archived = user.archived === 1 } = changes;
    const merged = Object.entries({ ...(JSON.parse(user.profile) as Profile), ...profile }).filter(([, value]) => value !== null);
    const custom = mergeCustom(JSON.parse(user.custom) as CustomValues, changes.customSchemas, schemas.all());
    database.run(
      `UPDATE users SET email = ?, givenName = ?, familyName = ?, orgUnitId = ?, suspended = ?, suspendedAt = ?,
       archived = ?, archivedAt = ?, custom = ?, profile = ? WHERE id = ?`,
      changes.primaryEmail ?? user.email,
      changes.name?.givenName ?? user.givenName,
      changes.name?.familyName ?? user.familyName,
      changes.orgUnitPath === undefined ? user.orgUnitId : orgUnits.toId(changes.orgUnitPath ?? '/'),
      suspended ? 1 : 0,
      suspended ? (user.suspendedAt ?? now()) : null,
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
    get: (key, query) => toUser(getUser(database, key), toView(query, customerId, schemas.all())),

    insert: (body) =>
      channels.publish((announce) => {
        const changes = readBody(insertBody, body);
        const { primaryEmail: email, name: named } = changes;
        refuseForeign(email);
        if (isTaken(database, email)) throw duplicate();
        const id = toUserId(createId());
        database.run(
          'INSERT INTO users (id, email, givenName, familyName, orgUnitId, createdAt) VALUES (?, ?, ?, ?, ?, ?)',
          ...[id, email, named.givenName, named.familyName, orgUnits.toId('/'), now()],
        );
        write(getUser(database, id), changes, readProfile(body));
        announce('add', { id, email });
        return show(getUser(database, id));
      }),

    update: (key, body) =>
      channels.publish((announce) => {
        const user = getUser(database, key);
        const changes = readBody(changesBody, body);
        if (changes.name && !changes.name.givenName && !changes.name.familyName)
          throw new DirectoryError('required', 'Required parameter: [resource.name.field]');
        if (changes.primaryEmail !== undefined && changes.primaryEmail !== user.email) rename(user, changes.primaryEmail);
        write(user, changes, readProfile(body));
        const before = show(user);
        const after = show(getUser(database, user.id));
        if (before.etag !== after.etag || changes.password !== undefined) announce('update', getUser(database, user.id));
        return after;
      }),

    remove: (key) =>
      channels.publish((announce) => {
        const user = getUser(database, key);
        purge();
        database.run('UPDATE users SET deletedAt = ? WHERE id = ?', now(), user.id);
        announce('delete', user);
      }),

    undelete: (id, body) =>
      channels.publish((announce) => {
        const { orgUnitPath } = readBody(undeleteBody, body ?? {});
        const user = database.one<UserRow>(`${selectUser} WHERE u.id = ? AND u.deletedAt > ?`, id, now() - undeleteWindowMs);
        if (!user) throw notFound('userKey');
        if (isTaken(database, user.email)) throw duplicate();
        for (const alias of JSON.parse(user.aliases) as string[])
          if (isTaken(database, alias)) database.run('DELETE FROM aliases WHERE email = ? AND userId = ?', alias, id);
        const orgUnitId = orgUnitPath === undefined ? user.orgUnitId : orgUnits.toId(orgUnitPath);
        database.run('UPDATE users SET deletedAt = NULL, orgUnitId = ? WHERE id = ?', orgUnitId, id);
        announce('undelete', user);
      }),

    makeAdmin: (key, body) =>
      channels.publish((announce) => {
        const user = getUser(database, key);
        const { status } = readBody(statusBody, body);
        if ((user.admin === 1) === status) return;
        roles.setSuperAdmin(user.id, status);
        announce('makeAdmin', user);
      }),
  };
}
