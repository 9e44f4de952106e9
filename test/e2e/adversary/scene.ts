import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createCredentials, type Credential } from '../../../functions/core/credentials.ts';
import { createTokenKey } from '../../../functions/keys.ts';
import { openNamespace } from '../../../functions/providers/secrets/local-vault.ts';
import { createMemoryStore } from '../../simulation/memory-store.ts';
import { capture, keysFolder, nodeOf, readMail, uidOf, type Captured, type TestPlane } from '../embedded.ts';
import type { Maker } from './maker.ts';

export interface Agent extends Captured {
  readonly id: string;
  readonly owner: string;
  readonly uid: number;
  readonly node: string;
  readonly folder: string;
  /** The token of its owner's page. */
  readonly linkToken: string;
  /** The join token that waits in its namespace for the next boot. */
  readonly join: string;
}

/** Two agents of one plane: Alice's is the one that was taken over. */
export interface Scene {
  readonly plane: TestPlane;
  readonly maker: Maker;
  readonly alice: Agent;
  readonly bob: Agent;
}

/** Which audit row tells of a refusal, or why none can. */
export type Told =
  | { readonly chain: 'alice' | 'bob' | 'plane'; readonly action: string; readonly target: string | RegExp; readonly actor?: string }
  | { readonly nobody: string };

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What the kernel refused Alice's agent: a call, and what it was about. Where nobody hears the kernel, no row can tell. */
export function byKernel({ plane }: Scene, { call, object }: { readonly call: RegExp; readonly object?: string }): Told {
  if (plane.output().includes('what the kernel refuses to agents does not come to the audit log here'))
    return { nobody: 'the kernel refuses, and nothing here hears it' };
  // Of a file that is to be made, the kernel names the folder.
  const names = object === undefined ? [] : [object, `${dirname(object)}/`].map(escape);
  const about = names.length === 0 ? '' : ` (?:.*, )?(?:${names.join('|')})(?:$|,| \\()`;
  return { chain: 'alice', action: 'kernel.refused', target: new RegExp(`^(?:${call.source})${about}`) };
}

export interface Attempt {
  readonly name: string;
  /** What came of it, in a few words. */
  readonly tries: (scene: Scene) => Promise<string> | string;
  /** What must come of it. */
  readonly refused: RegExp;
  readonly told: Told | ((scene: Scene) => Told);
}

const namespaceOf = (plane: TestPlane, agentId: string) =>
  openNamespace({ dir: join(plane.data, 'secrets'), grantsDir: join(keysFolder(plane), 'grants'), agentId });

export function readSecrets(plane: TestPlane, agentId: string): Readonly<Record<string, string>> {
  const namespace = namespaceOf(plane, agentId);
  return Object.fromEntries(namespace.names().map((name) => [name, namespace.read(name)]));
}

export async function readAgent(plane: TestPlane, id: string, owner: string): Promise<Agent> {
  const joins = Object.entries(readSecrets(plane, id)).filter(([name]) => name.startsWith('join/'));
  const captured = await capture(plane, id, owner);
  const mails = await readMail(plane, owner);
  return {
    ...captured,
    linkToken: /\/me\/(oc1(?:\.[\w-]+)+)/.exec(mails.map(({ text }) => text).join('\n'))?.[1] ?? '',
    ...{ id, owner, uid: uidOf(plane, id), node: nodeOf(plane, id), folder: join(plane.data, 'machines', id) },
    join: joins.at(-1)?.[1] ?? '',
  };
}

/** A token that is signed with the plane's own key: what was ours once. */
export function mintAs(plane: TestPlane, credential: Credential): string {
  const key = createTokenKey(readFileSync(join(keysFolder(plane), 'keys', 'token.key')));
  const clock = { now: Date.now, deadline: (ms: number) => AbortSignal.timeout(ms) };
  return createCredentials({ key, store: createMemoryStore(), clock }).mint(credential);
}

const toFlags = (uid: number): string[] => [
  ...[`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs', '--bounding-set=-all'],
];

/** Runs a line of shell as an agent's own user, as a program that took over the agent would. */
export function asAgent({ uid }: Agent, line: string, { input = '', script = '' } = {}): { status: number | null; output: string } {
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', SCRIPT: script };
  const options = { encoding: 'utf8', timeout: 60_000, input, cwd: '/', env } as const;
  const { status, stdout, stderr } = spawnSync('setpriv', [...toFlags(uid), 'sh', '-c', line], options);
  return { status, output: `${stdout}${stderr}` };
}

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly port?: number;
  readonly host?: string;
  /** The address of ours that the call comes from. */
  readonly from?: string;
}

const caller = `
let text = ''; process.stdin.on('data', (part) => (text += part)).on('end', () => {
  const { method = 'GET', path, headers = {}, body, port, host = '127.0.0.1', from } = JSON.parse(text);
  const more = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const call = require('http').request({ host, port, path, method, headers: { ...more, ...headers }, localAddress: from, timeout: 5000 }, (answer) => {
    console.log(answer.statusCode); process.exit();
  });
  call.on('timeout', () => call.destroy(new Error('timeout'))).on('error', (error) => { console.log(error.code || error.message); process.exit(); });
  call.end(body);
});`;

/** One call over HTTP from the agent's own user; answers the status, or what the network said. What it calls may live in this process. */
export function callAs({ uid, node }: Agent, plane: TestPlane, call: Call): Promise<string> {
  const port = Number(new URL(plane.url).port);
  return new Promise((resolve, reject) => {
    const child = spawn('setpriv', [...toFlags(uid), node, '-e', caller], {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd: '/',
      timeout: 30_000,
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.once('error', reject);
    child.once('close', () => resolve(said.trim()));
    child.stdin.end(JSON.stringify({ port, ...call }));
  });
}

/** One call with a stolen token by somebody else on the plane's machine; answers the status and the first words. */
export async function callWith(
  plane: TestPlane,
  token: string | undefined,
  { method = 'GET', path, headers = {}, body }: Call,
): Promise<string> {
  const answer = await fetch(plane.url + path, {
    method,
    headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    ...(body === undefined ? {} : { body }),
    redirect: 'manual',
    signal: AbortSignal.timeout(20_000),
  });
  return `${answer.status} ${(await answer.text()).slice(0, 400)}`;
}
