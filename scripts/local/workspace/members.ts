import type { admin_directory_v1 as directory } from '@googleapis/admin';
import { z } from 'zod';
import { DirectoryError, invalid, notFound, readBody, unlessEmpty, withEtag } from './answers.ts';
import type { Changes } from './changes.ts';
import type { Database } from './database.ts';
import { enterpriseEvent, groupEvent, type Groups } from './groups.ts';
import { readPage, toPage } from './pages.ts';
import { findUser } from './user-records.ts';

interface MemberRow {
  readonly id: string;
  readonly email: string;
  readonly type: 'USER' | 'GROUP';
  readonly role: string;
  readonly suspended: number;
}

const roles = ['OWNER', 'MANAGER', 'MEMBER'] as const;
const updateBody = z.object({ role: z.enum(roles).optional() });
const insertBody = z.object({ email: z.string().optional(), id: z.string().optional(), role: z.enum(roles).default('MEMBER') });

/** Members with the address they have today; a deleted user is in no group until it comes back. */
const select = `, present AS (
  SELECT m.memberId AS id, coalesce(u.email, g.email) AS email, m.type, m.role, coalesce(u.suspended, 0) AS suspended
  FROM memberships m LEFT JOIN users u ON u.id = m.memberId AND u.deletedAt IS NULL LEFT JOIN groups g ON g.id = m.memberId
) SELECT * FROM present WHERE email`;
const direct = 'WITH memberships AS (SELECT memberId, type, role FROM members WHERE groupId = ?)';
const derived = `WITH RECURSIVE below (id) AS (
  SELECT ? UNION SELECT m.memberId FROM members m JOIN below ON m.groupId = below.id WHERE m.type = 'GROUP'
), memberships AS (
  SELECT memberId, type, max(CASE WHEN groupId = ? THEN role ELSE 'MEMBER' END) AS role
  FROM members WHERE groupId IN (SELECT id FROM below) GROUP BY memberId
)`;

export interface Members {
  list(groupKey: string, query: Record<string, string>): directory.Schema$Members;
  get(groupKey: string, memberKey: string): directory.Schema$Member;
  insert(groupKey: string, body: unknown): directory.Schema$Member;
  /** Changes the role. */
  update(groupKey: string, memberKey: string, body: unknown): directory.Schema$Member;
  remove(groupKey: string, memberKey: string): void;
  /** Through nested groups as well. */
  hasMember(groupKey: string, memberKey: string): directory.Schema$MembersHasMember;
}

export interface MembersDeps {
  readonly database: Database;
  readonly changes: Changes;
  readonly groups: Groups;
  readonly now: () => number;
}

const toParameters = ({ email, type }: MemberRow) => ({ member_id: email, member_type: type.toLowerCase() });

export function createMembers({ database, changes, groups, now }: MembersDeps): Members {
  const getGroup = (key: string) => {
    const group = groups.find(key);
    if (!group) throw notFound('groupKey');
    return group;
  };
  const findMember = (key: string) => {
    const user = findUser(database, key);
    if (user) return { id: user.id, type: 'USER' as const };
    const group = groups.find(key);
    return group && { id: group.id, type: 'GROUP' as const };
  };
  const get = (groupId: string, memberKey: string): MemberRow => {
    const member = findMember(memberKey);
    const row = member && database.one<MemberRow>(`${direct} ${select} IS NOT NULL AND id = ?`, groupId, member.id);
    if (!row) throw notFound('memberKey');
    return row;
  };

  return {
    list(groupKey, query) {
      const { id } = getGroup(groupKey);
      const { size, after } = readPage(query, { fallback: 200, max: 200, strict: false }, now());
      const nested = query['includeDerivedMembership'] === 'true';
      const wanted = query['roles']?.split(',') ?? roles;
      const rows = database.all<MemberRow>(
        `${nested ? derived : direct} ${select} > ? AND role IN (SELECT value FROM json_each(?)) ORDER BY email LIMIT ?`,
        ...[...(nested ? [id, id] : [id]), after ?? '', JSON.stringify(wanted), size + 1],
      );
      const { rows: shown, ...next } = toPage(rows, size, ({ email }) => email, now());
      return withEtag({ kind: 'admin#directory#members', ...unlessEmpty('members', shown.map(toMember)), ...next });
    },
    get: (groupKey, memberKey) => toMember(get(getGroup(groupKey).id, memberKey)),
    insert: (groupKey, body) =>
      changes.commit(({ record }) => {
        const group = getGroup(groupKey);
        const { email, id, role } = readBody(insertBody, body);
        const key = email ?? id;
        if (key === undefined) throw new DirectoryError('required', 'Missing required field: memberKey');
        const member = findMember(key);
        if (!member) throw notFound('memberKey');
        if (member.id === group.id || groups.containing(group.id).includes(member.id))
          throw new DirectoryError('conditionNotMet', 'Cyclic memberships not allowed');
        const added = database.run(
          'INSERT OR IGNORE INTO members (groupId, memberId, type, role) VALUES (?, ?, ?, ?)',
          ...[group.id, member.id, member.type, role],
        );
        if (added === 0) throw new DirectoryError('duplicate', 'Member already exists.');
        const row = get(group.id, member.id);
        record(groupEvent('ADD_GROUP_MEMBER', group.email, { USER_EMAIL: row.email }));
        record(enterpriseEvent('add_member', group.email, { ...toParameters(row), member_role: role.toLowerCase() }));
        return toMember(row);
      }),
    update: (groupKey, memberKey, body) =>
      changes.commit(({ record }) => {
        const group = getGroup(groupKey);
        const member = get(group.id, memberKey);
        const { role = member.role } = readBody(updateBody, body);
        if (role === member.role) return toMember(member);
        database.run('UPDATE members SET role = ? WHERE groupId = ? AND memberId = ?', role, group.id, member.id);
        const values = { USER_EMAIL: member.email, OLD_VALUE: member.role, NEW_VALUE: role };
        record(groupEvent('UPDATE_GROUP_MEMBER', group.email, values));
        record(enterpriseEvent('add_member_role', group.email, { ...toParameters(member), member_role: role.toLowerCase() }));
        record(enterpriseEvent('remove_member_role', group.email, { ...toParameters(member), member_role: member.role.toLowerCase() }));
        return toMember(get(group.id, member.id));
      }),
    remove: (groupKey, memberKey) =>
      changes.commit(({ record }) => {
        const group = getGroup(groupKey);
        const member = get(group.id, memberKey);
        database.run('DELETE FROM members WHERE groupId = ? AND memberId = ?', group.id, member.id);
        record(groupEvent('REMOVE_GROUP_MEMBER', group.email, { USER_EMAIL: member.email }));
        record(enterpriseEvent('remove_member', group.email, toParameters(member)));
      }),
    hasMember(groupKey, memberKey) {
      const group = getGroup(groupKey);
      const member = findMember(memberKey);
      if (!member) throw invalid('Invalid Input: memberKey');
      return { isMember: groups.containing(member.id).includes(group.id) };
    },
  };
}

const toMember = ({ id, email, type, role, suspended }: MemberRow): directory.Schema$Member =>
  withEtag({ kind: 'admin#directory#member', id, email, role, type, status: suspended === 1 ? 'SUSPENDED' : 'ACTIVE' });
