import fc from 'fast-check';
import type { AgentRecord, StatusRecord } from '../../functions/core/records.ts';
import { createFleet } from '../../functions/fleet/fleet.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

const idOf = (at: number): string =>
  `a${String.fromCharCode(97 + Math.floor(at / 26))}${String.fromCharCode(97 + (at % 26))}${'x'.repeat(13)}`;

function openPlane() {
  const store = createMemoryStore();
  const clock = { at: Date.parse('2026-11-22T12:00:00Z'), now: () => clock.at };
  let queries = 0;
  const counting = {
    get: (...args: Parameters<typeof store.get>) => store.get(...args),
    query: (...args: Parameters<typeof store.query>) => {
      queries += 1;
      return store.query(...args);
    },
  } as unknown as Pick<typeof store, 'get' | 'query'>;
  const fleet = createFleet({ store: counting, clock });

  async function write(at: number, changes: Partial<AgentRecord> & { phase?: StatusRecord['phase'] }, stampedMs = 0): Promise<void> {
    const agentId = idOf(at);
    const { phase, ...rest } = changes;
    await store.transact(async (tx) => {
      const [before, status] = [await tx.get('agents', agentId), await tx.get('statuses', agentId)];
      const base = {
        agentId,
        planeId: 'acme',
        ownerId: `o${at}`,
        ownerEmail: `p${at}@acme.test`,
        ownerName: `P ${at}`,
        ouPath: '/',
        incarnation: 1,
      };
      const changedAt = clock.now() - stampedMs;
      const spec = { budgetCap: 50 };
      tx.set('agents', agentId, {
        ...base,
        conditions: [],
        desired: 'running',
        spec,
        ...before,
        ...rest,
        revision: (before?.revision ?? 0) + 1,
        changedAt,
      } as unknown as AgentRecord);
      if (phase)
        tx.set('statuses', agentId, {
          agentId,
          planeId: 'acme',
          incarnation: 1,
          conditions: [],
          ...status,
          phase,
          changedAt,
        } as unknown as StatusRecord);
    });
  }
  return { store, clock, fleet, write, queriesOf: () => queries };
}

describe('the fleet', () => {
  it('never answers with what was before the call, however many ask at once', async () => {
    const { clock, fleet, write } = openPlane();
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            at: fc.nat(40),
            ou: fc.constantFrom('/', '/Sales'),
            phase: fc.constantFrom('running', 'paused', 'removed'),
            waitMs: fc.nat(4_000),
          }),
          { maxLength: 20 },
        ),
        async (changes) => {
          const earlier = [fleet.agentsOf('acme')];
          for (const { at, ou, phase, waitMs } of changes) {
            clock.at += waitMs;
            await write(at, { ouPath: ou, phase: phase });
            earlier.push(fleet.agentsOf('acme'));
            const found = (await fleet.agentsOf('acme')).find(({ agentId }) => agentId === idOf(at));
            expect(found).toMatchObject({ ouPath: ou, phase });
          }
          await Promise.all(earlier);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('sees what another process committed late, with a time of its own that lies back', async () => {
    const { clock, fleet, write } = openPlane();
    await write(1, { phase: 'running' });
    await fleet.agentsOf('acme');
    clock.at += 5_000;
    await fleet.agentsOf('acme');
    await write(2, { phase: 'running' }, 9_000);
    expect((await fleet.agentsOf('acme')).map(({ ownerEmail }) => ownerEmail)).toEqual(['p1@acme.test', 'p2@acme.test']);
  });

  it('reads no more than what changed', async () => {
    const { clock, fleet, write, queriesOf } = openPlane();
    for (let at = 0; at < 600; at += 1) await write(at, { phase: 'running' });
    await fleet.agentsOf('acme');
    clock.at += 60_000;
    await fleet.agentsOf('acme');
    const first = queriesOf();
    for (let asked = 0; asked < 10; asked += 1) {
      clock.at += 20_000;
      await write(asked, { ouPath: '/Sales' });
      await fleet.agentsOf('acme');
    }
    expect(queriesOf() - first).toBe(20);
    expect((await fleet.agentsOf('acme')).filter(({ ouPath }) => ouPath === '/Sales').length).toBe(10);
  });

  it('copes with more changes of one millisecond than a page holds', async () => {
    const { clock, fleet, write } = openPlane();
    await write(0, { phase: 'running' });
    await fleet.agentsOf('acme');
    clock.at += 60_000;
    for (let at = 0; at < 620; at += 1) await write(at, { phase: 'paused' });
    const found = await fleet.agentsOf('acme');
    expect([found.length, found.every(({ phase }) => phase === 'paused')]).toEqual([620, true]);
  });
});
