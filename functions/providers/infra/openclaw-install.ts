import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PlaneError } from '../../core/errors.ts';
import { createLockedInstall, run } from './locked-install.ts';

/** Where OpenClaw and the Node that runs it lie on this host; everything readable by every user. */
export interface OpenClaw {
  readonly version: string;
  readonly node: string;
  readonly entry: string;
}

export interface Installation {
  /** The installed OpenClaw, or `undefined` while it is not there. */
  ready(): OpenClaw | undefined;
  /** Installs it unless it is there; many callers and many processes share one installation. */
  ensure(progress?: (detail: string) => void): Promise<OpenClaw>;
}

export interface InstallationOptions {
  /** Holds package.json and package-lock.json of what is installed, and versions.json: the folder and lock file of each version. */
  readonly manifestDir: string;
  /** Another version of that table than the one in `manifestDir` itself. */
  readonly version?: string;
  /** Host-wide folder for what agents run. */
  readonly runtimeDir: string;
  readonly npm?: string;
}

interface Manifest {
  /** Where package.json and package-lock.json lie. */
  readonly source: string;
  readonly version: string;
  /** Where each package goes, relative to the folder. */
  readonly packages: readonly string[];
  readonly folder: string;
}

const pinSchema = z.object({ folder: z.string(), lockSha256: z.string() });
const tableSchema = z.record(z.string(), pinSchema.extend({ plugins: z.record(z.string(), pinSchema).default({}) }));

export const readTable = (manifestDir: string): z.infer<typeof tableSchema> =>
  tableSchema.parse(JSON.parse(readFileSync(join(manifestDir, 'versions.json'), 'utf8')));

/** Every version that may be installed, the one that hosts get by default first. */
export const listVersions = (manifestDir: string): readonly string[] =>
  Object.entries(readTable(manifestDir))
    .sort(([, a], [, b]) => Number(b.folder === '.') - Number(a.folder === '.'))
    .map(([version]) => version);

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly inBundle?: boolean;
}

/** What is said by a lock file that must be the pinned one. */
export function readLock(source: string): {
  readonly paths: Readonly<Record<string, Locked>>;
  readonly sha256: string;
} {
  const text = readFileSync(join(source, 'package-lock.json'), 'utf8');
  const lock = JSON.parse(text) as { packages: Record<string, Locked> };
  return { paths: lock.packages, sha256: createHash('sha256').update(text).digest('hex') };
}

/** Each version lies side by side with the others; only one whose lock file is the pinned one is ever installed. */
function readManifest({ manifestDir, runtimeDir, version: wanted }: InstallationOptions): Manifest {
  const table = readTable(manifestDir);
  const entry = wanted === undefined ? { folder: '.' } : table[wanted];
  if (!entry) {
    const known = Object.keys(table).join(', ');
    throw new PlaneError('preconditionFailed', `cannot install OpenClaw ${wanted}: it is not in versions.json, which has ${known}`);
  }
  const source = join(manifestDir, entry.folder);
  const { paths, sha256 } = readLock(source);
  const version = paths['node_modules/openclaw']?.version ?? 'unknown';
  if (table[version]?.lockSha256 !== sha256 || (wanted !== undefined && wanted !== version)) {
    throw new PlaneError('internal', `cannot install OpenClaw ${version}: its lock file is not the pinned one; restore it`);
  }
  return { source, version, packages: Object.keys(paths), folder: join(runtimeDir, `openclaw-${version}-${sha256.slice(0, 12)}`) };
}

function locate(folder: string, version: string): OpenClaw {
  const bundled = join(
    folder,
    'node_modules',
    `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`,
    'bin',
    'node',
  );
  const node = existsSync(bundled) ? bundled : process.execPath;
  return { version, node, entry: join(folder, 'node_modules', 'openclaw', 'openclaw.mjs') };
}

export function createInstallation(options: InstallationOptions): Installation {
  const { source, version, packages, folder } = readManifest(options);

  /** OpenClaw finishes its own installation at the first start and writes into its folder then; agents cannot write there. */
  async function check(draft: string): Promise<void> {
    const { node, entry } = locate(draft, version);
    const home = join(draft, 'home');
    mkdirSync(home);
    const first = await run(node, [entry, '--version'], { cwd: draft, env: { HOME: home, TMPDIR: home, PATH: '/usr/bin:/bin' } });
    if (first.code !== 0 || !first.output.includes(version)) {
      const fact = `it does not start (${first.output.trim().slice(-200)})`;
      throw new PlaneError('unavailable', `cannot install OpenClaw ${version}: ${fact}; it is tried again`);
    }
    rmSync(home, { recursive: true, force: true });
  }

  const install = createLockedInstall({ what: `OpenClaw ${version}`, source, packages, folder, npm: options.npm, check });
  return {
    ready: () => (install.ready() ? locate(folder, version) : undefined),
    async ensure(progress) {
      await install.ensure(progress);
      return locate(folder, version);
    },
  };
}
