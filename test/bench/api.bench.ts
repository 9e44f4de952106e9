import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { directorySchemaName } from '../../shared/directory-schema.ts';
import { activityApplications } from '../../functions/core/providers.ts';
import { endpointFile } from '../../scripts/client.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { measureLoad } from './api-load.ts';
import { agentIdOf, inBatches, openFleet, planeId } from '../../scripts/scale/fleet.ts';
import { createInstantProviders } from '../../scripts/scale/instant-providers.ts';
import { startWorkspace, type Edit } from './workspace-process.ts';

/*
 * How fast the API answers with many agents: `node test/bench/api.bench.ts [agents] [calls a second] [seconds]`. Real HTTP, the
 * embedded store, the whole plane with its passes and errands, a heartbeat of each agent every half minute.
 */
const [count, perSecond, seconds] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 350), Number(process.argv[4] ?? 20)];
const boundMs = 50;
const heartbeatMs = 30_000;
const token = 'the-local-token';

const folder = mkdtempSync(join(tmpdir(), 'agents-plane-api-'));
const warnings = new Map<string, number>();
const log = {
  info: () => undefined,
  warn: (message: string) => void warnings.set(message.slice(0, 120), (warnings.get(message.slice(0, 120)) ?? 0) + 1),
};
const workspace = await startWorkspace({ file: ':memory:', users: count + 9 });
const store = openSqliteStore({ file: join(folder, 'plane.sqlite') });
const fleet = await openFleet({
  ...{ store, log, workspaceUrl: workspace.url, keysDir: join(folder, 'keys'), providers: createInstantProviders(planeId) },
  knows: (shown) =>
    shown === token
      ? {
          actor: { kind: 'user', id: 'local token' },
          roles: [{ role: 'admin' }],
          rates: { reads: { perSecond: 10_000, burst: 20_000 }, mutations: { perSecond: 1, burst: 1 } },
        }
      : undefined,
});

try {
  await measure();
} finally {
  await fleet.close();
  await store.close();
  workspace.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Everybody an agent that runs and is published, as if it had been so for an hour. */
async function fill() {
  const page = (userKey: string, fields: Record<string, unknown>): Edit => ({
    userKey,
    body: { customSchemas: { [directorySchemaName]: fields } },
  });
  await workspace.tell({ offsetMs: -3_600_000 });
  const everybody = [];
  for await (const user of fleet.identity.listUsers({}, { signal: AbortSignal.timeout(60_000), log })) everybody.push(user);
  const users = everybody.slice(0, count).map((user) => ({ ...user, fields: { ...user.fields, agentEnabled: true } }));
  const shown: Edit[] = [];
  await inBatches(users, async (user) => {
    const { userId, fields } = await fleet.enlist(user);
    shown.push(page(userId, { ...fields, agentEnabled: true }));
  });
  await workspace.tell({ edits: shown });
  await workspace.tell({ offsetMs: 0 });
  for (const application of activityApplications)
    await store.transact(async (tx) => void tx.set('polls', application, { application, readUntil: Date.now() }));
  await workspace.tell({ sink: fleet.sink });
  await fleet.begin();
  // Filling takes longer than the time between two passes over an agent: what became due meanwhile is no part of this.
  const overdue = async () => (await store.query('schedule', 'byDue', { before: Date.now() - 5_000, limit: 50 })).length;
  for (const end = Date.now() + 120_000; Date.now() < end && (await overdue()) > 20;) await sleep(500);
  console.log(`${count} agents after ${Math.round(performance.now() / 1_000)} s; ${await overdue()} or more passes are late`);
  return users;
}

/** How long a command line takes from its start to its end, in milliseconds; the second fastest of three. */
async function timeCommand(...line: readonly string[]): Promise<number> {
  writeFileSync(endpointFile(folder), JSON.stringify({ url: fleet.url, token }));
  const times: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const began = performance.now();
    await promisify(execFile)(process.execPath, ['scripts/planes.ts', ...line, '--data', folder], { maxBuffer: 2 ** 28 });
    times.push(performance.now() - began);
  }
  return Math.round(times.toSorted((a, b) => a - b)[1] ?? NaN);
}

async function measure(): Promise<void> {
  const users = await fill();
  const agents = users.map(({ id, email }) => ({ agentId: agentIdOf(id), email, session: fleet.sessionOf(agentIdOf(id)) }));
  const load = { url: fleet.url, token, planeId, perSecond, agents, heartbeatMs };
  // Every agent has had a heartbeat when it begins, as in a plane that runs.
  await measureLoad({ ...load, seconds: heartbeatMs / 1_000 + 1 });

  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const cpu = process.cpuUsage();
  const began = performance.now();
  const { times, failures, bytes } = await measureLoad({ ...load, seconds });
  const { user, system } = process.cpuUsage(cpu);
  const share = (user + system) / 10 / (performance.now() - began);

  const at = (sorted: readonly number[], part: number): number => sorted[Math.ceil(sorted.length * part) - 1] ?? NaN;
  const row = (unsorted: readonly number[]) => {
    const sorted = unsorted.toSorted((a, b) => a - b);
    const [p50, p99, max] = [0.5, 0.99, 1].map((part) => Number(at(sorted, part).toFixed(1)));
    return { calls: sorted.length, 'p50 ms': p50, 'p99 ms': p99, 'max ms': max };
  };
  const { heartbeat = [], ...calls } = times;
  const all = row(Object.values(calls).flat());
  console.log(`${count} agents, ${perSecond} calls a second for ${seconds} s from another process:`);
  console.table({ ...Object.fromEntries(Object.entries(calls).map(([kind, each]) => [kind, row(each)])), all, heartbeat: row(heartbeat) });
  const mib = Math.round(process.memoryUsage().rss / 2 ** 20);
  console.log(
    `${(bytes / 2 ** 20 / seconds).toFixed(1)} MiB/s; the plane used ${share.toFixed(0)} % of one core and ${mib} MiB; ` +
      `longest the event loop stood ${Math.round(delay.max / 1e6)} ms; load ${loadavg()[0]?.toFixed(1)}`,
  );
  console.log(`planes status ${await timeCommand('status')} ms, for programs ${await timeCommand('status', '--json')} ms`);
  for (const [message, often] of [...warnings].slice(0, 5)) console.log(`warned ${often} times: ${message}`);
  const failed = Object.entries(failures).map(([what, often]) => `${what} ${often} times`);
  if (failed.length > 0) console.log(`not answered: ${failed.join('; ')}`);
  if (failed.length > 0 || !(Number(all['p99 ms']) <= boundMs)) {
    console.log(`not within ${boundMs} ms`);
    process.exitCode = 1;
  }
}
