/** Who needs a scope: the plane while it runs, or the installer, which an administrator runs once. */
export type ScopeUser = 'runtime' | 'installer';

export interface Scope {
  readonly scope: string;
  readonly users: readonly ScopeUser[];
  readonly reason: string;
}

/** Every OAuth scope by which we reach Google Workspace, and no other (REQ-WSEC-01). */
export const workspaceScopes: readonly Scope[] = [
  {
    scope: 'https://www.googleapis.com/auth/admin.directory.user',
    users: ['runtime'],
    reason: 'reads users and their OpenClaw_Agent fields, is told of changes, writes agentId, agentStatus and lastHeartbeat',
  },
  {
    scope: 'https://www.googleapis.com/auth/admin.directory.group.member.readonly',
    users: ['runtime'],
    reason: 'asks who is in the groups that policies name',
  },
  {
    scope: 'https://www.googleapis.com/auth/admin.directory.rolemanagement.readonly',
    users: ['runtime'],
    reason: 'asks who holds the roles Agent Admin and Agent Viewer',
  },
  {
    scope: 'https://www.googleapis.com/auth/admin.reports.audit.readonly',
    users: ['runtime'],
    reason: 'polls the audit log for suspensions, deletions and moves that no push told of',
  },
  {
    scope: 'https://www.googleapis.com/auth/admin.directory.orgunit.readonly',
    users: ['runtime'],
    reason: 'reads which org unit a role is for, and lists those that policies can name',
  },
  {
    scope: 'https://www.googleapis.com/auth/admin.directory.userschema.readonly',
    users: ['runtime'],
    reason: 'tells in the diagnosis whether OpenClaw_Agent is there with the right fields',
  },
  {
    scope: 'https://www.googleapis.com/auth/admin.directory.userschema',
    users: ['installer'],
    reason: 'creates the custom user schema OpenClaw_Agent or adds the fields it lacks',
  },
  {
    scope: 'https://www.googleapis.com/auth/admin.directory.rolemanagement',
    users: ['installer'],
    reason: 'creates the two custom admin roles',
  },
];

export const scopesOf = (user: ScopeUser): string[] =>
  workspaceScopes.filter(({ users }) => users.includes(user)).map(({ scope }) => scope);

/** The rows of the README's table of scopes, without its head. */
export const renderScopes = (): string =>
  workspaceScopes.map(({ scope, users, reason }) => `| \`${scope}\` | ${users.join(', ')} | ${reason} |`).join('\n');
