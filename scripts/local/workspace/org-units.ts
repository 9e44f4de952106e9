import type { admin_directory_v1 as directory } from '@googleapis/admin';
import { z } from 'zod';
import { DirectoryError, invalid, readBody, unlessEmpty, withEtag } from './answers.ts';
import type { AuditEvent } from './activities.ts';
import type { Changes } from './changes.ts';
import type { Database } from './database.ts';
import { toOrgUnitId } from './ids.ts';

interface OrgUnitRow {
  readonly id: string;
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly parentId: string | null;
  readonly parentPath: string | null;
}

const select = 'SELECT o.*, p.path AS parentPath FROM orgUnits o LEFT JOIN orgUnits p ON p.id = o.parentId';
const subtree = `WITH RECURSIVE below (id) AS (
  SELECT ? UNION ALL SELECT o.id FROM orgUnits o JOIN below ON o.parentId = below.id
)`;
const deepest = 35;

const nameBody = z.string().regex(/^[^/]+$/);
const insertBody = z.object({
  name: nameBody,
  description: z.string().nullish(),
  parentOrgUnitPath: z.string().optional(),
  parentOrgUnitId: z.string().optional(),
});
const updateBody = insertBody.partial();

export const orgEvent = (name: string, parameters: AuditEvent['parameters']): AuditEvent => ({
  application: 'admin',
  type: 'ORG_SETTINGS',
  name,
  parameters,
});

export interface OrgUnits {
  list(query: Record<string, string>): directory.Schema$OrgUnits;
  get(key: string): directory.Schema$OrgUnit;
  insert(body: unknown): directory.Schema$OrgUnit;
  /** A new name or parent moves the whole subtree, and with it the paths of its users. */
  update(key: string, body: unknown): directory.Schema$OrgUnit;
  remove(key: string): void;
  /** The id behind a path that a user, role or query names. */
  toId(path: string): string;
  /** Ids of the unit with this id and of all above it, the nearest first. */
  lineOf(id: string): string[];
  /** Ids of the unit at this path and of all below it. */
  subtreeOf(path: string): string[];
}

