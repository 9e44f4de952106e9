import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlaneError, toMessage } from '../../core/errors.ts';
import type { ChannelLack } from '../../core/providers.ts';
import type { Log } from '../../core/surroundings.ts';
import { createLockedInstall, type LockedInstall } from './locked-install.ts';
import { readLock, readTable } from './openclaw-install.ts';

/** A channel that OpenClaw's base installation does not bring, as it lies on this host: readable by every agent, writable by none. */
export interface ChannelPlugin {
  readonly channel: string;
  /** The version of OpenClaw that it is for. */
  readonly openclaw: string;
  readonly folder: string;
}

export interface ChannelPlugins {
  /** The channels that need a plugin under a version of OpenClaw; none for a version that is not pinned. */
  needed(openclaw: string): readonly string[];
  /** The plugin, once it is there whole. */
  find(channel: string, openclaw: string): ChannelPlugin | undefined;
  /** How the installation of one that is not there stands. */
  outlook(channel: string, openclaw: string): Omit<ChannelLack, 'channel'>;
  /** Installs it in the background, once per host and version. */
  install(channel: string, openclaw: string): void;
}

export interface ChannelPluginsOptions {
  readonly manifestDir: string;
  readonly runtimeDir: string;
  readonly log: Log;
  readonly npm?: string;
}

/** After a failed installation the next one waits, in milliseconds. */
const pauseMs = 60_000;

/**
 * Not `ci`, which npm 11 refuses for a package that bundles a part of what it depends on; so what was laid down is held against the lock
 * file here. Our own OpenClaw is there already: its plugins name it as a peer, and npm would bring it again.
 */
const npmArgs = ['install', '--no-save', '--legacy-peer-deps'];

type Paths = ReturnType<typeof readLock>['paths'];

/** What npm laid down that the lock file does not pin by its hash; what a package bundles is held by that package's. */
function findUnpinned(draft: string, paths: Paths): string[] {
  const laid = JSON.parse(readFileSync(join(draft, 'node_modules', '.package-lock.json'), 'utf8')) as { packages: Paths };
  const isPinned = ([path, { integrity, inBundle }]: [string, Paths[string]]): boolean =>
    inBundle === true || (integrity !== undefined && integrity === paths[path]?.integrity);
  return Object.entries(laid.packages)
    .filter((each) => !isPinned(each))
    .map(([path]) => path);
}

interface Kept {
  readonly plugin: ChannelPlugin;
  readonly install: LockedInstall;
  progress: string;
  pausedUntil: number;
  running?: Promise<void>;
}

export function createChannelPlugins({ manifestDir, runtimeDir, log, npm }: ChannelPluginsOptions): ChannelPlugins {
  const kept = new Map<string, Kept>();

  function make(channel: string, openclaw: string): Kept {
    const pin = readTable(manifestDir)[openclaw]?.plugins[channel];
    const what = `the ${channel} plugin of OpenClaw ${openclaw}`;
    if (!pin) throw new PlaneError('preconditionFailed', `cannot install ${what}: it is not in versions.json; add it there`);
    const source = join(manifestDir, pin.folder);
    const { paths, sha256 } = readLock(source);
    const name = `node_modules/@openclaw/${channel}`;
    if (sha256 !== pin.lockSha256 || paths[name]?.version !== openclaw) {
      throw new PlaneError('internal', `cannot install ${what}: its lock file is not the pinned one; restore it`);
    }
    const folder = join(runtimeDir, `${channel}-${openclaw}-${sha256.slice(0, 12)}`);
    async function check(draft: string): Promise<void> {
      const unpinned = findUnpinned(draft, paths);
      if (unpinned.length > 0) {
        const fact = `${unpinned.slice(0, 3).join(', ')} is not what the lock file says`;
        throw new PlaneError('unavailable', `cannot install ${what}: ${fact}; check the npm registry in use, it is tried again`);
      }
      if (existsSync(join(draft, name, 'openclaw.plugin.json'))) return;
      throw new PlaneError('unavailable', `cannot install ${what}: the package holds no plugin; it is tried again`);
    }
    const install = createLockedInstall({ what, source, packages: Object.keys(paths), folder, npm, npmArgs, check });
    return { plugin: { channel, openclaw, folder: join(folder, name) }, install, progress: `${what} is to be installed`, pausedUntil: 0 };
  }
  function get(channel: string, openclaw: string): Kept {
    const key = `${channel} ${openclaw}`;
    const each = kept.get(key) ?? make(channel, openclaw);
    kept.set(key, each);
    return each;
  }

  async function run(each: Kept): Promise<void> {
    try {
      await each.install.ensure((detail) => (each.progress = detail));
    } catch (error) {
      each.progress = toMessage(error);
      each.pausedUntil = Date.now() + pauseMs;
      log.warn(each.progress);
    }
  }

  return {
    needed: (openclaw) => Object.keys(readTable(manifestDir)[openclaw]?.plugins ?? {}),
    find(channel, openclaw) {
      const { install, plugin } = get(channel, openclaw);
      return install.ready() ? plugin : undefined;
    },
    outlook(channel, openclaw) {
      const { running, pausedUntil, progress: detail } = get(channel, openclaw);
      if (running) return { state: 'coming', detail };
      return { state: Date.now() < pausedUntil ? 'failed' : 'waiting', detail };
    },
    install(channel, openclaw) {
      const each = get(channel, openclaw);
      if (each.install.ready() || Date.now() < each.pausedUntil) return;
      each.running ??= run(each).finally(() => delete each.running);
    },
  };
}
