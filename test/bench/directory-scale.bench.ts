import { fixedPlanes } from '../../functions/planes.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { directorySchemaName } from '../../shared/directory-schema.ts';
import { activityApplications } from '../../functions/core/providers.ts';
import { createRunner, type Handler } from '../../functions/core/schedule.ts';
import { createIntake } from '../../functions/directory/intake.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { agentIdOf, inBatches, openFleet, plane } from '../../scripts/scale/fleet.ts';
import { createInstantProviders } from '../../scripts/scale/instant-providers.ts';
import { startWorkspace, type Edit } from './workspace-process.ts';

/*
 * What a large directory costs: `node test/bench/directory-scale.bench.ts [users] [enabled]`. The emulator is a process of its own
 * behind real HTTP. Hours are virtual: whatever is due runs at once, in order of time, and the clocks of both jump from one thing
 * to the next.
 */
const [count, enabled] = [Number(process.argv[2] ?? 100_000), Number(process.argv[3] ?? 2_000)];
const hourMs = 3_600_000;
const bounds = { callsOfAFullList: 210, callsPerEnabledUserAnHour: 1, foundWithinMinutes: 10, growthMib: 300 };

const folder = mkdtempSync(join(tmpdir(), 'agents-plane-scale-'));
const log = { info: () => undefined, warn: (message: string) => console.log(`warned: ${message.slice(0, 200)}`) };
const workspace = await startWorkspace({ file: ':memory:', users: count });
const store = openSqliteStore({ file: join(folder, 'plane.sqlite') });
let offsetMs = 0;
const clock = { now: () => Date.now() + offsetMs, deadline: (ms: number) => AbortSignal.timeout(ms) };
const fleet = await openFleet({
  ...{ store, log, workspaceUrl: workspace.url, keysDir: join(folder, 'keys'), providers: createInstantProviders('acme'), clock },
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
  const intake = createIntake({
    ...{ store, clock, log, hashing: nodeHashing, planes: fixedPlanes([plane]), identity: fleet.identity },
    wake: { wake: () => undefined, flush: async () => undefined },
    address: `${fleet.url}/events/directory`,
    random: () => crypto.randomUUID(),
    breathe: () => setImmediate(),
    ...{ services: [], ownAccounts: [] },
  });
  const handlers: Record<string, Handler> = {
    ...intake.handlers,
    // Heartbeats are mirrored by a lane of their own; what is measured is how the directory is read.
    publish: async () => undefined,
    pass: async () => undefined,
    plane: async (name, signal) => intake.errands[name]?.({ signal, log }),
  };
  const runner = createRunner({ store, clock, log, handlers, runMs: 60_000 });
  let highestMib = 0;
  const rssMib = (): number => process.memoryUsage().rss / 2 ** 20;
  const watched = setInterval(() => (highestMib = Math.max(highestMib, rssMib())), 100);

  async function makeDue(key: string): Promise<void> {
    const row = await store.get('schedule', key);
    await store.transact(async (tx) => tx.set('schedule', key, { key, dueAt: clock.now(), attempts: 0, stamp: (row?.stamp ?? 0) + 1 }));
  }

  /** Runs what is due until a time or until something is so; answers how long that took, in virtual milliseconds. */
  async function pass(ms: number, done: () => Promise<boolean> = async () => false): Promise<number> {
    const beganAt = clock.now();
    for (const end = beganAt + ms; clock.now() < end;) {
      if (await done()) break;
      const [next] = await store.query('schedule', 'byDue', { before: end, limit: 1 });
      if (!next) offsetMs += end - clock.now();
      else {
        offsetMs += Math.max(0, next.dueAt - clock.now());
        await workspace.tell({ offsetMs });
        await runner.run(next.key);
      }
    }
    return clock.now() - beganAt;
  }

  // Prepared a day back, so that the first poll takes none of it for news.
  await workspace.tell({ offsetMs: -25 * hourMs });
  const ids: string[] = [];
  for await (const { id } of fleet.identity.listUsers({}, { signal: AbortSignal.timeout(600_000), log })) ids.push(id);
  const step = Math.floor(ids.length / enabled);
  const chosen = ids.filter((_, at) => at % step === 0).slice(0, enabled);
  const body = { customSchemas: { [directorySchemaName]: { agentEnabled: true } } };
  await workspace.tell({ edits: chosen.map((userKey): Edit => ({ userKey, body })) });
  const users = await fleet.listEnabled();
  await inBatches(users, fleet.enlist);
  await workspace.tell({ offsetMs: 0 });
  await workspace.report();

  ids.length = 0;
  highestMib = 0;
  const before = rssMib();
  await makeDue('plane/walk');
  const beganAt = performance.now();
  const walked = async () => {
    const walk = await store.get('walks', 'walk');
    return walk !== undefined && walk.token === undefined;
  };
  await pass(hourMs, walked);
  const tookMs = performance.now() - beganAt;
  const full = await workspace.report();
  const listCalls = full.byMethod['directory.users.list'] ?? 0;
  const looked = full.byMethod['directory.users.get'] ?? 0;

  // The rolling walk learns its length by its first round.
  for (const name of ['rolling', 'roll-call', ...activityApplications.map((application) => `poll-${application}`)])
    await makeDue(`plane/${name}`);
  await pass(hourMs);
  await workspace.report();
  const hours = 3;
  await pass(hours * hourMs);
  const steady = await workspace.report();
  const polls = steady.byMethod['reports.activities.list'] ?? 0;
  const others = Object.values(steady.byMethod).reduce((sum, calls) => sum + calls, 0) - polls;
  const perUser = others / hours / users.length;

  // No channel is open and no sink is set; the polls are off, so that no signal tells of this.
  for (const application of activityApplications) await store.transact(async (tx) => tx.delete('schedule', `plane/poll-${application}`));
  const found: number[] = [];
  for (const share of [0.02, 0.5, 0.98]) {
    const gone = users[Math.floor(users.length * share)];
    if (!gone) continue;
    // The worst moment: the rolling walk has just gone by.
    await pass(2 * hourMs, async () => ((await store.get('walks', 'rolling'))?.last ?? '') < gone.email);
    await pass(2 * hourMs, async () => ((await store.get('walks', 'rolling'))?.last ?? '') >= gone.email);
    await workspace.tell({ edits: [{ userKey: gone.id, body: { suspended: true } }] });
    const removed = async () => (await store.get('agents', agentIdOf(gone.id)))?.desired === 'removed';
    found.push((await pass(2 * hourMs, removed)) / 60_000);
  }
  clearInterval(watched);
  const after = rssMib();

  console.log(`${count} users, ${users.length} enabled; hours are virtual, calls are real ones of Google's client over HTTP:`);
  console.table({
    'calls of a full list': { found: listCalls, allowed: bounds.callsOfAFullList },
    'calls for each enabled user an hour, polls aside': { found: Number(perUser.toFixed(3)), allowed: bounds.callsPerEnabledUserAnHour },
    'minutes until an unsignalled suspension was found': { found: Math.round(Math.max(...found)), allowed: bounds.foundWithinMinutes },
    'growth of RSS at most, MiB': { found: Math.round(highestMib - before), allowed: bounds.growthMib },
  });
  console.log(`the full list took ${Math.round(tookMs)} ms and led to ${looked} reads of single users; ${polls / hours} polls an hour`);
  console.log(`calls of ${hours} steady hours: ${JSON.stringify(steady.byMethod)}; refused ${full.refused + steady.refused}`);
  console.log(`found after ${found.map((minutes) => minutes.toFixed(1)).join(', ')} minutes`);
  console.log(
    `RSS before ${Math.round(before)} MiB, highest ${Math.round(highestMib)}, after ${Math.round(after)}; load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
  const kept =
    listCalls <= bounds.callsOfAFullList &&
    perUser <= bounds.callsPerEnabledUserAnHour &&
    Math.max(...found) <= bounds.foundWithinMinutes &&
    highestMib - before <= bounds.growthMib;
  if (!kept) process.exitCode = 1;
}
