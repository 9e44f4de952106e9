import { resolve } from 'node:path';
import { toMessage } from '../../functions/core/errors.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import { takeLock } from '../../functions/providers/infra/host-lock.ts';
import { sidecarLock } from '../../functions/providers/infra/machine-files.ts';
import { readSettings } from './settings.ts';
import { runSidecar } from './sidecar.ts';

/**
 * `node sidecar.js <machine folder>`: the program beside one agent's OpenClaw. It runs itself as the agent to `pack <folder>
 * <version>` an archive to its output and to `unpack <folder>` one from its input.
 */

const write = (level: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
  console.log(`${new Date().toISOString()} ${level} ${message}${Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : ''}`);

const log: Log = {
  info: (message, fields) => write('info', message, fields),
  warn: (message, fields) => write('warn', message, fields),
};

async function run(folder: string): Promise<void> {
  const settings = readSettings(folder);
  // Two sidecars for one machine would fight over its gateway; the loser of the lock has nothing to do.
  if (!takeLock(sidecarLock(folder))) return log.info('another sidecar runs this machine');
  process.chdir(folder);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  log.info('the sidecar runs', { pid: process.pid, agentId: settings.machine.agentId });
  const program = resolve(process.argv[1] ?? '');
  await runSidecar({ settings, program, clock: { now: Date.now }, log, signal: stop.signal });
  log.info('the sidecar ends');
}

async function archive(verb: 'pack' | 'unpack', folder: string, version: string): Promise<void> {
  if (verb === 'pack') return (await import('./archive/pack.ts')).packMachine(folder, version, process.stdout);
  const { openclaw } = await (await import('./archive/unpack.ts')).unpackMachine(process.stdin, folder);
  process.stdout.write(openclaw);
}

const [verb = '', folder = '', version = ''] = process.argv.slice(2);
const isArchiving = verb === 'pack' || verb === 'unpack';

(isArchiving ? archive(verb, folder, version) : run(resolve(verb))).then(
  () => process.exit(0),
  (error: unknown) => {
    if (isArchiving) process.stderr.write(toMessage(error));
    else write('error', toMessage(error));
    process.exit(1);
  },
);
