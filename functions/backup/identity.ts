import { randomBytes } from 'node:crypto';

/*
 * The plane's own age identity as text, as age-keygen writes it, so that `age --decrypt` opens a backup without us. It is 32
 * random bytes in Bech32 (BIP 173); made here because the library makes one asynchronously alone and keys are opened at once.
 */

const prefix = 'age-secret-key-';
const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const form = new RegExp(`^AGE-SECRET-KEY-1([${alphabet.toUpperCase()}]{58})$`);

function polymod(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, generator] of generators.entries()) if ((top >>> bit) & 1) sum ^= generator;
  }
  return sum >>> 0;
}

const codes = [...prefix].map((letter) => letter.charCodeAt(0));
const expandedPrefix = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];

function toFives(bytes: Uint8Array): number[] {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => Number.parseInt(five.padEnd(5, '0'), 2));
}

/** 32 bytes as an age identity of the X25519 kind. */
export function toIdentity(bytes: Uint8Array): string {
  const fives = toFives(bytes);
  const sum = polymod([...expandedPrefix, ...fives, 0, 0, 0, 0, 0, 0]) ^ 1;
  const check = [25, 20, 15, 10, 5, 0].map((shift) => (sum >>> shift) & 31);
  return `${prefix}1${[...fives, ...check].map((five) => alphabet[five]).join('')}`.toUpperCase();
}

export const createIdentity = (): string => toIdentity(randomBytes(32));

/** Whether a text is such an identity; a letter that was changed or lost shows in its checksum. */
export function isIdentity(text: string): boolean {
  const [, letters = ''] = form.exec(text) ?? [];
  if (letters === '') return false;
  return polymod([...expandedPrefix, ...[...letters.toLowerCase()].map((letter) => alphabet.indexOf(letter))]) === 1;
}
