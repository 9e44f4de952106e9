import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInstallation } from '../../functions/providers/infra/openclaw-install.ts';
import { findListener } from '../../scripts/sidecar/gateway-port.ts';
import { agentId, ctx, openBench, repository, separateUsers, until, type Bench } from './machine-bench.ts';
import { openStandInModel, type StandInModel } from './stand-in-model.ts';

/** The real OpenClaw: installed once per host, 25 s of CPU to ready, then a slow first turn. */
const patienceMs = 240_000;
const runtimeDir = separateUsers
  ? '/var/cache/agents-plane'
  : join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'agents-plane');
const installation = createInstallation({ manifestDir: join(repository, 'manifests', 'machine', 'openclaw'), runtimeDir });

describe('the real OpenClaw under the sidecar', () => {
  let bench: Bench;
  let model: StandInModel;
  const last = () => bench.plane.heartbeats.at(-1);
  const inFolder = (...path: string[]): string => join(bench.folder, ...path);

  beforeAll(async () => {
    const { version } = await installation.ensure();
    expect(version).toBe('2026.9.6');
    model = await openStandInModel((said, all) =>
      all.includes('## Facts') ? `Hello Alice! ${/- tools: .*/.exec(all)?.[0]}` : `You said: ${said}`,
    );
    const terms = { api: 'openai-completions', baseUrl: model.baseUrl, id: 'stand-in', contextWindow: 128_000, maxTokens: 8_192 } as const;
    bench = await openBench({ installation: () => installation, assignment: { model: terms }, heartbeatMs: 1_000 });
    await bench.allowJoin(1);
    await bench.provision();
    await until('readiness', () => last()?.ready === true, patienceMs);
  }, 2 * patienceMs);
  afterAll(async () => {
    await bench.close();
    await model.close();
  }, 30_000);

  it(
    'accepts the config without a complaint',
    () => {
      const { node, entry } = installation.ready() ?? { node: '', entry: '' };
      const env = {
        PATH: '/usr/bin:/bin',
        HOME: inFolder('home'),
        OPENCLAW_STATE_DIR: inFolder('state'),
        OPENCLAW_CONFIG_PATH: inFolder('config', 'openclaw.json'),
      };
      const { uid } = statSync(inFolder('state'));
      const identity = separateUsers ? { uid, gid: uid } : {};
      const said = execFileSync(node, [entry, 'config', 'validate', '--json'], { env, encoding: 'utf8', cwd: '/', ...identity });
      const { valid, warnings = [] } = JSON.parse(said) as { valid: boolean; warnings?: unknown[] };
      expect({ valid, warnings }).toEqual({ valid: true, warnings: [] });
    },
    patienceMs,
  );

  it(
    'follows BOOTSTRAP.md and introduces itself',
    async () => {
      await until('an introduction', () => last()?.introduction !== undefined, patienceMs);
      expect(last()?.introduction).toBe('Hello Alice! - tools: follow issues and pull requests on GitHub');
    },
    patienceMs,
  );

  it('reaches its model with the agent’s key and has the tools of its policy, no others', () => {
    const [call] = model.calls;
    expect(call?.authorization).toMatch(/^Bearer model-[0-9a-f]{24}$/);
    expect([...(call?.tools ?? [])].sort()).toEqual(['apply_patch', 'edit', 'read', 'session_status', 'web_fetch', 'write']);
  });

  it(
    'answers its owner, without BOOTSTRAP.md once that is done',
    async () => {
      bench.plane.assign({ introduce: false, messages: [{ id: 'm1', text: 'What is on today?' }] });
      await until('an answer', () => last()?.answers.length === 1, patienceMs);
      expect(last()?.answers[0]?.text).toContain('What is on today?');
      expect(model.calls.at(-1)?.text).not.toContain('## Facts');
    },
    patienceMs,
  );

  it('listens on loopback alone, as the agent’s own user', () => {
    if (process.platform !== 'linux') return;
    const { uid } = statSync(inFolder('state'));
    const port = Number(readFileSync(inFolder('run', 'port'), 'utf8'));
    expect(findListener(port)).toBe(separateUsers ? uid : process.geteuid?.());
    const everywhere = `00000000:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    expect(readFileSync('/proc/net/tcp', 'utf8')).not.toContain(everywhere);
  });

  it('leaves its config to the plane', () => {
    if (!separateUsers) return;
    const { uid } = statSync(inFolder('state'));
    const as = ['--reuid', String(uid), '--regid', String(uid), '--clear-groups', 'sh', '-c'];
    const config = inFolder('config', 'openclaw.json');
    expect(spawnSync('setpriv', [...as, `test -r ${config} && ! test -w ${config} && ! test -w ${inFolder('config')}`]).status).toBe(0);
  });

  it('lets no secret lie about on the disk', async () => {
    const secrets = await Promise.all(['gateway/token', 'model/apiKey'].map((name) => bench.secrets.get(name, agentId, ctx)));
    for (const secret of secrets) {
      expect(spawnSync('grep', ['-rlF', secret, bench.folder], { encoding: 'utf8' }).stdout).toBe('');
    }
  });

  it('keeps conversations out of the logs that admins see', async () => {
    const lines = await bench.infra.logs(agentId, { lines: 1_000 }, ctx);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join('\n')).not.toMatch(/Hello Alice|What is on today/);
  });

  it(
    'takes over a change of policy without a restart',
    async () => {
      const before = model.calls.length;
      bench.plane.assign({ tools: ['exec'], messages: [{ id: 'm2', text: 'And now?' }] });
      await until(
        'the policy in force',
        () => {
          const tools = model.calls.slice(before).at(-1)?.tools ?? [];
          if (tools.length > 0 && !tools.includes('exec'))
            bench.plane.assign({ messages: [{ id: `m${model.calls.length + 10}`, text: 'And now?' }] });
          return tools.includes('exec') && !tools.includes('web_fetch');
        },
        patienceMs,
      );
      expect(last()?.ready).toBe(true);
    },
    patienceMs,
  );

  it('freezes within moments, and is gone from the host when deprovisioned', async () => {
    const started = performance.now();
    await bench.infra.freeze(agentId, ctx);
    expect(performance.now() - started).toBeLessThan(1_000);
    await bench.infra.deprovision(agentId, ctx);
    expect(existsSync(bench.folder)).toBe(false);
    expect(readdirSync(join(bench.root, 'machines')).filter((name) => name !== '.principals')).toEqual([]);
  }, 30_000);
});
