import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { freePort } from './embedded.ts';

const root = join(__dirname, '../..');
const sample = join(root, 'manifests/acme.planes.yaml');

/** Runs `npm start`'s program until it ends by itself; it must, within the test's time. */
function start(args: readonly string[], home: string): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], HOME: home };
    const child = spawn(join(root, 'node_modules/.bin/node'), [join(root, 'scripts/local/main.ts'), ...args], { env, timeout: 15_000 });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('close', (code) => resolve({ code, stderr }));
  });
}

describe('npm start, when something is wrong', () => {
  let folder: string;
  let server: Server | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'agents-plane-bad-'));
  });
  afterEach(() => {
    server?.close();
    server = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  const data = () => join(folder, 'data');

  async function expectSentence(args: readonly string[], sentence: RegExp): Promise<void> {
    const { code, stderr } = await start(args, folder);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(1);
  }

  it('says that the port is taken', async () => {
    const port = await freePort();
    server = createServer();
    await new Promise<void>((resolve) => server?.listen(port, '127.0.0.1', resolve));
    await expectSentence(['--data', data(), '--port', String(port)], /cannot start on port \d+: something else listens there/);
  });

  it('names every wrong flag', async () => {
    await expectSentence(['--port', 'http', '--users', '0'], /--port: found "http".*--users: found "0"; allowed: a whole number from 1/s);
  });

  it('refuses a planes.yaml with unknown keys, budgets, tools and tiers in one message, and starts nothing', async () => {
    const file = join(folder, 'planes.yaml');
    writeFileSync(
      file,
      `apiVersion: openclaw.dev/v1alpha1
kind: AgentsPlane
metadata: { name: acme }
spec:
  identity: { provider: google-workspace, domain: acme.test }
  infrastructure: { provider: local }
  secrets: { provider: local }
  networking: { provider: direct }
  colour: blue
  agents:
    - { name: a, owner: a@acme.test, budgetCap: -3, tools: [teleport], modelTier: Opuss }
`,
    );
    await expectSentence(
      ['--data', data(), '--config', file],
      /modelTier: found "Opuss"; allowed: haiku, sonnet or opus[\s\S]*budgetCap: found -3; allowed: at least 0[\s\S]*tools\[0\]: found "teleport"[\s\S]*spec\.colour: found an unknown key/,
    );
  });

  it('refuses providers that this machine does not have', async () => {
    const file = join(folder, 'planes.yaml');
    writeFileSync(file, readFileSync(sample, 'utf8').replace('provider: local\n    region', 'provider: gcp\n    region'));
    await expectSentence(['--data', data(), '--config', file], /spec\.infrastructure\.provider: found "gcp"; allowed: local/);
  });

  it('refuses a planes.yaml that is not there', async () => {
    await expectSentence(['--data', data(), '--config', join(folder, 'none.yaml')], /cannot read .*none\.yaml/);
  });

  it('refuses a data folder from a newer version', async () => {
    mkdirSync(data());
    writeFileSync(join(data(), 'instance'), '0123456789abcdef\n');
    await openSqliteStore({ file: join(data(), 'plane.sqlite') }).close();
    const database = new DatabaseSync(join(data(), 'plane.sqlite'));
    database.exec('PRAGMA user_version = 999');
    database.close();
    await expectSentence(['--data', data(), '--port', String(await freePort())], /cannot open store .*plane\.sqlite: it is of version 999/);
  });

  it('refuses a data folder that cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expectSentence(['--data', join(folder, 'file', 'data')], /cannot keep data in .*: the folder cannot be written/);
  });
});
