import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import type { Server } from 'node:http';
import { toAgentId } from '../../shared/agent.ts';
import type { Plane } from '../../shared/plane.ts';
import { makeDue } from '../../functions/core/schedule.ts';
import type { Providers } from '../../functions/core/providers.ts';
import type { Store } from '../../functions/core/store.ts';
import type { Clock } from '../../functions/core/surroundings.ts';
import { createFolderBackups } from '../../functions/backup/folder.ts';
import { nodeHashing, openKeys, systemClock } from '../../functions/keys.ts';
import { createPlane, type PlaneDeps } from '../../functions/plane.ts';
import { openPlanes } from '../../functions/planes.ts';
import { createDirectory } from '../../functions/providers/cloud/google.ts';
import { createInProcessWake } from '../../functions/wake/in-process.ts';
import { connectDirectory } from '../../scripts/local/directory.ts';
import { readPlaneFile } from '../../scripts/local/plane-file.ts';
import type { FaultsBody } from '../../scripts/local/workspace/faults.ts';
import { createWorkspace } from '../../scripts/local/workspace/index.ts';
import { createInstantProviders } from '../../scripts/scale/instant-providers.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

const audience = 'test-audience';

export interface WorldOptions {
  /** Instead of the sample company's plane. */
  readonly plane?: Plane;
  /** Who may change it at first. */
  readonly managedBy?: 'file' | 'api';
  /** People in all. */
  readonly users?: number;
  /** A caller by a token of their own, as the embedded plane has one. */
  readonly knows?: PlaneDeps['knows'];
  /** How agents reach the plane, where that is not its own address. */
  readonly publicUrl?: string;
  /** In force from the start. */
  readonly faults?: FaultsBody;
}

/** Passes and errands come again by themselves for ever; these are done once they are done. */
const settles = /^(look|group|publish|plane\/walk)/;
/** What time alone brings. */
const timely = /^(look|group|regroup|publish|plane)\//;

