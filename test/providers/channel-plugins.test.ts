import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createChannelPlugins } from '../../functions/providers/infra/channel-plugins.ts';
import { readTable } from '../../functions/providers/infra/openclaw-install.ts';
import { repository, until } from '../sidecar/machine-bench.ts';

describe('the plugins of channels', () => {
  let dir = '';
  const lock = JSON.stringify({ packages: { 'node_modules/@openclaw/whatsapp': { version: '1.0.0', integrity: 'sha512-a' } } });
  const log = { info: () => undefined, warn: () => undefined };
  /** A stand-in for npm: lays the package down, and counts its runs. */
  function writeNpm(script: string): string {
    const npm = join(dir, 'npm');
    writeFileSync(npm, `#!/bin/sh\necho run "$@" >> ${join(dir, 'runs')}\n${script}\n`);
    chmodSync(npm, 0o755);
    return npm;
  }
  const laysDownAs = (integrity: string): string => {
    const laid = JSON.stringify({ packages: { 'node_modules/@openclaw/whatsapp': { version: '1.0.0', integrity } } });
    return `mkdir -p node_modules/@openclaw/whatsapp; echo '${laid}' > node_modules/.package-lock.json`;
  };
  const laysDown = `${laysDownAs('sha512-a')}; echo {} > node_modules/@openclaw/whatsapp/openclaw.plugin.json`;
  const runs = (): string[] => readFileSync(join(dir, 'runs'), 'utf8').trim().split('\n');
  const open = (script = laysDown) =>
    createChannelPlugins({ manifestDir: dir, runtimeDir: join(dir, 'runtime'), log, npm: writeNpm(script) });

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'agents-plane-plugins-'));
    mkdirSync(join(dir, 'plugin'));
    writeFileSync(join(dir, 'plugin', 'package.json'), '{}');
    writeFileSync(join(dir, 'plugin', 'package-lock.json'), lock);
    const lockSha256 = createHash('sha256').update(lock).digest('hex');
    const plugins = { whatsapp: { folder: 'plugin', lockSha256 } };
    writeFileSync(join(dir, 'versions.json'), JSON.stringify({ '1.0.0': { folder: '.', lockSha256: '', plugins } }));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('are installed once per host and version, in the background and without scripts, whoever asks', async () => {
    const [one, other] = [open(), open()];
    expect(one.find('whatsapp', '1.0.0')).toBeUndefined();
    expect(one.outlook('whatsapp', '1.0.0').state).toBe('waiting');
    for (const plugins of [one, other, one]) plugins.install('whatsapp', '1.0.0');
    expect(one.outlook('whatsapp', '1.0.0').state).toBe('coming');
    await until('the plugin', () => one.find('whatsapp', '1.0.0') !== undefined);
    const folder = one.find('whatsapp', '1.0.0')?.folder ?? '';
    expect(existsSync(join(folder, 'openclaw.plugin.json'))).toBe(true);
    await until('the other', () => other.outlook('whatsapp', '1.0.0').state !== 'coming');
    expect(other.find('whatsapp', '1.0.0')).toEqual(one.find('whatsapp', '1.0.0'));
    expect(runs()).toEqual([expect.stringContaining('--ignore-scripts') as string]);
  });

  it('that cannot be installed say why in words, and are not tried again at once', async () => {
    const plugins = open('echo npm error code EAI_AGAIN >&2; exit 1');
    plugins.install('whatsapp', '1.0.0');
    await until('the failure', () => plugins.outlook('whatsapp', '1.0.0').state === 'failed');
    expect(plugins.outlook('whatsapp', '1.0.0').detail).toBe(
      'cannot install the whatsapp plugin of OpenClaw 1.0.0: the npm registry cannot be reached; check the network, it is tried again',
    );
    plugins.install('whatsapp', '1.0.0');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(runs()).toHaveLength(1);
    expect(plugins.find('whatsapp', '1.0.0')).toBeUndefined();
  });

  it('are refused when a package holds no plugin, what came is not what is pinned, or the lock file is another than the pinned one', async () => {
    const plugins = open(laysDownAs('sha512-a'));
    plugins.install('whatsapp', '1.0.0');
    await until('the failure', () => plugins.outlook('whatsapp', '1.0.0').detail.includes('holds no plugin'));
    const foreign = open(laysDownAs('sha512-b'));
    foreign.install('whatsapp', '1.0.0');
    await until('the refusal', () => foreign.outlook('whatsapp', '1.0.0').detail.includes('is not what the lock file says'));
    writeFileSync(join(dir, 'plugin', 'package-lock.json'), `${lock} `);
    expect(() => open().find('whatsapp', '1.0.0')).toThrow('its lock file is not the pinned one');
  });

  it('are pinned for every version of OpenClaw that may be installed', () => {
    const manifestDir = join(repository, 'manifests', 'machine', 'openclaw');
    const pinned = createChannelPlugins({ manifestDir, runtimeDir: dir, log });
    for (const version of Object.keys(readTable(manifestDir))) {
      expect(pinned.needed(version)).toEqual(['whatsapp']);
      expect(pinned.find('whatsapp', version)).toBeUndefined();
    }
    expect(pinned.needed('0.0.0-none')).toEqual([]);
  });
});
