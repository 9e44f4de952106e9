import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInstallation } from '../../../functions/providers/infra/openclaw-install.ts';

const root = join(__dirname, '../../..');
const manifestDir = join(root, 'manifests', 'machine', 'openclaw');
const shared =
  process.geteuid?.() === 0 ? '/var/cache/agents-plane' : join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'agents-plane');

/** A host that holds published versions of OpenClaw, one of which can be broken without touching what others run. */
export interface Host {
  readonly cache: string;
  /** A planes.yaml of the sample company whose machines come up with `version`. */
  readonly config: string;
  /** Puts in the place of a version the same package, but for its gateway, which ends at once. */
  breakVersion(version: string): void;
  /** Puts the published one back. */
  mendVersion(version: string): void;
  close(): void;
}

export async function openHost(versions: readonly string[], version: string): Promise<Host> {
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-life-'));
  chmodSync(folder, 0o755);
  const [cache, config] = [join(folder, 'cache'), join(folder, 'planes.yaml')];
  mkdirSync(cache);
  const published = new Map<string, { readonly entry: string; readonly installed: string; readonly linked: string }>();
  for (const each of versions) {
    const { entry } = await createInstallation({ manifestDir, runtimeDir: shared, version: each }).ensure();
    const installed = dirname(dirname(dirname(entry)));
    published.set(each, { entry, installed, linked: join(cache, basename(installed)) });
  }
  const placesOf = (name: string) => {
    const places = published.get(name);
    if (!places) throw new Error(`this host has no OpenClaw ${name}`);
    return places;
  };
  /** A link is taken away by itself: behind it lies what everybody on this host runs. */
  function clear(linked: string): void {
    if (lstatSync(linked, { throwIfNoEntry: false })?.isSymbolicLink()) unlinkSync(linked);
    else rmSync(linked, { recursive: true, force: true });
  }
  function mendVersion(name: string): void {
    const { installed, linked } = placesOf(name);
    clear(linked);
    symlinkSync(installed, linked);
  }
  versions.forEach(mendVersion);
  const sample = readFileSync(join(root, 'manifests', 'acme.planes.yaml'), 'utf8');
  writeFileSync(config, sample.replace(/^spec:$/m, `spec:\n  openclaw: { version: ${version} }`));

  return {
    cache,
    config,
    breakVersion(name) {
      const { entry, installed, linked } = placesOf(name);
      const [modules, bundled] = [join(linked, 'node_modules'), `node-${process.platform}-${process.arch}`];
      clear(linked);
      mkdirSync(join(modules, 'openclaw'), { recursive: true });
      cpSync(join(dirname(entry), 'package.json'), join(modules, 'openclaw', 'package.json'));
      const node = join(installed, 'node_modules', bundled);
      if (existsSync(node)) symlinkSync(node, join(modules, bundled));
      const program = `if (process.argv[2] === 'gateway') process.exit(1);\nawait import(${JSON.stringify(entry)});\n`;
      writeFileSync(join(modules, 'openclaw', basename(entry)), program, { mode: 0o644 });
    },
    mendVersion,
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
