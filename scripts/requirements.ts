import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requirements } from '../test/requirements.ts';

const root = join(import.meta.dirname, '..');
const testsOf = new Map<string, string[]>();

for (const file of readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.test.ts')) continue;
  const lines = readFileSync(join(root, 'test', file), 'utf8').split('\n');
  lines.forEach((line, at) => {
    if (!/\b(?:it|test|describe)(?:\.each)?\b/.test(line)) return;
    for (const [id] of line.matchAll(/REQ-[A-Z]+-\d\d/g)) testsOf.set(id, [...(testsOf.get(id) ?? []), `test/${file}:${at + 1}`]);
  });
}

const without: string[] = [];
for (const [id, text] of Object.entries(requirements)) {
  const tests = testsOf.get(id) ?? [];
  if (tests.length === 0) without.push(id);
  process.stdout.write(`${id}  ${text}\n${tests.map((test) => `    ${test}\n`).join('')}`);
}
process.stdout.write(
  `\n${Object.keys(requirements).length - without.length} have a test, ${without.length} have none: ${without.join(', ')}\n`,
);

const unknown = [...testsOf.keys()].filter((id) => !(id in requirements));
if (unknown.length > 0) {
  process.stderr.write(`cannot place ${unknown.join(', ')}: tests name ids that no requirement has\n`);
  process.exitCode = 1;
}
