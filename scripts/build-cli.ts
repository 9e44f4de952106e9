import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build, type BuildOptions } from 'esbuild';

/** What CommonJS inside the bundle asks for, and ES modules do not have. */
const required = "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);";

const optionsFor = (root: string): BuildOptions => ({
  absWorkingDir: resolve(root),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  legalComments: 'none',
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: 'warning',
  // A whole plane, for scale tests: run from a checkout alone.
  external: ['../scale/throwaway.ts'],
});

/** Bundles the command line into one file that runs with nothing but Node 24 beside it. */
export async function buildCli(outfile: string, root = process.cwd()): Promise<void> {
  const banner = { js: `#!/usr/bin/env node\n${required}` };
  await build({ ...optionsFor(root), entryPoints: ['scripts/planes.ts'], outfile: resolve(root, outfile), banner });
  await chmod(resolve(root, outfile), 0o755);
}

/** Writes the plugin that gives a real OpenClaw the same commands: a folder that `openclaw plugins install` takes. */
export async function buildPlugin(outDir: string, root = process.cwd()): Promise<void> {
  const folder = resolve(root, outDir);
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const entry = join(folder, 'index.js');
  await build({ ...optionsFor(root), entryPoints: ['scripts/plugin/index.ts'], outfile: entry, banner: { js: required } });
  await copyFile(join(root, 'scripts', 'plugin', 'openclaw.plugin.json'), join(folder, 'openclaw.plugin.json'));
  const description = {
    ...{ name: 'agents-plane', version, description: 'openclaw planes: Agents Plane from the command line', license: 'MIT' },
    ...{ type: 'module', main: 'index.js', files: ['index.js', 'openclaw.plugin.json'] },
    openclaw: { extensions: ['./index.js'], compat: { pluginApi: '>=2026.9.0', minGatewayVersion: '2026.9.0' } },
  };
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(description, null, 2)}\n`);
}
