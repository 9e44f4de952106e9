import { join } from 'node:path';
import { parseConfig, usage } from '../../functions/config.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import { startEmbedded } from './embedded.ts';
import { readPlaneFile } from './plane-file.ts';

const root = join(import.meta.dirname, '..', '..');

const line = (message: string, fields?: Readonly<Record<string, unknown>>): string =>
  `${new Date().toISOString()} ${message}${fields ? ` ${JSON.stringify(fields)}` : ''}\n`;
const log: Log = {
  info: (message, fields) => void process.stdout.write(line(message, fields)),
  warn: (message, fields) => void process.stderr.write(line(message, fields)),
};

async function main(): Promise<void> {
  const config = parseConfig();
  if (!config) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  const plane = readPlaneFile(config.planeFile ?? join(root, 'manifests', 'acme.planes.yaml'));
  if (!config.separateUsers) {
    log.warn(
      "agents run as your own user here: they can read what you can and reach what you can, a cloud's metadata address too; on Linux as root each has a user of its own",
    );
  }
  const embedded = await startEmbedded(config, plane, root, log);
  process.stdout.write(
    `\nAgents Plane is ready: ${embedded.url}/\n` +
      `  Console: open that address. API: ${embedded.url}/v1/planes with Authorization: Bearer ${embedded.token}\n` +
      `  Models: ${config.upstream.maker === 'stand-in' ? 'a stand-in; set ANTHROPIC_API_KEY or OPENAI_API_KEY for a real one' : config.upstream.maker}\n\n`,
  );
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    process.stdout.write('\nStopping. Agents end with the plane and come back with it.\n');
    embedded.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

/** What a person can mend is said in a sentence; anything else keeps its stack. */
function fail(error: unknown): never {
  const text = error instanceof PlaneError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

main().catch(fail);
