import { rotateOld, rotateWhere } from '../../functions/core/rotation.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { pauseAgent, rotateSecrets } from '../../functions/core/verbs.ts';
import { openCompany, toPlane } from '../directory/company.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const log = { info: () => undefined, warn: () => undefined };
const ctx = { signal: new AbortController().signal, log };
const admin = { kind: 'user', id: 'admin' } as const;

async function openAgents(count: number, pageSize = 10) {
  const company = openCompany(toPlane([]), { pageSize });
  for (let id = 1; id <= count; id += 1) company.hire(id, '/', { agentEnabled: true });
  await company.begin();
  const deps = { ...company.deps, planeId: 'acme' };
  const agentOf = async (id: string) => {
    const agent = await company.store.get('agents', company.agentIdOf(id));
    if (!agent) throw new Error(`there is no agent of ${id}`);
    return agent;
  };
  return {
    ...{ company, deps, agentOf },
    versionOf: async (id: string) => (await agentOf(id)).secretsVersion,
    rotateAll: (given: Ctx = ctx) => rotateWhere(() => true, admin, given, deps),
    /** The machine reports a version of its secrets. */
    takeUp: async (id: string, version: number): Promise<void> => {
      const { agentId, incarnation } = await agentOf(id);
      const state = { at: company.now(), revision: 1, live: true, ready: true, boot: 1 };
      const beat = { agentId, incarnation, ...state, secretsVersion: `${incarnation}.${version}` };
      await company.store.transact(async (tx) => tx.set('heartbeats', agentId, beat));
    },
  };
}

it('rotates what the plane makes itself when it is ninety days old, and not before (REQ-MAINT-04)', async () => {
  const { company, deps, agentOf, versionOf } = await openAgents(2);
  await company.pass(89 * dayMs);
  expect(await rotateOld(90 * dayMs, deps, ctx)).toEqual({ agents: 0, remaining: 0 });
  await pauseAgent(await agentOf('1002'), admin, 'holiday', deps);
  await company.pass(2 * dayMs);
  expect(await rotateOld(90 * dayMs, deps, ctx)).toEqual({ agents: 1, remaining: 0 });
  expect(await rotateOld(90 * dayMs, deps, ctx)).toEqual({ agents: 0, remaining: 0 });
  expect([await versionOf('1001'), await versionOf('1002')]).toEqual([2, 1]);
});

it('passes over whoever was rotated just now, and whose machine has yet to take it up', async () => {
  const { company, rotateAll, takeUp, versionOf } = await openAgents(2);
  await company.pass(minuteMs);
  expect(await rotateAll()).toEqual({ agents: 2, remaining: 0 });
  await takeUp('1001', 2);
  expect(await rotateAll()).toEqual({ agents: 0, remaining: 0 });
  await company.pass(10 * minuteMs);
  expect(await rotateAll()).toEqual({ agents: 1, remaining: 0 });
  expect([await versionOf('1001'), await versionOf('1002')]).toEqual([3, 2]);
  await company.pass(dayMs);
  expect((await rotateAll()).agents).toBe(2);
});

it('refuses to rotate one agent whose machine still runs with the version before the newest', async () => {
  const { company, agentOf, deps, takeUp } = await openAgents(1);
  await company.pass(minuteMs);
  await rotateSecrets(await agentOf('1001'), admin, deps);
  await takeUp('1001', 1);
  const again = rotateSecrets(await agentOf('1001'), admin, deps);
  await expect(again).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('wait until its machine has taken up version 2') as string,
  });
  await takeUp('1001', 2);
  expect(await rotateSecrets(await agentOf('1001'), admin, deps)).toMatchObject({ secretsVersion: 3 });
});

it('rotates 500 agents at once at most, and the others when it is asked again', async () => {
  const { company, rotateAll, agentOf, deps } = await openAgents(503, 500);
  await company.pass(minuteMs);
  const ids = Array.from({ length: 503 }, (_, at) => String(1_001 + at));
  const [last = ''] = ids.toSorted((a, b) => (company.agentIdOf(a) < company.agentIdOf(b) ? 1 : -1));
  // Its machine never takes this up, so nobody waits for it.
  await rotateSecrets(await agentOf(last), admin, deps);
  await company.pass(11 * minuteMs);
  expect(await rotateAll()).toEqual({ agents: 500, remaining: 2 });
  expect(await rotateAll()).toEqual({ agents: 2, remaining: 0 });
  expect(await rotateAll()).toEqual({ agents: 0, remaining: 0 });
});

it('ends when its time is over, and says how many remain', async () => {
  const { company, rotateAll, versionOf } = await openAgents(3);
  await company.pass(minuteMs);
  expect(await rotateAll({ ...ctx, signal: AbortSignal.abort() })).toEqual({ agents: 0, remaining: 3 });
  expect(await versionOf('1001')).toBe(1);
});
