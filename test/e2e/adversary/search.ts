import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../../functions/files.ts';
import { contract, type Operation } from '../../../shared/contract.ts';
import { keysFolder, type TestPlane } from '../embedded.ts';
import { readSecrets } from './scene.ts';

/** A secret whose value the test knows. */
export interface Known {
  readonly name: string;
  readonly value: Buffer;
}

/** Where a secret was found, by the names of both. */
export interface Finding {
  readonly secret: string;
  readonly place: string;
}

const shortest = 16;
const bytes = (value: string): Buffer => Buffer.from(value);

/** Everything secret of the plane itself. */
export function planeSecrets(plane: TestPlane, makerKey: string): Known[] {
  const keys = join(keysFolder(plane), 'keys');
  const files = readdirSync(keys).map((file) => ({ name: `key ${file}`, value: readFileSync(join(keys, file)) }));
  const backup =
    files
      .find(({ name }) => name === 'key backup.key')
      ?.value.toString()
      .trim() ?? '';
  return [
    ...files.filter(({ name }) => name !== 'key backup.key'),
    { name: 'backup identity', value: bytes(backup) },
    { name: "maker's key", value: bytes(makerKey) },
    { name: 'local token', value: bytes(plane.token()) },
  ];
}

/** Everything secret of one agent as it is now. */
export function agentSecrets(plane: TestPlane, agentId: string, when: string): Known[] {
  const grant = JSON.parse(readFileSync(join(keysFolder(plane), 'grants', `${agentId}.json`), 'utf8')) as { key: string };
  const session = JSON.parse(readFileSync(join(plane.data, 'machines', agentId, 'run', 'session'), 'utf8')) as { token: string };
  // Not all in a namespace is secret: the mark of its version is short and known to everybody.
  const values = Object.entries(readSecrets(plane, agentId)).filter(([, value]) => value.length >= shortest);
  return [
    ...values.map(([name, value]) => ({ name: `${when} ${name}`, value: bytes(value) })),
    { name: `${when} namespace key`, value: Buffer.from(grant.key, 'base64url') },
    { name: `${when} session`, value: bytes(session.token) },
  ];
}

/** As it is, and as text would hold it. A token's last part is what makes it one: it is looked for as well. */
function formsOf({ value }: Known): Buffer[] {
  const text = value.toString();
  const mac = /^oc1\..*\.([\w-]{43})$/.exec(text)?.[1];
  const encoded = (['base64', 'base64url', 'hex'] as const).map((form) => bytes(value.toString(form).replace(/=+$/, '')));
  return [value, ...encoded, ...(mac === undefined ? [] : [bytes(mac)])];
}

export function findIn(place: string, content: Buffer, secrets: readonly Known[]): Finding[] {
  const short = secrets.find(({ value }) => value.length < shortest);
  if (short) throw new Error(`${short.name} is too short to be looked for`);
  return secrets.filter((secret) => formsOf(secret).some((form) => content.includes(form))).map(({ name }) => ({ secret: name, place }));
}

/** Ignores what goes away under one's hands: agents run while they are searched. */
function unlessGone<T>(look: () => T[]): T[] {
  try {
    return look();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return [];
    throw error;
  }
}

/** Every file below a folder. Links are not followed. */
export function searchFolder(folder: string, secrets: readonly Known[], within = ''): Finding[] {
  return unlessGone(() => readdirSync(join(folder, within), { withFileTypes: true })).flatMap((entry) => {
    const path = join(within, entry.name);
    if (entry.isDirectory()) return searchFolder(folder, secrets, path);
    return entry.isFile() ? unlessGone(() => findIn(path, readFileSync(join(folder, path)), secrets)) : [];
  });
}

/** What every process of the host was started with: environments and command lines. */
export function searchProcesses(secrets: readonly Known[], nameOf: (pid: number) => string | undefined): Finding[] {
  return readdirSync('/proc').flatMap((pid) => {
    const name = /^\d+$/.test(pid) ? nameOf(Number(pid)) : undefined;
    if (name === undefined) return [];
    return ['environ', 'cmdline'].flatMap((file) =>
      unlessGone(() => findIn(`${name}'s ${file}`, readFileSync(join('/proc', pid, file)), secrets)),
    );
  });
}

/** Every GET row of the contract, as an admin, with what fits into its path. */
export async function readEveryRow(
  plane: TestPlane,
  params: Readonly<Record<string, string>>,
): Promise<Map<string, { status: number; body: Buffer }>> {
  const answers = new Map<string, { status: number; body: Buffer }>();
  for (const operation of Object.keys(contract) as Operation[]) {
    const { method, path } = contract[operation];
    if (method !== 'get') continue;
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => params[name] ?? 'x') + (operation === 'listUsers' ? '?q=a' : '');
    const answer = await fetch(plane.url + filled, { headers: { authorization: `Bearer ${plane.token()}` } });
    answers.set(operation, { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) });
  }
  return answers;
}
