import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** One of Google's own emulators in a process of its own, until `stop`. */
export interface Emulator {
  /** `127.0.0.1:port`, as Google's clients take it. */
  readonly host: string;
  /** Ends the process and waits until it is gone; may be called again. */
  stop(): Promise<void>;
}

interface Program {
  readonly name: string;
  /** Below the platform folder of the Google Cloud CLI. */
  readonly path: string;
  readonly args: (port: number) => readonly string[];
  readonly component: string;
}

const firestore: Program = {
  name: 'Firestore emulator',
  path: 'cloud-firestore-emulator/cloud_firestore_emulator',
  args: (port) => ['start', '--host=127.0.0.1', `--port=${port}`],
  component: 'cloud-firestore-emulator',
};
const pubSub: Program = {
  name: 'Pub/Sub emulator',
  path: 'pubsub-emulator/bin/cloud-pubsub-emulator',
  args: (port) => ['--host=127.0.0.1', `--port=${port}`],
  component: 'pubsub-emulator',
};

/** Where Google's packages put the CLI: Debian and Red Hat, its install script for root, Homebrew, snap. */
const installed = [
  '/usr/lib/google-cloud-sdk',
  '/usr/lib64/google-cloud-sdk',
  '/opt/google-cloud-sdk',
  '/opt/homebrew/share/google-cloud-sdk',
];
/** Java takes about 10 s here; a busy machine several times that. */
const startMs = 90_000;
const stopMs = 10_000;

function askGcloud(): string[] {
  try {
    const answer = execFileSync('gcloud', ['info', '--format=value(installation.sdk_root)'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 30_000,
    });
    return [answer.trim()];
  } catch {
    // No gcloud is one of the answers; the caller says what to install.
    return [];
  }
}

function find({ name, path, component }: Program): string {
  const at = (roots: readonly string[]): string | undefined =>
    roots.map((root) => join(root, 'platform', path)).find((program) => existsSync(program));
  const found = at(installed) ?? at(askGcloud());
  if (found) return found;
  throw new Error(
    `cannot start the ${name}: it is not installed; install Java 17 and the Google Cloud CLI, then ` +
      `"gcloud components install ${component}" or the package google-cloud-cli-${component}`,
  );
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || !address) throw new Error('no free port on 127.0.0.1');
  return address.port;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function answers(host: string): Promise<boolean> {
  try {
    return (await fetch(`http://${host}/`, { signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    return false;
  }
}

async function start(program: Program): Promise<Emulator> {
  const file = find(program);
  const port = await findFreePort();
  const host = `127.0.0.1:${port}`;
  // A group of its own: the program is a shell script with Java as its child.
  const child = spawn(file, program.args(port), { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, ended] = ['', false];
  const hear = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-4000));
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const gone = new Promise<void>((resolve) => {
    const end = (): void => {
      ended = true;
      process.removeListener('exit', killGroup);
      resolve();
    };
    child.once('error', (error) => (hear(Buffer.from(String(error))), end()));
    child.once('close', end);
  });

  function killGroup(signal: NodeJS.Signals | number = 'SIGKILL'): void {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, typeof signal === 'string' ? signal : 'SIGKILL');
    } catch {
      // The group is gone already.
    }
  }
  process.once('exit', killGroup);

  async function stop(): Promise<void> {
    if (ended) return;
    killGroup('SIGTERM');
    const patience = setTimeout(killGroup, stopMs);
    await gone;
    clearTimeout(patience);
  }

  const end = Date.now() + startMs;
  while (!(await answers(host))) {
    if (ended) throw new Error(`cannot start the ${program.name}: it ended by itself; it said: ${output}`);
    if (Date.now() > end) {
      await stop();
      throw new Error(`cannot start the ${program.name}: it did not answer on ${host} within ${startMs / 1000} s; it said: ${output}`);
    }
    await sleep(100);
  }
  return { host, stop };
}

export const startFirestore = (): Promise<Emulator> => start(firestore);
export const startPubSub = (): Promise<Emulator> => start(pubSub);
