import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { build } from 'esbuild';
import type * as simulation from './entry.ts';

export type Simulation = typeof simulation;

/** A mistake made on purpose in a module of the plane's own code: exact text, found exactly once, and what stands there instead. */
export interface Break {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const core = join(__dirname, '../../functions/core');

/** A bare name is one of the core or the intake. */
const isMeant = (path: string, file: string): boolean =>
  file.includes('/') ? path.endsWith(`/functions/${file}`) : /\/functions\/(core|directory)\//.test(path) && basename(path) === file;

async function applyBreaks(path: string, breaks: readonly Break[]): Promise<string> {
  let text = await readFile(path, 'utf8');
  for (const { file, find, replace } of breaks) {
    if (!isMeant(path, file)) continue;
    const found = text.split(find).length - 1;
    if (found !== 1)
      throw new Error(`cannot break ${file}: ${JSON.stringify(find)} is there ${found} times; the code has moved on, so must the table`);
    text = text.replace(find, () => replace);
  }
  return text;
}

/**
 * Bundles the simulation and the core into one script and runs it outside of Jest's sandbox, where every global costs a
 * detour: three times as many histories in the same time (Jest 30.5, 2026-11-22).
 */
export async function loadSimulation(breaks: readonly Break[] = []): Promise<Simulation> {
  const unused = breaks.filter(({ file }) => !file.endsWith('.ts'));
  if (unused.length > 0) throw new Error(`cannot break ${unused.map(({ file }) => file).join()}: not a module`);
  const { outputFiles } = await build({
    entryPoints: [join(__dirname, 'entry.ts')],
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
    plugins: [
      {
        // Megabytes that no history runs.
        name: 'leave out the mail',
        setup(bundle) {
          bundle.onResolve({ filter: /^(imapflow|mailparser|nodemailer|nodemailer\/.*|qrcode|age-encryption)$/ }, ({ path }) => ({
            path,
            namespace: 'left out',
          }));
          bundle.onLoad({ filter: /.*/, namespace: 'left out' }, () => ({ contents: 'module.exports = {};', loader: 'js' }));
        },
      },
      {
        name: 'break the code',
        setup: (bundle) =>
          bundle.onLoad({ filter: /\/functions\/(core|directory|budget|http)\/[a-z-]+\.ts$/ }, async ({ path }) => ({
            contents: await applyBreaks(path, breaks),
            loader: 'ts',
          })),
      },
    ],
  });
  const module = { exports: {} };
  const run = runInThisContext(`(function (module, exports, require) {${outputFiles[0]?.text ?? ''}\n})`, {
    filename: 'simulation.js',
  }) as (...deps: readonly unknown[]) => void;
  run(module, module.exports, createRequire(join(core, 'index.js')));
  return module.exports as Simulation;
}
