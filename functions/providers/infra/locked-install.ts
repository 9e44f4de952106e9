import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlaneError, toMessage } from '../../core/errors.ts';
import { takeLock } from './host-lock.ts';

/** What npm lays down once per host, as a lock file pins it. */
export interface LockedFolder {
  /** For people: "OpenClaw 2026.9.6". */
  readonly what: string;
  /** Holds package.json and package-lock.json. */
  readonly source: string;
  /** Where each package goes, relative to the folder. */
  readonly packages: readonly string[];
  readonly folder: string;
  readonly npm?: string | undefined;
  /** `ci` unless said. */
  readonly npmArgs?: readonly string[];
  /** Looks at a draft before it gets its name; throws where it is not fit. */
  readonly check?: (draft: string) => Promise<void>;
}

export interface LockedInstall {
  /** Whether it is there, whole. */
  ready(): boolean;
  /** Installs it unless it is there; many callers and many processes share one installation. */
  ensure(progress?: (detail: string) => void): Promise<void>;
}

/** How often progress is looked at, in milliseconds. */
const lookMs = 1_000;

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** The longest end of a program's output that is kept, in characters. */
const keptOutput = 20_000;

export function run(command: string, args: readonly string[], options: { cwd: string; env?: Record<string, string> }): Promise<Outcome> {
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
export function toInstallFailure(what: string, output: string): string {
  const known = causes.find(([pattern]) => pattern.test(output));
  const [fact, remedy] = known
    ? [known[1], known[2]]
    : [`npm says ${JSON.stringify(output.trim().split('\n').slice(-3).join(' ').slice(-200))}`, 'see the log'];
  return `cannot install ${what}: ${fact}; ${remedy}, it is tried again`;
}

/** How much npm has laid down so far, in percent: a package's package.json is there once the package is. */
function toPercent(draft: string, packages: readonly string[]): number {
  const there = packages.filter((path) => existsSync(join(draft, path, 'package.json'))).length;
  return Math.floor((there / packages.length) * 100);
}

export function createLockedInstall({ what, source, packages, folder, npm = 'npm', npmArgs = ['ci'], check }: LockedFolder): LockedInstall {
  const draftPrefix = `.draft-${basename(folder)}-`;
  let current: Promise<void> | undefined;
  const listeners = new Set<(detail: string) => void>();
  const tell = (detail: string): void => listeners.forEach((listener) => listener(detail));

  // The folder gets its name as the last step, so that its presence is the proof of a complete installation.
  const ready = (): boolean => existsSync(folder);

  async function installInto(draft: string): Promise<void> {
    for (const file of ['package.json', 'package-lock.json']) cpSync(join(source, file), join(draft, file));
    const ticker = setInterval(() => tell(`installing ${what}: ${toPercent(draft, packages)} % (npm, once per host)`), lookMs);
    try {
      const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', draft];
      const npmRun = await run(npm, [...npmArgs, ...flags], { cwd: draft });
      if (npmRun.code !== 0) throw new PlaneError('unavailable', toInstallFailure(what, npmRun.output));
    } finally {
      clearInterval(ticker);
    }
    tell(`checking ${what}`);
    await check?.(draft);
    await run('chmod', ['-R', 'a+rX,go-w', draft], { cwd: '/' });
  }

  async function install(): Promise<void> {
    const runtimeDir = dirname(folder);
    mkdirSync(runtimeDir, { recursive: true, mode: 0o755 });
    while (!ready()) {
      const lock = takeLock(`${folder}.lock`);
      if (!lock) {
        tell(`waiting for another process to install ${what}`);
        await sleep(lookMs);
        continue;
      }
      try {
        for (const name of readdirSync(runtimeDir)) {
          if (name.startsWith(draftPrefix)) rmSync(join(runtimeDir, name), { recursive: true, force: true });
        }
        if (ready()) continue;
        tell(`installing ${what} (npm, once per host)`);
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
        await current;
      } catch (error) {
        if (error instanceof PlaneError) throw error;
        throw new PlaneError('unavailable', toInstallFailure(what, toMessage(error)), { cause: error });
      } finally {
        if (progress) listeners.delete(progress);
      }
    },
  };
}
