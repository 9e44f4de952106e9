import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderScopes, scopesOf, workspaceScopes } from '../../functions/providers/cloud/google-scopes.ts';

const readme = readFileSync(join(__dirname, '../../README.md'), 'utf8');

describe('the scopes towards Google Workspace (REQ-WSEC-01)', () => {
  it('let the running plane write users and read the rest, and the installer change schema and roles only', () => {
    const short = (scope: string) => scope.replace('https://www.googleapis.com/auth/', '');
    expect(scopesOf('runtime').map(short)).toEqual([
      'admin.directory.user',
      'admin.directory.group.member.readonly',
      'admin.directory.rolemanagement.readonly',
      'admin.reports.audit.readonly',
      'admin.directory.orgunit.readonly',
      'admin.directory.userschema.readonly',
    ]);
    expect(scopesOf('installer').map(short)).toEqual(['admin.directory.userschema', 'admin.directory.rolemanagement']);
  });

  it('are each there once, with who needs it and why', () => {
    expect(new Set(workspaceScopes.map(({ scope }) => scope)).size).toBe(workspaceScopes.length);
    for (const { users, reason } of workspaceScopes) {
      expect(users.length).toBeGreaterThan(0);
      expect(reason).not.toBe('');
    }
  });

  it('stand in the README as they stand in the code, where it has them', () => {
    const rows = readme.split('\n').filter((line) => /^\| `https:\/\/www\.googleapis\.com\/auth\//.test(line));
    if (rows.length > 0) expect(rows.join('\n')).toBe(renderScopes());
    else expect(readme).not.toContain('https://www.googleapis.com/auth/admin.');
  });
});
