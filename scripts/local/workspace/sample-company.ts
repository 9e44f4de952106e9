import { directorySchema } from '../../../shared/directory-schema.ts';
import type { Database } from './database.ts';
import { toGroupId, toOrgUnitId, toRoleId, toSchemaId, toUserId } from './ids.ts';
import { toPerson } from './sample-people.ts';
import type { StoredField } from './schemas.ts';

const orgUnitPaths = ['/', '/Engineering', '/Engineering/Platform', '/Sales', '/Support'] as const;
type OrgUnitPath = (typeof orgUnitPaths)[number];

const people: readonly (readonly [localPart: string, givenName: string, familyName: string, orgUnit: OrgUnitPath])[] = [
  ['admin', 'Ada', 'Moreau', '/'],
  ['ops', 'Otto', 'Lindqvist', '/'],
  ['viewer', 'Vera', 'Novak', '/'],
  ['alice', 'Alice', 'Archer', '/Engineering'],
  ['bob', 'Bob', 'Baker', '/Sales'],
  ['carol', 'Carol', 'Chen', '/'],
  ['dave', 'Dave', 'Dunn', '/Engineering'],
  ['erin', 'Erin', 'Evans', '/Engineering'],
  ['frank', 'Frank', 'Fuentes', '/Sales'],
];

const groups = [
  { localPart: 'engineering', name: 'Engineering', members: ['alice', 'dave', 'erin'] },
  { localPart: 'engineering-leads', name: 'Engineering leads', members: ['alice'] },
] as const;

export const superAdminRole = '_SEED_ADMIN_ROLE';
const roles = [
  { name: superAdminRole, description: 'Google Workspace Administrator Seed Role', holder: 'admin' },
  { name: 'OpenClaw Agent Admin', description: 'May change agents', holder: 'ops' },
  { name: 'OpenClaw Agent Viewer', description: 'May look at agents', holder: 'viewer' },
] as const;
/** Of a company with more people than those with names of their own: who is Agent Admin for one part of it alone. */
const unitAdmin = {
  role: 'OpenClaw Agent Admin',
  localPart: 'sales-admin',
  givenName: 'Sanne',
  familyName: 'Visser',
  orgUnit: '/Sales',
} as const;
const privileges = ['USERS_RETRIEVE', 'ORGANIZATION_UNITS_RETRIEVE'].map((privilegeName) => ({
  privilegeName,
  serviceId: '00haapch16h1ysv',
}));

/** Where generated people sit, one slot for each twentieth of them. */
const slots: readonly OrgUnitPath[] = [
  ...Array<OrgUnitPath>(5).fill('/Engineering'),
  ...Array<OrgUnitPath>(3).fill('/Engineering/Platform'),
  ...Array<OrgUnitPath>(6).fill('/Sales'),
  ...Array<OrgUnitPath>(4).fill('/Support'),
  ...Array<OrgUnitPath>(2).fill('/'),
];

/** Groups of generated people: who of each twenty is in them, and in which other group they are themselves. */
const crowds: readonly { localPart: string; name: string; slots: readonly number[]; within?: string }[] = [
  { localPart: 'engineering', name: 'Engineering', slots: [0, 1] },
  { localPart: 'platform', name: 'Platform', slots: [5], within: 'engineering' },
  { localPart: 'sales', name: 'Sales', slots: [8, 9] },
  { localPart: 'support', name: 'Support', slots: [14] },
];

const foundedAt = Date.UTC(2024, 0, 15, 9);

export interface SampleDeps {
  readonly database: Database;
  readonly domain: string;
}

/** Founds the company in an empty file and grows it to `userCount` people in all; nothing is shrunk, nobody comes twice. */
export function growCompany(deps: SampleDeps, userCount: number): void {
  const { database, domain } = deps;
  database.transaction(() => {
    const known = database.one<{ value: string }>('SELECT value FROM settings WHERE name = ?', 'generatedUsers');
    if (!known) foundCompany(deps);
    const generated = Number(known?.value ?? 0);
    const wanted = Math.max(generated, userCount - people.length - 1);
    if (userCount > people.length) hireUnitAdmin(deps);
    if (wanted > generated) gather(deps);
    const gathered = crowds.map((crowd) => ({ ...crowd, id: toGroupId(`${crowd.localPart}@${domain}`) }));
    for (let index = generated; index < wanted; index += 1) {
      const { localPart, givenName, familyName } = toPerson(index);
      const slot = index % slots.length;
      const email = `${localPart}@${domain}`;
      hire(database, { email, givenName, familyName, orgUnit: slots[slot] ?? '/' });
      for (const crowd of gathered) if (crowd.slots.includes(slot)) join(database, crowd.id, toUserId(email), 'USER');
    }
    database.run('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)', 'generatedUsers', String(wanted));
  });
}

