import { randomBytes, randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpBindings } from '@hono/node-server';
import { PlaneError } from '../../functions/core/errors.ts';
import { createFolderBackups } from '../../functions/backup/folder.ts';
import { endLeases } from '../../functions/core/lease.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import type { Config } from '../../functions/config.ts';
import { readIfPresent, writeFileAtomic } from '../../functions/files.ts';
import { nodeHashing, openKeys, systemClock } from '../../functions/keys.ts';
import type { Caller } from '../../functions/http/callers.ts';
import type { Providers } from '../../functions/core/providers.ts';
import type { Actor } from '../../functions/core/records.ts';
import { createPlane } from '../../functions/plane.ts';
import { openPlanes } from '../../functions/planes.ts';
import { takeLock } from '../../functions/providers/infra/host-lock.ts';
import { createLocalInfra } from '../../functions/providers/infra/local.ts';
import { createUidPrincipals } from '../../functions/providers/infra/local-principals.ts';
import { agentUids } from '../../functions/providers/infra/local-processes.ts';
import { createDirectNetwork } from '../../functions/providers/network/direct.ts';
import { createLocalSecrets } from '../../functions/providers/secrets/local.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { createInProcessWake } from '../../functions/wake/in-process.ts';
import type { Plane } from '../../shared/plane.ts';
import { buildAddon } from '../build-addon.ts';
import { buildSidecar } from '../build-sidecar.ts';
import { endpointFile, type Endpoint } from '../client.ts';
import { consoleDoors } from './console-doors.ts';
import { connectDirectory } from './directory.ts';
import { openFolders } from './folders.ts';
import { guardHost } from './kernel/host-guard.ts';
import { listen, refuseTaken } from './server.ts';
import { createWorkspace } from './workspace/index.ts';

export interface EmbeddedPlane extends Endpoint {
  stop(): Promise<void>;
}

/** The audience of ID tokens that the console's add-on carries; on Google it is the script's OAuth client id. */
const audience = 'agents-plane.local';

/** Who tries the API by hand, or measures it. */
const localCaller: Caller = {
  actor: { kind: 'user', id: 'local token' },
  roles: [{ role: 'admin' }],
  rates: { reads: { perSecond: 2_000, burst: 4_000 }, mutations: { perSecond: 500, burst: 2_000 } },
};

const times = { effectMs: 4_000, waitMs: 1_000, resyncMs: 30_000, leaseMs: 10_000, lagMs: 0 };

/** What the audit trail says of a path that an agent tried: beyond the API a path may hold a token. */
const toDoor = (path: string): string => (path.startsWith('/v1/planes') ? path : `/${path.split('/')[1] ?? ''}`);

const company = (domain: string): string => domain.charAt(0).toUpperCase() + (domain.split('.')[0] ?? domain).slice(1);

function openStore(folder: string) {
  const lock = takeLock(join(folder, 'lock'));
  if (!lock)
    throw new PlaneError('conflict', `cannot use ${folder}: another plane runs on it; stop that one, or choose another with --data`);
  return { lock, store: openSqliteStore({ file: join(folder, 'plane.sqlite') }) };
}

