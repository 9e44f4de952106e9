import fc from 'fast-check';
import type { ServiceRecord } from '../../functions/core/records.ts';
import { listServices, recordServices } from '../../functions/directory/services.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

const on = (scope: string, at: number): ServiceRecord => ({ scope, enabled: true, at });
const off = (scope: string, at: number): ServiceRecord => ({ scope, enabled: false, at });

describe('switches of our service', () => {
  it('count by the time of their event, in whatever order they come (REQ-WS-03)', async () => {
    const events = [
      on('organization', 1),
      off('ou:/Sales', 2),
      on('ou:/Sales', 3),
      on('application', 4),
      off('organization', 5),
      on('group:x@acme.test', 6),
    ];
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...events, ...events], { minLength: 12 }), async (shuffled) => {
        const store = createMemoryStore();
        for (const event of shuffled) await recordServices([event], { store });
        const sorted = [...(await listServices(store))].sort((a, b) => (a.scope < b.scope ? -1 : 1));
        expect(sorted).toEqual([
          { scope: 'group:x@acme.test', enabled: true },
          { scope: 'organization', enabled: false },
        ]);
      }),
      { numRuns: 50 },
    );
  });

  it('say whether anything changed', async () => {
    const store = createMemoryStore();
    expect(await recordServices([on('ou:/Sales', 10)], { store })).toBe(true);
    expect(await recordServices([on('ou:/Sales', 10)], { store })).toBe(false);
    expect(await recordServices([off('ou:/Sales', 9)], { store })).toBe(false);
    expect(await recordServices([on('ou:/Sales', 11)], { store })).toBe(false);
    expect(await recordServices([off('ou:/Sales', 12)], { store })).toBe(true);
    expect(await recordServices([], { store })).toBe(false);
    expect(await listServices(store)).toEqual([{ scope: 'ou:/Sales', enabled: false }]);
  });

  it('mean nothing any more once the app is removed, and begin anew when it comes back', async () => {
    const store = createMemoryStore();
    await recordServices([on('ou:/Sales', 1), on('group:x@acme.test', 2), off('ou:/Legal', 3)], { store });
    expect(await recordServices([off('application', 4)], { store })).toBe(true);
    expect(await listServices(store)).toEqual([{ scope: 'organization', enabled: false }]);
    await recordServices([on('application', 5)], { store });
    expect(await listServices(store)).toEqual([{ scope: 'organization', enabled: true }]);
    expect(await recordServices([off('ou:/Sales', 4)], { store })).toBe(false);
    expect(await recordServices([off('ou:/Sales', 6)], { store })).toBe(true);
    expect(await listServices(store)).toEqual([
      { scope: 'organization', enabled: true },
      { scope: 'ou:/Sales', enabled: false },
    ]);
  });

  it('are one for a unit that is written in two ways, and the later counts', async () => {
    const store = createMemoryStore();
    await recordServices([on('ou:/Sales', 1)], { store });
    await recordServices([off('ou:/SALES', 2)], { store });
    expect(await listServices(store)).toEqual([{ scope: 'ou:/SALES', enabled: false }]);
  });

  it('are listed to the last of many', async () => {
    const store = createMemoryStore();
    const many = Array.from({ length: 1_201 }, (_, index) => on(`ou:/Unit-${index}`, 1));
    await recordServices(many, { store });
    expect(await listServices(store)).toHaveLength(1_201);
  });
});
