import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { functionNames } from '../functions/functions.ts';

export interface FunctionBuild {
  readonly root: string;
  /** Gets a folder for each function. */
  readonly outDir: string;
  /** Another composition root than functions/main.ts, for tests. */
  readonly entry?: string;
  readonly names?: readonly string[];
}

/** Left to the platform: the framework that loads a function must be the very module with which the function registered. */
const framework = '@google-cloud/functions-framework';

/**
 * Bundles the functions, each into a folder to be deployed as it is: index.js, which runs whichever function it is started as, and
 * package.json. Firestore reads its protocol from JSON files beside its code; the bundle carries them inside. Answers the size of a bundle in bytes.
 */
export async function buildFunctions(options: FunctionBuild): Promise<number> {
  const { root, outDir, entry = 'functions/main.ts', names = functionNames } = options;
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  const bundle = await build({
    absWorkingDir: resolve(root),
    entryPoints: [entry],
    outfile: 'index.js',
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: [framework],
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'warning',
  });
  const code = bundle.outputFiles[0]?.contents ?? new Uint8Array();
  for (const name of names) {
    const folder = join(outDir, name);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const wanted = { [framework]: manifest.dependencies[framework] };
    const description = { name, private: true, main: 'index.js', engines: { node: '24' }, dependencies: wanted };
    await writeFile(join(folder, 'index.js'), code);
    await writeFile(join(folder, 'package.json'), `${JSON.stringify(description, null, 2)}\n`);
  }
  return code.byteLength;
}
