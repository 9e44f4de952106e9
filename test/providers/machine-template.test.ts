import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { longestUserData, machineFolder, machineUids, renderUserData } from '../../functions/providers/infra/machine-template.ts';
import { agentUids } from '../../functions/providers/infra/local-processes.ts';
import { toEnvironment } from '../../scripts/sidecar/habitat.ts';
import { serveSecrets } from '../../scripts/sidecar/resolver.ts';
import { machineTemplates, renderFiles, toMachineOptions } from './machine-options.ts';

const files = renderFiles();
const fileOf = (path: string): string => files.get(path) ?? '';
const unitOf = (name: string): string => fileOf(`/etc/systemd/system/${name}`);
const render = (changes: Parameters<typeof toMachineOptions>[0] = {}): string =>
  renderUserData(machineTemplates, toMachineOptions(changes));

describe('the user data of a machine of its own', () => {
  it('installs OpenClaw and tells the sidecar whose machine it is and where the plane is (REQ-INFRA-04)', () => {
    expect(JSON.parse(fileOf(`${machineFolder}/machine.json`))).toEqual({
      planeId: 'acme',
      agentId: 'abcdefghijklmnop',
      labels: { plane: 'acme', owner: 'alice: #1 "x" @agentUid@' },
      uid: machineUids.agent,
      units: { control: '/run/openclaw/control.sock', errand: '/run/openclaw/errand.sock' },
      openclaw: {
        version: '2026.9.6',
        node: '/opt/openclaw/node/bin/node',
        entry: '/opt/openclaw/openclaw/node_modules/openclaw/openclaw.mjs',
      },
      environment: {
        plane: { url: 'https://plane.example.com' },
        secrets: { provider: 'gcp', path: 'projects/acme/oc-1' },
        heartbeatMs: 30_000,
      },
    });
    expect(
      fileOf('/etc/openclaw/archives')
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(['node', 'openclaw', 'sidecar', '']);
  });

  it('starts with what cloud-init knows it by and stays below what EC2 takes', () => {
    expect(render()).toMatch(/^#cloud-config\n/);
    expect(Buffer.byteLength(render())).toBeLessThan(longestUserData - 512);
  });

  it('refuses what would make it longer than EC2 takes', () => {
    const labels = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`label-${at}`, 'x'.repeat(128)]));
    expect(() => render({ labels })).toThrow(/16384 are allowed/);
  });

  it('is the same text each time', () => expect(render()).toBe(render()));

  it('holds no secret and has no room for one: a link with a user, a query or a fragment is refused', () => {
    for (const url of [
      'https://u:p@x.example/a.tar.gz',
      'https://x.example/a?X-Signature=1',
      'https://x.example/a#t',
      'http://x.example/a',
    ])
      expect(() => render({ nodeUrl: url })).toThrow(/archives\.node\.url is not right/);
    expect(render()).not.toMatch(/-----BEGIN|\b(?:token|password|api_?key|bearer)\b["']?\s*[:=]/i);
  });

  it.each([
    ['a line break in a label', { labels: { owner: 'alice\nruncmd: [reboot]' } }],
    ['an escape in a label', { labels: { owner: 'a\u001b[2J' } }],
    ['a line separator', { labels: { owner: 'a\u2028b' } }],
    ['a line break in the path of secrets', { secretsPath: 'a\nb' }],
    ['a space in an address', { planeUrl: 'https://plane.example.com/a b\n' }],
    ['a specifier of systemd in a device', { workspaceDevice: '/dev/disk/by-id/%H' }],
    ['a way up in a device', { workspaceDevice: '/dev/../etc/passwd' }],
    ['rules in a range', { inbound: [{ protocol: 'tcp' as const, port: 22, from: '10.0.0.0/8 accept; #' }] }],
    ['a hash that is none', { sha256: 'abc' }],
    ['a Node that OpenClaw does not run on', { nodeVersion: '22.11.0' }],
  ])('refuses %s', (_, changes) => expect(() => render(changes)).toThrow(/^cannot render a machine: /));

  it('names every unit, program and file that its units name', () => {
    const known = [...files.keys()];
    for (const [path, text] of files) {
      for (const [, named = ''] of text.matchAll(/(\/(?:usr\/local|etc\/openclaw)\/[\w./-]+)/g)) {
        if (!/^\/usr\/local\/s?bin$/.test(named))
          expect({ path, named, known: known.includes(named) }).toEqual({ path, named, known: true });
      }
      for (const [, unit = ''] of text.matchAll(/\b(openclaw-[a-z]+@?\.(?:service|socket))\b/g))
        expect({ path, unit, known: known.some((file) => file.endsWith(`/${unit}`)) }).toEqual({ path, unit, known: true });
    }
  });

  it('leaves the workspace where it is unless it is given a disk', () => {
    expect(unitOf('var-lib-openclaw-workspace.mount')).toContain('What=/dev/disk/by-id/google-workspace');
    expect([...renderFiles({ workspaceDevice: undefined }).keys()].filter((path) => /workspace/.test(path))).toEqual([]);
    expect(render({ workspaceDevice: undefined })).not.toContain('.mount');
  });
});

describe('the units', () => {
  it('give the gateway its own uid, no capability and four folders to write in (REQ-INFRA-04)', () => {
    const unit = `${unitOf('openclaw-gateway.service')}${unitOf('openclaw-.service.d/shared.conf')}`.split('\n');
    const folders = ['home', 'state', 'tmp', 'workspace'].map((name) => `${machineFolder}/${name}`).join(' ');
    const wanted = ['User=openclaw-agent', 'CapabilityBoundingSet=', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'ProtectHome=yes'];
    const more = ['PrivateTmp=yes', 'MemoryMax=75%', 'TasksMax=1024', 'SuccessExitStatus=0 143', 'KillMode=mixed'];
    expect(unit).toEqual(expect.arrayContaining([...wanted, ...more, `ReadWritePaths=${folders}`, 'SystemCallFilter=@system-service']));
    expect(unit.filter((line) => /^(?:AmbientCapabilities|ReadWritePaths|CapabilityBoundingSet)=/.test(line))).toHaveLength(2);
  });

  it('leave a removal time: sidecar and gateway end well within a minute, one after the other', () => {
    const secondsOf = (name: string): number => Number(/^TimeoutStopSec=(\d+)$/m.exec(unitOf(name))?.[1]);
    expect(secondsOf('openclaw-gateway.service') + secondsOf('openclaw-sidecar.service')).toBeLessThanOrEqual(40);
  });

  it('let nothing run as the agent before the firewall stands', () => {
    for (const name of ['openclaw-gateway.service', 'openclaw-errand@.service']) {
      expect(unitOf(name)).toMatch(/^Requires=openclaw-firewall\.service$/m);
      expect(unitOf(name)).toMatch(/^After=.*openclaw-firewall\.service/m);
    }
  });

  it('open the sockets of power to the sidecar alone', () => {
    for (const name of ['openclaw-control.socket', 'openclaw-errand.socket'])
      expect(unitOf(name)).toMatch(/SocketUser=openclaw-sidecar\nSocketGroup=openclaw-sidecar\nSocketMode=0600/);
    expect(unitOf('openclaw-sidecar.service')).toMatch(/^CapabilityBoundingSet=$/m);
  });

  it('give OpenClaw the very environment that the sidecar gives it elsewhere', () => {
    const lines = fileOf('/etc/openclaw/gateway.env').trim().split('\n');
    const environment = toEnvironment(machineFolder, { version: '', node: '/opt/openclaw/node/bin/node', entry: '' });
    expect(Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))).toEqual({
      ...environment,
      NODE_USE_SYSTEM_CA: '1',
    });
  });

  it('keep the agent within the uids of agents and the sidecar out of them', () => {
    expect(machineUids.agent).toBeGreaterThanOrEqual(agentUids.first);
    expect(machineUids.agent).toBeLessThanOrEqual(agentUids.last);
    expect(machineUids.sidecar).toBeLessThan(agentUids.first);
  });
});

