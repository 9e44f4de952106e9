import { spawnSync, spawn } from 'node:child_process';
import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { serveSecrets, writeResolver } from '../../scripts/sidecar/resolver.ts';
import { ctx, openFolder } from './machine-bench.ts';

describe('the resolver', () => {
  let folder: string;
  let server: Server;
  const before = process.cwd();
  const secrets: Record<string, string> = {};
  const reader = {
    names: async () => Object.keys(secrets),
    read: async (names: readonly string[]) => {
      const missing = names.find((name) => secrets[name] === undefined);
      if (missing !== undefined) throw new Error(`there is no ${missing}`);
      return Object.fromEntries(names.map((name) => [name, secrets[name] ?? '']));
    },
  };

  /** Runs the resolver as OpenClaw does: absolute path, no environment, another working directory. */
  async function run(input: string): Promise<{ code: number | null; output: string }> {
    const child = spawn(join(folder, 'resolver'), { cwd: '/', env: {}, stdio: ['pipe', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stdin.end(input);
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, output };
  }
  const ask = async (...ids: string[]): Promise<unknown> =>
    JSON.parse((await run(JSON.stringify({ protocolVersion: 1, provider: 'plane', ids }))).output);

  beforeEach(async () => {
    folder = openFolder("agents-plane-resolver-it's-");
    mkdirSync(join(folder, 'door'));
    writeResolver(folder, process.execPath, undefined);
    process.chdir(folder);
    Object.assign(secrets, { 'gateway/token': 'g', 'model/apiKey': 'm', 'join/1-1': 'j' });
    server = await serveSecrets(reader, undefined, ctx.log);
  });
  afterEach(() => {
    server.close();
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  });

  it('is a plain program that only its owner may run', () => {
    const { mode } = lstatSync(join(folder, 'resolver'));
    expect(lstatSync(join(folder, 'resolver')).isFile()).toBe(true);
    expect(mode & 0o777).toBe(0o500);
  });

  it('speaks OpenClaw’s protocol and gives the two secrets of the agent', async () => {
    await expect(ask('gateway/token', 'model/apiKey')).resolves.toEqual({
      protocolVersion: 1,
      values: { 'gateway/token': 'g', 'model/apiKey': 'm' },
      errors: {},
    });
  });

  it('gives nothing else, a join token least of all', async () => {
    const refused = { code: 'NOT_FOUND' };
    await expect(ask('join/1-1', '../x', '__proto__')).resolves.toMatchObject({
      values: {},
      errors: { 'join/1-1': refused, '../x': refused },
    });
  });

  it('reads afresh each time, so that a rotated or revoked secret is so at once', async () => {
    secrets['model/apiKey'] = 'rotated';
    await expect(ask('model/apiKey')).resolves.toMatchObject({ values: { 'model/apiKey': 'rotated' } });
    delete secrets['model/apiKey'];
    await expect(ask('model/apiKey')).resolves.toMatchObject({ values: {}, errors: { 'model/apiKey': { code: 'NOT_FOUND' } } });
  });

  it('answers nothing to what it does not understand', async () => {
    for (const input of ['', 'null', '{"protocolVersion":2,"ids":[]}', 'x'.repeat(40_000)]) {
      expect((await run(input)).output).toBe('');
    }
    await expect(ask('gateway/token')).resolves.toMatchObject({ values: { 'gateway/token': 'g' } });
  });

  it('fails when there is no sidecar', () => {
    server.close();
    const { status, stdout } = spawnSync(join(folder, 'resolver'), { input: '{}', env: {}, encoding: 'utf8' });
    expect(status).not.toBe(0);
    expect(stdout).toBe('');
  });
});
