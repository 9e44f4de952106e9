import { mkdtemp, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrations } from '../../../scripts/local/workspace/migrations.ts';
import { toOrgUnitId, toUserId } from '../../../scripts/local/workspace/ids.ts';
import { eventsOf } from './open-reports.ts';
import { onClose, openWorkspace } from './open-workspace.ts';

const userKey = 'old@acme.test';

async function openFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'workspace-'));
  onClose(() => rm(folder, { recursive: true }));
  return join(folder, 'workspace.sqlite');
}

/** A file as the program before audit logs left it. */
function writeVersionOne(file: string): void {
  const old = new DatabaseSync(file);
  old.exec(migrations[0] ?? '');
  old.exec('PRAGMA user_version = 1');
  old.prepare('INSERT INTO settings (name, value) VALUES (?, ?)').run('generatedUsers', '0');
  old.prepare("INSERT INTO orgUnits (id, path, name, description) VALUES (?, '/', 'acme.test', '')").run(toOrgUnitId('/'));
  const hire =
    'INSERT INTO users (id, email, givenName, familyName, orgUnitId, suspended, createdAt, suspendedAt) VALUES (?, ?, ?, ?, ?, 1, 1, 2)';
  old.prepare(hire).run(toUserId(userKey), userKey, 'Olga', 'Olsen', toOrgUnitId('/'));
  old.close();
}

test('opens a file of the version before in place: nobody is lost, and from then on it keeps the audit log', async () => {
  const file = await openFile();
  writeVersionOne(file);
  const open = await openWorkspace({ file });
  expect((await open.client.users.get({ userKey })).data).toMatchObject({ suspended: true, suspensionReason: 'ADMIN' });
  await open.client.users.update({ userKey, requestBody: { suspended: false } });
  await open.close();
  const again = await openWorkspace({ file });
  expect(await eventsOf(again)).toEqual([['UNSUSPEND_USER', { USER_EMAIL: userKey }]]);
  expect((await again.client.users.get({ userKey })).data).not.toHaveProperty('suspensionReason');
});

test('refuses a file of a program that is newer than it', async () => {
  const file = await openFile();
  const newer = new DatabaseSync(file);
  newer.exec('PRAGMA user_version = 999');
  newer.close();
  await expect(openWorkspace({ file })).rejects.toThrow(/schema is version 999, this program knows 2/);
});
