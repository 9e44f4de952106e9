import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { toBudgetDate } from '../../shared/budget.ts';
import { toBudgetId } from '../../functions/budget/account.ts';
import { systemClock } from '../../functions/keys.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { openBudget, openMaker, seeded, type Maker } from './world.ts';

let [folder, maker]: [string, Maker] = ['', {} as Maker];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plane-killed-'));
  maker = await openMaker(seeded(7));
});
afterEach(async () => {
  await maker.close();
  rmSync(folder, { recursive: true });
});

/** Runs a gateway process until it has answered so often and some time more has passed, then kills it. */
async function spendUntilKilled(file: string, lines: number, moreMs: number): Promise<string[]> {
  const port = maker.upstream.maker === 'openai' ? new URL(maker.upstream.baseUrl).port : '';
  const child = spawn(process.execPath, [join(__dirname, 'spending.ts'), file, port], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const said: string[] = [];
  for await (const line of createInterface(child.stdout)) if (said.push(line) === lines) setTimeout(() => child.kill('SIGKILL'), moreMs);
  await ended;
  return said;
}

test('a gateway killed in mid-answer again and again never lets a maker bill more than the cap', async () => {
  const file = join(folder, 'plane.db');
  const said: string[] = [];
  for (const [lines, moreMs] of [
    [1, 0],
    [20, 3],
    [60, 17],
  ] as const) {
    said.push(...(await spendUntilKilled(file, lines, moreMs)));
    const store = openSqliteStore({ file });
    const { month } = toBudgetDate(Date.now(), 'UTC');
    const before = await store.get('budgets', toBudgetId('1001', month));
    const open = Object.values(before?.open ?? {}).reduce((sum, { micros }) => sum + micros, 0);
    const spent = before?.spentMicros ?? 0;
    // All that the maker served is covered by what is spent and what is still set aside.
    expect(maker.billedNanos()).toBeLessThanOrEqual((spent + open) * 1000);
    expect(spent + open).toBeLessThanOrEqual(1_000_000);
    expect(maker.served()).toBeGreaterThan(0);

    const later = { ...systemClock, now: () => Date.now() + 3_600_000 };
    await openBudget(store, later).sweep();
    const after = await store.get('budgets', toBudgetId('1001', month));
    expect(after).toMatchObject({ spentMicros: spent + open, open: {} });
    await store.close();
  }
  expect(said).toContain('200');
}, 60_000);
