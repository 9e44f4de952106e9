import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
  type KeyObject,
} from 'node:crypto';
import { chmodSync, linkSync, lstatSync, mkdtempSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createIdentity, isIdentity } from './backup/identity.ts';
import type { TokenKey } from './core/credentials.ts';
import { PlaneError } from './core/errors.ts';
import type { Clock, Hashing, Log, Signer } from './core/surroundings.ts';
import { ensureFolder, hasCode, removeTree, syncFolder, writeFileAtomic } from './files.ts';

export interface KeysOptions {
  /** A folder for the keys alone, outside the data folder. */
  readonly dir: string;
  readonly log: Log;
}

export interface Keys {
  /** 32 bytes; encrypts what the plane keeps on disk. */
  readonly dataKey: Buffer;
  readonly signer: Signer;
  readonly tokenKey: TokenKey;
  /** The half of the signing key that checks receipts and audit checkpoints (SPKI). */
  readonly publicKeyPem: string;
  /** The age identity (`AGE-SECRET-KEY-1…`) that opens the agents' backups. */
  readonly backupIdentity: string;
}

const secretBytes = 32;
const fileNames = { dataKey: 'data.key', tokenKey: 'token.key', signingKey: 'signing.pem', backupKey: 'backup.key' } as const;

const unusable = (dir: string, fact: string, remedy: string, cause?: unknown): PlaneError =>
  new PlaneError('preconditionFailed', `cannot use keys in ${dir}: ${fact}; ${remedy}`, { cause });

/** Who else may read a key may be anyone: refused instead of narrowed, since it may have been read already. */
function checkMode(dir: string, path: string, kind: 'file' | 'folder'): void {
  const allowed = kind === 'file' ? 0o600 : 0o700;
  const found = lstatSync(path);
  if (kind === 'file' ? !found.isFile() : !found.isDirectory()) throw unusable(dir, `${path} is no ${kind}`, 'put it back as it was');
  const wider = found.mode & 0o777 & ~allowed;
  if (wider === 0) return;
  const mode = (found.mode & 0o777).toString(8);
  throw unusable(
    dir,
    `${path} has mode ${mode}, so others may have read it`,
    `make new keys, or run: chmod ${allowed.toString(8)} ${path}`,
  );
}

const restore = 'restore the whole folder from its backup; without it nothing that the plane encrypted can be read';

function readKeyFile(dir: string, name: string): Buffer {
  const path = join(dir, name);
  try {
    checkMode(dir, path, 'file');
    return readFileSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw unusable(dir, `${name} is missing`, restore, error);
    throw error;
  }
}

function readSecretKey(dir: string, name: string): Buffer {
  const key = readKeyFile(dir, name);
  if (key.length !== secretBytes) throw unusable(dir, `${name} holds ${key.length} bytes instead of ${secretBytes}`, restore);
  return key;
}

function readSigningKey(dir: string): KeyObject {
  const pem = readKeyFile(dir, fileNames.signingKey);
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    throw unusable(dir, `${fileNames.signingKey} is not a private key`, restore, error);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw unusable(dir, `${fileNames.signingKey} is not an Ed25519 key`, restore);
  return key;
}

/** Keys made before there were backups have none; whoever puts it there first wins. */
function addBackupKey(dir: string, log: Log): void {
  const path = join(dir, fileNames.backupKey);
  if (lstatSync(path, { throwIfNoEntry: false })) return;
  const draft = mkdtempSync(toDraftPrefix(dir));
  try {
    writeFileAtomic(join(draft, fileNames.backupKey), `${createIdentity()}\n`, 0o600);
    linkSync(join(draft, fileNames.backupKey), path);
    syncFolder(dir);
    log.info('made a key for backups; keep a backup of it with the other keys', { dir });
  } catch (error) {
    // Another process was first, or cleared our draft away.
    if (!hasCode(error, 'EEXIST', 'ENOENT')) throw error;
  } finally {
    removeTree(draft);
  }
}

