import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSidecar } from '../../scripts/build-sidecar.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';
import type { ChannelPlugins } from '../../functions/providers/infra/channel-plugins.ts';
import { createLocalInfra } from '../../functions/providers/infra/local.ts';
import type { Installation } from '../../functions/providers/infra/openclaw-install.ts';
import { createLocalSecrets } from '../../functions/providers/secrets/local.ts';
import type { Assignment } from '../../shared/sidecar.ts';
import { openLoopbackPlane, type LoopbackPlane } from './loopback-plane.ts';

export const agentId = 'aabcdefghijklmno';
export const planeId = 'acme';
export const separateUsers = process.platform === 'linux' && process.geteuid?.() === 0;
export const repository = join(__dirname, '..', '..');

export const ctx: Ctx = { signal: new AbortController().signal, log: { info: () => undefined, warn: () => undefined } };

export const assignment: Omit<Assignment, 'version'> = {
  agentId,
  planeId,
  incarnation: 1,
  boot: 1,
  name: 'Nova',
  company: 'Acme',
  owner: { name: 'Alice Example', email: 'alice@acme.test' },
  tools: ['github'],
  channels: ['email', 'slack'],
  model: { api: 'openai-completions', baseUrl: 'http://127.0.0.1:9/v1', id: 'stand-in', contextWindow: 128_000, maxTokens: 8_192 },
  introduce: true,
  messages: [],
  commands: [],
  notices: [],
  secretsVersion: 's1',
};

/** A folder that every user of the host may pass through; mkdtemp alone closes it to agents. */
export function openFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(folder, 0o755);
  return folder;
}

/** Waits until a fact holds; throws what was waited for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  for (const end = Date.now() + withinMs; !(await holds());) {
    if (Date.now() > end) throw new Error(`waited ${withinMs} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export interface Bench {
  readonly root: string;
  readonly folder: string;
  readonly plane: LoopbackPlane;
  readonly infra: ReturnType<typeof createLocalInfra>;
  readonly secrets: ReturnType<typeof createLocalSecrets>;
  /** Puts a join token in the namespace and lets the plane accept it. */
  allowJoin(number: number): Promise<void>;
  provision(): Promise<void>;
  close(): Promise<void>;
}

/** One real machine with the real sidecar bundle: provider, secrets and a loopback plane. */
export async function openBench(more: {
  assignment?: Partial<Assignment>;
  installation: (root: string, version?: string) => Installation;
  heartbeatMs?: number;
  channelPlugins?: (root: string) => ChannelPlugins;
}): Promise<Bench> {
  const root = openFolder('agents-plane-sidecar-');
  const bundle = join(root, 'dist', 'sidecar.js');
  await buildSidecar(bundle, repository);
  const plane = await openLoopbackPlane({ ...assignment, ...more.assignment });
  const [dir, grantsDir] = [join(root, 'secrets'), join(root, 'grants')];
  const secrets = createLocalSecrets({ planeId, dir, grantsDir, dataKey: randomBytes(32) });
  const infra = createLocalInfra({
    planeId,
    machinesDir: join(root, 'machines'),
    hostDir: separateUsers ? '/var/lib/agents-plane' : join(root, 'host'),
    runtimeDir: join(root, 'runtime'),
    manifestDir: join(repository, 'manifests', 'machine', 'openclaw'),
    sidecar: {
      bundle,
      environment: { plane: { url: plane.url }, secrets: { provider: 'local', dir, grantsDir }, heartbeatMs: more.heartbeatMs ?? 500 },
    },
    separateUsers,
    log: ctx.log,
    installation: more.installation(root),
    installationOf: (version) => more.installation(root, version),
    ...(more.channelPlugins ? { channelPlugins: more.channelPlugins(root) } : {}),
  });
  await infra.ensurePrincipal(agentId, ctx);
  await secrets.set('gateway/token', `gateway-${randomBytes(12).toString('hex')}`, agentId, ctx);
  await secrets.set('model/apiKey', `model-${randomBytes(12).toString('hex')}`, agentId, ctx);
  await secrets.grant(agentId, (await infra.principal(agentId, ctx))?.id ?? '', ctx);

  return {
    root,
    folder: join(root, 'machines', agentId),
    plane,
    infra,
    secrets,
    async allowJoin(number) {
      plane.joins.add(`join-token-${number}`);
      await secrets.set(`join/1-${number}`, `join-token-${number}`, agentId, ctx);
    },
    provision: () => infra.provision({ planeId, agentId, machineType: 'e2-medium', region: 'local', diskSizeGb: 20, labels: {} }, ctx),
    async close() {
      await infra.deprovision(agentId, ctx);
      await infra.removePrincipal(agentId, ctx);
      await plane.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
