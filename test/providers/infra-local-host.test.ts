import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeLock } from '../../functions/providers/infra/host-lock.ts';
import { findInhabitants } from '../../functions/providers/infra/local-processes.ts';
import { createInstallation } from '../../functions/providers/infra/openclaw-install.ts';

describe('a lock of the host', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'agents-plane-lock-'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('is held by one at a time, in this process too', () => {
    const path = join(home, 'lock');
    const held = takeLock(path);
    expect(held).toBeDefined();
    expect(takeLock(path)).toBeUndefined();
    held?.release();
    const again = takeLock(path);
    expect(again).toBeDefined();
    again?.release();
  });

  it('ends with the process that held it', async () => {
    const path = join(home, 'lock');
    const holder: ChildProcess = spawn(
      process.execPath,
      [
        '-e',
        `new (require('node:sqlite').DatabaseSync)(${JSON.stringify(path)}).exec('BEGIN EXCLUSIVE'); console.log('held'); setInterval(() => {}, 1000)`,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    await new Promise((resolve) => holder.stdout?.once('data', resolve));
    expect(takeLock(path)).toBeUndefined();
    const ended = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await ended;
    const lock = takeLock(path);
    expect(lock).toBeDefined();
    lock?.release();
  });
});

describe('looking at processes without /proc', () => {
  it('finds the same sidecars', async () => {
    const home = mkdtempSync(join(tmpdir(), 'agents-plane-ps-'));
    const script = join(home, 'sidecar.mjs');
    writeFileSync(script, 'setInterval(() => undefined, 1000)');
    const child = spawn(process.execPath, [script, home], { stdio: 'ignore' });
    try {
      for (const end = Date.now() + 5_000; Date.now() < end && findInhabitants({ folder: home }).sidecars.length === 0;)
        await new Promise((resolve) => setTimeout(resolve, 20));
      expect(findInhabitants({ folder: home }).sidecars.map(({ pid }) => pid)).toEqual([child.pid]);
      expect(findInhabitants({ folder: home }, 'darwin').sidecars.map(({ pid }) => pid)).toEqual([child.pid]);
    } finally {
      child.kill('SIGKILL');
      rmSync(home, { recursive: true, force: true });
    }
  });
});

describe('the installation of OpenClaw', () => {
  const manifestDir = join(__dirname, '..', '..', 'manifests', 'machine', 'openclaw');

  it('is pinned by integrity hashes and names no registry', () => {
    const lock = readFileSync(join(manifestDir, 'package-lock.json'), 'utf8');
    const { packages } = JSON.parse(lock) as { packages: Record<string, { integrity?: string; inBundle?: true }> };
    const unpinned = Object.entries(packages).filter(
      ([path, { integrity, inBundle }]) => path !== '' && !inBundle && integrity === undefined,
    );
    expect(unpinned).toEqual([]);
    expect(lock).not.toContain('"resolved"');
  });

  it('says in a plain sentence why it failed, and leaves nothing that looks installed', async () => {
    const runtimeDir = mkdtempSync(join(tmpdir(), 'agents-plane-install-'));
    const npm = join(runtimeDir, 'npm');
    writeFileSync(npm, '#!/bin/sh\necho "npm error code ENOSPC" >&2\nexit 228\n', { mode: 0o755 });
    const installation = createInstallation({ manifestDir, runtimeDir, npm });
    const said = 'cannot install OpenClaw 2026.9.6: the disk is full; make room, it is tried again';
    await expect(Promise.all([installation.ensure(), installation.ensure()])).rejects.toThrow(said);
    expect(installation.ready()).toBeUndefined();
    rmSync(runtimeDir, { recursive: true, force: true });
  });
});
