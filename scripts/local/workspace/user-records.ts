import type { admin_directory_v1 as directory } from '@googleapis/admin';
import { invalid, notFound, withEtag } from './answers.ts';
import { nameCustom, type CustomValues } from './custom-values.ts';
import type { Database } from './database.ts';
import type { StoredSchema } from './schemas.ts';

/** Properties that the directory keeps and gives back without looking inside. */
export const profileFields = [
  'addresses',
  'changePasswordAtNextLogin',
  'emails',
  'externalIds',
  'gender',
  'ims',
  'includeInGlobalAddressList',
  'ipWhitelisted',
  'keywords',
  'languages',
  'locations',
  'notes',
  'organizations',
  'phones',
  'posixAccounts',
  'recoveryEmail',
  'recoveryPhone',
  'relations',
  'sshPublicKeys',
  'websites',
] as const;
type ProfileField = (typeof profileFields)[number];
export type Profile = Pick<directory.Schema$User, Exclude<ProfileField, 'emails'>> & { emails?: { address?: string | undefined }[] | null };

export interface UserRow {
  readonly id: string;
  readonly email: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly orgUnitId: string;
  readonly suspended: number;
  readonly archived: number;
  readonly createdAt: number;
  readonly suspendedAt: number | null;
  readonly suspensionReason: string | null;
  readonly archivedAt: number | null;
  readonly deletedAt: number | null;
  /** CustomValues as JSON. */
  readonly custom: string;
  /** Profile as JSON. */
  readonly profile: string;
  readonly orgUnitPath: string;
  readonly admin: number;
  readonly delegatedAdmin: number;
  /** List of addresses as JSON. */
  readonly aliases: string;
}

const assigned = (superAdmin: 0 | 1) =>
  `EXISTS (SELECT 1 FROM roleAssignments a JOIN roles r ON r.id = a.roleId WHERE a.assigneeId = u.id AND r.superAdmin = ${superAdmin})`;
export const isAdminSql = assigned(1);
export const isDelegatedAdminSql = assigned(0);

/** Users as rows, from the table as it is or as SQL that stands for it. */
export const selectUserFrom = (users: string) => `SELECT u.*,
  (SELECT path FROM orgUnits WHERE id = u.orgUnitId) AS orgUnitPath,
  ${isAdminSql} AS admin,
  ${isDelegatedAdminSql} AS delegatedAdmin,
  (SELECT json_group_array(email ORDER BY email) FROM aliases WHERE userId = u.id) AS aliases
FROM ${users} u`;
export const selectUser = selectUserFrom('users');

/** An e-mail address, an alias or an id; a deleted user is not found by any. */
export function findUser(database: Database, key: string, users = 'users'): UserRow | undefined {
  const select = selectUserFrom(users);
  if (/^\d+$/.test(key)) return database.one<UserRow>(`${select} WHERE u.id = ? AND u.deletedAt IS NULL`, key);
  const email = key.toLowerCase();
  return (
    database.one<UserRow>(`${select} WHERE u.email = ? AND u.deletedAt IS NULL`, email) ??
    database.one<UserRow>(`${select} JOIN aliases l ON l.userId = u.id WHERE l.email = ? AND u.deletedAt IS NULL`, email)
  );
}

export function getUser(database: Database, key: string, users = 'users'): UserRow {
  const user = findUser(database, key, users);
  if (!user) throw notFound('userKey');
  return user;
}

/** Users, aliases and groups share one space of addresses; a deleted user's are free. */
export const isTaken = (database: Database, email: string): boolean =>
  findUser(database, email) !== undefined || database.one('SELECT 1 FROM groups WHERE email = ?', email) !== undefined;

/** Which custom fields an answer shows. */
export interface View {
  readonly schemas: readonly StoredSchema[];
  readonly customerId: string;
}

export function toView(query: Record<string, string>, customerId: string, schemas: readonly StoredSchema[]): View {
  if ((query['viewType'] ?? 'admin_view') !== 'admin_view') throw invalid(`Invalid Input: viewType ${query['viewType']} is not emulated`);
  switch (query['projection'] ?? 'basic') {
    case 'basic':
      return { customerId, schemas: [] };
    case 'full':
      return { customerId, schemas };
    case 'custom': {
      const names = query['customFieldMask']?.split(',') ?? [];
      if (names.length === 0) throw invalid('Invalid Input: customFieldMask');
      return { customerId, schemas: schemas.filter(({ name }) => names.includes(name)) };
    }
    default:
      throw invalid('Invalid Input: projection');
  }
}

const toTime = (ms: number): string => new Date(ms).toISOString();
const neverLoggedIn = toTime(0);

export function toUser(row: UserRow, { schemas, customerId }: View): directory.Schema$User {
  const aliases = JSON.parse(row.aliases) as string[];
  const { emails, ...profile } = JSON.parse(row.profile) as Profile;
  const customSchemas = nameCustom(JSON.parse(row.custom) as CustomValues, schemas);
  return withEtag({
    kind: 'admin#directory#user',
    id: row.id,
    primaryEmail: row.email,
    name: { givenName: row.givenName, familyName: row.familyName, fullName: `${row.givenName} ${row.familyName}` },
    isAdmin: row.admin === 1,
    isDelegatedAdmin: row.admin === 0 && row.delegatedAdmin === 1,
    lastLoginTime: neverLoggedIn,
    creationTime: toTime(row.createdAt),
    ...(row.deletedAt !== null && { deletionTime: toTime(row.deletedAt) }),
    agreedToTerms: true,
    suspended: row.suspended === 1,
    ...(row.suspendedAt !== null && { suspensionReason: row.suspensionReason ?? 'ADMIN', suspensionTime: toTime(row.suspendedAt) }),
    archived: row.archived === 1,
    ...(row.archivedAt !== null && { archivalTime: toTime(row.archivedAt) }),
    changePasswordAtNextLogin: false,
    ipWhitelisted: false,
    includeInGlobalAddressList: true,
    ...profile,
    emails: [
      { address: row.email, primary: true },
      ...aliases.map((address) => ({ address })),
      ...(emails ?? []).filter(({ address }) => address !== row.email),
    ],
    ...(aliases.length > 0 && { aliases }),
    nonEditableAliases: [`${row.email}.test-google-a.com`],
    customerId,
    orgUnitPath: row.orgUnitPath,
    isMailboxSetup: true,
    isEnrolledIn2Sv: false,
    isEnforcedIn2Sv: false,
    ...(Object.keys(customSchemas).length > 0 && { customSchemas }),
  });
}