/** Runs a whole plane on this machine: the Workspace emulator, the plane, the console, and agents as processes. */
export async function startEmbedded(config: Config, plane: Plane, root: string, log: Log): Promise<EmbeddedPlane> {
  const { port, separateUsers } = config;
  const url = `http://127.0.0.1:${port}`;
  const planeId = plane.metadata.name;
  const { domain } = plane.spec.identity;
  await refuseTaken(port);
  const folders = openFolders(config);
  const { lock, store } = openStore(folders.data);
  const keys = openKeys({ dir: folders.keys, log });
  const workspace = createWorkspace({
    file: join(folders.data, 'workspace.sqlite'),
    domain,
    userCount: config.users,
    now: () => systemClock.now(),
    log: (line) => log.info(line),
  });
  const sidecarBundle = join(root, 'dist', 'sidecar.js');
  const [{ code }] = await Promise.all([
    buildAddon({ outDir: join(root, 'dist', 'addon'), backendUrl: url }),
    buildSidecar(sidecarBundle, root),
  ]);

  const secretsDir = join(folders.data, 'secrets');
  const infras = new Map<string, ReturnType<typeof createLocalInfra>>();
  function makeInfra(id: string): ReturnType<typeof createLocalInfra> {
    const made = createLocalInfra({
      planeId: id,
      separateUsers,
      log,
      machinesDir: folders.machines,
      hostDir: folders.host,
      runtimeDir: folders.runtime,
      manifestDir: join(root, 'manifests', 'machine', 'openclaw'),
      sidecar: {
        bundle: sidecarBundle,
        environment: { plane: { url }, secrets: { provider: 'local', dir: secretsDir, grantsDir: folders.grants } },
      },
    });
    infras.set(id, made);
    return made;
  }
  const portOf = async (agentId: string): Promise<number | undefined> => {
    const port = readIfPresent(join(folders.machines, agentId, 'run', 'port'));
    return port && Number(port.toString());
  };
  const makeProviders = ({ metadata }: Plane): Providers => ({
    infra: infras.get(metadata.name) ?? makeInfra(metadata.name),
    secrets: createLocalSecrets({ planeId: metadata.name, dir: secretsDir, dataKey: keys.dataKey, grantsDir: folders.grants }),
    network: createDirectNetwork({ planeId: metadata.name, dir: join(folders.data, 'network'), portOf }),
  });

  const token = randomBytes(24).toString('base64url');
  const wake = createInProcessWake({ clock: systemClock, log, concurrency: 16, sweepMs: 60_000 });
  const from = config.planeFile === undefined ? 'sample' : 'file';
  const planes = openPlanes({ store, clock: systemClock, hashing: nodeHashing, wake, seed: { plane, from } });
  const { sink, ...directory } = connectDirectory({ url, plane, planes, store, audience, clock: systemClock });
  workspace.setSink(sink);
  const running = createPlane({
    ...{ plane, planes, store, wake, log, keys, makeProviders, times, ...directory },
    clock: systemClock,
    hashing: nodeHashing,
    upstream: config.upstream,
    backupStore: createFolderBackups({ dir: join(folders.data, 'backups') }),
    company: company(domain),
    publicUrl: url,
    holder: `embedded-${process.pid}-${randomUUID().slice(0, 8)}`,
    random: randomUUID,
    knows: (shown) => (keys.tokenKey.equal(shown, token) ? localCaller : undefined),
  });
  wake.attach(running.runner);

  const console = consoleDoors({ root, code, url, planeId, company: company(domain), domain, audience, workspace, log });
  const requestId = randomUUID;
  function refused(caller: number | 'page' | undefined, method: string, path: string): void {
    const actor: Actor =
      caller === 'page' ? { kind: 'user', id: 'a page from elsewhere' } : { kind: 'agent', id: `uid:${caller ?? 'unknown'}` };
    const entry = { actor, action: 'access.refused', target: toDoor(path), detail: method };
    running.tally({ planeId }, entry).catch((error: unknown) => log.warn('cannot note a refusal', { error }));
  }
  // Google's client drops the path of a rootUrl that was given when it was made, hence the second prefix.
  const google = ['/google/', '/admin/'].map((prefix) => ({ prefix, serve: (request: Request) => workspace.fetch(request) }));
  const doors = [
    ...google,
    ...console.doors,
    { prefix: '/', serve: async (request: Request, connection: HttpBindings) => running.app.fetch(request, connection) },
  ];
  const server = await listen({ port, doors, separateUsers, log, requestId, refused });
  await endLeases({ store, clock: systemClock });
  // Before any agent starts: the kernel watches processes that came after its audit subsystem was switched on.
  const principals = createUidPrincipals({ machinesDir: folders.machines, hostDir: folders.host });
  const guarded = { uids: agentUids, agents: () => principals.list() };
  const guard = separateUsers
    ? await guardHost({ ...guarded, root, instance: folders.instance, planeId, tally: running.tally, log })
    : undefined;
  wake.start();
  await running.begin();
  writeFileAtomic(endpointFile(folders.data), JSON.stringify({ url, token }), 0o600);

  return {
    url,
    token,
    async stop() {
      rmSync(endpointFile(folders.data), { force: true });
      await wake.stop();
      await Promise.all([...infras.values()].map((infra) => infra.powerOff({ signal: AbortSignal.timeout(10_000), log })));
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await guard?.stop();
      await console.close();
      workspace.close();
      await store.close();
      lock.release();
    },
  };
}
