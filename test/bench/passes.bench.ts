import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toAgentId } from '../../shared/agent.ts';
import { parsePlane } from '../../shared/plane.ts';
import { layersFor, resolvePolicy, toSpec } from '../../shared/policy.ts';
import { changeAgent } from '../../functions/core/agents.ts';
import { sessionMs } from '../../functions/core/credentials.ts';
import { passKey } from '../../functions/core/schedule.ts';
import { nodeHashing, openKeys, systemClock } from '../../functions/keys.ts';
import { createPlane } from '../../functions/plane.ts';
import { fixedPlanes } from '../../functions/planes.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { createInstantProviders } from '../../scripts/scale/instant-providers.ts';

const quiet = { info: () => undefined, warn: () => undefined };
const wake = { wake: () => undefined, flush: async () => undefined };
const inFlight = 64;
const measuredMs = 3_000;

/** Runs work round and round over the items, so many at once, for a fixed time; answers runs per second. */
async function rate(items: readonly string[], run: (item: string) => Promise<unknown>): Promise<number> {
  const end = performance.now() + measuredMs;
  let next = 0;
  let done = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < end) {
        await run(items[next++ % items.length] ?? '');
        done += 1;
      }
    }),
  );
  return Math.round((done / measuredMs) * 1000);
}

async function inBatches(items: readonly string[], run: (item: string) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < items.length; at += inFlight) await Promise.all(items.slice(at, at + inFlight).map(run));
}

async function measure(count: number): Promise<{ agents: number; 'idle passes/s': number; 'heartbeats/s': number; 'RSS MiB': number }> {
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-bench-'));
  const parsed = parsePlane({
    apiVersion: 'openclaw.dev/v1alpha1',
    kind: 'AgentsPlane',
    metadata: { name: 'acme' },
    spec: {
      identity: { provider: 'google-workspace', domain: 'acme.test' },
      infrastructure: { provider: 'local' },
      secrets: { provider: 'local' },
      networking: { provider: 'direct' },
    },
  });
  if (!parsed.ok) throw new Error('the plane of the benchmark is not valid');
  const plane = parsed.value;
  const store = openSqliteStore({ file: join(folder, 'plane.sqlite') });
  const keys = openKeys({ dir: join(folder, 'keys'), log: quiet });
  const never = async () => {
    throw new Error('not part of the benchmark');
  };
  const { app, runner, credentials } = createPlane({
    ...{ plane, planes: fixedPlanes([plane]), store, wake, log: quiet, keys, clock: systemClock, hashing: nodeHashing, random: randomUUID },
    identity: {
      name: 'none',
      authenticate: never,
      rolesOf: never,
      resolveUser: never,
      listPage: never,
      membersOf: never,
      // eslint-disable-next-line require-yield
      async *activities() {
        await never();
      },
      // eslint-disable-next-line require-yield
      async *listUsers() {
        await never();
      },
      watchEvents: never,
      stopWatching: never,
      listOrgUnits: never,
      searchUsers: never,
      examine: never,
      publish: async () => undefined,
      writeRequests: never,
    },
    confirm: async () => undefined,
    makeProviders: () => createInstantProviders('acme'),
    upstream: { maker: 'stand-in' },
    company: 'Acme',
    publicUrl: 'http://127.0.0.1:1',
    holder: 'bench',
    services: [],
    ownAccounts: [],
    times: { effectMs: 4_000, waitMs: 1_000, resyncMs: 30_000, leaseMs: 30_000, lagMs: 0 },
  });

  const policy = resolvePolicy(layersFor(plane, { ouPath: '/', groups: [] }, { agentEnabled: true }));
  const owners = Array.from({ length: count }, (_, at) => String(1_000_000 + at));
  const ids = owners.map((ownerId) => toAgentId('acme', ownerId, nodeHashing.sha256));
  const session = (agentId: string): string =>
    credentials.mint({ kind: 'session', agentId, incarnation: 1, extra: systemClock.now() + sessionMs });
  const tokens = new Map(ids.map((agentId) => [agentId, session(agentId)]));
  const beat = async (agentId: string): Promise<void> => {
    const body = JSON.stringify({ version: 'x', live: true, ready: true, introduction: 'Hello' });
    const headers = { authorization: `Bearer ${tokens.get(agentId) ?? ''}`, 'content-type': 'application/json' };
    const answer = await app.request('/agent/heartbeat', { method: 'POST', headers, body });
    if (answer.status !== 200) throw new Error(`heartbeat answered ${answer.status}`);
  };

  await inBatches(ids, async (agentId) => {
    const ownerId = owners[ids.indexOf(agentId)] ?? '';
    const person = { ownerId, ownerEmail: `u${ownerId}@acme.test`, ownerName: 'U', ouPath: '/', name: 'agent' };
    const wanted = {
      desired: 'running',
      reason: 'bench',
      spec: toSpec(policy, plane),
      policy,
      requests: {},
      conditions: [],
      restarts: 0,
      replacements: 0,
      secretsVersion: 1,
      secretsRotatedAt: 0,
    } as const;
    await changeAgent(agentId, { kind: 'plane', id: 'bench' }, () => ({ agentId, planeId: 'acme', ...person, ...wanted }), {
      ...{ store, clock: systemClock, hashing: nodeHashing, wake },
    });
    await beat(agentId);
    await runner.run(passKey(agentId));
  });
  for (const agentId of ids.slice(0, 5)) {
    const status = await store.get('statuses', agentId);
    if (status?.phase !== 'running') throw new Error(`agent ${agentId} is ${status?.phase ?? 'nothing'}, not running`);
  }

  const passes = await rate(ids, (agentId) => runner.run(passKey(agentId)));
  const heartbeats = await rate(ids, beat);
  const rss = Math.round(process.memoryUsage().rss / 2 ** 20);
  await store.close();
  rmSync(folder, { recursive: true, force: true });
  return { agents: count, 'idle passes/s': passes, 'heartbeats/s': heartbeats, 'RSS MiB': rss };
}

const results = [];
for (const count of [100, 1_000, 10_000]) results.push(await measure(count));
console.log(`Embedded store, every write durable (WAL, synced before each answer), ${inFlight} in flight, ${measuredMs / 1000} s each:`);
console.table(results);
