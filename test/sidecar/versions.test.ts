import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInstallation } from '../../functions/providers/infra/openclaw-install.ts';
import { isNewer } from '../../scripts/sidecar/errands/restore.ts';
import { repository } from './machine-bench.ts';

describe('the versions of OpenClaw that may be installed', () => {
  let dir: string;
  const lockOf = (version: string): string => JSON.stringify({ packages: { 'node_modules/openclaw': { version } } });
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const open = (version?: string) =>
    createInstallation({ manifestDir: dir, runtimeDir: join(dir, 'runtime'), ...(version === undefined ? {} : { version }) });

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'agents-plane-versions-'));
    mkdirSync(join(dir, '2.0.0'));
    writeFileSync(join(dir, 'package-lock.json'), lockOf('1.0.0'));
    writeFileSync(join(dir, '2.0.0', 'package-lock.json'), lockOf('2.0.0'));
    const table = {
      '1.0.0': { folder: '.', lockSha256: sha256(lockOf('1.0.0')) },
      '2.0.0': { folder: '2.0.0', lockSha256: sha256(lockOf('2.0.0')) },
    };
    writeFileSync(join(dir, 'versions.json'), JSON.stringify(table));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('lie side by side, each found by its own lock file', () => {
    for (const version of ['1.0.0', '2.0.0']) {
      expect(open(version).ready()).toBeUndefined();
      mkdirSync(join(dir, 'runtime', `openclaw-${version}-${sha256(lockOf(version)).slice(0, 12)}`), { recursive: true });
      expect(open(version).ready()).toMatchObject({ version });
    }
    expect(open().ready()).toMatchObject({ version: '1.0.0' });
  });

  it('are those of the table alone', () => {
    expect(() => open('3.0.0')).toThrow('it is not in versions.json, which has 1.0.0, 2.0.0');
    expect(() => open('../2.0.0')).toThrow('it is not in versions.json');
  });

  it('are refused when a lock file is another than the pinned one', () => {
    writeFileSync(join(dir, '2.0.0', 'package-lock.json'), `${lockOf('2.0.0')} `);
    expect(() => open('2.0.0')).toThrow('its lock file is not the pinned one');
    writeFileSync(join(dir, '2.0.0', 'package-lock.json'), lockOf('1.0.0'));
    expect(() => open('2.0.0')).toThrow('its lock file is not the pinned one');
  });

  it('hold the one that hosts get by default', () => {
    const manifestDir = join(repository, 'manifests', 'machine', 'openclaw');
    const { version } = JSON.parse(readFileSync(join(manifestDir, 'package.json'), 'utf8')) as { version: string };
    expect(() => createInstallation({ manifestDir, runtimeDir: dir, version })).not.toThrow();
  });

  it('are compared by their numbers', () => {
    expect(isNewer('2026.10.1', '2026.9.6')).toBe(true);
    expect(isNewer('2026.9.6', '2026.9.6')).toBe(false);
    expect(isNewer('2026.9.5', '2026.9.6')).toBe(false);
    expect(isNewer('2025.12.9', '2026.1.1')).toBe(false);
  });
});
