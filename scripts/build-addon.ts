import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions } from 'esbuild';

const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const loopback = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** Apps Script takes https prefixes with a path alone (apps-script/manifest/allowlist-url, read 2026-11-22). */
function allowlistFor(backendUrl: string): string[] {
  const { protocol, hostname, origin } = new URL(backendUrl);
  if (protocol === 'https:') return [`${origin}/`];
  // A loopback address works in the preview alone; Google never sees that manifest.
  if (loopback.has(hostname)) return [];
  throw new Error(`cannot build add-on for ${backendUrl}: Apps Script fetches https addresses alone; give the https address of the plane`);
}

/** Apps Script knows no modules: one script, and a top-level function for each export of `appsscript/main.ts`. */
export async function bundleAddon(): Promise<string> {
  const entry: BuildOptions = { entryPoints: [fromHere('../appsscript/main.ts')], bundle: true, write: false, logLevel: 'silent' };
  const probe = await build({ ...entry, format: 'esm', metafile: true, outfile: 'probe.js' });
  const names = Object.values(probe.metafile.outputs)
    .flatMap((output) => output.exports)
    .toSorted();
  const bundle = await build({
    ...entry,
    format: 'iife',
    globalName: '__app',
    target: 'es2019',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    charset: 'utf8',
    legalComments: 'none',
    // Names stay, so that a stack in the log still names functions and lines.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 200,
    footer: { js: names.map((name) => `function ${name}() { return __app.${name}.apply(this, arguments); }`).join('\n') },
  });
  return bundle.outputFiles?.[0]?.text ?? '';
}

/** Writes exactly what goes to Apps Script: Code.js and appsscript.json. Give a folder of their own, since a push sends all of it. */
export async function buildAddon({
  outDir,
  backendUrl,
}: {
  outDir: string;
  backendUrl: string;
}): Promise<{ code: string; manifest: object }> {
  const template = JSON.parse(await readFile(fromHere('../manifests/appsscript.json'), 'utf8')) as { addOns: { common: object } };
  const allowed = allowlistFor(backendUrl);
  const common = { ...template.addOns.common, openLinkUrlPrefixes: allowed };
  const manifest = { ...template, urlFetchWhitelist: allowed, addOns: { ...template.addOns, common } };
  const code = await bundleAddon();
  await mkdir(outDir, { recursive: true });
  await writeFile(join(outDir, 'Code.js'), code);
  await writeFile(join(outDir, 'appsscript.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return { code, manifest };
}
