import { join } from 'node:path';
import { z } from 'zod';
import type { WorkspaceConfig } from '../config-functions.ts';
import type { IdentityProvider, InfraProvider, NetworkProvider, SecretsProvider } from '../core/providers.ts';
import type { Log } from '../core/surroundings.ts';
import { readIfPresent } from '../files.ts';
import { createRegistry, type Registry } from '../registry.ts';
import { createGoogleAuth } from './cloud/google-auth.ts';
import type { Quota } from './cloud/google-quota.ts';
import { scopesOf } from './cloud/google-scopes.ts';
import { createDirectory, createReports } from './cloud/google.ts';
import { createGoogleWorkspace } from './identity/google-workspace.ts';
import { createLocalInfra } from './infra/local.ts';
import { createDirectNetwork } from './network/direct.ts';
import { createLocalSecrets } from './secrets/local.ts';

/** The providers that a plane chooses from by name, by the sections of planes.yaml. */
export interface Registries {
  readonly identity: Registry<IdentityProvider>;
  readonly infrastructure: Registry<InfraProvider>;
  readonly secrets: Registry<SecretsProvider>;
  readonly networking: Registry<NetworkProvider>;
}

/** What every factory is offered; each takes what its schema names. */
export interface ProviderSurroundings {
  readonly planeId: string;
  readonly domain: string;
  readonly publicUrl: string;
  readonly log: Log;
  readonly dataKey: Buffer;
  /** A folder of the one host that all processes run on; absent on a cloud. */
  readonly localDir?: string;
  readonly workspace: WorkspaceConfig;
  readonly audiences: readonly string[];
  readonly policyGroups: () => Promise<readonly string[]>;
  readonly quota: Quota;
  /** For tests: jest's network is not the clients' own. */
  readonly fetch?: typeof fetch;
}

/** Made by the composition itself, not by who configures it. */
const own = <T>(): z.ZodType<T> => z.custom<T>();
const planeId = z.string();
const localDir = z.string({ error: 'a folder in LOCAL_DIR, on the one host where all functions and all machines run' });

const workspaceOptions = z.object({
  workspace: own<WorkspaceConfig>(),
  domain: z.string(),
  audiences: z.array(z.string()).min(1),
  policyGroups: own<() => Promise<readonly string[]>>(),
  quota: own<Quota>(),
  fetch: own<typeof fetch>().optional(),
});

function openWorkspace({ workspace, quota, fetch: send, ...options }: z.infer<typeof workspaceOptions>): IdentityProvider {
  const transport = send === undefined ? {} : { fetchImplementation: send };
  const client =
    workspace.way === 'emulator'
      ? { ...transport, rootUrl: workspace.rootUrl }
      : { ...transport, auth: createGoogleAuth({ ...workspace, scopes: scopesOf('runtime') }) };
  return createGoogleWorkspace({
    ...options,
    directory: createDirectory(client),
    reports: createReports(client),
    quota,
    ...(send === undefined ? {} : { fetch: send }),
    ...(workspace.way === 'emulator' ? { certsUrl: `${workspace.rootUrl}oauth2/v1/certs` } : {}),
  });
}

/** State and programs of the providers of one host; OpenClaw's manifest and the sidecar are laid there by who sets the host up. */
const foldersOf = (dir: string) => ({
  machines: join(dir, 'machines'),
  host: join(dir, 'host'),
  runtime: join(dir, 'runtime'),
  install: join(dir, 'install'),
  secrets: join(dir, 'secrets'),
  grants: join(dir, 'grants'),
  network: join(dir, 'network'),
});

/** Every provider there is today. */
export const registries: Registries = {
  identity: createRegistry<IdentityProvider, { 'google-workspace': z.infer<typeof workspaceOptions> }>('identity', {
    'google-workspace': { options: workspaceOptions, create: openWorkspace },
  }),
  infrastructure: createRegistry<InfraProvider, { local: { planeId: string; localDir: string; publicUrl: string; log: Log } }>(
    'infrastructure',
    {
      local: {
        options: z.object({ planeId, localDir, publicUrl: z.string(), log: own<Log>() }),
        create(options) {
          const folders = foldersOf(options.localDir);
          const secrets = { provider: 'local', dir: folders.secrets, grantsDir: folders.grants };
          return createLocalInfra({
            planeId: options.planeId,
            log: options.log,
            separateUsers: process.geteuid?.() === 0 && process.platform === 'linux',
            machinesDir: folders.machines,
            hostDir: folders.host,
            runtimeDir: folders.runtime,
            manifestDir: folders.install,
            sidecar: { bundle: join(folders.install, 'sidecar.js'), environment: { plane: { url: options.publicUrl }, secrets } },
          });
        },
      },
    },
  ),
  secrets: createRegistry<SecretsProvider, { local: { planeId: string; localDir: string; dataKey: Buffer } }>('secrets', {
    local: {
      options: z.object({ planeId, localDir, dataKey: own<Buffer>() }),
      create({ localDir: dir, ...options }) {
        const { secrets, grants } = foldersOf(dir);
        return createLocalSecrets({ ...options, dir: secrets, grantsDir: grants });
      },
    },
  }),
  networking: createRegistry<NetworkProvider, { direct: { planeId: string; localDir: string } }>('networking', {
    direct: {
      options: z.object({ planeId, localDir }),
      create({ localDir: dir, ...options }) {
        const { machines, network } = foldersOf(dir);
        async function portOf(agentId: string): Promise<number | undefined> {
          const port = readIfPresent(join(machines, agentId, 'run', 'port'));
          return port && Number(port.toString());
        }
        return createDirectNetwork({ ...options, dir: network, portOf });
      },
    },
  }),
};
