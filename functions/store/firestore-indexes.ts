import { indexes, type Collection } from '../core/store.ts';
import { indexedFields, textField, versionField } from './firestore-documents.ts';

type Order = 'ASCENDING' | 'DESCENDING';
interface IndexField {
  readonly fieldPath: string;
  readonly order: Order;
}

/** The shape of firestore.indexes.json (firebase.google.com/docs/reference/firestore/indexes). */
export interface IndexFile {
  readonly indexes: readonly {
    readonly collectionGroup: string;
    readonly queryScope: 'COLLECTION';
    readonly fields: readonly IndexField[];
  }[];
  readonly fieldOverrides: readonly { readonly collectionGroup: string; readonly fieldPath: string; readonly indexes: readonly [] }[];
}

const collections = Object.keys(indexes) as Collection[];
const declared = (collection: Collection): (readonly string[])[] => Object.values<readonly string[]>(indexes[collection]);

/** Firestore reads an index in its own direction only, and adds the name in the direction of the last field. */
const compositesOf = (collection: Collection): IndexFile['indexes'] =>
  declared(collection)
    .filter((fields) => fields.length > 1)
    .flatMap((fields) =>
      (['ASCENDING', 'DESCENDING'] as const).map((order) => ({
        collectionGroup: collection,
        queryScope: 'COLLECTION' as const,
        fields: fields.map((fieldPath, at) => ({ fieldPath, order: at === fields.length - 1 ? order : 'ASCENDING' })),
      })),
    );

/** Firestore indexes every field by itself; it is spared what no query asks for, so that texts may be long and writes stay cheap. */
const overridesOf = (collection: Collection): IndexFile['fieldOverrides'] => {
  const alone = new Set(
    declared(collection)
      .filter((fields) => fields.length === 1)
      .flat(),
  );
  return [textField, versionField, ...indexedFields(collection).filter((field) => !alone.has(field))].map((fieldPath) => ({
    collectionGroup: collection,
    fieldPath,
    indexes: [],
  }));
};

/** The indexes that the store's queries need, and no others. */
export const toIndexFile = (): IndexFile => ({
  indexes: collections.flatMap(compositesOf),
  fieldOverrides: collections.flatMap(overridesOf),
});