function hireUnitAdmin({ database, domain }: SampleDeps): void {
  const { role, localPart, orgUnit, ...names } = unitAdmin;
  const email = `${localPart}@${domain}`;
  if (database.one('SELECT 1 FROM users WHERE id = ?', toUserId(email))) return;
  hire(database, { email, ...names, orgUnit });
  database.run(
    "INSERT INTO roleAssignments (id, roleId, assigneeId, assigneeType, scopeType, orgUnitId) VALUES (?, ?, ?, 'user', 'ORG_UNIT', ?)",
    ...[toRoleId(`${role} ${localPart}`), toRoleId(role), toUserId(email), toOrgUnitId(orgUnit)],
  );
}

/** The groups that a company has once it is larger than the people with names of their own. */
function gather({ database, domain }: SampleDeps): void {
  for (const { localPart, name, within } of crowds) {
    const email = `${localPart}@${domain}`;
    const id = toGroupId(email);
    database.run(
      `INSERT INTO groups (id, email, name, description) SELECT ?, ?, ?, ''
       WHERE NOT EXISTS (SELECT 1 FROM groups WHERE id = ? OR email = ?)
       AND NOT EXISTS (SELECT 1 FROM users WHERE email = ? AND deletedAt IS NULL)`,
      ...[id, email, name, id, email, email],
    );
    if (within !== undefined) join(database, toGroupId(`${within}@${domain}`), id, 'GROUP');
  }
}

/** Where both are there. */
function join(database: Database, groupId: string, memberId: string, type: 'USER' | 'GROUP'): void {
  database.run(
    `INSERT OR IGNORE INTO members (groupId, memberId, type, role) SELECT id, ?, ?, 'MEMBER' FROM groups WHERE id = ?`,
    ...[memberId, type, groupId],
  );
}

function foundCompany({ database, domain }: SampleDeps): void {
  const toEmail = (localPart: string) => `${localPart}@${domain}`;

  for (const path of orgUnitPaths) {
    const parent = path === '/' ? null : toOrgUnitId(path.slice(0, path.lastIndexOf('/')) || '/');
    const name = path === '/' ? domain : path.slice(path.lastIndexOf('/') + 1);
    database.run(
      'INSERT INTO orgUnits (id, path, name, description, parentId) VALUES (?, ?, ?, ?, ?)',
      ...[toOrgUnitId(path), path, name, '', parent],
    );
  }
  for (const [localPart, givenName, familyName, orgUnit] of people)
    hire(database, { email: toEmail(localPart), givenName, familyName, orgUnit });
  for (const { localPart, name, members } of groups) {
    const id = toGroupId(toEmail(localPart));
    database.run('INSERT INTO groups (id, email, name, description) VALUES (?, ?, ?, ?)', id, toEmail(localPart), name, '');
    for (const member of members) join(database, id, toUserId(toEmail(member)), 'USER');
  }
  for (const { name, description, holder } of roles) {
    const system = name === superAdminRole ? 1 : 0;
    database.run(
      'INSERT INTO roles (id, name, description, privileges, system, superAdmin) VALUES (?, ?, ?, ?, ?, ?)',
      ...[toRoleId(name), name, description, JSON.stringify(system ? [] : privileges), system, system],
    );
    database.run(
      "INSERT INTO roleAssignments (id, roleId, assigneeId, assigneeType, scopeType) VALUES (?, ?, ?, 'user', 'CUSTOMER')",
      ...[toRoleId(`${name} ${holder}`), toRoleId(name), toUserId(toEmail(holder))],
    );
  }
  const { schemaName, displayName, fields } = directorySchema;
  const stored = fields.map(({ fieldName, displayName: label, fieldType }): StoredField => ({
    ...{ id: toSchemaId(fieldName), name: fieldName, displayName: label, type: fieldType },
    ...{ multiValued: false, indexed: true, readAccessType: 'ADMINS_AND_SELF' },
  }));
  database.run(
    'INSERT INTO schemas (id, name, displayName, fields) VALUES (?, ?, ?, ?)',
    ...[toSchemaId(schemaName), schemaName, displayName, JSON.stringify(stored)],
  );
}

interface Hire {
  readonly email: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly orgUnit: OrgUnitPath;
}

const departments: Readonly<Record<OrgUnitPath, readonly [department: string, costCenter: string]>> = {
  '/': ['Management', 'CC-10'],
  '/Engineering': ['Engineering', 'CC-20'],
  '/Engineering/Platform': ['Platform', 'CC-21'],
  '/Sales': ['Sales', 'CC-30'],
  '/Support': ['Support', 'CC-40'],
};

function profileOf(orgUnit: OrgUnitPath): string {
  const [department, costCenter] = departments[orgUnit];
  return JSON.stringify({ organizations: [{ primary: true, department, costCenter }] });
}

function hire(database: Database, { email, givenName, familyName, orgUnit }: Hire): void {
  database.run(
    'INSERT OR IGNORE INTO users (id, email, givenName, familyName, orgUnitId, createdAt, profile) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ...[toUserId(email), email, givenName, familyName, toOrgUnitId(orgUnit), foundedAt, profileOf(orgUnit)],
  );
}
