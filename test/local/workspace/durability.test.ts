import { OAuth2Client } from 'google-auth-library';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onClose, openReceiver, openWorkspace, transport } from './open-workspace.ts';

const customer = 'my_customer';

async function createFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'workspace-'));
  onClose(() => rm(folder, { recursive: true }));
  return join(folder, 'workspace.sqlite');
}

test('finds everything again when the file is opened anew: users, fields, channels and the signing key', async () => {
  const file = await createFile();
  const { address, count } = await openReceiver();
  const first = await openWorkspace({ file });
  await first.client.users.update({
    userKey: 'alice@acme.test',
    requestBody: { orgUnitPath: '/Sales', customSchemas: { OpenClaw_Agent: { budgetCap: 90 } } },
  });
  await first.client.users.delete({ userKey: 'bob@acme.test' });
  await first.client.users.watch({ customer, requestBody: { id: 'c1', type: 'web_hook', address } });
  const [sync] = await count(1);
  const { data: alice } = await first.client.users.get({ userKey: 'alice@acme.test', projection: 'full' });
  const idToken = first.workspace.idToken('alice@acme.test', 'me');
  await first.close();

  const second = await openWorkspace({ file });
  expect((await second.client.users.get({ userKey: 'alice@acme.test', projection: 'full' })).data).toEqual(alice);
  expect((await second.client.users.list({ customer, showDeleted: 'true' })).data.users).toHaveLength(1);
  await second.client.users.update({ userKey: 'carol@acme.test', requestBody: { suspended: true } });
  const [, update] = await count(2);
  expect(Number(update?.headers['x-goog-message-number'])).toBeGreaterThan(1);
  expect(update?.headers['x-goog-resource-id']).toBe(sync?.headers['x-goog-resource-id']);
  const verifier = new OAuth2Client({
    endpoints: { oauth2FederatedSignonPemCertsUrl: `${second.origin}/google/oauth2/v1/certs` },
    transporterOptions: transport,
  });
  expect((await verifier.verifyIdToken({ idToken, audience: 'me' })).getUserId()).toBe(alice.id);
});

test('grows the company on a later opening, with nobody lost, changed back or twice', async () => {
  const file = await createFile();
  const first = await openWorkspace({ file, userCount: 40 });
  const { data: small } = await first.client.users.list({ customer });
  await first.client.users.delete({ userKey: small.users?.at(-1)?.primaryEmail ?? '' });
  await first.client.users.update({ userKey: 'alice@acme.test', requestBody: { suspended: true } });
  await first.close();

  const second = await openWorkspace({ file, userCount: 400 });
  const { data: large } = await second.client.users.list({ customer, maxResults: 500 });
  expect(large.users).toHaveLength(399);
  expect(new Set(large.users?.map(({ id }) => id)).size).toBe(399);
  expect(large.users?.find(({ primaryEmail }) => primaryEmail === 'alice@acme.test')?.suspended).toBe(true);
  const units = new Set(large.users?.map(({ orgUnitPath }) => orgUnitPath));
  expect([...units].sort()).toEqual(['/', '/Engineering', '/Engineering/Platform', '/Sales', '/Support']);
  await second.close();

  const third = await openWorkspace({ file, userCount: 10 });
  expect((await third.client.users.list({ customer, maxResults: 500 })).data.users).toHaveLength(399);
});

test('keeps the file, which holds the signing key, to its owner', async () => {
  const file = await createFile();
  await openWorkspace({ file });
  for (const name of ['', '-wal', '-shm']) expect((await stat(file + name)).mode & 0o077).toBe(0);
});

const victim = `
  import { createWorkspace } from ${JSON.stringify(join(process.cwd(), 'scripts/local/workspace/index.ts'))};
  const workspace = createWorkspace({ file: process.argv[1], domain: 'acme.test', now: Date.now, queriesPerMinute: 1e9 });
  for (let count = 1; ; count += 1) {
    const body = JSON.stringify({ customSchemas: { OpenClaw_Agent: { budgetCap: count } }, suspended: count % 2 === 0 });
    const request = new Request('http://x/google/admin/directory/v1/users/alice@acme.test', { method: 'PUT', body });
    const response = await workspace.fetch(request);
    if (response.status !== 200) throw new Error(await response.text());
    console.log(count);
  }
`;

test('loses nothing that was answered when it is killed in the middle of writing', async () => {
  const file = await createFile();
  const child = spawn(process.execPath, ['--input-type=module', '-e', victim, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let answered = 0;
  const lines = createInterface(child.stdout);
  for await (const line of lines) {
    answered = Number(line);
    if (answered === 50) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');

  const { client } = await openWorkspace({ file });
  const { data } = await client.users.get({ userKey: 'alice@acme.test', projection: 'full' });
  const { budgetCap } = (data.customSchemas?.['OpenClaw_Agent'] ?? {}) as { budgetCap?: string };
  const kept = Number(budgetCap);
  expect(kept).toBeGreaterThanOrEqual(answered);
  expect(kept).toBeLessThanOrEqual(answered + 1);
  expect(data.suspended).toBe(kept % 2 === 0);
});
