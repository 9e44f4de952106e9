import type { DocumentReference, Firestore, Transaction } from '@google-cloud/firestore';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Collection } from '../../functions/core/store.ts';
import { currentSchema, fromFields, toFields, toName } from '../../functions/store/firestore-documents.ts';
import { toPlaneError } from '../../functions/store/firestore-errors.ts';
import { createTransact } from '../../functions/store/firestore-transact.ts';
import { channel, times } from '../conformance/store.ts';

const grpcError = (code: number, message: string): Error => Object.assign(new Error(message), { code });

/** A Firestore whose commits fail as they are told to. */
function failing(...commits: readonly (Error | undefined)[]) {
  let attempts = 0;
  const inner = { get: async () => ({ data: () => undefined }), set: () => undefined, delete: () => undefined } as unknown as Transaction;
  const firestore = {
    async runTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
      const failure = commits[Math.min(attempts, commits.length - 1)];
      attempts += 1;
      const result = await work(inner);
      if (failure) throw failure;
      return result;
    },
  } as unknown as Firestore;
  const locate = (collection: Collection, id: string) => ({ path: `${collection}/${id}` }) as DocumentReference;
  return { transact: createTransact({ firestore, schema: currentSchema, locate }), attempts: () => attempts };
}

describe('a transaction on Firestore', () => {
  beforeEach(() => jest.spyOn(Math, 'random').mockReturnValue(0));
  afterEach(() => jest.restoreAllMocks());

  it('runs again when others were in the way', async () => {
    const { transact, attempts } = failing(grpcError(10, 'ABORTED: contention'), grpcError(10, 'ABORTED: contention'), undefined);
    expect(await transact(async () => 'done')).toBe('done');
    expect(attempts()).toBe(3);
  });

  it('gives up after twelve attempts and says that trying later may help', async () => {
    const { transact, attempts } = failing(grpcError(10, 'ABORTED: contention'));
    await expect(transact(async () => 'never')).rejects.toMatchObject({
      code: 'unavailable',
      message: 'cannot commit a transaction: others were in the way 12 times; try again later',
    });
    expect(attempts()).toBe(12);
  });

  it('never repeats a commit whose outcome is not known', async () => {
    for (const code of [1, 2, 4, 13, 14]) {
      const { transact, attempts } = failing(grpcError(code, 'gone'), undefined);
      await expect(transact(async () => 'done')).rejects.toBeInstanceOf(PlaneError);
      expect(attempts()).toBe(1);
    }
  });

  it('passes on what the work threw, as it was', async () => {
    const error = grpcError(10, 'not of Firestore');
    const { transact, attempts } = failing(undefined);
    await expect(transact(() => Promise.reject(error))).rejects.toBe(error);
    expect(attempts()).toBe(1);
  });

  it('refuses whatever comes after its end', async () => {
    const { transact } = failing(undefined);
    const tx = await transact(async (current) => current);
    await expect(tx.get('channels', 'c')).rejects.toThrow('cannot read channels c: its transaction has ended');
    expect(() => tx.set('channels', 'c', channel('c', 1))).toThrow('cannot set channels c: its transaction has ended');
    expect(() => tx.delete('channels', 'c')).toThrow('cannot delete channels c: its transaction has ended');
  });
});

describe('the name of a document', () => {
  /** Undoes `toName`. */
  const toId = (name: string): string => name.replace(/^_-/, '_').replace(/\.[-~]/g, (sign) => (sign === '.-' ? '.' : '/'));
  const parts = ['/', '.', '_', '-', '~', 'a', '0', ' ', '\u0000', 'é', '\uffff', '🦞', '__', '.-', '.~', '_-'];
  const ids = parts.flatMap((first) => parts.flatMap((second) => ['', ...parts].map((third) => first + second + third)));

  it('is legal, tells different ids apart and leads back to the id', () => {
    for (const id of ids) {
      const name = toName('channels', id);
      expect(name).not.toMatch(/\/|^\.{1,2}$|^__.*__$/s);
      expect(toId(name)).toBe(id);
    }
    expect(new Set(ids.map((id) => toName('channels', id))).size).toBe(new Set(ids).size);
  });

  it('comes in the order of the ids', () => {
    const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
    const sorted = [...new Set(ids)].sort(byBytes);
    expect(sorted.map((id) => toName('channels', id)).sort(byBytes)).toEqual(sorted.map((id) => toName('channels', id)));
  });

  it('is refused where Firestore could not hold it', () => {
    expect(() => toName('channels', '')).toThrow('cannot name channels : its id is empty');
    expect(() => toName('channels', '\ud800')).toThrow('its id is not well-formed Unicode');
    expect(() => toName('channels', '/'.repeat(751))).toThrow('its id takes 1502 bytes and Firestore holds at most 1500');
    expect(toName('channels', '/'.repeat(750))).toHaveLength(1500);
  });
});

describe('what Firestore holds of a document', () => {
  it('is its text, its version and the fields that are indexed', () => {
    const document = channel('c', 7);
    expect(toFields('channels', 'c', document, currentSchema)).toEqual({ v: 1, document: JSON.stringify(document), expiresAt: 7 });
  });

  it('is refused where an indexed text is too long to be found again', () => {
    const scope = `ou:/${'x'.repeat(1497)}`;
    expect(() => toFields('services', 's', { scope, enabled: true, at: 0 }, currentSchema)).toThrow(
      'cannot store services s: its scope takes 1501 bytes and Firestore finds at most 1500 again',
    );
  });

  it('is refused where a newer or another program wrote it', () => {
    expect(() => fromFields('channels', 'c', { v: 2, document: '{}' }, currentSchema)).toThrow(
      'cannot read channels c: it is of version 2 and this program knows versions up to 1; start the newer program again',
    );
    expect(() => fromFields('channels', 'c', { name: 'x' }, currentSchema)).toThrow('it was not written by a plane; name another database');
  });

  it('becomes a document of the newest version that the program knows', () => {
    const upgrades = times(3, (n) => [n, (_: Collection, document: unknown) => ({ ...(document as object), [`from${n}`]: true })] as const);
    const schema = { known: 3, written: 2, upgrades: Object.fromEntries(upgrades) };
    expect(fromFields('channels', 'c', { v: 1, document: '{}' }, schema)).toEqual({ from1: true, from2: true });
    expect(toFields('channels', 'c', channel('c', 1), schema)).toMatchObject({ v: 2 });
  });
});

describe('an error of Firestore', () => {
  it.each([
    [3, 'invalid', 'it is not tried again unchanged'],
    [4, 'timeout', 'it is tried again'],
    [5, 'notFound', 'make the database or name another'],
    [7, 'forbidden', 'give the service account of the plane the role roles/datastore.user'],
    [8, 'tooManyRequests', 'wait, or raise the quota of the project'],
    [9, 'preconditionFailed', 'deploy manifests/firestore.indexes.json'],
    [13, 'internal', 'it is tried again'],
    [14, 'unavailable', 'it is tried again'],
    [16, 'forbidden', 'give the plane credentials of Google Cloud'],
  ])('of gRPC code %i is %s', (code, ours, remedy) => {
    const cause = grpcError(code, 'the fact');
    expect(toPlaneError(cause, 'read agents a1')).toMatchObject({
      code: ours,
      message: `cannot read agents a1: the fact; ${remedy}`,
      cause,
    });
  });
});
