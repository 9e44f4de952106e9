import fc from 'fast-check';
import { join } from 'node:path';
import { createAuditHandlers } from '../../functions/http/audit.ts';
import type { AuditRow } from '../../functions/core/records.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { readPlaneFile } from '../../scripts/local/plane-file.ts';
import { openTrail, type Trail } from './trail-world.ts';

const sample = readPlaneFile(join(__dirname, '../../manifests/acme.planes.yaml'));
const users = ['admin@acme.test', 'bob@acme.test', 'worker'];
const actions = ['agent.change', 'agent.changed', 'agent.status', 'agentless', 'effect.start apply', 'effect.end apply', 'plane.change'];
const agentIdOf = (on: number): string => `a${'a'.repeat(14)}${on}`;

const deeds = fc.array(
  fc.record({
    on: fc.constantFrom('plane', 0, 1, 2),
    user: fc.constantFrom(...users),
    action: fc.constantFrom(...actions),
    waitMs: fc.nat(3),
  }),
  { minLength: 1, maxLength: 60 },
);
const filters = fc.record(
  {
    on: fc.constantFrom(0, 1, 2),
    user: fc.constantFrom(...users, 'nobody@acme.test', 'Admin@acme.test'),
    action: fc.constantFrom('agent', 'agent.', 'agent.change', 'effect.start', 'plane.change', 'x'),
    since: fc.nat(90),
    until: fc.nat(90),
  },
  { requiredKeys: [] },
);

const create = (trail: Trail) =>
  createAuditHandlers({
    ...{ store: trail.store, hashing: nodeHashing, signer: trail.signer, publicKeyPem: trail.publicKeyPem },
    clock: { now: trail.now, deadline: () => new AbortController().signal },
    checkpoint: trail.checkpoint,
    fleet: { agentsOf: async () => [] },
    planeOf: () => sample,
  });

type Call = Parameters<ReturnType<typeof create>['listAudit']>[0];

test('finds by user, agent, action and time what a plain look through all rows finds, newest first, page by page (REQ-WS-09)', async () => {
  await fc.assert(
    fc.asyncProperty(deeds, filters, fc.integer({ min: 1, max: 7 }), async (history, { on, since, until, ...asked }, limit) => {
      const trail = openTrail();
      const start = trail.now();
      for (const { on: where, user, action, waitMs } of history) {
        const kind = user === 'worker' ? ('plane' as const) : ('user' as const);
        await trail.write({ on: where === 'plane' ? where : agentIdOf(Number(where)), actor: { kind, id: user }, action });
        await trail.write({ on: 'plane', actor: { kind, id: user }, action }, 'acme');
        trail.pass(waitMs);
      }
      const rows = [...trail.store.entries('audit')].map(([id, row]) => ({ id, row }));
      const agentId = on === undefined ? undefined : agentIdOf(on);
      const user = asked.user?.toLowerCase();
      const passes = ({ chain, actor, action, at }: AuditRow): boolean =>
        (agentId === undefined || chain === `agent/${agentId}`) &&
        (user === undefined || actor.id === user) &&
        (asked.action === undefined || action.startsWith(asked.action)) &&
        (since === undefined || at >= start + since) &&
        (until === undefined || at < start + until);
      const expected = rows
        .filter(({ row }) => passes(row))
        .toSorted((a, b) => b.row.at - a.row.at || (a.id < b.id ? 1 : -1))
        .map(({ row }) => `${row.chain} ${row.seq}`);

      const { listAudit } = create(trail);
      const time = (ms: number | undefined) => (ms === undefined ? undefined : new Date(start + ms).toISOString());
      const query = { ...asked, limit, agentId, since: time(since), until: time(until) };
      const found: string[] = [];
      let cursor: string | undefined;
      const list = () => listAudit({ params: { planeId: 'acme' }, query: { ...query, cursor } } as unknown as Call);
      if (agentId !== undefined && !rows.some(({ row }) => row.chain === `agent/${agentId}`)) {
        await expect(list()).rejects.toMatchObject({ code: 'notFound' });
        return;
      }
      do {
        const page = await list();
        found.push(...page.rows.map(({ chain, seq }) => `${chain} ${seq}`));
        cursor = page.next ?? undefined;
        // What happens between two pages moves neither.
        if (found.length === limit) {
          trail.pass(100);
          await trail.write({ on: 'plane', actor: { kind: 'user', id: 'admin@acme.test' }, action: 'agent.change' });
        }
      } while (cursor !== undefined);
      expect(found).toEqual(expected);
    }),
    { numRuns: 200 },
  );
}, 60_000);

test('a page ends short and says where to go on, where few of very many rows pass the filters', async () => {
  const trail = openTrail();
  await trail.write({ on: 'plane', actor: { kind: 'user', id: 'bob@acme.test' }, action: 'agent.removed' });
  for (let n = 0; n < 3_000; n += 1) {
    trail.pass(1);
    await trail.write({ on: 'plane', actor: { kind: 'plane', id: 'worker' }, action: 'agent.status' });
  }
  const { listAudit } = create(trail);
  const ask = (cursor?: string) =>
    listAudit({ params: { planeId: 'acme' }, query: { action: 'agent.removed', limit: 10, cursor } } as unknown as Call);
  const first = await ask();
  expect(first).toMatchObject({ rows: [], next: expect.any(String) as string });
  expect(await ask(first.next ?? '')).toMatchObject({ rows: [{ seq: 1, outcome: 'done' }], next: null });
});
