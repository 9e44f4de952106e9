import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlaneError } from '../functions/core/errors.ts';
import type { Log } from '../functions/core/surroundings.ts';
import { nodeHashing, openKeys, systemClock } from '../functions/keys.ts';

let root: string;
let dir: string;
let said: string[];
const log: Log = { info: (message, fields) => void said.push(`${message} ${JSON.stringify(fields)}`), warn: () => undefined };
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'keys-'));
  dir = join(root, 'config', 'keys');
  said = [];
});
afterEach(() => rmSync(root, { recursive: true }));

describe('the keys of a plane', () => {
  it('come to exist on first use, for their owner alone, and stay the same', () => {
    const umask = process.umask(0);
    const first = openKeys({ dir, log });
    process.umask(umask);
    expect(first.dataKey).toHaveLength(32);
    expect(readdirSync(dir).sort()).toEqual(['backup.key', 'data.key', 'signing.pem', 'token.key']);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    expect(said).toEqual([`made new keys; keep a backup of them apart from the data ${JSON.stringify({ dir })}`]);

    const second = openKeys({ dir, log });
    expect(second.dataKey.equals(first.dataKey)).toBe(true);
    expect(second.publicKeyPem).toBe(first.publicKeyPem);
    expect(second.tokenKey.mac('x')).toBe(first.tokenKey.mac('x'));
    expect(second.backupIdentity).toBe(first.backupIdentity);
    expect(said).toHaveLength(1);
  });

  it('differ from each other and between planes', () => {
    const [one, other] = [openKeys({ dir, log }), openKeys({ dir: join(root, 'other'), log })];
    expect(readFileSync(join(dir, 'data.key')).equals(readFileSync(join(dir, 'token.key')))).toBe(false);
    expect(one.dataKey.equals(other.dataKey)).toBe(false);
    expect(one.signer.keyId).not.toBe(other.signer.keyId);
    expect(one.tokenKey.mac('x')).not.toBe(other.tokenKey.mac('x'));
  });

  it('fill an empty folder and clear what a crashed maker left beside it', () => {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    mkdirSync(`${dir}.new-abc123`);
    writeFileSync(join(`${dir}.new-abc123`, 'data.key'), 'half');
    openKeys({ dir, log });
    expect(readdirSync(join(root, 'config'))).toEqual(['keys']);
  });

  it('are refused when others may have read them', () => {
    openKeys({ dir, log });
    for (const [path, right, wrong] of [
      [dir, 0o700, 0o750],
      [join(dir, 'data.key'), 0o600, 0o640],
      [join(dir, 'token.key'), 0o600, 0o604],
      [join(dir, 'signing.pem'), 0o600, 0o620],
    ] as const) {
      chmodSync(path, wrong);
      expect(() => openKeys({ dir, log })).toThrow(PlaneError);
      expect(() => openKeys({ dir, log })).toThrow(`has mode ${wrong.toString(8)}`);
      expect(() => openKeys({ dir, log })).toThrow(`chmod ${right.toString(8)} ${path}`);
      chmodSync(path, right);
    }
    openKeys({ dir, log });
  });

  it('are refused when one is missing or broken, and never made anew over the others', () => {
    openKeys({ dir, log });
    const rsa = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const [name, content, fact] of [
      ['data.key', undefined, 'data.key is missing'],
      ['token.key', undefined, 'token.key is missing'],
      ['signing.pem', undefined, 'signing.pem is missing'],
      ['data.key', 'short', 'data.key holds 5 bytes instead of 32'],
      ['token.key', '', 'token.key holds 0 bytes instead of 32'],
      ['signing.pem', 'not a key', 'signing.pem is not a private key'],
      ['signing.pem', rsa, 'signing.pem is not an Ed25519 key'],
      ['backup.key', 'AGE-SECRET-KEY-1QQ', 'backup.key is not an age identity'],
    ] as const) {
      const path = join(dir, name);
      const kept = readFileSync(path);
      if (content === undefined) rmSync(path);
      else writeFileSync(path, content);
      expect(() => openKeys({ dir, log })).toThrow(fact);
      writeFileSync(path, kept, { mode: 0o600 });
    }
    openKeys({ dir, log });
    expect(said).toHaveLength(1);
  });

  it('gain the key for backups where they were made before there were any', () => {
    const first = openKeys({ dir, log });
    rmSync(join(dir, 'backup.key'));
    const second = openKeys({ dir, log });
    expect(second.dataKey.equals(first.dataKey)).toBe(true);
    expect(second.backupIdentity).not.toBe(first.backupIdentity);
    expect(openKeys({ dir, log }).backupIdentity).toBe(second.backupIdentity);
    expect(statSync(join(dir, 'backup.key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(root, 'config'))).toEqual(['keys']);
  });

  it('are refused behind a link and in a folder of other things', () => {
    const real = join(root, 'real');
    openKeys({ dir: real, log });
    symlinkSync(real, join(root, 'link'));
    expect(() => openKeys({ dir: join(root, 'link'), log })).toThrow('is no folder');
    mkdirSync(join(root, 'full'), { mode: 0o700 });
    writeFileSync(join(root, 'full', 'letter.txt'), 'hello');
    expect(() => openKeys({ dir: join(root, 'full'), log })).toThrow('data.key is missing');
    expect(readdirSync(join(root, 'full'))).toEqual(['letter.txt']);
  });
});

describe('the signer', () => {
  it('signs text so that anyone with the public half can check it', () => {
    const { signer, publicKeyPem } = openKeys({ dir, log });
    const signature = signer.sign('receipt äöü');
    expect(signature).toMatch(/^[\w-]{86}$/);
    const publicKey = createPublicKey(publicKeyPem);
    expect(verify(null, Buffer.from('receipt äöü'), publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
    const der = publicKey.export({ type: 'spki', format: 'der' });
    expect(signer.keyId).toBe(createHash('sha256').update(der).digest('hex').slice(0, 16));
  });

  it('verifies its own signatures and nothing else', () => {
    const { signer } = openKeys({ dir, log });
    const other = openKeys({ dir: join(root, 'other'), log }).signer;
    const signature = signer.sign('text');
    expect(signer.verify('text', signature)).toBe(true);
    expect(signer.verify('text ', signature)).toBe(false);
    expect(other.verify('text', signature)).toBe(false);
    for (const wrong of ['', 'x', `${signature}=`, `${signature} `, signature.slice(1), `${signature}AAAA`]) {
      expect(signer.verify('text', wrong)).toBe(false);
    }
  });
});

describe('the token key', () => {
  it('authenticates text and compares texts of any length', () => {
    const { tokenKey } = openKeys({ dir, log });
    expect(tokenKey.mac('a')).toMatch(/^[\w-]{43}$/);
    expect(tokenKey.mac('a')).toBe(tokenKey.mac('a'));
    expect(tokenKey.mac('a')).not.toBe(tokenKey.mac('b'));
    expect(tokenKey.equal('same', 'same')).toBe(true);
    expect(tokenKey.equal('same', 'other length')).toBe(false);
    expect(tokenKey.equal('', 'x')).toBe(false);
  });
});

describe('the ports of Node', () => {
  it('hashes UTF-8 text with SHA-256 into hex', () => {
    expect(nodeHashing.sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(nodeHashing.sha256('ä')).toBe(createHash('sha256').update(Buffer.from('ä')).digest('hex'));
  });

  it('tells the time and ends deadlines, those already past too', async () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000);
    const past = systemClock.deadline(-5);
    const soon = systemClock.deadline(10.5);
    expect(soon.aborted).toBe(false);
    await new Promise((done) => setTimeout(done, 50));
    expect([past.aborted, soon.aborted]).toEqual([true, true]);
  });
});
