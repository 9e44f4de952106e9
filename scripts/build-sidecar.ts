import { resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

/** zod's translations are half of the bundle, and a sidecar's messages are read by programs. */
const withoutLocales: Plugin = {
  name: 'without-locales',
  setup: (bundle) => bundle.onLoad({ filter: /zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({ contents: 'export {};' })),
};

/** Bundles the sidecar into one file that runs with nothing but Node 24 beside it. Relative to the repository's root. */
export async function buildSidecar(outfile: string, root = process.cwd()): Promise<void> {
  await build({
    absWorkingDir: resolve(root),
    entryPoints: ['scripts/sidecar/main.ts'],
    outfile: resolve(root, outfile),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    legalComments: 'none',
    plugins: [withoutLocales],
    logLevel: 'warning',
  });
}
