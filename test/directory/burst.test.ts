import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { directorySchemaName } from '../../shared/directory-schema.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';
import type { AgentRecord, Receipt } from '../../functions/core/records.ts';
import { rollCall } from '../../functions/directory/roll-call.ts';
import { createPublish } from '../../functions/directory/publish.ts';
import { createQuota, googleLanes, googleQuotas } from '../../functions/directory/quota.ts';
import { createWorkspace } from '../../scripts/local/workspace/index.ts';
import { agentIdOf, inBatches, openFleet } from '../../scripts/scale/fleet.ts';
import { createSlowProviders } from '../bench/slow-providers.ts';
import { eventually } from '../http/world.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { createAuditLog, entry, second, start, suspend } from './audit-log.ts';

const count = 50;
const lines: string[] = [];
const log = { info: () => undefined, warn: (line: string) => void lines.push(line) };

async function openBurst() {
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-burst-'));
  const store = createMemoryStore();
  const workspace = createWorkspace({ file: ':memory:', domain: 'acme.test', userCount: count + 9, now: () => Date.now() });
  const server = createAdaptorServer({ fetch: (request) => workspace.fetch(request), overrideGlobalObjects: false }) as Server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no address');
  const { providers, deletionsAsked } = createSlowProviders('acme', { deletionMs: 3_000 });
  const events: string[] = [];
  let gate: ((ctx: Ctx) => Promise<void>) | undefined;
  const { infra, network } = providers;
  const fleet = await openFleet({
    ...{ store, log, fetch, keysDir: join(folder, 'keys'), workspaceUrl: `http://127.0.0.1:${address.port}`, effectMs: 8_000 },
    providers: {
      ...providers,
      infra: {
        ...infra,
        async freeze(agentId, ctx) {
          await infra.freeze(agentId, ctx);
          events.push('frozen');
        },
      },
      network: {
        ...network,
        async revokeAccess(agentId, ctx) {
          await gate?.(ctx);
          await network.revokeAccess(agentId, ctx);
        },
      },
    },
  });

  async function edit(userKey: string, body: unknown): Promise<void> {
    const request = new Request(`http://127.0.0.1/google/admin/directory/v1/users/${userKey}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', authorization: 'Bearer admin' },
      body: JSON.stringify(body),
    });
    expect((await workspace.fetch(request)).status).toBe(200);
  }

  const ids: string[] = [];
  for await (const { id } of fleet.identity.listUsers({}, { signal: AbortSignal.timeout(5_000), log })) ids.push(id);
  for (const id of ids.slice(0, count)) await edit(id, { customSchemas: { [directorySchemaName]: { agentEnabled: true } } });
  const users = await fleet.listEnabled();
  await inBatches(users, (user) => fleet.enlist(user));
  return {
    ...{ fleet, store, workspace, users, events, edit, deletionsAsked },
    hold: (until: (ctx: Ctx) => Promise<void>) => void (gate = until),
    /** Every one of them, once there are as many as users. */
    receipts: () =>
      eventually<readonly Receipt[]>(
        'all receipts',
        async () => {
          const found = await Promise.all(users.map(({ id }) => store.get('receipts', `${agentIdOf(id)}/1`)));
          const signed = found.filter((receipt) => receipt !== undefined);
          return signed.length === users.length && signed;
        },
        40_000,
      ),
    async close() {
      await fleet.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      workspace.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describe('fifty suspensions at once', () => {
  it('all end access before any machine is gone, are read once or twice each, and wait for no pass (REQ-WSEC-05, REQ-ID-04)', async () => {
    const burst = await openBurst();
    const { fleet, store, workspace, users, events, edit, hold, receipts, deletionsAsked } = burst;
    try {
      await fleet.begin();
      await eventually('a roll call that is through', async () => (await store.get('walks', rollCall))?.readAt);
      workspace.resetCalls();
      /** Passes take all their places and go on only when the last look has decided: looks that needed one of these would never come. */
      hold(async (ctx) => {
        for (;;) {
          ctx.signal.throwIfAborted();
          const agents = await Promise.all(users.map(({ id }) => store.get('agents', agentIdOf(id))));
          if (agents.every((agent) => agent?.desired === 'removed')) return;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      });
      await Promise.all(users.map(({ id }) => edit(id, { suspended: true })));
      const found = await receipts();

      const firstRemovedAt = found.map(({ removedAt }) => removedAt).sort()[0] ?? '';
      expect(found.filter(({ revokedAt }) => revokedAt >= firstRemovedAt)).toEqual([]);
      expect(found.every(({ reason }) => reason === 'suspended')).toBe(true);
      expect(events).toHaveLength(count);
      expect(lines.filter((line) => line.includes('pass/'))).toEqual([]);

      const calls = workspace.calls().byMethod['directory.users.get'] ?? 0;
      expect(calls).toBeGreaterThanOrEqual(count);
      expect(calls).toBeLessThanOrEqual(2 * count);
      expect(lines.filter((line) => line.includes('quota'))).toEqual([]);
      // Three seconds of deletion are asked after about once a second, and not more.
      expect(deletionsAsked()).toBeLessThanOrEqual(5 * count);
    } finally {
      await burst.close();
    }
  }, 60_000);
});

describe('what a burst leaves undone', () => {
  it('reads nobody again for an event after which they were seen to be gone, and everybody who may have come back', async () => {
    const { own, store, signal, due } = createAuditLog();
    await own('a1', '1', 'alice@acme.test', 'removed');
    const agent = await store.get('agents', 'a1');
    if (!agent) throw new Error('no agent');
    await store.transact(async (tx) => tx.set('agents', 'a1', { ...agent, removal: { askedAt: start, reason: 'suspended' } }));
    await signal(suspend(start - second));
    expect(due()).toEqual({});
    await signal(suspend(start - second), entry(start - second, 'UNSUSPEND_USER', { USER_EMAIL: 'alice@acme.test' }));
    expect(Object.keys(due())).toEqual(['look/1', 'look/alice@acme.test']);
  });

  it('refuses at once who comes after eight that wait for reads, so that looks keep places for those whose access may end', async () => {
    const wakers: (() => void)[] = [];
    const quota = createQuota({
      ...{ store: createMemoryStore(), lanes: googleLanes, quotas: googleQuotas, clock: { now: () => start } },
      sleep: () => new Promise<void>((resolve) => void wakers.push(resolve)),
    });
    while ((await quota.tryTake('reads')) === undefined);
    const { signal } = new AbortController();
    const outcomes: string[] = [];
    for (let at = 0; at < 12; at += 1)
      void quota.take('reads', signal).then(
        () => outcomes.push('taken'),
        ({ code }: { code: string }) => outcomes.push(code),
      );
    await eventually('the refusals', async () => outcomes.length === 4);
    expect([wakers.length, new Set(outcomes)]).toEqual([8, new Set(['tooManyRequests'])]);
  });

  it('gives each write-back that waits for the quota a turn of its own, and asks the directory for none before it', async () => {
    const store = createMemoryStore();
    let [now, calls] = [start, 0];
    const identity = {
      publish: async () => {
        calls += 1;
        return 900;
      },
    };
    const publish = createPublish({ identity, store, clock: { now: () => now, deadline: () => new AbortController().signal } });
    const agent = { ownerId: '1', incarnation: 1, conditions: [] } as unknown as AgentRecord;
    const agentIds = Array.from({ length: 20 }, (_, at) => `a${at}`);
    for (const agentId of agentIds) await store.transact(async (tx) => tx.set('agents', agentId, { ...agent, agentId }));
    const ctx = { signal: new AbortController().signal, log };
    const turns: number[] = [];
    for (const agentId of agentIds) turns.push((await publish(agentId, ctx)) ?? -1);
    expect([calls, new Set(turns).size]).toEqual([1, 20]);
    now += 500;
    expect(await publish('a3', ctx)).toBe((turns[3] ?? 0) - 500);
    expect(calls).toBe(1);
    now += turns[3] ?? 0;
    await publish('a3', ctx);
    expect(calls).toBe(2);
  });
});
