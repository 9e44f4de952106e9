import type { admin_directory_v1 as directory } from '@googleapis/admin';
import { z } from 'zod';
import { DirectoryError, invalid, notFound, readBody, unlessEmpty, withEtag } from './answers.ts';
import type { Changes } from './changes.ts';
import type { Database } from './database.ts';
import type { Groups } from './groups.ts';
import { toRoleId } from './ids.ts';
import { readPage, toPage, toPageToken } from './pages.ts';
import { roleEvent } from './roles.ts';
import { findUser } from './user-records.ts';

interface AssignmentRow {
  readonly id: string;
  readonly roleId: string;
  readonly assigneeId: string;
  readonly assigneeType: string;
  readonly scopeType: string;
  readonly orgUnitId: string | null;
}

const insertBody = z.object({
  roleId: z.union([z.string(), z.int().transform(String)]),
  assignedTo: z.string(),
  scopeType: z.enum(['CUSTOMER', 'ORG_UNIT']).default('CUSTOMER'),
  orgUnitId: z.string().optional(),
});

export interface RoleAssignments {
  /**
   * With `includeIndirectRoleAssignments` what a user holds through groups follows on pages of its own, so that a first page
   * may be empty and still name a next one, as the API reference warns.
   */
  list(query: Record<string, string>): directory.Schema$RoleAssignments;
  get(id: string): directory.Schema$RoleAssignment;
  insert(body: unknown): directory.Schema$RoleAssignment;
  remove(id: string): void;
}

export interface RoleAssignmentsDeps {
  readonly database: Database;
  readonly changes: Changes;
  readonly groups: Groups;
  readonly now: () => number;
  readonly createId: () => string;
}

export function createRoleAssignments({ database, changes, groups, now, createId }: RoleAssignmentsDeps): RoleAssignments {
  const find = (id: string): AssignmentRow => {
    const assignment = database.one<AssignmentRow>('SELECT * FROM roleAssignments WHERE id = ?', id);
    if (!assignment) throw notFound('roleAssignmentId');
    return assignment;
  };

  const findAssignee = (key: string): { id: string; type: 'user' | 'group' } | undefined => {
    const user = findUser(database, key);
    if (user) return { id: user.id, type: 'user' };
    const group = groups.find(key);
    return group && { id: group.id, type: 'group' };
  };

  const toParameters = ({ roleId, assigneeId, orgUnitId }: AssignmentRow) => {
    const row = database.one<{ role: string; user: string | null; grp: string | null; unit: string | null }>(
      `SELECT (SELECT name FROM roles WHERE id = ?1) AS role, (SELECT email FROM users WHERE id = ?2) AS user,
       (SELECT email FROM groups WHERE id = ?2) AS grp, (SELECT path FROM orgUnits WHERE id = ?3) AS unit`,
      ...[roleId, assigneeId, orgUnitId],
    );
    const { role, user, grp, unit } = row ?? {};
    return { USER_EMAIL: user ?? undefined, GROUP_EMAIL: grp ?? undefined, ROLE_NAME: role, ORG_UNIT_NAME: unit ?? undefined };
  };

  return {
    list(query) {
      const { size, after = 'direct ' } = readPage(query, { fallback: 100, max: 200, strict: true }, now());
      const assignee = query['userKey'] === undefined ? undefined : findAssignee(query['userKey']);
      if (query['userKey'] !== undefined && !assignee) throw notFound('userKey');
      const indirect = query['includeIndirectRoleAssignments'] === 'true' && assignee ? groups.containing(assignee.id) : [];
      const [stage, last = ''] = after.split(' ');
      const holders = stage === 'direct' ? assignee && [assignee.id] : indirect;
      const rows = database.all<AssignmentRow>(
        `SELECT * FROM roleAssignments a WHERE id > ? AND roleId = coalesce(?, roleId)
         AND (? IS NULL OR assigneeId IN (SELECT value FROM json_each(?)))
         AND NOT EXISTS (SELECT 1 FROM users WHERE id = a.assigneeId AND deletedAt IS NOT NULL)
         ORDER BY id LIMIT ?`,
        ...[last, query['roleId'] ?? null, holders ? 1 : null, JSON.stringify(holders ?? []), size + 1],
      );
      const { rows: shown, nextPageToken } = toPage(rows, size, ({ id }) => `${stage} ${id}`, now());
      const next = nextPageToken ?? (stage === 'direct' && indirect.length > 0 ? toPageToken('indirect ', now()) : undefined);
      return withEtag({
        kind: 'admin#directory#roleAssignments',
        ...unlessEmpty('items', shown.map(toAssignment)),
        ...(next !== undefined && { nextPageToken: next }),
      });
    },
    get: (id) => toAssignment(find(id)),
    insert: (body) =>
      changes.commit(({ record }) => {
        const { roleId, assignedTo, scopeType, orgUnitId: unit } = readBody(insertBody, body);
        if (!database.one('SELECT 1 FROM roles WHERE id = ?', roleId)) throw notFound('roleId');
        const assignee = findAssignee(assignedTo);
        if (!assignee) throw notFound('assignedTo');
        const orgUnitId = scopeType === 'ORG_UNIT' ? (unit?.replace(/^id:/, '') ?? '') : null;
        if (orgUnitId !== null && !database.one('SELECT 1 FROM orgUnits WHERE id = ?', orgUnitId)) throw invalid('Invalid Ou Id');
        const same = database.one(
          'SELECT 1 FROM roleAssignments WHERE roleId = ? AND assigneeId = ? AND orgUnitId IS ?',
          ...[roleId, assignee.id, orgUnitId],
        );
        if (same) throw new DirectoryError('duplicate', 'Entity already exists.');
        const id = toRoleId(createId());
        database.run(
          'INSERT INTO roleAssignments (id, roleId, assigneeId, assigneeType, scopeType, orgUnitId) VALUES (?, ?, ?, ?, ?, ?)',
          ...[id, roleId, assignee.id, assignee.type, scopeType, orgUnitId],
        );
        const assignment = find(id);
        record(roleEvent('ASSIGN_ROLE', toParameters(assignment)));
        return toAssignment(assignment);
      }),
    remove: (id) =>
      changes.commit(({ record }) => {
        const assignment = find(id);
        record(roleEvent('UNASSIGN_ROLE', toParameters(assignment)));
        database.run('DELETE FROM roleAssignments WHERE id = ?', assignment.id);
      }),
  };
}

/** Written in lower case by the real API (seen in its answers); the org unit's id comes without `id:` here. */
const toAssignment = ({ id, roleId, assigneeId, assigneeType, scopeType, orgUnitId }: AssignmentRow): directory.Schema$RoleAssignment =>
  withEtag({
    kind: 'admin#directory#roleAssignment',
    roleAssignmentId: id,
    roleId,
    assignedTo: assigneeId,
    assigneeType,
    scopeType,
    ...(orgUnitId !== null && { orgUnitId }),
  });
