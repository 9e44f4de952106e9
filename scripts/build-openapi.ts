import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contract, type Operation } from '../shared/contract.ts';
import { toYaml } from '../functions/http/openapi-door.ts';

/** Writes manifests/openapi.yaml from the contract table; a test holds that it is up to date. */
const file = join(import.meta.dirname, '..', 'manifests', 'openapi.yaml');
writeFileSync(file, toYaml(Object.keys(contract) as Operation[]));
process.stdout.write(`${file}\n`);
