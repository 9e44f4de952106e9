/** What founds an empty file, and after it what brings a file of each version to the next; nothing here ever changes once released. */
export const migrations: readonly string[] = [
  `CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE orgUnits (
  id TEXT PRIMARY KEY,
  path TEXT NOT NULL UNIQUE COLLATE NOCASE,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  parentId TEXT REFERENCES orgUnits (id)
) STRICT;
CREATE INDEX orgUnitsByParent ON orgUnits (parentId);
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL,
  givenName TEXT NOT NULL,
  familyName TEXT NOT NULL,
  orgUnitId TEXT NOT NULL REFERENCES orgUnits (id),
  suspended INTEGER NOT NULL DEFAULT 0,
  archived INTEGER NOT NULL DEFAULT 0,
  createdAt INTEGER NOT NULL,
  suspendedAt INTEGER,
  archivedAt INTEGER,
  deletedAt INTEGER,
  custom TEXT NOT NULL DEFAULT '{}',
  profile TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE UNIQUE INDEX usersByEmail ON users (email) WHERE deletedAt IS NULL;
CREATE INDEX deletedUsersByEmail ON users (email) WHERE deletedAt IS NOT NULL;
CREATE INDEX usersByOrgUnit ON users (orgUnitId);
CREATE TABLE aliases (email TEXT, userId TEXT REFERENCES users (id) ON DELETE CASCADE, PRIMARY KEY (email, userId)) STRICT;
CREATE INDEX aliasesByUser ON aliases (userId);
CREATE TABLE groups (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT NOT NULL) STRICT;
CREATE TABLE members (
  groupId TEXT REFERENCES groups (id) ON DELETE CASCADE,
  memberId TEXT,
  type TEXT NOT NULL,
  role TEXT NOT NULL,
  PRIMARY KEY (groupId, memberId)
) STRICT;
CREATE INDEX membersByMember ON members (memberId);
CREATE TABLE schemas (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, displayName TEXT NOT NULL, fields TEXT NOT NULL) STRICT;
CREATE TABLE roles (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  privileges TEXT NOT NULL,
  system INTEGER NOT NULL DEFAULT 0,
  superAdmin INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE roleAssignments (
  id TEXT PRIMARY KEY,
  roleId TEXT NOT NULL REFERENCES roles (id),
  assigneeId TEXT NOT NULL,
  assigneeType TEXT NOT NULL,
  scopeType TEXT NOT NULL,
  orgUnitId TEXT
) STRICT;
CREATE INDEX roleAssignmentsByAssignee ON roleAssignments (assigneeId);
CREATE TABLE channels (
  id TEXT PRIMARY KEY,
  resourceId TEXT NOT NULL,
  resourceUri TEXT NOT NULL,
  event TEXT,
  address TEXT NOT NULL,
  token TEXT,
  expiresAt INTEGER NOT NULL,
  stoppedAt INTEGER,
  messageNumber INTEGER NOT NULL DEFAULT 1
) STRICT;`,
  `
ALTER TABLE users ADD COLUMN suspensionReason TEXT;
UPDATE users SET suspensionReason = 'ADMIN' WHERE suspended = 1;
CREATE TABLE activities (
  id INTEGER PRIMARY KEY,
  application TEXT NOT NULL,
  time INTEGER NOT NULL,
  qualifier TEXT NOT NULL,
  visibleAt INTEGER NOT NULL,
  actorEmail TEXT NOT NULL,
  actorId TEXT NOT NULL,
  type TEXT NOT NULL,
  name TEXT NOT NULL,
  parameters TEXT NOT NULL
) STRICT;
CREATE INDEX activitiesByTime ON activities (application, time, id);
CREATE TABLE sinkMessages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  messageId TEXT NOT NULL,
  publishedAt INTEGER NOT NULL,
  entry TEXT NOT NULL
) STRICT;
CREATE TABLE applications (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO applications (id, name) VALUES ('482910374650', 'OpenClaw Agent');
CREATE TABLE services (name TEXT, targetId TEXT, enabled INTEGER NOT NULL, PRIMARY KEY (name, targetId)) STRICT;
`,
];
