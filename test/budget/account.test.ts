import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Offer, Reservation, Reserved } from '../../functions/budget/account.ts';
import type { Store } from '../../functions/core/store.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { openBudget, toAgent } from './world.ts';

const capMicros = 1_000_000;

type Step =
  | { readonly kind: 'reserve'; readonly offers: readonly Offer[] }
  /** Of the reservation that was made so many before. */
  | { readonly kind: 'settle'; readonly back: number; readonly share: number; readonly whole: boolean }
  | { readonly kind: 'release'; readonly back: number };

const offer = fc
  .record({
    inputNanos: fc.integer({ min: 0, max: 300_000_000 }),
    outputNanosPerToken: fc.integer({ min: 1, max: 20_000 }),
    maxOutput: fc.integer({ min: 1, max: 20_000 }),
    least: fc.integer({ min: 1, max: 256 }),
  })
  .map(({ least, ...rest }): Offer => ({ ...rest, model: 'm', minOutput: Math.min(least, rest.maxOutput) }));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('reserve' as const), offers: fc.array(offer, { minLength: 1, maxLength: 3 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      ...{ back: fc.nat(6), share: fc.double({ min: 0, max: 1, noNaN: true }), whole: fc.boolean() },
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), back: fc.nat(6) }) },
);

/** The rule said as plainly as can be, one operation after another: what fits is taken whole, else as much as is left. */
function createOracle() {
  const open: number[] = [];
  let spent = 0;
  const cost = (each: Offer, tokens: number): number => Math.ceil((each.inputNanos + each.outputNanosPerToken * tokens) / 1000);
  return {
    reserve(offers: readonly Offer[]): { micros: number; maxOutput: number } | undefined {
      const left = capMicros - spent - open.reduce((sum, micros) => sum + micros, 0);
      let tokens = 0;
      let found = offers.find((each) => cost(each, each.maxOutput) <= left);
      if (found) tokens = found.maxOutput;
      else {
        found = offers[offers.length - 1];
        if (!found) return undefined;
        // By halves: the largest answer that still fits.
        let above = found.maxOutput;
        while (above - tokens > 1) {
          const middle = Math.floor((tokens + above) / 2);
          if (cost(found, middle) <= left) tokens = middle;
          else above = middle;
        }
        if (tokens < found.minOutput || cost(found, tokens) > left) return undefined;
      }
      open.push(cost(found, tokens));
      return { micros: cost(found, tokens), maxOutput: tokens };
    },
    end(at: number, micros: number | undefined): void {
      spent += micros ?? open[at] ?? 0;
      open[at] = 0;
    },
    total: () => ({ spent, open: open.reduce((sum, micros) => sum + micros, 0) }),
  };
}

const stores: readonly [string, () => { store: Store; end: () => Promise<void> }][] = [
  ['memory', () => ({ store: createMemoryStore(), end: async () => undefined })],
  [
    'SQLite',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'plane-oracle-'));
      const store = openSqliteStore({ file: join(folder, 'plane.db') });
      return { store, end: async () => (await store.close(), rmSync(folder, { recursive: true })) };
    },
  ],
];

test.each(stores)('on %s every call gets exactly what the rule grants it, whoever else asks at the same time', async (_name, open) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 30 }), { maxLength: 6 }), async (rounds) => {
      const { store, end } = open();
      const budget = openBudget(store);
      const oracle = createOracle();
      const made: { reservation: Reservation; at: number; over: boolean }[] = [];
      let taken = 0;
      for (const round of rounds) {
        const checks: Promise<void>[] = [];
        const fresh: { reservation: Reservation; at: number; over: boolean }[] = [];
        for (const each of round) {
          if (each.kind === 'reserve') {
            const expected = oracle.reserve(each.offers);
            const at = expected ? taken++ : -1;
            const compare = ({ ok, ...rest }: Reserved): void => {
              const found = 'reservation' in rest ? rest.reservation : undefined;
              expect(found && { micros: found.micros, maxOutput: found.maxOutput }).toEqual(expected);
              expect(ok).toBe(expected !== undefined);
              if (found) fresh.push({ reservation: found, at, over: false });
            };
            checks.push(budget.reserve(toAgent(1), 'UTC', each.offers).then(compare));
            continue;
          }
          const one = made[made.length - 1 - each.back];
          if (!one) continue;
          const used = each.kind === 'settle' && !each.whole ? Math.floor(one.reservation.micros * each.share) : undefined;
          if (!one.over) oracle.end(one.at, each.kind === 'release' ? 0 : used);
          one.over = true;
          const counted = { inputTokens: 1, cachedTokens: 0, outputTokens: 1 };
          checks.push(
            each.kind === 'release'
              ? budget.release(one.reservation)
              : budget.settle(one.reservation, used === undefined ? undefined : { micros: used, ...counted }),
          );
        }
        await Promise.all(checks);
        made.push(...fresh);
        const [record] = await store.query('budgets', 'byMonth', { equals: ['acme', new Date().toISOString().slice(0, 7)], limit: 1 });
        const sum = Object.values(record?.open ?? {}).reduce((total, { micros }) => total + micros, 0);
        expect({ spent: record?.spentMicros ?? 0, open: sum }).toEqual(oracle.total());
        expect((record?.spentMicros ?? 0) + sum).toBeLessThanOrEqual(capMicros);
      }
      await end();
    }),
    { numRuns: _name === 'memory' ? 300 : 30 },
  );
});
