import { statSync } from 'node:fs';
import { join } from 'node:path';
import { functionNames } from '../functions/functions.ts';
import { buildAddon } from './build-addon.ts';
import { buildCli, buildPlugin } from './build-cli.ts';
import { buildFunctions } from './build-functions.ts';
import { buildSidecarFolder } from './build-sidecar.ts';

const root = join(import.meta.dirname, '..');
const addon = join(root, 'dist', 'addon');
const sidecar = join(root, 'dist', 'sidecar');
const functions = join(root, 'dist', 'functions');
const cli = join(root, 'dist', 'planes.js');
const plugin = join(root, 'dist', 'plugin');

await Promise.all([
  buildAddon({ outDir: addon, backendUrl: 'http://127.0.0.1:8790' }),
  buildSidecarFolder(sidecar, root),
  buildFunctions({ root, outDir: functions }),
  buildCli(cli, root),
  buildPlugin(plugin, root),
]);
const bundles = functionNames.map((name) => join(functions, name, 'index.js'));
for (const file of [
  join(addon, 'Code.js'),
  join(addon, 'appsscript.json'),
  join(sidecar, 'sidecar.js'),
  cli,
  join(plugin, 'index.js'),
  ...bundles,
]) {
  process.stdout.write(`${file}  ${Math.ceil(statSync(file).size / 1024)} KiB\n`);
}
