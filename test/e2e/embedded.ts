import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { admin, type admin_directory_v1 } from '@googleapis/admin';
import { createSigner } from '../../functions/keys.ts';
import { createPrivateKey } from 'node:crypto';
import { findInhabitants, type Habitat } from '../../functions/providers/infra/local-processes.ts';
import { openNamespace } from '../../functions/providers/secrets/local-vault.ts';

const root = join(__dirname, '../..');
const node = join(root, 'node_modules/.bin/node');

/** The embedded plane as `npm start` runs it, in a process and folders of its own. */
export interface TestPlane {
  readonly url: string;
  readonly data: string;
  readonly home: string;
  readonly directory: admin_directory_v1.Admin;
  start(): Promise<void>;
  /** Ends the plane's process as a power cut would; agents run on. */
  kill(): Promise<void>;
  /** Ends everything of this plane and removes its folders. */
  destroy(): Promise<void>;
  token(): string;
  pid(): number | undefined;
  output(): string;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || !address) throw new Error('no port');
  return address.port;
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again until there is an answer; says what it waited for when there is none in time. */
export async function until<T>(what: string, withinMs: number, ask: () => Promise<T | undefined | false>, everyMs = 100): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`waited ${withinMs} ms in vain for ${what}`);
    await sleep(everyMs);
  }
}

export async function createTestPlane(args: readonly string[] = [], more: Readonly<Record<string, string>> = {}): Promise<TestPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-e2e-'));
  chmodSync(folder, 0o755);
  const [data, home] = [join(folder, 'data'), join(folder, 'home')];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  let output = '';

  const ended = (running: ChildProcess): Promise<unknown> =>
    running.exitCode !== null || running.signalCode !== null ? Promise.resolve() : new Promise((resolve) => running.once('exit', resolve));

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (!child) return;
    child.kill(signal);
    await ended(child);
    child = undefined;
  }

  const plane: TestPlane = {
    url,
    data,
    home,
    directory: admin({ version: 'directory_v1', rootUrl: `${url}/google/`, fetchImplementation: fetch }),
    async start() {
      const env = { PATH: process.env['PATH'], HOME: home, LANG: 'C.UTF-8', ...more };
      const running = spawn(node, [join(root, 'scripts/local/main.ts'), '--port', String(port), '--data', data, ...args], {
        env,
        cwd: root,
      });
      child = running;
      output = '';
      const hear = (chunk: Buffer): void => void (output += chunk.toString());
      running.stdout.on('data', hear);
      running.stderr.on('data', hear);
      await until('the ready line', 60_000, async () => {
        if (running.exitCode !== null) throw new Error(`the plane ended: ${output}`);
        return output.includes('Agents Plane is ready');
      });
    },
    kill: () => end('SIGKILL'),
    async destroy() {
      await end('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
    token: () => (JSON.parse(readFileSync(join(data, 'endpoint.json'), 'utf8')) as { token: string }).token,
    output: () => output,
    pid: () => child?.pid,
  };
  return plane;
}

/** Runs the CLI as `npm run planes --` does. */
export function runCli(plane: TestPlane, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(node, [join(root, 'scripts/planes.ts'), ...args, '--data', plane.data], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

export interface Fields {
  agentEnabled?: boolean;
  agentId?: string;
  agentStatus?: string;
  lastHeartbeat?: string;
}

export async function readFields(plane: TestPlane, userKey: string): Promise<Fields> {
  const { data } = await plane.directory.users.get({ userKey, projection: 'full' });
  return data.customSchemas?.['OpenClaw_Agent'] ?? {};
}

export async function setFields(plane: TestPlane, userKey: string, fields: Record<string, unknown>): Promise<void> {
  await plane.directory.users.update({ userKey, requestBody: { customSchemas: { OpenClaw_Agent: fields } } });
}

export interface Mail {
  id: string;
  from: string;
  to: string;
  subject: string;
  text: string;
  inReplyTo?: string;
}

export async function readMail(plane: TestPlane, to: string): Promise<Mail[]> {
  const answer = await fetch(`${plane.url}/mail/messages?to=${to}`);
  return ((await answer.json()) as { messages: Mail[] }).messages;
}

/** Everything of one agent that somebody could have copied before it was removed. */
export interface Captured {
  readonly session: string;
  readonly modelKey: string;
  readonly gatewayToken: string;
  readonly gatewayPort: number;
  readonly link: string;
}

export const keysFolder = (plane: TestPlane): string => {
  const base = join(plane.home, '.config/agents-plane');
  return join(base, readdirSync(base)[0] ?? '');
};

export async function capture(plane: TestPlane, agentId: string, owner: string): Promise<Captured> {
  const machine = join(plane.data, 'machines', agentId);
  const secrets = openNamespace({ dir: join(plane.data, 'secrets'), grantsDir: join(keysFolder(plane), 'grants'), agentId });
  const [mail] = await readMail(plane, owner);
  return {
    session: (JSON.parse(readFileSync(join(machine, 'run/session'), 'utf8')) as { token: string }).token,
    modelKey: secrets.read('model/apiKey'),
    gatewayToken: secrets.read('gateway/token'),
    gatewayPort: Number(readFileSync(join(machine, 'run/port'), 'utf8')),
    link: /http:\/\/\S+\/me\/\S+/.exec(mail?.text ?? '')?.[0] ?? '',
  };
}

export const readSigner = (plane: TestPlane) => createSigner(createPrivateKey(readFileSync(join(keysFolder(plane), 'keys/signing.pem'))));

/** The living processes of an agent's machine, as the kernel tells; the habitat outlives the machine. */
export function processesOf(habitat: Habitat): number[] {
  const { sidecars, others } = findInhabitants(habitat);
  return [...sidecars, ...others].map(({ pid }) => pid);
}

interface MachineFile {
  readonly uid?: number;
  readonly openclaw: { readonly node: string };
}
const readMachine = (plane: TestPlane, agentId: string): MachineFile =>
  JSON.parse(readFileSync(join(plane.data, 'machines', agentId, 'machine.json'), 'utf8')) as MachineFile;

export const uidOf = (plane: TestPlane, agentId: string): number => readMachine(plane, agentId).uid ?? -1;
export const habitatOf = (plane: TestPlane, agentId: string): Habitat => {
  const { uid } = readMachine(plane, agentId);
  return { folder: join(plane.data, 'machines', agentId), ...(uid === undefined ? {} : { uid }) };
};
/** The Node that an agent's own user can run. */
export const nodeOf = (plane: TestPlane, agentId: string): string => readMachine(plane, agentId).openclaw.node;

/** One turn straight at an agent's own gateway, past the plane. */
export const chat = (port: number, token: string, agentId: string, ms: number): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: `openclaw/${agentId}`, messages: [{ role: 'user', content: 'Are you there?' }] }),
    signal: AbortSignal.timeout(ms),
  });
