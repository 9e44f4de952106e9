import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createChannelPlugins } from '../../functions/providers/infra/channel-plugins.ts';
import { createInstallation } from '../../functions/providers/infra/openclaw-install.ts';
import { agentId, ctx, openBench, repository, separateUsers, until, type Bench } from './machine-bench.ts';
import { openStandInModel, type StandInModel } from './stand-in-model.ts';

/** Under load a gateway takes minutes to start. */
const patienceMs = 280_000;
const version = '2026.9.6';
const runtimeDir = separateUsers
  ? '/var/cache/agents-plane'
  : join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'agents-plane');
const manifestDir = join(repository, 'manifests', 'machine', 'openclaw');
const installation = createInstallation({ manifestDir, runtimeDir });
const published = createChannelPlugins({ manifestDir, runtimeDir, log: ctx.log });

describe('WhatsApp with the published plugin in the real OpenClaw', () => {
  let bench: Bench;
  let model: StandInModel;
  let service: ChildProcess;
  let folder = '';
  const last = () => bench.plane.heartbeats.at(-1);
  const resultOf = (id: string) => last()?.results.find((result) => result.id === id);

  beforeAll(async () => {
    const { node } = await installation.ensure();
    published.install('whatsapp', version);
    await until('the plugin', () => published.find('whatsapp', version) !== undefined, patienceMs);
    model = await openStandInModel(() => 'Hello Alice!');
    const terms = { api: 'openai-completions', baseUrl: model.baseUrl, id: 'stand-in', contextWindow: 128_000, maxTokens: 8_192 } as const;
    bench = await openBench({
      installation: () => installation,
      assignment: { model: terms, channels: ['email', 'whatsapp'], introduce: false },
      heartbeatMs: 1_000,
      channelPlugins(root) {
        folder = join(root, 'whatsapp');
        cpSync(published.find('whatsapp', version)?.folder ?? '', folder, { recursive: true });
        const plugin = { channel: 'whatsapp', openclaw: version, folder };
        return { ...published, find: () => plugin };
      },
    });
    service = spawn(node, [join(__dirname, 'whatsapp', 'stand-in-service.mjs'), folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => service.stdout?.once('data', resolve));
    await bench.allowJoin(1);
    await bench.provision();
    await until('readiness', () => last()?.ready === true, patienceMs);
  }, 3 * patienceMs);
  afterAll(async () => {
    service.kill();
    await bench.close();
    await model.close();
  }, 60_000);

  it(
    'is told to be not ready while its plugin is missing, and is taken up without a restart once the host has it',
    async () => {
      bench.plane.assign({ commands: [{ id: 'c1', kind: 'whatsappLogin', args: {} }] });
      await until('the refusal', () => resultOf('c1') !== undefined, patienceMs);
      expect(resultOf('c1')).toMatchObject({ ok: false });
      expect(resultOf('c1')?.result).toContain('WhatsApp is not ready');
      const { restarts } = last() ?? {};

      await expect(bench.infra.lacks?.(agentId, ['whatsapp'], version, ctx)).resolves.toMatchObject([{ state: 'waiting' }]);
      await bench.infra.equip?.(agentId, ['whatsapp'], version, ctx);
      await expect(bench.infra.lacks?.(agentId, ['whatsapp'], version, ctx)).resolves.toEqual([]);
      const config = () => readFileSync(join(bench.folder, 'config', 'openclaw.json'), 'utf8');
      await until('the config', () => config().includes(folder));
      bench.plane.assign({ commands: [{ id: 'c2', kind: 'whatsappLogin', args: {} }] });
      await until('a code', () => last()?.whatsapp?.state === 'showing' || resultOf('c2') !== undefined, patienceMs);
      expect(resultOf('c2')).toBeUndefined();
      expect(last()?.restarts).toBe(restarts);
    },
    3 * patienceMs,
  );

  it(
    'shows the code as a picture, and the next one before it runs out (REQ-UX-03)',
    async () => {
      const first = last()?.whatsapp;
      expect(first?.qr).toMatch(/^data:image\/png;base64,/);
      expect(first?.expiresAt).toBeGreaterThan(Date.now());
      await until('the next code', () => last()?.whatsapp?.qr !== first?.qr, patienceMs);
      expect(last()?.whatsapp).toMatchObject({ state: 'showing', qr: expect.stringMatching(/^data:image\/png;base64,/) as string });
      expect(last()?.ready).toBe(true);
    },
    patienceMs,
  );

  it(
    'says that it is connected once a phone has taken a code, and still says so when asked again',
    async () => {
      service.kill('SIGUSR2');
      await until('the result', () => resultOf('c2') !== undefined, patienceMs);
      expect(resultOf('c2')).toEqual({ id: 'c2', ok: true, result: 'WhatsApp is linked' });
      expect(last()?.whatsapp?.state).toBe('connected');
      bench.plane.assign({ commands: [{ id: 'c3', kind: 'whatsappLogin', args: {} }] });
      await until('the result', () => resultOf('c3') !== undefined, patienceMs);
      expect(resultOf('c3')).toMatchObject({ ok: true });
    },
    2 * patienceMs,
  );
});
