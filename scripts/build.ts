import { statSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon } from './build-addon.ts';
import { buildSidecar } from './build-sidecar.ts';

const root = join(import.meta.dirname, '..');
const addon = join(root, 'dist', 'addon');
const sidecar = join(root, 'dist', 'sidecar.js');

await Promise.all([buildAddon({ outDir: addon, backendUrl: 'http://127.0.0.1:8790' }), buildSidecar(sidecar, root)]);
for (const file of [join(addon, 'Code.js'), join(addon, 'appsscript.json'), sidecar]) {
  process.stdout.write(`${file}  ${Math.ceil(statSync(file).size / 1024)} KiB\n`);
}
