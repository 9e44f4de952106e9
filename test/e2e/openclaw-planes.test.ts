import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPlugin } from '../../scripts/build-cli.ts';
import { createInstallation } from '../../functions/providers/infra/openclaw-install.ts';
import { companyRows } from '../commands/company-rows.ts';
import { createCompany } from '../commands/company.ts';
import { openLoopback } from '../commands/loopback-plane.ts';

const root = join(__dirname, '../..');
/** A command of OpenClaw takes 7 to 22 s to start here. */
const patienceMs = 240_000;
const runtimeDir =
  process.getuid?.() === 0 ? '/var/cache/agents-plane' : join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'agents-plane');
const installation = createInstallation({ manifestDir: join(root, 'manifests', 'machine', 'openclaw'), runtimeDir });

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly complaints: string;
}

describe('openclaw planes, in a real OpenClaw', () => {
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-plugin-'));
  const company = createCompany();
  let loopback: Awaited<ReturnType<typeof openLoopback>>;

  async function openclaw(...words: string[]): Promise<Ran> {
    const { node, entry } = await installation.ensure();
    const env = {
      ...{ PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folder, OPENCLAW_STATE_DIR: join(folder, 'state'), NO_COLOR: '1' },
      ...{ OPENCLAW_CONFIG_PATH: join(folder, 'openclaw.json'), OPENCLAW_NO_AUTO_UPDATE: '1' },
      ...{ PLANES_URL: loopback.url, PLANES_TOKEN: 'token' },
    };
    return new Promise((resolve) => {
      execFile(node, [entry, ...words], { env, cwd: folder, timeout: patienceMs / 2 }, (error, out, complaints) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, complaints });
      });
    });
  }

  beforeAll(async () => {
    loopback = await openLoopback(companyRows(company));
    const plugin = join(folder, 'plugin');
    mkdirSync(join(folder, 'state'));
    writeFileSync(join(folder, 'openclaw.json'), '{ "gateway": { "mode": "local", "bind": "loopback" } }\n');
    await buildPlugin(plugin, root);
    const installed = await openclaw('plugins', 'install', '--link', '--force', '--accept-capabilities', plugin);
    if (installed.code !== 0) throw new Error(`not installed: ${installed.out}\n${installed.complaints}`);
  }, patienceMs);
  afterAll(async () => {
    await loopback.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it(
    'answers status --json on standard output, as the plane has it',
    async () => {
      const { code, out, complaints } = await openclaw('planes', 'status', '--json');
      expect({ code, complaints: code === 0 ? '' : complaints }).toEqual({ code: 0, complaints: '' });
      expect(JSON.parse(out)).toMatchObject({ planes: [{ planeId: 'acme', list: [{ ownerEmail: 'alice@acme.test' }, {}] }] });
    },
    patienceMs,
  );

  it(
    'changes the plane, hands on exit codes, and helps',
    async () => {
      const paused = await openclaw('planes', 'pause', '--plane', 'acme', '--ou', '/Sales');
      expect([paused.code, company.ownerOf('bob@acme.test').phase]).toEqual([0, 'paused']);
      const refused = await openclaw('planes', 'delete', '--plane', 'nowhere');
      expect([refused.code, refused.complaints]).toEqual([5, expect.stringContaining('cannot find plane nowhere')]);
      expect((await openclaw('planes', 'add-agent', '--help')).out).toContain('--budget-cap <dollars>');
    },
    patienceMs,
  );
});
