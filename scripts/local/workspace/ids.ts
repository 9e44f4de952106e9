import { createHash } from 'node:crypto';

const digits = (seed: string, count: number): string =>
  (BigInt(`0x${createHash('sha256').update(seed).digest('hex')}`) % 10n ** BigInt(count)).toString().padStart(count, '0');

const letters = (seed: string, count: number): string =>
  BigInt(`0x${createHash('sha256').update(seed).digest('hex')}`)
    .toString(36)
    .slice(0, count);

/** Ids in the shapes of the real ones; the same seed gives the same id. */
export const toUserId = (seed: string): string => `1${digits(seed, 20)}`;
export const toGroupId = (seed: string): string => `0${letters(seed, 14)}`;
/** As role assignments write it; the org unit itself answers `id:` before it. */
export const toOrgUnitId = (seed: string): string => `03ph8a2z${letters(seed, 7)}`;
export const toRoleId = (seed: string): string => `1${digits(seed, 16)}`;
export const toSchemaId = (seed: string): string =>
  createHash('sha256').update(seed).digest().subarray(0, 16).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
