import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toIndexFile } from '../functions/store/firestore-indexes.ts';

const file = join(import.meta.dirname, '..', 'manifests', 'firestore.indexes.json');
writeFileSync(file, `${JSON.stringify(toIndexFile(), null, 2)}\n`);
process.stdout.write(`${file}\n`);
