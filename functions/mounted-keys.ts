import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isIdentity } from './backup/identity.ts';
import { PlaneError, toMessage } from './core/errors.ts';
import { hasCode } from './files.ts';
import { createSigner, createTokenKey, type Keys } from './keys.ts';

const secretBytes = 32;

/**
 * Reads keys that somebody else made and mounted, each as `<dir>/<name>` or, since Cloud Run mounts one secret per folder, as
 * `<dir>/<name>/<name>`. Never makes one: two processes with keys of their own would refuse each other's agents. Modes are the
 * platform's (0444 for mounted secrets). Throws with all faults at once.
 */
export function readMountedKeys(dir: string): Keys {
  const faults: string[] = [];

  function read(name: string): Buffer | undefined {
    try {
      const path = join(dir, name);
      return readFileSync(statSync(path).isDirectory() ? join(path, name) : path);
    } catch (error) {
      faults.push(hasCode(error, 'ENOENT') ? `${name} is missing` : `${name} cannot be read: ${toMessage(error)}`);
      return undefined;
    }
  }
  function readSecret(name: string): Buffer {
    const key = read(name);
    if (key && key.length !== secretBytes) faults.push(`${name} holds ${key.length} bytes instead of ${secretBytes}`);
    return key ?? Buffer.alloc(0);
  }
  function readSigning(name: string): KeyObject | undefined {
    const pem = read(name);
    if (!pem) return undefined;
    try {
      const key = createPrivateKey(pem);
      if (key.asymmetricKeyType === 'ed25519') return key;
      faults.push(`${name} is not an Ed25519 key`);
    } catch {
      // What the parser says could show bytes of the key.
      faults.push(`${name} is not a private key`);
    }
    return undefined;
  }
  function readBackupIdentity(name: string): string {
    const text = read(name)?.toString().trim();
    if (text !== undefined && !isIdentity(text)) faults.push(`${name} is not an age identity`);
    return text ?? '';
  }

  const dataKey = readSecret('data.key');
  const tokenKey = readSecret('token.key');
  const signingKey = readSigning('signing.pem');
  const backupIdentity = readBackupIdentity('backup.key');
  if (faults.length > 0 || !signingKey) {
    const remedy = 'mount the keys that were made when the plane was installed; none is ever made here';
    throw new PlaneError('preconditionFailed', `cannot use keys in ${dir}: ${faults.join('; ')}; ${remedy}`);
  }
  const publicKeyPem = createPublicKey(signingKey).export({ type: 'spki', format: 'pem' }).toString();
  return { dataKey, tokenKey: createTokenKey(tokenKey), signer: createSigner(signingKey), publicKeyPem, backupIdentity };
}