/** A whole plane but for machines, which are instant, with the Workspace emulator behind real HTTP. */
export async function openWorld({ plane: given, users = 0, knows, faults, managedBy = 'api', publicUrl }: WorldOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-http-'));
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
  const plane = given ?? readPlaneFile(join(__dirname, '../../manifests/acme.planes.yaml'));
  let passedMs = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + passedMs };
  const workspace = createWorkspace({ file: ':memory:', domain: 'acme.test', userCount: users, now: () => clock.now() });
  if (faults) workspace.faults.set(faults);
  const store = createMemoryStore();
  const keys = openKeys({ dir: join(folder, 'keys'), log });
  const wake = createInProcessWake({ clock, log, concurrency: 8, sweepMs: 60_000 });
  let serve: (request: Request, connection?: HttpBindings) => Promise<Response> = async () => new Response(null, { status: 503 });
  const server = createAdaptorServer({
    fetch: (request, connection) => serve(request, connection as HttpBindings),
    overrideGlobalObjects: false,
  }) as Server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no address');
  const url = `http://127.0.0.1:${address.port}`;
  const directory = createDirectory({ rootUrl: `${url}/google/`, fetchImplementation: fetch });
  const providers = new Map<string, Providers>();
  function makeProviders({ metadata }: Plane): Providers {
    const made = providers.get(metadata.name) ?? createInstantProviders(metadata.name);
    providers.set(metadata.name, made);
    return made;
  }
  /** One process of the deployment; any number may share the store. */
  function start(holder: string, from: 'file' | 'sample', definition: Plane, within: Store = store) {
    const planes = openPlanes({ store: within, clock, hashing: nodeHashing, wake, seed: { plane: definition, from } });
    const { sink, ...connected } = connectDirectory({ url, plane: definition, planes, store: within, audience, clock, fetch });
    const running = createPlane({
      ...{ plane: definition, planes, store: within, wake, log, keys, ...connected, clock, hashing: nodeHashing, random: randomUUID },
      makeProviders,
      ...(knows ? { knows } : {}),
      upstream: { maker: 'stand-in' },
      backupStore: createFolderBackups({ dir: join(folder, 'backups') }),
      company: 'Acme',
      publicUrl: publicUrl ?? url,
      holder,
      times: { effectMs: 200, waitMs: 50, resyncMs: 30_000, leaseMs: 30_000, lagMs: 0 },
    });
    return { sink, planes, ...running };
  }
  const running = start('test', managedBy === 'file' ? 'file' : 'sample', plane);
  const { planes } = running;
  workspace.setSink(running.sink);
  wake.attach(running.runner);
  serve = async (request, connection) =>
    /^\/(google|admin)\//.test(new URL(request.url).pathname) ? workspace.fetch(request) : running.app.fetch(request, connection);
  wake.start();
  await running.begin();
  await eventually('a channel', async () => (await store.query('channels', 'byExpiry', { limit: 1 })).some(({ resourceId }) => resourceId));

  const isDue = ({ key }: { key: string }): boolean => settles.test(key);
  const dueNow = () => store.query('schedule', 'byDue', { before: clock.now() + 1, limit: 500 });

  /** Waits until nothing that the directory told of is left to do now. */
  async function settle(): Promise<void> {
    let quiet = 0;
    await eventually(
      'quiet',
      async () => {
        const due = (await dueNow()).filter(isDue);
        // As the sweep does: a row that was put off while it ran has no hint.
        for (const { key } of due) wake.wake(key);
        quiet = due.length > 0 ? 0 : quiet + 1;
        return quiet > 2;
      },
      10_000,
    ).catch(async (error: unknown) => {
      throw new Error(`still due: ${(await dueNow()).map(({ key }) => key).join(', ')}`, { cause: error });
    });
  }

  const idOf = async (email: string): Promise<string> => (await directory.users.get({ userKey: email })).data.id ?? '';
  return {
    ...{ url, store, directory, warnings, wake, plane, planes, keys, clock, settle },
    workspace,
    /** Lets time pass, at once, and runs what is due by then; only what fits `only`, where that is given. */
    async pass(ms: number, only = timely): Promise<void> {
      passedMs += ms;
      for (const { key } of await dueNow()) if (only.test(key)) wake.wake(key);
    },
    /** Runs one of the plane's own errands now. */
    async run(errand: string): Promise<void> {
      const key = `plane/${errand}`;
      await store.transact(async (tx) => makeDue(tx, key, await tx.get('schedule', key), clock.now()));
      wake.wake(key);
      await eventually(errand, async () => ((await store.get('schedule', key))?.dueAt ?? Infinity) > clock.now());
    },
    start,
    app: running.app,
    credentials: running.credentials,
    /** What the clouds of a plane hold. */
    providersOf: (planeId = 'acme'): Providers | undefined => providers.get(planeId),
    idOf,
    agentIdOf: async (email: string, planeId = 'acme'): Promise<string> => toAgentId(planeId, await idOf(email), nodeHashing.sha256),
    /** Calls the API as somebody of the company; without a name, as nobody. */
    async call(
      method: string,
      path: string,
      email?: string,
      body?: unknown,
      token?: string,
    ): Promise<{ status: number; body: Record<string, unknown> }> {
      const shown = token ?? (email === undefined ? undefined : workspace.idToken(email, audience));
      const headers = { ...(shown === undefined ? {} : { authorization: `Bearer ${shown}` }), 'content-type': 'application/json' };
      const answer = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      const text = await answer.text();
      return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
    },
    idToken: (email: string, aud = audience) => workspace.idToken(email, aud),
    async close() {
      await wake.stop();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      workspace.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
export type World = Awaited<ReturnType<typeof openWorld>>;

export async function eventually<T>(what: string, ask: () => Promise<T | undefined | false>, withinMs = 5_000): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
