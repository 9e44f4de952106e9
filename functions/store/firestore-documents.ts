import type { DocumentData } from '@google-cloud/firestore';
import { PlaneError } from '../core/errors.ts';
import { indexes, type Collection, type Documents, type Scalar } from '../core/store.ts';

/**
 * What versions of documents a program handles while older and newer programs run beside it. A new shape comes in three
 * releases: one that knows it, one that writes it, and one that has forgotten the old.
 */
export interface FirestoreSchema {
  /** The newest version it can read. */
  readonly known: number;
  /** The version it writes; behind `known` until no program is left that does not know it. */
  readonly written: number;
  /** How a document becomes one of the next version, by the version it starts from. */
  readonly upgrades: Readonly<Record<number, (collection: Collection, document: unknown) => unknown>>;
}

export const currentSchema: FirestoreSchema = { known: 1, written: 1, upgrades: {} };

/** Holds the whole document as JSON: exact for every shape, and Firestore refuses arrays in arrays. Never indexed. */
export const textField = 'document';
/** Never indexed. */
export const versionField = 'v';

/** The fields of a collection that some index names; they stand beside the text as fields of their own. */
export const indexedFields = (collection: Collection): readonly string[] => [
  ...new Set(Object.values<readonly string[]>(indexes[collection]).flat()),
];

// Read 2026-11-22: cloud.google.com/firestore/quotas and …/firestore/docs/storage-size.
const idBytesLimit = 1_500;
const indexedBytesLimit = 1_500;
const documentBytesLimit = 1_048_576;
const textBytesLimit = 1_048_487;

const bytesOf = (text: string): number => Buffer.byteLength(text);

/**
 * Firestore's name for an id. Any text becomes a legal name (no `/`, no `.`, no `__…__`), different texts become different
 * names, and names come in the order of the ids, because ties are ordered by them.
 */
export function toName(collection: Collection, id: string): string {
  const name = id.replace(/[./]/g, (sign) => (sign === '.' ? '.-' : '.~')).replace(/^_/, '_-');
  const refuse = (fact: string): never => {
    throw new PlaneError('invalid', `cannot name ${collection} ${id}: ${fact}`);
  };
  if (name === '') return refuse('its id is empty');
  if (!id.isWellFormed()) return refuse('its id is not well-formed Unicode');
  if (bytesOf(name) > idBytesLimit) return refuse(`its id takes ${bytesOf(name)} bytes and Firestore holds at most ${idBytesLimit}`);
  return name;
}

/** Bytes as Firestore counts them; strings take one byte more than their text. */
const sizeOf = (collection: Collection, name: string, data: Readonly<Record<string, Scalar>>): number => {
  const path = bytesOf(collection) + 1 + bytesOf(name) + 1 + 16;
  const fields = Object.entries(data).map(([field, value]) => bytesOf(field) + 1 + (typeof value === 'string' ? bytesOf(value) + 1 : 8));
  return fields.reduce((sum, size) => sum + size, path + 32);
};

/** A document as Firestore holds it; refuses one that it could not hold or not find again. */
export function toFields<C extends Collection>(
  collection: C,
  id: string,
  document: Documents[C],
  { written }: FirestoreSchema,
): Record<string, Scalar> {
  const refuse = (fact: string): never => {
    throw new PlaneError('invalid', `cannot store ${collection} ${id}: ${fact}`);
  };
  const text = JSON.stringify(document);
  if (bytesOf(text) > textBytesLimit) return refuse(`its JSON takes ${bytesOf(text)} bytes and Firestore holds at most ${textBytesLimit}`);
  const fields: Record<string, Scalar> = { [versionField]: written, [textField]: text };
  const members = new Map<string, unknown>(Object.entries(document));
  for (const field of indexedFields(collection)) {
    const value = members.get(field);
    if (typeof value !== 'string' && typeof value !== 'number') continue;
    if (typeof value === 'string' && bytesOf(value) > indexedBytesLimit)
      return refuse(`its ${field} takes ${bytesOf(value)} bytes and Firestore finds at most ${indexedBytesLimit} again`);
    fields[field] = value;
  }
  const size = sizeOf(collection, toName(collection, id), fields);
  if (size > documentBytesLimit) return refuse(`it takes ${size} bytes and Firestore holds at most ${documentBytesLimit}`);
  return fields;
}

/** The document in what Firestore holds; refuses one that a newer program wrote. */
export function fromFields<C extends Collection>(
  collection: C,
  name: string,
  fields: DocumentData,
  { known, upgrades }: FirestoreSchema,
): Documents[C] {
  const refuse = (fact: string): never => {
    throw new PlaneError('conflict', `cannot read ${collection} ${name}: ${fact}`);
  };
  const { [versionField]: version, [textField]: text } = fields as Readonly<Record<string, unknown>>;
  if (typeof version !== 'number' || typeof text !== 'string') return refuse('it was not written by a plane; name another database');
  if (version > known)
    return refuse(`it is of version ${version} and this program knows versions up to ${known}; start the newer program again`);
  let document: unknown = JSON.parse(text);
  for (let from = version; from < known; from += 1) document = upgrades[from]?.(collection, document) ?? document;
  return document as Documents[C];
}
