import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlanChange } from '../../shared/views-fleet.ts';
import type { Plane } from '../../shared/plane.ts';
import { sentOnce } from '../../functions/core/sent.ts';
import { wishFor } from '../../functions/directory/standing.ts';
import { nodeHashing, systemClock } from '../../functions/keys.ts';
import { createPlans } from '../../functions/plan/plans.ts';
import { changePlane, openPlanes } from '../../functions/planes.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { connectDirectory } from '../../scripts/local/directory.ts';
import { agentIdOf, plane, planeId } from '../../scripts/scale/fleet.ts';
import { startWorkspace } from './workspace-process.ts';

/*
 * How long a plan of an organisation-wide edit takes, and its apply: `node test/bench/plan.bench.ts [agents] [users]`. The directory
 * is the emulator in a process of its own behind real HTTP, the store a file. Bound: 10,000 agents within 5 s.
 */
const [count, users] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 20_000)];
const boundMs = 5_000;

const folder = mkdtempSync(join(tmpdir(), 'agents-plane-plan-'));
const log = { info: () => undefined, warn: (message: string) => console.log(`warned: ${message.slice(0, 200)}`) };
const workspace = await startWorkspace({ file: ':memory:', users });
const store = openSqliteStore({ file: join(folder, 'plane.sqlite') });
const wake = { wake: () => undefined, flush: async () => undefined };
const change = { store, clock: systemClock, hashing: nodeHashing, wake };
const actor = { kind: 'user', id: 'admin@acme.test' } as const;
const sent = sentOnce(store, randomUUID);

const organization = (spec: Plane['spec']['policies'][number]['spec']): Plane['spec']['policies'] => [
  { match: { organization: true }, spec },
];
const definition: Plane = { ...plane, spec: { ...plane.spec, policies: organization({ agentEnabled: true }) } };

/** Agents for the first so many people of the directory, as intake would have made them; the rest have said no. */
async function fill(identity: ReturnType<typeof connectDirectory>['identity']): Promise<void> {
  const ctx = { signal: AbortSignal.timeout(600_000), log };
  let [made, token]: [number, string | undefined] = [0, undefined];
  do {
    const page: Awaited<ReturnType<typeof identity.listPage>> = await identity.listPage(token === undefined ? {} : { token }, ctx);
    await store.transact(async (tx) => {
      for (const user of page.users.slice(0, count - made)) {
        const agentId = agentIdOf(user.id);
        const draft = wishFor(definition, user, agentId, undefined, { services: [], grants: [] }, [definition])?.draft;
        if (draft) tx.set('agents', agentId, { ...draft, revision: 1, incarnation: 1, enabledAt: 0, changedAt: 0 });
      }
    });
    made += page.users.length;
    token = page.next;
  } while (token !== undefined && made < count);
}

try {
  const planes = openPlanes(change);
  const { identity } = connectDirectory({ url: workspace.url, plane: definition, planes, store, clock: systemClock, audience: 'bench' });
  await changePlane(planeId, actor, () => ({ state: 'active', managedBy: 'api', definition }), change);
  await fill(identity);
  const plans = createPlans({ ...change, planes, identity, wish: async () => undefined });
  const ctx = () => ({ signal: AbortSignal.timeout(120_000), log });
  const edit = (budgetCap: number): PlanChange => ({ kind: 'policies', policies: organization({ agentEnabled: true, budgetCap }) });
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const began = performance.now();
    const plan = await plans.create(planeId, edit(60 + round), { actor, sent, ctx: ctx() });
    times.push(performance.now() - began);
    if (round === 0) console.log(plan.sentences.join('; '));
  }
  const last = await plans.create(planeId, edit(100), { actor, sent, ctx: ctx() });
  const began = performance.now();
  await plans.apply(planeId, last.id, undefined, { actor, sent, authorize: async () => undefined, ctx: ctx() });
  const applyMs = performance.now() - began;
  const median = times.sort((a, b) => a - b)[2] ?? NaN;
  const mib = process.memoryUsage().rss / 2 ** 20;
  console.log(
    `${count} agents, ${users} users: plan ${median.toFixed(0)} ms (${times.map((ms) => ms.toFixed(0)).join(', ')}), ` +
      `${(median / boundMs).toFixed(2)} of the bound; apply ${applyMs.toFixed(0)} ms; ${mib.toFixed(0)} MiB; load ${loadavg()[0]?.toFixed(1)}`,
  );
} finally {
  await store.close();
  workspace.stop();
  rmSync(folder, { recursive: true, force: true });
}
