import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * Runs the suites and closes with the line that CI reads: `node test/run.js` those that npm alone can run, in two rounds, so
 * that real agents do not share two cores with the simulation; `node test/run.js peers` those against other people's
 * software, real agents' whole lives, fresh histories and broken cores. A skipped test counts as failed.
 */
const root = join(import.meta.dirname, '..');
/** What lives long enough to want the machine for itself. */
const long = '/e2e/(life|adversary|openclaw-planes)|/sidecar/openclaw|/simulation/(fresh-histories|broken-)';
const stages = {
  own: {
    closing: 'closing-line',
    rounds: [
      { name: 'units and simulation', args: ['--maxWorkers=2', '--testPathIgnorePatterns', '/e2e/', long, '/test/peers/'] },
      { name: 'real agents', args: ['--runInBand', '--testPathIgnorePatterns', long, '--testPathPatterns', '/e2e/'] },
    ],
  },
  peers: {
    closing: 'closing-line-peers',
    rounds: [
      { name: 'peers', args: ['--runInBand', '/test/peers/'] },
      { name: 'long lives', args: ['--runInBand', long] },
    ],
  },
};

const longestRoundMs = 25 * 60_000;

const wanted = process.argv[2] ?? 'own';
const stage = stages[wanted];
if (!stage) throw new Error(`cannot run ${wanted}: there is no such stage; there are ${Object.keys(stages).join(', ')}`);

const totals = { passed: 0, failed: 0, skipped: 0 };
let broken = false;
mkdirSync(join(root, 'dist'), { recursive: true });
for (const { name, args } of stage.rounds) {
  const report = join(root, 'dist', 'jest.json');
  rmSync(report, { force: true });
  const began = Date.now();
  process.stdout.write(`== ${name}\n`);
  // A handle that a test left open must not hold a machine for ever.
  const jest = [join(root, 'node_modules/jest/bin/jest.js'), '--forceExit', '--json', '--outputFile', report];
  const { status } = spawnSync(process.execPath, [...jest, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: longestRoundMs,
    killSignal: 'SIGKILL',
  });
  if (!existsSync(report)) throw new Error(`the round ${name} came to no end`);
  const results = JSON.parse(readFileSync(report, 'utf8'));
  totals.passed += results.numPassedTests;
  totals.failed += results.numFailedTests + results.numRuntimeErrorTestSuites;
  totals.skipped += results.numPendingTests + results.numTodoTests;
  broken ||= status !== 0;
  process.stdout.write(`== ${name} took ${((Date.now() - began) / 60_000).toFixed(1)} minutes\n`);
}

if (totals.skipped > 0) process.stdout.write(`${totals.skipped} tests were skipped: each counts as failed\n`);
const closing = `${totals.passed} passed, ${totals.failed + totals.skipped} failed\n`;
writeFileSync(join(root, 'dist', stage.closing), closing);
process.stdout.write(`\n${closing}`);
process.exitCode = broken || totals.failed + totals.skipped > 0 ? 1 : 0;
