import { randomBytes } from 'node:crypto';
import { Decrypter, identityToRecipient } from 'age-encryption';
import { createEncryption, createMeter, untilHashed } from '../../functions/backup/encryption.ts';
import { createIdentity, isIdentity, toIdentity } from '../../functions/backup/identity.ts';
import { sha256, toBytes, toText } from './world.ts';

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('the identity of a plane', () => {
  it('is one that the age library reads', async () => {
    for (let count = 0; count < 20; count += 1) {
      const identity = createIdentity();
      expect(isIdentity(identity)).toBe(true);
      expect(await identityToRecipient(identity)).toMatch(/^age1[a-z0-9]{58}$/);
    }
    expect(createIdentity()).not.toBe(createIdentity());
  });

  it('shows each letter that was changed', () => {
    const identity = toIdentity(randomBytes(32));
    for (let at = 0; at < identity.length; at += 1) {
      const other = identity[at] === 'Q' ? 'P' : 'Q';
      expect(isIdentity(identity.slice(0, at) + other + identity.slice(at + 1))).toBe(false);
    }
    for (const text of ['', identity.slice(1), `${identity}Q`, identity.toLowerCase(), `${identity}\n`])
      expect(isIdentity(text)).toBe(false);
  });
});

describe('the encryption of backups', () => {
  const identity = createIdentity();
  const encryption = createEncryption(identity);

  it.each([0, 1, 65_535, 65_536, 65_537, 300_000])('gives back %d bytes, in the format that age itself reads', async (count) => {
    const plain = randomBytes(count);
    const stored = await collect(await encryption.encrypt(toBytes(plain)));
    expect(stored.toString('latin1')).toMatch(/^age-encryption\.org\/v1\n-> X25519 /);
    expect((await collect(await encryption.decrypt(toBytes(stored)))).equals(plain)).toBe(true);
    const age = new Decrypter();
    age.addIdentity(identity);
    expect(Buffer.from(await age.decrypt(stored)).equals(plain)).toBe(true);
  });

  it('opens with no other key', async () => {
    const stored = await collect(await encryption.encrypt(toBytes('secret')));
    await expect(createEncryption(createIdentity()).decrypt(toBytes(stored))).rejects.toThrow('no identity matched');
  });

  it('throws at a changed, a missing and an added byte, and gives nothing of a chunk before it is proven', async () => {
    const plain = Buffer.alloc(200_000, 'x');
    const stored = await collect(await encryption.encrypt(toBytes(plain)));
    const flipped = Buffer.from(stored);
    flipped[stored.length - 100_000] = (flipped[stored.length - 100_000] ?? 0) ^ 1;
    for (const wrong of [flipped, stored.subarray(0, -1), stored.subarray(0, 65_536), Buffer.concat([stored, Buffer.from('x')])]) {
      await expect(encryption.decrypt(toBytes(wrong)).then(collect)).rejects.toThrow();
    }
  });

  it('reads no further ahead than a few chunks, however much is to come', async () => {
    let [made, passed] = [0, 0];
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        made += 65_536;
        yield new Uint8Array(65_536);
      }
    }
    for await (const chunk of await encryption.decrypt(await encryption.encrypt(endless()))) {
      passed += chunk.length;
      await new Promise((resolve) => setImmediate(resolve));
      expect(made - passed).toBeLessThan(16 * 65_536);
      if (passed > 100 * 65_536) break;
    }
  });

  it('lets go of its source when the reader stops', async () => {
    let released = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(65_536);
      } finally {
        released = true;
      }
    }
    for await (const _chunk of await encryption.encrypt(source())) break;
    await new Promise((resolve) => setImmediate(resolve));
    expect(released).toBe(true);
  });
});

describe('a meter', () => {
  it('counts and hashes what passes', async () => {
    const meter = createMeter();
    expect(await toText(meter.through(toBytes('abc')))).toBe('abc');
    expect([meter.bytes(), meter.sha256()]).toEqual([3, sha256('abc')]);
  });

  it('holds the last chunk back until all of it has the hash', async () => {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (const each of ['a', 'b', 'c']) yield Buffer.from(each);
    }
    expect(await toText(untilHashed(chunks(), sha256('abc'), () => new Error('wrong')))).toBe('abc');
    const seen: string[] = [];
    await expect(
      (async () => {
        for await (const chunk of untilHashed(chunks(), sha256('abd'), () => new Error('wrong'))) seen.push(Buffer.from(chunk).toString());
      })(),
    ).rejects.toThrow('wrong');
    expect(seen).toEqual(['a', 'b']);
  });
});
