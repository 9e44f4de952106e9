import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlaneError } from '../../core/errors.ts';

/*
 * The files of the local secrets provider, as both sides read them. The sidecar bundles this file, so it imports node:crypto,
 * node:fs, node:path and our error class, and nothing else.
 *
 *   <dir>/<agentId>/namespace.json   who owns it, no secret
 *   <dir>/<agentId>/namespace.key    the namespace's own key, sealed to the data key
 *   <dir>/<agentId>/<name>.secret    one secret, sealed to the namespace's key
 *   <grantsDir>/<agentId>.json       the namespace's key in the clear, for the principal that may read
 *
 * Sealed: one byte of version, 12 of nonce, AES-256-GCM ciphertext, 16 of tag; plane, agent and name are authenticated with it.
 */

export const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const format = 1;

export interface Namespace {
  readonly planeId: string;
  readonly agentId: string;
}

export interface Grant extends Namespace {
  readonly principalId: string;
  readonly key: Buffer;
}

export const ownerFile = 'namespace.json';
export const keyFile = 'namespace.key';
const secretSuffix = '.secret';

/** A file name has at most 255 bytes; this leaves room for the suffix and for the name of a draft. */
const longestFileName = 200;

const isMissing = (error: unknown): boolean => typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';

/** Agent ids become file names: nothing that could leave the folder. */
export const isAgentId = (text: string): boolean => /^[a-z0-9][a-z0-9-]{0,62}$/.test(text);

export function checkAgentId(agentId: string): void {
  if (!isAgentId(agentId)) {
    throw new PlaneError('invalid', `cannot use agent id ${JSON.stringify(agentId)}: it is not a DNS label`);
  }
}

/** Lower-case ASCII alone, so that names stay apart on file systems that fold case or Unicode forms. */
export function toFileName(name: string): string {
  let encoded = '';
  for (const byte of Buffer.from(name)) {
    const char = String.fromCharCode(byte);
    encoded += /[a-z0-9_-]/.test(char) ? char : `%${byte.toString(16).padStart(2, '0')}`;
  }
  if (name === '' || !name.isWellFormed() || encoded.length > longestFileName) {
    const allowed = `use 1 to ${longestFileName} characters, where all but a-z, 0-9, _ and - count three for each of their bytes`;
    throw new PlaneError(
      'invalid',
      `cannot use secret name ${JSON.stringify(name.slice(0, 80))}: it is empty, too long or not Unicode; ${allowed}`,
    );
  }
  return encoded + secretSuffix;
}

function toName(fileName: string): string {
  const encoded = fileName.slice(0, -secretSuffix.length);
  const name = Buffer.from(
    encoded.replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString();
  if (name === '' || toFileName(name) !== fileName) {
    throw new PlaneError('internal', `cannot read secret file ${fileName}: its name is not one of ours; remove the file`);
  }
  return name;
}

const toAad = (binding: readonly string[]): Buffer => Buffer.from(JSON.stringify(['agents-plane', format, ...binding]));
export const keyBinding = ({ planeId, agentId }: Namespace): readonly string[] => ['key', planeId, agentId];
export const secretBinding = ({ planeId, agentId }: Namespace, name: string): readonly string[] => ['secret', planeId, agentId, name];

export function seal(key: Buffer, binding: readonly string[], plain: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(toAad(binding));
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.of(format), nonce, text, cipher.getAuthTag()]);
}

/** Throws when a bit differs from what was sealed, or another key or binding is given. */
export function unseal(key: Buffer, binding: readonly string[], sealed: Buffer): Buffer {
  if (sealed[0] !== format || sealed.length < 1 + nonceBytes + tagBytes) throw new Error('not a sealed file of a known format');
  const [nonce, tag] = [sealed.subarray(1, 1 + nonceBytes), sealed.subarray(-tagBytes)];
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(toAad(binding)).setAuthTag(tag);
  return Buffer.concat([decipher.update(sealed.subarray(1 + nonceBytes, -tagBytes)), decipher.final()]);
}

/** The one text of a grant; its last member lets every changed bit be found. */
export function toGrantText({ planeId, agentId, principalId, key }: Grant): string {
  const said = { version: format, planeId, agentId, principalId, key: key.toString('base64url') };
  return `${JSON.stringify({ ...said, mac: createHmac('sha256', key).update(JSON.stringify(said)).digest('base64url') })}\n`;
}

/** Throws without a cause: a JSON error quotes the text it failed on, and here that text is a key. */
export function parseGrant(text: string, agentId: string): Grant {
  const broken = new PlaneError(
    'internal',
    `cannot read grant of agent ${agentId}: its file is broken; it is written anew when it is granted again`,
  );
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    throw broken;
  }
  if (typeof found !== 'object' || found === null) throw broken;
  const { planeId, agentId: grantee, principalId, key } = found as Readonly<Record<string, unknown>>;
  if (typeof planeId !== 'string' || typeof grantee !== 'string' || typeof principalId !== 'string' || typeof key !== 'string')
    throw broken;
  const grant = { planeId, agentId: grantee, principalId, key: Buffer.from(key, 'base64url') };
  if (grant.key.length !== keyBytes || toGrantText(grant) !== text) throw broken;
  return grant;
}

export const toGrantFile = (grantsDir: string, agentId: string): string => join(grantsDir, `${agentId}.json`);

/** The names of all secrets in a namespace that exists, sorted. */
export function readNames(dir: string, agentId: string): string[] {
  return readdirSync(join(dir, agentId))
    .filter((fileName) => fileName.endsWith(secretSuffix))
    .map(toName)
    .sort();
}

export function readSecret(dir: string, namespace: Namespace, name: string, key: Buffer): string {
  const what = `secret ${name} of agent ${namespace.agentId}`;
  let sealed: Buffer;
  try {
    sealed = readFileSync(join(dir, namespace.agentId, toFileName(name)));
  } catch (error) {
    if (isMissing(error)) throw new PlaneError('notFound', `cannot read ${what}: there is none of this name`, { cause: error });
    throw error;
  }
  try {
    return unseal(key, secretBinding(namespace, name), sealed).toString();
  } catch (error) {
    throw new PlaneError('internal', `cannot read ${what}: its file is broken or belongs elsewhere; set the secret again`, {
      cause: error,
    });
  }
}

export interface NamespaceReader {
  names(): string[];
  read(name: string): string;
}

/**
 * Opens the namespace of an agent with the grant that waits for its principal. The grant is read again on every call, so
 * revoking it ends access at once. Throws `forbidden` when there is no grant for this agent, `notFound` for an absent name.
 */
export function openNamespace({ dir, grantsDir, agentId }: { dir: string; grantsDir: string; agentId: string }): NamespaceReader {
  checkAgentId(agentId);

  function readGrant(): Grant {
    const refusal = `cannot open secrets of agent ${agentId}: they are not granted here`;
    let text: string;
    try {
      text = readFileSync(toGrantFile(grantsDir, agentId), 'utf8');
    } catch (error) {
      if (isMissing(error)) throw new PlaneError('forbidden', refusal, { cause: error });
      throw error;
    }
    const grant = parseGrant(text, agentId);
    if (grant.agentId !== agentId) throw new PlaneError('forbidden', `${refusal}; the grant is for agent ${grant.agentId}`);
    return grant;
  }

  readGrant();
  return {
    names() {
      readGrant();
      return readNames(dir, agentId);
    },
    read(name) {
      const grant = readGrant();
      return readSecret(dir, grant, name, grant.key);
    },
  };
}
