import type { admin_directory_v1 as directory } from '@googleapis/admin';
import { z } from 'zod';
import type { AuditEvent } from './activities.ts';
import { DirectoryError, duplicate, invalid, notFound, readBody, unlessEmpty, withEtag } from './answers.ts';
import type { Changes } from './changes.ts';
import type { Database } from './database.ts';
import { toRoleId } from './ids.ts';
import { readPage, toPage } from './pages.ts';

interface RoleRow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly privileges: string;
  readonly system: number;
  readonly superAdmin: number;
}

const privilegesBody = z.array(z.object({ privilegeName: z.string(), serviceId: z.string() }));
const insertBody = z.object({ roleName: z.string().min(1), roleDescription: z.string().default(''), rolePrivileges: privilegesBody });

export const roleEvent = (name: string, parameters: AuditEvent['parameters']): AuditEvent => ({
  application: 'admin',
  type: 'DELEGATED_ADMIN_SETTINGS',
  name,
  parameters,
});

export interface Roles {
  list(query: Record<string, string>): directory.Schema$Roles;
  get(id: string): directory.Schema$Role;
  insert(body: unknown): directory.Schema$Role;
  remove(id: string): void;
  /** A super admin is who holds the system's super admin role; there is no other mark. */
  setSuperAdmin(userId: string, granted: boolean): void;
}

export interface RolesDeps {
  readonly database: Database;
  readonly changes: Changes;
  readonly now: () => number;
  readonly createId: () => string;
}

export function createRoles({ database, changes, now, createId }: RolesDeps): Roles {
  const find = (id: string): RoleRow => {
    const role = database.one<RoleRow>('SELECT * FROM roles WHERE id = ?', id);
    if (!role) throw notFound('roleId');
    return role;
  };
  const get = (id: string) => toRole(find(id));

  return {
    list(query) {
      const { size, after } = readPage(query, { fallback: 100, max: 100, strict: true }, now());
      const rows = database.all<RoleRow>('SELECT * FROM roles WHERE id > ? ORDER BY id LIMIT ?', after ?? '', size + 1);
      const { rows: shown, ...next } = toPage(rows, size, ({ id }) => id, now());
      return withEtag({ kind: 'admin#directory#roles', ...unlessEmpty('items', shown.map(toRole)), ...next });
    },
    get,
    insert: (body) =>
      changes.commit(({ record }) => {
        const { roleName, roleDescription, rolePrivileges } = readBody(insertBody, body);
        if (database.one('SELECT 1 FROM roles WHERE name = ?', roleName)) throw duplicate();
        const id = toRoleId(createId());
        database.run(
          'INSERT INTO roles (id, name, description, privileges) VALUES (?, ?, ?, ?)',
          ...[id, roleName, roleDescription, JSON.stringify(rolePrivileges)],
        );
        record(roleEvent('CREATE_ROLE', { ROLE_NAME: roleName, ROLE_ID: id }));
        return get(id);
      }),
    remove: (id) =>
      changes.commit(({ record }) => {
        const { name, system } = find(id);
        if (system === 1) throw invalid('Invalid Input: a system role cannot be deleted');
        if (database.one('SELECT 1 FROM roleAssignments WHERE roleId = ?', id))
          throw new DirectoryError('conditionNotMet', 'The role is assigned');
        database.run('DELETE FROM roles WHERE id = ?', id);
        record(roleEvent('DELETE_ROLE', { ROLE_NAME: name, ROLE_ID: id }));
      }),
    setSuperAdmin(userId, granted) {
      if (granted)
        database.run(
          `INSERT INTO roleAssignments (id, roleId, assigneeId, assigneeType, scopeType)
           SELECT ?, id, ?, 'user', 'CUSTOMER' FROM roles WHERE superAdmin = 1`,
          toRoleId(createId()),
          userId,
        );
      else
        database.run('DELETE FROM roleAssignments WHERE assigneeId = ? AND roleId IN (SELECT id FROM roles WHERE superAdmin = 1)', userId);
    },
  };
}

const toRole = ({ id, name, description, privileges, system, superAdmin }: RoleRow): directory.Schema$Role =>
  withEtag({
    kind: 'admin#directory#role',
    roleId: id,
    roleName: name,
    roleDescription: description,
    rolePrivileges: JSON.parse(privileges) as z.infer<typeof privilegesBody>,
    isSystemRole: system === 1,
    isSuperAdminRole: superAdmin === 1,
  });
