import type { admin_directory_v1 as directory } from '@googleapis/admin';
import { z } from 'zod';
import { DirectoryError, duplicate, invalid, notFound, readBody, unlessEmpty, unsupported, withEtag } from './answers.ts';
import type { AuditEvent } from './activities.ts';
import type { Changes } from './changes.ts';
import type { Database } from './database.ts';
import { toGroupId } from './ids.ts';
import { readPage, toPage } from './pages.ts';
import { findUser, isTaken } from './user-records.ts';

export interface GroupRow {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly description: string;
}

interface CountedRow extends GroupRow {
  readonly directMembers: number;
}

const select = `SELECT g.*, (
  SELECT count(*) FROM members m JOIN users u ON u.id = m.memberId AND u.deletedAt IS NULL WHERE m.groupId = g.id
) AS directMembers FROM groups g`;

const insertBody = z.object({
  email: z.email().toLowerCase(),
  name: z.string().max(73).optional(),
  description: z.string().max(4_096).default(''),
});

const updateBody = insertBody.extend({ description: z.string().max(4_096) }).partial();

export const groupEvent = (name: string, email: string, parameters: AuditEvent['parameters'] = {}): AuditEvent => ({
  application: 'admin',
  type: 'GROUP_SETTINGS',
  name,
  parameters: { ...parameters, GROUP_EMAIL: email },
});

/** The same in the log that every edition shares with Google Cloud; ids are addresses there. */
export const enterpriseEvent = (name: string, email: string, parameters: AuditEvent['parameters'] = {}): AuditEvent => ({
  application: 'groups_enterprise',
  type: 'moderator_action',
  name,
  parameters: { group_id: email, ...parameters },
});

export interface Groups {
  /** With `userKey` the groups that this user or group is in itself; what comes through nesting is not in it. */
  list(query: Record<string, string>): directory.Schema$Groups;
  get(key: string): directory.Schema$Group;
  insert(body: unknown): directory.Schema$Group;
  /** Patch semantics for PUT as for PATCH. */
  update(key: string, body: unknown): directory.Schema$Group;
  remove(key: string): void;
  find(key: string): GroupRow | undefined;
  /** Ids of all groups that hold this member, through nesting as well. */
  containing(memberId: string): string[];
}

export interface GroupsDeps {
  readonly database: Database;
  readonly changes: Changes;
  readonly domain: string;
  readonly now: () => number;
  readonly createId: () => string;
}

export function createGroups({ database, changes, domain, now, createId }: GroupsDeps): Groups {
  const find = (key: string): GroupRow | undefined =>
    database.one<GroupRow>(`SELECT * FROM groups WHERE ${key.includes('@') ? 'email' : 'id'} = ?`, key.toLowerCase());

  const getRow = (key: string): GroupRow => {
    const group = find(key);
    if (!group) throw notFound('groupKey');
    return group;
  };

  const show = (id: string) => {
    const group = database.one<CountedRow>(`${select} WHERE g.id = ?`, id);
    if (!group) throw notFound('groupKey');
    return toGroup(group);
  };

  const memberIdOf = (key: string): string => {
    const member = findUser(database, key) ?? find(key);
    if (!member) throw invalid('Invalid Input: memberKey');
    return member.id;
  };

  return {
    list(query) {
      const { userKey } = query;
      if (query['query'] !== undefined) throw unsupported('a query for groups');
      if (userKey !== undefined && query['customer'] !== undefined) throw new DirectoryError('badRequest', 'Bad Request');
      const { size, after } = readPage(query, { fallback: 200, max: 200, strict: false }, now());
      const memberId = userKey === undefined ? undefined : memberIdOf(userKey);
      const rows = database.all<CountedRow>(
        `${select} WHERE g.email > ? ${memberId === undefined ? '' : 'AND g.id IN (SELECT groupId FROM members WHERE memberId = ?)'}
         ORDER BY g.email LIMIT ?`,
        ...[after ?? '', ...(memberId === undefined ? [] : [memberId]), size + 1],
      );
      const { rows: shown, ...next } = toPage(rows, size, ({ email }) => email, now());
      return withEtag({ kind: 'admin#directory#groups', ...unlessEmpty('groups', shown.map(toGroup)), ...next });
    },
    get: (key) => show(getRow(key).id),
    insert: (body) =>
      changes.commit(({ record }) => {
        const { email, name = email.slice(0, email.indexOf('@')), description } = readBody(insertBody, body);
        if (!email.endsWith(`@${domain}`)) throw new DirectoryError('notFound', 'Domain not found.');
        if (isTaken(database, email)) throw duplicate();
        const id = toGroupId(createId());
        database.run('INSERT INTO groups (id, email, name, description) VALUES (?, ?, ?, ?)', id, email, name, description);
        record(groupEvent('CREATE_GROUP', email));
        record(enterpriseEvent('create_group', email));
        return show(id);
      }),
    update: (key, body) =>
      changes.commit(({ record }) => {
        const group = getRow(key);
        const { email = group.email, name = group.name, description = group.description } = readBody(updateBody, body);
        if (!email.endsWith(`@${domain}`)) throw new DirectoryError('notFound', 'Domain not found.');
        if (email !== group.email && isTaken(database, email)) throw duplicate();
        database.run('UPDATE groups SET email = ?, name = ?, description = ? WHERE id = ?', email, name, description, group.id);
        if (email !== group.email) record(groupEvent('CHANGE_GROUP_EMAIL', group.email, { NEW_VALUE: email }));
        if (name !== group.name) record(groupEvent('CHANGE_GROUP_NAME', email, { OLD_VALUE: group.name, NEW_VALUE: name }));
        if (description !== group.description) record(groupEvent('CHANGE_GROUP_DESCRIPTION', email));
        return show(group.id);
      }),
    remove: (key) =>
      changes.commit(({ record }) => {
        const { id, email } = getRow(key);
        database.run('DELETE FROM members WHERE memberId = ?', id);
        database.run('DELETE FROM roleAssignments WHERE assigneeId = ?', id);
        database.run('DELETE FROM services WHERE targetId = ?', id);
        database.run('DELETE FROM groups WHERE id = ?', id);
        record(groupEvent('DELETE_GROUP', email));
        record(enterpriseEvent('delete_group', email));
      }),
    find,
    containing: (memberId) =>
      database
        .all<{ id: string }>(
          `WITH RECURSIVE above (id) AS (
             SELECT groupId FROM members WHERE memberId = ?
             UNION SELECT m.groupId FROM members m JOIN above ON m.memberId = above.id
           ) SELECT id FROM above`,
          memberId,
        )
        .map(({ id }) => id),
  };
}

const toGroup = ({ id, email, name, description, directMembers }: CountedRow): directory.Schema$Group =>
  withEtag({
    kind: 'admin#directory#group',
    id,
    email,
    name,
    description,
    directMembersCount: String(directMembers),
    adminCreated: true,
    nonEditableAliases: [`${email}.test-google-a.com`],
  });