describe('programs on the machine', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'machine-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const program = (name: string, text: string): string => {
    mkdirSync(join(folder, 'bin'), { recursive: true });
    writeFileSync(join(folder, 'bin', name), text);
    chmodSync(join(folder, 'bin', name), 0o755);
    return join(folder, 'bin', name);
  };
  const runIn = (command: string, args: readonly string[], input = '') =>
    spawnSync(command, args, { input, encoding: 'utf8', env: { PATH: `${folder}/bin:/usr/bin:/bin` } });

  it('install a pinned archive once and nothing that differs from its hash', () => {
    mkdirSync(join(folder, 'node-24', 'bin'), { recursive: true });
    writeFileSync(join(folder, 'node-24', 'bin', 'node'), 'x');
    spawnSync('tar', ['-czf', join(folder, 'node.tgz'), '-C', folder, 'node-24']);
    const sha256 = createHash('sha256')
      .update(readFileSync(join(folder, 'node.tgz')))
      .digest('hex');
    program('curl', `#!/bin/sh\necho "$*" >>${folder}/calls\nwhile [ "$1" != --output ]; do shift; done\ncp ${folder}/node.tgz "$2"\n`);
    const install = program('install-archives', fileOf('/usr/local/lib/openclaw/install'));
    const root = join(folder, 'opt');
    writeFileSync(join(folder, 'list'), `node ${sha256} https://x.example/node.tgz\n`);
    expect([runIn(install, [join(folder, 'list'), root]).status, runIn(install, [join(folder, 'list'), root]).status]).toEqual([0, 0]);
    expect(readFileSync(join(root, 'node', 'bin', 'node'), 'utf8')).toBe('x');
    expect(readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')).toHaveLength(1);

    writeFileSync(join(folder, 'list'), `openclaw ${'0'.repeat(64)} https://x.example/other.tgz\n`);
    const refused = runIn(install, [join(folder, 'list'), root]);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('cannot install openclaw')]);
    expect(existsSync(join(root, 'openclaw'))).toBe(false);
    expect(readdirSync(root).filter((name) => name.startsWith('openclaw'))).toEqual([]);
  });

  it('do for the sidecar what three words say and refuse all else', () => {
    program('systemctl', `#!/bin/sh\necho "$*" >>${folder}/calls\n`);
    const control = program('control', fileOf('/usr/local/lib/openclaw/control'));
    expect(['start', 'stop', 'state', 'stop; reboot', '$(reboot)'].map((word) => runIn(control, [], `${word}\n`).status)).toEqual([
      0, 0, 0, 1, 1,
    ]);
    const asked = readFileSync(join(folder, 'calls'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' ').slice(0, 2).join(' '));
    expect(asked).toEqual([
      'reset-failed openclaw-gateway.service',
      'start openclaw-gateway.service',
      'stop openclaw-agent.slice',
      'show openclaw-gateway.service',
    ]);
  });

  it('ask the sidecar for secrets in the words that it answers', async () => {
    mkdirSync(join(folder, 'door'));
    writeFileSync(join(folder, 'resolver.mjs'), fileOf(`${machineFolder}/resolver.mjs`));
    const before = process.cwd();
    process.chdir(folder);
    const reader = {
      names: async () => [],
      read: async (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, 'given'])),
    };
    const server = await serveSecrets(reader, undefined, { info: () => undefined, warn: () => undefined });
    process.chdir(before);
    try {
      const { spawn } = await import('node:child_process');
      const child = spawn(process.execPath, [join(folder, 'resolver.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] });
      child.stdin.end(JSON.stringify({ protocolVersion: 1, ids: ['gateway/token'] }));
      let said = '';
      for await (const part of child.stdout) said += String(part);
      expect(JSON.parse(said)).toMatchObject({ protocolVersion: 1, values: { 'gateway/token': 'given' } });
    } finally {
      server.close();
    }
  });
});
