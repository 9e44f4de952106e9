import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
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
    model = await openStandInModel((said, all) => {
      if (said.includes('ask for programs')) return { tool: 'request_capability', args: { tools: ['exec'], why: 'to sort files' } };
      return all.includes('## Facts') ? `Hello Alice! ${/- what you can do: .*/.exec(all)?.[0]}` : `You said: ${said}`;
    });
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
      expect(last()?.introduction).toBe(
        'Hello Alice! - what you can do: answer questions and keep notes; read public web pages, such as issues and pull requests on GitHub',
      );
    },
    patienceMs,
  );

  it('reaches its model with the agent’s key and has the tools of its policy, no others', () => {
    const [call] = model.calls;
    expect(call?.authorization).toMatch(/^Bearer model-[0-9a-f]{24}$/);
    expect([...(call?.tools ?? [])].sort()).toEqual([
      ...['apply_patch', 'edit', 'read', 'request_capability', 'session_status', 'web_fetch', 'write'],
    ]);
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
    'has a tool with which the agent asks an admin for more, and hears what becomes of it (REQ-UX-05)',
    async () => {
      bench.plane.assign({ messages: [{ id: 'm3', text: 'Please ask for programs.' }] });
      await until('an answer', () => last()?.answers.some(({ id }) => id === 'm3') === true, patienceMs);
      expect(bench.plane.requests).toEqual([{ tools: ['exec'], channels: [], why: 'to sort files' }]);
      expect(last()?.answers.find(({ id }) => id === 'm3')?.text).toContain('The request was sent to the admins.');

      bench.plane.assign({ messages: [], notices: [{ id: 'n1', text: 'An admin approved exec.' }] });
      await until('the notice to be told', () => last()?.told.includes('n1') === true, patienceMs);
      expect(model.calls.at(-1)?.text).toContain('An admin approved exec.');
    },
    patienceMs,
  );

  it(
    'takes over a change of policy within ten seconds, without a restart',
    async () => {
      const { restarts } = last() ?? {};
      const changed = Date.now();
      bench.plane.assign({ tools: ['exec'], notices: [] });
      await until('the policy on the machine', () => readFileSync(inFolder('config', 'openclaw.json'), 'utf8').includes('"exec",'), 10_000);
      const port = Number(readFileSync(inFolder('run', 'port'), 'utf8'));
      const token = await bench.secrets.get('gateway/token', agentId, ctx);
      const takeTurn = (): Promise<Response> =>
        fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-openclaw-session-key': `agent:${agentId}:x` },
          body: JSON.stringify({ model: `openclaw/${agentId}`, messages: [{ role: 'user', content: 'And now?' }] }),
        });
      const shown = async (): Promise<boolean> => {
        await (await takeTurn()).text();
        return model.calls.at(-1)?.tools.includes('exec') === true;
      };
      await until('the tool', shown, 60_000);
      const inForceMs = Date.now() - changed;
      const tools = model.calls.at(-1)?.tools ?? [];
      expect({ exec: tools.includes('exec'), web: tools.includes('web_fetch') }).toEqual({ exec: true, web: false });
      expect(last()).toMatchObject({ live: true, restarts });
      expect(inForceMs).toBeLessThan(10_000);
    },
    patienceMs,
  );

  it(
    'reloads rotated secrets without a restart and proves both',
    async () => {
      const { restarts } = last() ?? {};
      for (const [name, value] of Object.entries({ 'gateway/token': 'gateway-rotated-once', 'model/apiKey': 'model-rotated-once' })) {
        await bench.secrets.set(name, value, agentId, ctx);
      }
      const command = { id: 'c1', kind: 'reloadSecrets', args: { version: 's2' } };
      bench.plane.assign({ messages: [], secretsVersion: 's2', commands: [command] });
      await until('the result', () => last()?.results.some(({ id }) => id === 'c1') === true, patienceMs);
      expect(last()?.results).toEqual([{ id: 'c1', ok: true, result: 'the secrets of version s2 are in force' }]);
      expect(last()).toMatchObject({ secretsVersion: 's2', restarts });
      bench.plane.assign({ commands: [], messages: [{ id: 'm5', text: 'Still there?' }] });
      await until('an answer', () => last()?.answers.some(({ id }) => id === 'm5') === true, patienceMs);
      expect(model.calls.at(-1)?.authorization).toBe('Bearer model-rotated-once');
    },
    patienceMs,
  );

  it(
    'remembers on a fresh machine what a backup of the former one held (REQ-MAINT-06)',
    async () => {
      writeFileSync(inFolder('workspace', 'MEMORY.md'), 'The cat is called Miso.');
      bench.plane.assign({ messages: [], commands: [{ id: 'c2', kind: 'backup', args: { backupId: 'b1' } }] });
      await until('the backup', () => last()?.results.some(({ id }) => id === 'c2') === true, patienceMs);
      expect(last()?.results).toEqual([{ id: 'c2', ok: true, result: 'backup b1 is stored' }]);
      const archive = gunzipSync(bench.plane.backups.get('b1') ?? Buffer.alloc(0));
      for (const name of await bench.secrets.list(agentId, ctx)) {
        expect(archive.includes(await bench.secrets.get(name, agentId, ctx))).toBe(false);
      }

      await bench.infra.deprovision(agentId, ctx);
      bench.plane.heartbeats.length = 0;
      bench.plane.assign({ commands: [] });
      await bench.allowJoin(2);
      await bench.provision();
      bench.plane.assign({ commands: [{ id: 'c3', kind: 'restore', args: { backupId: 'b1' } }] });
      await until('the restore', () => last()?.results.some(({ id }) => id === 'c3') === true, patienceMs);
      expect(last()?.results).toEqual([{ id: 'c3', ok: true, result: 'backup b1 is restored' }]);
      expect(readFileSync(inFolder('workspace', 'MEMORY.md'), 'utf8')).toBe('The cat is called Miso.');
      bench.plane.assign({ commands: [], messages: [{ id: 'm6', text: 'What did I ask first?' }] });
      await until('an answer', () => last()?.answers.some(({ id }) => id === 'm6') === true, patienceMs);
      expect(model.calls.at(-1)?.text).toContain('What is on today?');
      expect(model.calls.at(-1)?.text).toContain('The cat is called Miso.');
    },
    2 * patienceMs,
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
