import { isBuiltin } from 'node:module';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { writePlugin } from './sidecar/plugin.ts';

/** zod's translations are half of the bundle, and a sidecar's messages are read by programs. */
const withoutLocales: Plugin = {
  name: 'without-locales',
  setup: (bundle) => bundle.onLoad({ filter: /zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({ contents: 'export {};' })),
};

/**
 * Node's own modules, by the door that names nothing: an `import` asks each of them for all it exports, and `node:http` then loads
 * WebSocket and fetch with it, 11 MB for each agent of a host (Node 24.21, measured on 2026-11-22).
 */
const unenumeratedBuiltins: Plugin = {
  name: 'unenumerated-builtins',
  setup(bundle) {
    bundle.onResolve({ filter: /^[a-z_/:]+$/ }, ({ path }) => (isBuiltin(path) ? { path, namespace: 'builtin' } : undefined));
    bundle.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
      loader: 'js',
    }));
  },
};

/** What a machine of its own is given: the bundle and, beside it, the plane's plugin for OpenClaw. */
export async function buildSidecarFolder(folder: string, root = process.cwd()): Promise<void> {
  await buildSidecar(join(folder, 'sidecar.js'), root);
  writePlugin(join(folder, 'plugin'));
}

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
    plugins: [withoutLocales, unenumeratedBuiltins],
    logLevel: 'warning',
  });
}
