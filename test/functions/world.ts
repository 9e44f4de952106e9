import { takeBodiesAsSent } from '../../functions/http/framework.ts';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { z } from 'zod';
import type { InfraProvider, NetworkProvider, SecretsProvider } from '../../functions/core/providers.ts';
import { functionNames, type FunctionName } from '../../functions/functions.ts';
import { openKeys } from '../../functions/keys.ts';
import { startFunctions } from '../../functions/main-google.ts';
import { createRegistry } from '../../functions/registry.ts';
import { createHints } from '../../functions/wake/hints.ts';
import { createWorkspace } from '../../scripts/local/workspace/index.ts';
import { createInstantProviders } from '../../scripts/scale/instant-providers.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { close, listen, openGateway } from './gateway.ts';

export const audience = 'addon.test';
export const workloadAudience = 'https://plane.test/workload';
export const runner = 'runner@project.iam.gserviceaccount.com';

/** The sample company's plane with other providers of machines, secrets and network. */
export const planeText = (provider: string): string =>
  readFileSync(join(__dirname, '../../manifests/acme.planes.yaml'), 'utf8').replaceAll(
    /provider: (local|direct)/g,
    `provider: ${provider}`,
  );

/** A registry of one provider that is there already. */
const only = <P>(kind: string, provider: P) =>
  createRegistry<P, { instant: object }>(kind, { instant: { options: z.object({}), create: () => provider } });

/** The five functions of one composition, each behind the framework's own server, with a Workspace emulator beside them. */
export async function openFunctions(more: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-functions-'));
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
  openKeys({ dir: join(folder, 'keys'), log });
  writeFileSync(join(folder, 'planes.yaml'), planeText('instant'));
  const workspace = createWorkspace({ file: ':memory:', domain: 'acme.test', now: () => Date.now() });
  const google = createAdaptorServer({ fetch: (request) => workspace.fetch(request), overrideGlobalObjects: false }) as Server;
  const googleUrl = await listen(google);
  const store = createMemoryStore();
  const hinted: string[] = [];
  const wake = createHints(async (keys) => void hinted.push(...keys));
  const env = {
    GOOGLE_CLOUD_PROJECT: 'test',
    REGION: 'europe-west1',
    PLANES_FILE: join(folder, 'planes.yaml'),
    PUBLIC_URL: 'http://127.0.0.1:1',
    WAKE: 'pubsub',
    PUBSUB_TOPIC: 'hints',
    WORKLOAD_AUDIENCE: workloadAudience,
    WORKLOAD_ACCOUNTS: runner,
    OAUTH_AUDIENCES: audience,
    DIRECTORY_ROOT_URL: `${googleUrl}/google/`,
    KEYS_DIR: join(folder, 'keys'),
    ...more,
  };
  const { infra, secrets, network } = createInstantProviders('acme');
  const leaveBodies = takeBodiesAsSent();
  startFunctions(env, {
    ...{ store, wake, log, fetch },
    times: { effectMs: 500, waitMs: 50, leaseMs: 1_000 },
    registries: {
      infrastructure: only<InfraProvider>('infrastructure', infra),
      secrets: only<SecretsProvider>('secrets', secrets),
      networking: only<NetworkProvider>('networking', network),
    },
  });
  const servers = Object.fromEntries(functionNames.map((name) => [name, getTestServer(name)])) as Record<FunctionName, Server>;
  const urls = {} as Record<FunctionName, string>;
  for (const name of functionNames) urls[name] = await listen(servers[name]);
  const gateway = await openGateway([
    ...['/v1/', '/agent/', '/me/', '/mail/'].map((prefix) => ({ prefix, targets: [urls.api] })),
    { prefix: '/events/', targets: [urls.events] },
    { prefix: '/model/', targets: [urls.model] },
  ]);

  async function call(url: string, options: { method?: string; token?: string; body?: unknown } = {}) {
    const { method = 'GET', token, body } = options;
    const answer = await fetch(url, {
      method,
      headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const type = answer.headers.get('content-type') ?? '';
    return { status: answer.status, type, body: type.includes('json') ? (JSON.parse(text) as Record<string, unknown>) : { text } };
  }

  return {
    ...{ urls, store, hinted, warnings, secrets, workspace, call, keysDir: join(folder, 'keys') },
    url: gateway.url,
    admin: () => workspace.idToken('admin@acme.test', audience),
    workload: () => workspace.serviceToken(runner, workloadAudience),
    async close() {
      leaveBodies();
      for (const server of [...Object.values(servers), gateway.server, google]) await close(server);
      workspace.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
export type FunctionsWorld = Awaited<ReturnType<typeof openFunctions>>;