export function createOrgUnits({
  database,
  changes,
  createId,
}: {
  database: Database;
  changes: Changes;
  createId: () => string;
}): OrgUnits {
  const byPath = (path: string) => database.one<OrgUnitRow>(`${select} WHERE o.path = ?`, path);
  const byId = (id: string) => database.one<OrgUnitRow>(`${select} WHERE o.id = ?`, id);
  const find = (key: string) => (key.startsWith('id:') ? byId(key.slice(3)) : byPath(key));

  /** The last part of a request's path: `id:…` or the org unit's path without the slash before it. */
  const get = (key: string): OrgUnitRow => {
    const unit = key.startsWith('id:') || key === '/' ? find(key) : key.startsWith('/') ? undefined : byPath(`/${key}`);
    if (!unit) throw new DirectoryError('notFound', 'Org unit not found');
    return unit;
  };

  const getParent = (key: string): OrgUnitRow => {
    const parent = find(key);
    if (!parent) throw invalid('Invalid Parent Orgunit Id');
    return parent;
  };

  const toPath = (parent: OrgUnitRow, name: string) => `${parent.path === '/' ? '' : parent.path}/${name}`;

  const refuseTaken = (path: string, except?: string) => {
    const taken = byPath(path);
    if (taken && taken.id !== except) throw invalid('Invalid Ou Id');
    if (path.split('/').length - 1 > deepest) throw invalid(`Invalid Ou Id: at most ${deepest} levels`);
  };

  const idOf = (key: string): string => {
    const unit = find(key);
    if (!unit) throw invalid('Invalid Input: INVALID_OU_ID');
    return unit.id;
  };

  return {
    list(query) {
      const top = find(query['orgUnitPath'] || '/');
      if (!top) throw new DirectoryError('notFound', 'Org unit not found');
      const units = () => database.all<OrgUnitRow>(`${subtree} ${select} JOIN below ON below.id = o.id ORDER BY o.path`, top.id);
      const found = ((type: string) => {
        switch (type.toLowerCase().replaceAll('_', '')) {
          case 'children':
            return database.all<OrgUnitRow>(`${select} WHERE o.parentId = ? ORDER BY o.path`, top.id);
          case 'all':
            return units().filter(({ id }) => id !== top.id);
          case 'allincludingparent':
            return units();
          default:
            throw invalid('Invalid Input: type');
        }
      })(query['type'] ?? 'children');
      return withEtag({ kind: 'admin#directory#orgUnits', ...unlessEmpty('organizationUnits', found.map(toOrgUnit)) });
    },
    get: (key) => toOrgUnit(get(key)),
    insert: (body) =>
      changes.commit(({ record }) => {
        const { name, description, parentOrgUnitId, parentOrgUnitPath } = readBody(insertBody, body);
        const parentKey = parentOrgUnitId ?? parentOrgUnitPath;
        if (parentKey === undefined) throw new DirectoryError('required', 'Missing required field: parentOrgUnitPath');
        const parent = getParent(parentKey);
        const path = toPath(parent, name);
        refuseTaken(path);
        const id = toOrgUnitId(createId());
        database.run(
          'INSERT INTO orgUnits (id, path, name, description, parentId) VALUES (?, ?, ?, ?, ?)',
          ...[id, path, name, description ?? '', parent.id],
        );
        record(orgEvent('CREATE_ORG_UNIT', { ORG_UNIT_NAME: path }));
        return toOrgUnit(get(`id:${id}`));
      }),
    update: (key, body) =>
      changes.commit(({ record }) => {
        const unit = get(key);
        const { name = unit.name, description = unit.description, parentOrgUnitId, parentOrgUnitPath } = readBody(updateBody, body);
        const parentKey = parentOrgUnitId ?? parentOrgUnitPath;
        if (unit.parentId === null && (name !== unit.name || parentKey !== undefined)) throw invalid('Invalid Ou Id');
        database.run('UPDATE orgUnits SET description = ? WHERE id = ?', description ?? '', unit.id);
        if ((description ?? '') !== unit.description) record(orgEvent('EDIT_ORG_UNIT_DESCRIPTION', { ORG_UNIT_NAME: unit.path }));
        if (unit.parentId === null) return toOrgUnit(get(key));
        const parent = getParent(parentKey ?? `id:${unit.parentId}`);
        const path = toPath(parent, name);
        refuseTaken(path, unit.id);
        const inside = database.all<{ id: string }>(`${subtree} SELECT id FROM below`, unit.id);
        if (inside.some(({ id }) => id === parent.id)) throw invalid('Invalid Parent Orgunit Id');
        database.run('UPDATE orgUnits SET name = ?, parentId = ? WHERE id = ?', name, parent.id, unit.id);
        if (parent.id !== unit.parentId) record(orgEvent('MOVE_ORG_UNIT', { ORG_UNIT_NAME: unit.path, NEW_VALUE: parent.path }));
        if (name !== unit.name) record(orgEvent('EDIT_ORG_UNIT_NAME', { ORG_UNIT_NAME: unit.path, NEW_VALUE: name }));
        for (const { id } of inside)
          database.run('UPDATE orgUnits SET path = ? || substr(path, ?) WHERE id = ?', path, unit.path.length + 1, id);
        return toOrgUnit(get(`id:${unit.id}`));
      }),
    remove: (key) =>
      changes.commit(({ record }) => {
        const unit = get(key);
        const inUse =
          (unit.parentId === null || database.one('SELECT 1 FROM orgUnits WHERE parentId = ?', unit.id)) ??
          database.one('SELECT 1 FROM users WHERE orgUnitId = ? AND deletedAt IS NULL', unit.id);
        if (inUse) throw new DirectoryError('conditionNotMet', `Org unit is not empty: ${unit.path}`);
        // A deleted user may come back after its unit is gone.
        database.run('UPDATE users SET orgUnitId = ? WHERE orgUnitId = ?', idOf('/'), unit.id);
        database.run('DELETE FROM roleAssignments WHERE orgUnitId = ?', unit.id);
        database.run('DELETE FROM services WHERE targetId = ?', unit.id);
        database.run('DELETE FROM orgUnits WHERE id = ?', unit.id);
        record(orgEvent('REMOVE_ORG_UNIT', { ORG_UNIT_NAME: unit.path }));
      }),
    toId: idOf,
    lineOf: (id) =>
      database
        .all<{ id: string }>(
          `WITH RECURSIVE above (id, height) AS (
             SELECT ?, 0 UNION ALL SELECT o.parentId, height + 1 FROM orgUnits o JOIN above ON o.id = above.id WHERE o.parentId IS NOT NULL
           ) SELECT id FROM above ORDER BY height`,
          id,
        )
        .map((unit) => unit.id),
    subtreeOf: (path) => database.all<{ id: string }>(`${subtree} SELECT id FROM below`, idOf(path)).map(({ id }) => id),
  };
}

const toOrgUnit = ({ id, path, name, description, parentId, parentPath }: OrgUnitRow): directory.Schema$OrgUnit =>
  withEtag({
    kind: 'admin#directory#orgUnit',
    name,
    description,
    orgUnitPath: path,
    orgUnitId: `id:${id}`,
    ...(parentId !== null && parentPath !== null && { parentOrgUnitPath: parentPath, parentOrgUnitId: `id:${parentId}` }),
  });
