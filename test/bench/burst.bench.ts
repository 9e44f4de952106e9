import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { directorySchemaName } from '../../shared/directory-schema.ts';
import { activityApplications } from '../../functions/core/providers.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { agentIdOf, inBatches, openFleet } from '../../scripts/scale/fleet.ts';
import { createSlowProviders } from './slow-providers.ts';
import { startWorkspace, type Edit } from './workspace-process.ts';

/*
 * Suspends many users at once: `node test/bench/burst.bench.ts [users] [seconds that a machine's deletion takes]`. Times are of
 * the signed receipts, from the first push that came in.
 */
const [count, deletionS, concurrency] = [Number(process.argv[2] ?? 1_000), Number(process.argv[3] ?? 30), Number(process.argv[4] ?? 16)];
const longestMs = 240_000;
const bounds = { revoked: 5_000, removed: 60_000, callsInAMinute: 2_400 };

const folder = mkdtempSync(join(tmpdir(), 'agents-plane-burst-'));
const warnings = new Map<string, number>();
const log = {
  info: () => undefined,
  warn(message: string) {
    const kind = message.replaceAll(/\b(a[a-z2-7]{15}|\d{6,}|[\w.-]+@[\w.]+)\b/g, '…');
    warnings.set(kind, (warnings.get(kind) ?? 0) + 1);
  },
};
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const workspace = await startWorkspace({ file: ':memory:', users: count + 9 });
const store = openSqliteStore({ file: join(folder, 'plane.sqlite') });
const { providers, deletionsAsked } = createSlowProviders('acme', { deletionMs: deletionS * 1_000 });
let firstSignalAt = Infinity;
let armed = false;
const fleet = await openFleet({
  ...{ store, providers, log, concurrency, workspaceUrl: workspace.url, keysDir: join(folder, 'keys') },
  heard(path) {
    if (armed && path.startsWith('/events/')) firstSignalAt = Math.min(firstSignalAt, Date.now());
  },
});

try {
  await measure();
} finally {
  await fleet.close();
  await store.close();
  workspace.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const write = (userKey: string, fields: Record<string, unknown>): Edit => ({
    userKey,
    body: { customSchemas: { [directorySchemaName]: fields } },
  });
  // What was prepared lies an hour back, so that the plane's first poll takes none of it for news.
  await workspace.tell({ offsetMs: -3_600_000 });
  const ctx = { signal: AbortSignal.timeout(60_000), log };
  const everybody = [];
  for await (const user of fleet.identity.listUsers({}, ctx)) everybody.push(user);
  await workspace.tell({ edits: everybody.slice(0, count).map(({ id }) => write(id, { agentEnabled: true })) });
  const users = await fleet.listEnabled();
  const shown: Edit[] = [];
  await inBatches(users, async (user) => {
    const { userId, fields } = await fleet.enlist(user);
    shown.push(write(userId, { ...fields }));
  });
  await workspace.tell({ edits: shown });
  await workspace.tell({ offsetMs: 0 });
  for (const application of activityApplications)
    await store.transact(async (tx) => void tx.set('polls', application, { application, readUntil: Date.now() }));
  await workspace.tell({ sink: fleet.sink });
  await fleet.begin();
  await pause(3_000);
  await workspace.report();

  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const cpu = process.cpuUsage();
  const samples: { at: number; cpuMs: number }[] = [];
  const sampler = setInterval(() => {
    const { user, system } = process.cpuUsage(cpu);
    samples.push({ at: Date.now(), cpuMs: (user + system) / 1_000 });
  }, 250);
  armed = true;
  const suspendedAt = Date.now();
  await workspace.tell({ edits: users.map(({ id }) => ({ userKey: id, body: { suspended: true } })) });
  const suspendedMs = Date.now() - suspendedAt;
  const receipts = async () =>
    Promise.all(users.map(({ id }) => store.query('receipts', 'byAgent', { equals: [agentIdOf(id)], limit: 1 })));
  const end = Date.now() + longestMs;
  while (Date.now() < end) {
    await pause(2_000);
    let missing = false;
    for (const { id } of users) {
      missing = !(await store.get('receipts', `${agentIdOf(id)}/1`));
      if (missing) break;
    }
    if (!missing) break;
  }
  clearInterval(sampler);
  const used = process.cpuUsage(cpu);
  const tookMs = Date.now() - suspendedAt;
  const found = (await receipts()).flat();
  const { byMethod, refused, mostInAMinute } = await workspace.report();

  const from = (times: readonly string[]): number[] => times.map((time) => Date.parse(time) - firstSignalAt).sort((a, b) => a - b);
  const at = (sorted: readonly number[], share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? Infinity;
  const row = (times: number[]) => ({ 'p50 ms': at(times, 0.5), 'p99 ms': at(times, 0.99), 'max ms': at(times, 1) });
  const revoked = from(found.map(({ revokedAt }) => revokedAt));
  const removed = from(found.map(({ removedAt }) => removedAt));
  console.log(`${count} users suspended within ${suspendedMs} ms, deletion of a machine ${deletionS} s; from the first signal:`);
  console.table({
    'tokens refused': row(from(found.map(({ requestedAt }) => requestedAt))),
    'access revoked': row(revoked),
    'removed, receipt signed': row(removed),
  });
  console.log(`${found.length} receipts; the first signal came ${firstSignalAt - suspendedAt} ms after the first suspension`);
  console.log(
    `calls of the admin included: ${JSON.stringify(byMethod)}; refused ${refused}; at most ${mostInAMinute} of the plane in a minute`,
  );
  console.log(
    `deletions asked for: ${deletionsAsked()}; the plane used ${Math.round((used.user + used.system) / 1_000)} ms of CPU in ${tookMs} ms`,
  );
  const lastRevokedAt = firstSignalAt + at(revoked, 1);
  const cpuMs = samples.find((sample) => sample.at >= lastRevokedAt)?.cpuMs ?? Infinity;
  console.log(`until the last access was revoked it had used ${Math.round(cpuMs)} ms of CPU`);
  console.log(
    `longest the event loop stood: ${Math.round(delay.max / 1e6)} ms; RSS ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
  );
  console.log(
    `load average of the machine: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
  for (const [message, times] of [...warnings].slice(0, 10)) console.log(`warned ${times} times: ${message.slice(0, 240)}`);

  const kept = at(revoked, 0.99) <= bounds.revoked && at(removed, 0.99) <= bounds.removed;
  if (found.length < users.length || !kept || refused > 0 || mostInAMinute > bounds.callsInAMinute) {
    console.log(`not within the bounds ${JSON.stringify(bounds)}`);
    process.exitCode = 1;
  }
}
