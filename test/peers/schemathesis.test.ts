import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWorld, type World } from '../http/world.ts';

const requirements = join(__dirname, 'schemathesis-requirements.txt');
const installMs = 600_000;
const longestRunS = 180;
const examplesForEach = 40;
const token = 'held-against-its-own-description';
const admin = 'admin@acme.test';

/** Wheels alone, each held against its hash, so nothing of theirs runs when they are installed. */
function install(): string {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'agents-plane');
  const name = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = join(cache, `schemathesis-${name}`);
  const done = join(folder, '.complete');
  if (!existsSync(done)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    execFileSync('python3', ['-m', 'venv', folder], { timeout: installMs, stdio: 'pipe' });
    const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--require-hashes', '--only-binary', ':all:', '-r', requirements];
    execFileSync(join(folder, 'bin', 'python'), args, { timeout: installMs, stdio: 'pipe' });
    writeFileSync(done, '');
  }
  return join(folder, 'bin', 'schemathesis');
}

/** What answers are held against: nothing fails on our side, and nothing comes that the document does not say. */
const checks = [
  ...['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_headers_conformance'],
  ...['response_schema_conformance', 'unsupported_method', 'ignored_auth'],
];

const run = (program: string, args: readonly string[], cwd: string): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    execFile(program, args, { cwd, timeout: (longestRunS + 120) * 1000, maxBuffer: 64_000_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: `${stdout}${stderr}` });
    });
  });

describe('schemathesis against the OpenAPI document that a plane serves', () => {
  let world: World;
  beforeAll(async () => {
    const rate = { perSecond: 5_000, burst: 10_000 };
    const caller = { actor: { kind: 'user', id: admin }, roles: [{ role: 'admin' }], rates: { reads: rate, mutations: rate } } as const;
    world = await openWorld({ knows: (shown) => (shown === token ? caller : undefined) });
    await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: 'alice@acme.test' });
  });
  afterAll(() => world.close());

  it(
    'finds no failure of ours and no answer that is not documented, in thousands of calls',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'agents-plane-schemathesis-'));
      try {
        const agentId = await world.agentIdOf('alice@acme.test');
        writeFileSync(
          join(folder, 'schemathesis.toml'),
          `[parameters]\n"path.planeId" = "acme"\n"path.agentId" = "${agentId}"\n"path.userKey" = "alice@acme.test"\n`,
        );
        const args = [
          ...['--config-file', join(folder, 'schemathesis.toml'), 'run', `${world.url}/v1/openapi.json`],
          ...['--header', `Authorization: Bearer ${token}`, '--checks', checks.join(','), '--max-examples', String(examplesForEach)],
          ...[
            '--phases',
            'examples,coverage,fuzzing',
            '--seed',
            '42',
            '--no-color',
            '--continue-on-failure',
            '--generation-database',
            'none',
          ],
          ...['--request-timeout', '30', '--max-time', String(longestRunS)],
        ];
        const { code, output } = await run(install(), args, folder);
        if (code !== 0) process.stdout.write(output.slice(-20_000));
        const [, calls = '0'] = /(\d+) generated/.exec(output) ?? [];
        expect(code).toBe(0);
        expect(Number(calls)).toBeGreaterThan(1_000);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    installMs + 400_000,
  );
});
