import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { toAgentId } from '../../shared/agent.ts';
import { parsePlane } from '../../shared/plane.ts';
import { changeAgent } from '../../functions/core/agents.ts';
import { sessionMs } from '../../functions/core/credentials.ts';
import type { Providers, UserIdentity } from '../../functions/core/providers.ts';
import { passKey, publishKey } from '../../functions/core/schedule.ts';
import type { Store } from '../../functions/core/store.ts';
import type { Clock, Log } from '../../functions/core/surroundings.ts';
import { toPublished } from '../../functions/directory/publish.ts';
import { wishFor } from '../../functions/directory/standing.ts';
import { nodeHashing, openKeys, systemClock } from '../../functions/keys.ts';
import { createPlane, type PlaneDeps } from '../../functions/plane.ts';
import { fixedPlanes } from '../../functions/planes.ts';
import { createInProcessWake } from '../../functions/wake/in-process.ts';
import { connectDirectory } from '../local/directory.ts';

export interface FleetOptions {
  /** Where the Workspace emulator is, without `/google` or a trailing slash. */
  readonly workspaceUrl: string;
  readonly keysDir: string;
  readonly store: Store;
  readonly providers: Providers;
  readonly log: Log;
  readonly fetch?: typeof fetch;
  /** In milliseconds; as embedded where nothing is said. */
  readonly effectMs?: number;
  readonly clock?: Clock;
  readonly concurrency?: number;
  /** A caller of the API by a token of their own. */
  readonly knows?: PlaneDeps['knows'];
  /** Called for every call that comes in from the directory. */
  readonly heard?: (path: string) => void;
}

export const planeId = 'acme';
const parsed = parsePlane({
  apiVersion: 'openclaw.dev/v1alpha1',
  kind: 'AgentsPlane',
  metadata: { name: planeId },
  spec: {
    identity: { provider: 'google-workspace', domain: 'acme.test' },
    infrastructure: { provider: 'local' },
    secrets: { provider: 'local' },
    networking: { provider: 'direct' },
  },
});
if (!parsed.ok) throw new Error('the plane of the benchmark is not valid');
export const plane = parsed.value;

const inFlight = 64;

export async function inBatches<T>(items: readonly T[], run: (item: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < items.length; at += inFlight) await Promise.all(items.slice(at, at + inFlight).map(run));
}

export const agentIdOf = (userId: string): string => toAgentId(planeId, userId, nodeHashing.sha256);

/** A whole plane on a port of its own, over a Workspace elsewhere; whoever's page says so is to have an agent. */
export async function openFleet(options: FleetOptions) {
  const { workspaceUrl, keysDir, store, providers, log, fetch: fetchImplementation, effectMs = 4_000 } = options;
  const clock = options.clock ?? systemClock;
  const wake = createInProcessWake({ clock, log, concurrency: options.concurrency ?? 16, sweepMs: 60_000 });
  let serve: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 503 });
  const server = createAdaptorServer({ fetch: (request) => serve(request), overrideGlobalObjects: false }) as Server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no address');
  const url = `http://127.0.0.1:${address.port}`;
  const transport = fetchImplementation ? { fetch: fetchImplementation } : {};
  const { sink, ...directory } = connectDirectory({
    url: workspaceUrl,
    plane,
    planes: fixedPlanes([plane]),
    store,
    clock,
    audience: 'bench',
    ...transport,
  });
  const running = createPlane({
    ...{
      plane,
      planes: fixedPlanes([plane]),
      store,
      wake,
      log,
      makeProviders: () => providers,
      clock,
      ...directory,
      hashing: nodeHashing,
      random: randomUUID,
    },
    keys: openKeys({ dir: keysDir, log }),
    ...(options.knows ? { knows: options.knows } : {}),
    upstream: { maker: 'stand-in' },
    company: 'Acme',
    publicUrl: url,
    holder: 'bench',
    times: { effectMs, waitMs: 1_000, resyncMs: 30_000, leaseMs: 10_000, lagMs: 0 },
  });
  wake.attach(running.runner);
  serve = (request) => {
    options.heard?.(new URL(request.url).pathname);
    return running.app.fetch(request);
  };

  const sessionOf = (agentId: string): string =>
    running.credentials.mint({ kind: 'session', agentId, incarnation: 1, extra: clock.now() + sessionMs });

  async function beat(agentId: string): Promise<void> {
    const headers = { authorization: `Bearer ${sessionOf(agentId)}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ version: 'x', live: true, ready: true, introduction: 'Hello' });
    const answer = await running.app.request('/agent/heartbeat', { method: 'POST', headers, body });
    if (answer.status !== 200) throw new Error(`heartbeat answered ${answer.status}`);
  }

  /** Gives somebody an agent as a look would, runs it up and takes it for published; answers what the directory should show. */
  async function enlist(user: UserIdentity) {
    const agentId = agentIdOf(user.id);
    const wish = wishFor(plane, user, agentId, undefined, { services: [], grants: [] }, [plane]);
    if (!wish) throw new Error(`policy gives no agent to ${user.email}`);
    await changeAgent(agentId, { kind: 'plane', id: 'bench' }, () => wish.draft, { store, clock, hashing: nodeHashing, wake });
    await beat(agentId);
    await running.runner.run(passKey(agentId));
    const [agent, status, heartbeat] = await Promise.all([
      store.get('agents', agentId),
      store.get('statuses', agentId),
      store.get('heartbeats', agentId),
    ]);
    if (!agent || status?.phase !== 'running') throw new Error(`agent ${agentId} is ${status?.phase ?? 'nothing'}, not running`);
    const fields = toPublished(agent, status, heartbeat);
    await store.transact(async (tx) => tx.set('published', agentId, { ...fields, at: clock.now(), echoes: 0, echoUntil: 0 }));
    await running.runner.run(publishKey(agentId));
    return { userId: user.id, fields };
  }

  return {
    ...{ url, wake, store, enlist, sessionOf, identity: directory.identity, runner: running.runner },
    sink: { ...sink, address: `${url}/events/audit-log` },
    /** Everybody whose page asks for an agent. */
    async listEnabled(): Promise<readonly UserIdentity[]> {
      const users: UserIdentity[] = [];
      const ctx = { signal: AbortSignal.timeout(60_000), log };
      for await (const user of directory.identity.listUsers({}, ctx)) if (user.fields['agentEnabled'] === true) users.push(user);
      return users;
    },
    /** Starts the schedule with its errands and waits for the first walk and the push channel. */
    async begin(): Promise<void> {
      wake.start();
      await running.begin();
      for (const end = Date.now() + 120_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
        const open = (await store.query('channels', 'byExpiry', { limit: 1 })).some(({ resourceId }) => resourceId !== '');
        const walked = await store.get('walks', 'walk');
        if (open && walked && walked.token === undefined) return;
      }
      throw new Error('the plane did not settle in two minutes');
    },
    async close(): Promise<void> {
      await wake.stop();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
export type Fleet = Awaited<ReturnType<typeof openFleet>>;