function readBackupIdentity(dir: string): string {
  const text = readKeyFile(dir, fileNames.backupKey).toString().trim();
  if (!isIdentity(text)) throw unusable(dir, `${fileNames.backupKey} is not an age identity`, restore);
  return text;
}

const toDraftPrefix = (dir: string): string => `${dir}.new-`;

/** Makes all keys beside their folder and moves them in as one: there are all of them or none, whoever else does the same. */
function createKeys(dir: string, log: Log): void {
  const draft = mkdtempSync(toDraftPrefix(dir));
  try {
    chmodSync(draft, 0o700);
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileAtomic(join(draft, fileNames.dataKey), randomBytes(secretBytes), 0o600);
    writeFileAtomic(join(draft, fileNames.tokenKey), randomBytes(secretBytes), 0o600);
    writeFileAtomic(join(draft, fileNames.signingKey), privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
    writeFileAtomic(join(draft, fileNames.backupKey), `${createIdentity()}\n`, 0o600);
    renameSync(draft, dir);
    syncFolder(dirname(dir));
    log.info('made new keys; keep a backup of them apart from the data', { dir });
  } catch (error) {
    removeTree(draft);
    // Another process was first, and may have cleared our draft away; its keys are read next.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error;
  }
}

/** Opens the keys in a folder, and makes them where there is no folder or an empty one. Throws `preconditionFailed` when they cannot be used. */
export function openKeys({ dir, log }: KeysOptions): Keys {
  ensureFolder(dirname(dir));
  const found = lstatSync(dir, { throwIfNoEntry: false });
  if (found) checkMode(dir, dir, 'folder');
  if (!found || readdirSync(dir).length === 0) createKeys(dir, log);
  const drafts = readdirSync(dirname(dir)).filter((name) => name.startsWith(basename(toDraftPrefix(dir))));
  for (const name of drafts) removeTree(join(dirname(dir), name));

  checkMode(dir, dir, 'folder');
  const dataKey = readSecretKey(dir, fileNames.dataKey);
  const tokenKey = createTokenKey(readSecretKey(dir, fileNames.tokenKey));
  const signingKey = readSigningKey(dir);
  const publicKeyPem = createPublicKey(signingKey).export({ type: 'spki', format: 'pem' }).toString();
  addBackupKey(dir, log);
  return { dataKey, tokenKey, signer: createSigner(signingKey), publicKeyPem, backupIdentity: readBackupIdentity(dir) };
}

/** Checks signatures with the public half of a signing key. */
export function createVerifier(publicKey: KeyObject): Pick<Signer, 'keyId' | 'verify'> {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return {
    keyId: createHash('sha256').update(der).digest('hex').slice(0, 16),
    verify(text, signature) {
      const bytes = Buffer.from(signature, 'base64url');
      // Buffer skips what is not base64url; one signature has one text.
      return bytes.toString('base64url') === signature && verify(null, Buffer.from(text), publicKey, bytes);
    },
  };
}

/** The public half as `planes audit key` prints it (SPKI, PEM). Throws `invalid` where it is none. */
export function readPublicKey(pem: string): Pick<Signer, 'keyId' | 'verify'> {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw new PlaneError('invalid', 'cannot read the public key: it is no PEM; `planes audit key` prints the right one', { cause });
  }
  if (key.asymmetricKeyType === 'ed25519') return createVerifier(key);
  throw new PlaneError('invalid', 'cannot read the public key: it is no Ed25519 key; `planes audit key` prints the right one');
}

export function createSigner(privateKey: KeyObject): Signer {
  return {
    ...createVerifier(createPublicKey(privateKey)),
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64url'),
  };
}

export function createTokenKey(key: Buffer): TokenKey {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return {
    mac: (text) => createHmac('sha256', key).update(text).digest('base64url'),
    equal: (a, b) => timingSafeEqual(digest(a), digest(b)),
  };
}

export const nodeHashing: Hashing = { sha256: (text) => hash('sha256', text) };

export const systemClock: Clock = {
  now: () => Date.now(),
  // Node takes whole milliseconds from 0 on.
  deadline: (ms) => AbortSignal.timeout(Math.max(0, Math.ceil(ms))),
};
