import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { indexes } from '../../functions/core/store.ts';
import { toIndexFile, type IndexFile } from '../../functions/store/firestore-indexes.ts';

const file = JSON.parse(readFileSync(join(__dirname, '../../manifests/firestore.indexes.json'), 'utf8')) as IndexFile;
const paths = ({ fields }: IndexFile['indexes'][number]): string =>
  fields.map(({ fieldPath, order }) => `${fieldPath} ${order}`).join(', ');

describe('manifests/firestore.indexes.json', () => {
  it('is what the declared indexes ask for (npm run indexes writes it)', () => {
    expect(file).toEqual(toIndexFile());
  });

  it('serves every index of several fields in both directions', () => {
    for (const [collection, declared] of Object.entries(indexes)) {
      const served = file.indexes.filter(({ collectionGroup }) => collectionGroup === collection).map(paths);
      const wanted = Object.values<readonly string[]>(declared)
        .filter((fields) => fields.length > 1)
        .flatMap((fields) => {
          const equal = fields.slice(0, -1).map((field) => `${field} ASCENDING`);
          return ['ASCENDING', 'DESCENDING'].map((order) => [...equal, `${fields.at(-1) ?? ''} ${order}`].join(', '));
        });
      expect({ collection, served: served.sort() }).toEqual({ collection, served: wanted.sort() });
    }
  });

  it('spares every collection an index over the text, and none the index of a query by one field', () => {
    const spared = new Set(file.fieldOverrides.map(({ collectionGroup, fieldPath }) => `${collectionGroup}.${fieldPath}`));
    for (const [collection, declared] of Object.entries(indexes)) {
      expect(spared).toContain(`${collection}.document`);
      for (const fields of Object.values<readonly string[]>(declared))
        if (fields.length === 1) expect(spared).not.toContain(`${collection}.${fields[0] ?? ''}`);
    }
  });

  it('stays below the 200 composite indexes of a database without billing', () => {
    expect(file.indexes.length).toBeLessThanOrEqual(200);
  });

  it('has no field of an index where the text and the version stand', () => {
    const fields = Object.values(indexes).flatMap((declared) => Object.values<readonly string[]>(declared).flat());
    expect(fields).not.toContain('document');
    expect(fields).not.toContain('v');
  });
});
