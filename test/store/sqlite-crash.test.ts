import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openSqliteStore } from '../../functions/store/sqlite.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'plane-crash-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the committing program until it has said so many numbers and some time more has passed; answers with all it said. */
async function commitUntilKilled(file: string, lines: number, moreMs: number): Promise<number[]> {
  const child = spawn(process.execPath, [join(__dirname, 'committing.ts'), file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const said: number[] = [];
  for await (const line of createInterface(child.stdout)) {
    if (said.push(Number(line)) === lines) setTimeout(() => child.kill('SIGKILL'), moreMs);
  }
  await ended;
  return said;
}

test.each([
  [1, 0],
  [17, 3],
  [60, Math.random() * 50],
  [400, Math.random() * 50],
  [1500, Math.random() * 50],
])('keeps every transaction it told of and no half of another when it is killed after %d and %d ms', async (lines, moreMs) => {
  const file = join(folder, 'plane.db');
  const said = await commitUntilKilled(file, lines, moreMs);
  expect(said.length).toBeGreaterThanOrEqual(lines);
  const store = openSqliteStore({ file });
  const total = (await store.get('joins', 'total'))?.count ?? 0;
  const found = { left: new Set<number>(), right: new Set<number>() };
  for (let from = 0; from < said.length + 64; from += 250)
    for (const { id, expiresAt } of await store.query('channels', 'byExpiry', { from, before: from + 250, limit: 500 }))
      found[id.startsWith('left/') ? 'left' : 'right'].add(expiresAt);
  await store.close();
  expect(said.filter((at) => !found.left.has(at))).toEqual([]);
  expect(found.left).toEqual(found.right);
  expect(total).toBe(found.left.size);
});
