import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { PlaneError, toMessage } from '../../core/errors.ts';
import { takeLock } from './host-lock.ts';

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

/** How often progress is looked at, in milliseconds. */
const lookMs = 1_000;

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** The longest end of a program's output that is kept, in characters. */
const keptOutput = 20_000;

function run(command: string, args: readonly string[], options: { cwd: string; env?: Record<string, string> }): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-keptOutput);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

const causes = [
  [/ENOSPC/, 'the disk is full', 'make room'],
  [/EINTEGRITY/, 'a package is not what the lock file says', 'check the npm registry in use'],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|FETCH_ERROR/,
    'the npm registry cannot be reached',
    'check the network',
  ],
  [/E404|E401|E403/, 'the npm registry does not give a package', 'check the npm registry in use'],
  [/EACCES|EPERM|EROFS/, 'the cache folder cannot be written', 'check its owner'],
] as const;

/** A plain sentence for what npm said. */
export function toInstallFailure(version: string, output: string): string {
  const known = causes.find(([pattern]) => pattern.test(output));
  const [fact, remedy] = known
    ? [known[1], known[2]]
    : [`npm says ${JSON.stringify(output.trim().split('\n').slice(-3).join(' ').slice(-200))}`, 'see the log'];
  return `cannot install OpenClaw ${version}: ${fact}; ${remedy}, it is tried again`;
}

interface Manifest {
  /** Where package.json and package-lock.json lie. */
  readonly source: string;
  readonly version: string;
  /** Where each package goes, relative to the folder. */
  readonly packages: readonly string[];
  readonly folder: string;
}

const tableSchema = z.record(z.string(), z.object({ folder: z.string(), lockSha256: z.string() }));

const readTable = (manifestDir: string): z.infer<typeof tableSchema> =>
  tableSchema.parse(JSON.parse(readFileSync(join(manifestDir, 'versions.json'), 'utf8')));

/** Every version that may be installed, the one that hosts get by default first. */
export const listVersions = (manifestDir: string): readonly string[] =>
  Object.entries(readTable(manifestDir))
    .sort(([, a], [, b]) => Number(b.folder === '.') - Number(a.folder === '.'))
    .map(([version]) => version);

/** Each version lies side by side with the others; only one whose lock file is the pinned one is ever installed. */
function readManifest({ manifestDir, runtimeDir, version: wanted }: InstallationOptions): Manifest {
  const table = readTable(manifestDir);
  const entry = wanted === undefined ? { folder: '.' } : table[wanted];
  if (!entry) {
    const known = Object.keys(table).join(', ');
    throw new PlaneError('preconditionFailed', `cannot install OpenClaw ${wanted}: it is not in versions.json, which has ${known}`);
  }
  const source = join(manifestDir, entry.folder);
  const text = readFileSync(join(source, 'package-lock.json'), 'utf8');
  const lock = JSON.parse(text) as { packages: Record<string, { version?: string }> };
  const version = lock.packages['node_modules/openclaw']?.version ?? 'unknown';
  const sha256 = createHash('sha256').update(text).digest('hex');
  if (table[version]?.lockSha256 !== sha256 || (wanted !== undefined && wanted !== version)) {
    throw new PlaneError('internal', `cannot install OpenClaw ${version}: its lock file is not the pinned one; restore it`);
  }
  return { source, version, packages: Object.keys(lock.packages), folder: join(runtimeDir, `openclaw-${version}-${sha256.slice(0, 12)}`) };
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

/** How much npm has laid down so far, in percent: a package's package.json is there once the package is. */
function toPercent(draft: string, packages: readonly string[]): number {
  const there = packages.filter((path) => existsSync(join(draft, path, 'package.json'))).length;
  return Math.floor((there / packages.length) * 100);
}

export function createInstallation(options: InstallationOptions): Installation {
  const { runtimeDir, npm = 'npm' } = options;
  const { source, version, packages, folder } = readManifest(options);
  const draftPrefix = `.draft-${basename(folder)}-`;
  let current: Promise<OpenClaw> | undefined;
  const listeners = new Set<(detail: string) => void>();
  const tell = (detail: string): void => listeners.forEach((listener) => listener(detail));

  // The folder gets its name as the last step, so that its presence is the proof of a complete installation.
  const ready = (): OpenClaw | undefined => (existsSync(folder) ? locate(folder, version) : undefined);

  async function installInto(draft: string): Promise<void> {
    for (const file of ['package.json', 'package-lock.json']) cpSync(join(source, file), join(draft, file));
    const ticker = setInterval(() => tell(`installing OpenClaw ${version}: ${toPercent(draft, packages)} % (npm, once per host)`), lookMs);
    try {
      const npmRun = await run(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', draft], {
        cwd: draft,
      });
      if (npmRun.code !== 0) throw new PlaneError('unavailable', toInstallFailure(version, npmRun.output));
    } finally {
      clearInterval(ticker);
    }
    tell(`checking OpenClaw ${version}`);
    const { node, entry } = locate(draft, version);
    // OpenClaw finishes its own installation at the first start and writes into its folder then; agents cannot write there.
    mkdirSync(join(draft, 'home'));
    const first = await run(node, [entry, '--version'], {
      cwd: draft,
      env: { HOME: join(draft, 'home'), TMPDIR: join(draft, 'home'), PATH: '/usr/bin:/bin' },
    });
    if (first.code !== 0 || !first.output.includes(version)) {
      throw new PlaneError(
        'unavailable',
        `cannot install OpenClaw ${version}: it does not start (${first.output.trim().slice(-200)}); it is tried again`,
      );
    }
    rmSync(join(draft, 'home'), { recursive: true, force: true });
    await run('chmod', ['-R', 'a+rX,go-w', draft], { cwd: '/' });
  }

  async function install(): Promise<OpenClaw> {
    mkdirSync(runtimeDir, { recursive: true, mode: 0o755 });
    for (;;) {
      const there = ready();
      if (there) return there;
      const lock = takeLock(`${folder}.lock`);
      if (!lock) {
        tell(`waiting for another process to install OpenClaw ${version}`);
        await sleep(lookMs);
        continue;
      }
      try {
        for (const name of readdirSync(runtimeDir)) {
          if (name.startsWith(draftPrefix)) rmSync(join(runtimeDir, name), { recursive: true, force: true });
        }
        if (ready()) continue;
        tell(`installing OpenClaw ${version} (npm, once per host)`);
        const draft = mkdtempSync(join(runtimeDir, draftPrefix));
        await installInto(draft);
        renameSync(draft, folder);
      } finally {
        lock.release();
      }
    }
  }

  return {
    ready,
    async ensure(progress) {
      if (progress) listeners.add(progress);
      try {
        current ??= install().finally(() => {
          current = undefined;
        });
        return await current;
      } catch (error) {
        if (error instanceof PlaneError) throw error;
        throw new PlaneError('unavailable', toInstallFailure(version, toMessage(error)), { cause: error });
      } finally {
        if (progress) listeners.delete(progress);
      }
    },
  };
}
