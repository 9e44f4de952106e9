import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { machineUids, renderUserData } from '../../functions/providers/infra/machine-template.ts';
import { machineTemplates, renderFiles, toMachineOptions } from '../providers/machine-options.ts';

/* What a machine would be given, held against the programs that read it there: systemd's, nftables', cloud-init's and the kernel's. */

const needed = ['systemd-analyze', 'systemd-sysusers', 'systemd-tmpfiles', 'nft', 'cloud-init', 'unshare', 'setpriv', 'ip'];
/** Programs that a unit starts and that are not from user data. */
const outside = ['/opt/openclaw/node/bin/node', '/usr/sbin/nft', '/usr/bin/udevadm', '/usr/lib/systemd/systemd-makefs', '/bin/sh'];

const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };
const run = (program: string, args: readonly string[], input = '') => {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', input, env, timeout: 60_000 });
  if (error) throw error;
  return { status, said: `${stdout}${stderr}` };
};

let root: string;
const units = join('etc', 'systemd', 'system');
const unitNames = [...renderFiles().keys()]
  .filter((path) => /^\/etc\/systemd\/system\/[^/]+$/.test(path))
  .map((path) => path.split('/')[4] ?? '');

beforeAll(() => {
  for (const program of needed) {
    if (run('sh', ['-c', `command -v ${program}`]).status !== 0)
      throw new Error(
        `cannot hold machines against their programs: ${program} is missing; apt-get install cloud-init iproute2 nftables systemd`,
      );
  }
  root = mkdtempSync(join(tmpdir(), 'machine-root-'));
  chmodSync(root, 0o755);
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text, { mode: /^\/(?:etc|var)\//.test(path) ? 0o644 : 0o755 });
  };
  for (const [path, text] of renderFiles()) put(path, text);
  for (const path of outside) put(path, '');
  cpSync('/lib/systemd/system', join(root, 'lib/systemd/system'), { recursive: true, verbatimSymlinks: true });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a rendered machine', () => {
  it.each([{}, { workspaceDevice: undefined, inbound: [] }])('is a cloud-config that cloud-init accepts %j (REQ-INFRA-04)', (changes) => {
    const file = join(root, 'user-data');
    writeFileSync(file, renderUserData(machineTemplates, toMachineOptions(changes)));
    expect(run('cloud-init', ['schema', '--config-file', file])).toMatchObject({ status: 0 });
  });

  it('has units in which systemd finds nothing to say', () => {
    // A template is verified as an instance of itself.
    expect(unitNames.length).toBeGreaterThan(9);
    for (const name of unitNames)
      expect({ name, ...run('systemd-analyze', ['verify', '--man=no', `--root=${root}`, name]) }).toEqual({ name, status: 0, said: '' });
  });

  it.each([
    ['openclaw-gateway.service', 20],
    ['openclaw-errand@.service', 20],
    ['openclaw-sidecar.service', 20],
    ['openclaw-control@.service', 20],
    ['openclaw-firewall.service', 40],
    ['openclaw-install.service', 40],
  ])('exposes no more of the machine through %s than systemd counts as %i tenths', (name, tenths) => {
    const { status, said } = run('systemd-analyze', ['security', '--offline=true', `--threshold=${tenths}`, join(root, units, name)]);
    expect(said).toMatch(/Overall exposure level for openclaw-.*: \d+\.\d/);
    expect({ status, level: said.trim().split('\n').at(-1) }).toMatchObject({ status: 0 });
  });

  it('gets its users and folders from systemd, each with its owner and mode', () => {
    expect(run('systemd-sysusers', [`--root=${root}`, join(root, 'etc/sysusers.d/openclaw.conf')])).toMatchObject({ status: 0 });
    for (let time = 0; time < 2; time += 1)
      expect(run('systemd-tmpfiles', [`--root=${root}`, '--create', join(root, 'etc/tmpfiles.d/openclaw.conf')])).toEqual({
        status: 0,
        said: '',
      });
    const { agent, sidecar } = machineUids;
    const seen = Object.fromEntries(
      ['', 'machine.json', 'resolver', 'run', 'config', 'door', 'home', 'state', 'tmp', 'workspace'].map((name) => {
        const { uid, gid, mode } = statSync(join(root, 'var/lib/openclaw', name));
        return [name, [uid, gid, (mode & 0o7777).toString(8)]];
      }),
    );
    const own = [agent, agent, '700'];
    expect(seen).toEqual({
      '': [0, 0, '711'],
      'machine.json': [0, sidecar, '640'],
      resolver: [agent, agent, '500'],
      run: [sidecar, sidecar, '700'],
      config: [sidecar, agent, '750'],
      door: [sidecar, agent, '710'],
      ...{ home: own, state: own, tmp: own, workspace: own },
    });
  });

  it('has rules that nftables accepts, also with nothing to let in', () => {
    for (const changes of [{}, { inbound: [] }, { inbound: [{ protocol: 'udp' as const, port: 41_641, from: '2001:db8::/32' }] }]) {
      const rules = join(root, 'rules.nft');
      writeFileSync(rules, renderFiles(changes).get('/etc/openclaw/firewall.nft') ?? '');
      expect(run('unshare', ['--net', 'nft', '--check', '--file', rules])).toEqual({ status: 0, said: '' });
    }
  });
});

/**
 * A machine and a neighbour on its network, each in a namespace of its own that ends with the script. The machine listens on
 * metadata addresses and on its own; `try` says whether a uid gets through.
 */
const world = (rules: string): string => `
set -eu
ip link set lo up
for address in 169.254.169.254/32 169.254.170.2/32 168.63.129.16/32; do ip address add $address dev lo; done
ip address add fd00:ec2::254/128 dev lo
unshare --net sleep 60 & neighbour=$!
${process.execPath} -e 'for (const port of [22, 53, 80]) require("net").createServer((s) => s.on("error", () => s.destroy()).end()).listen(port, "::")' & server=$!
trap 'kill $neighbour $server' EXIT
until ${process.execPath} -e 'require("net").connect(80, "127.0.0.1").on("error", () => process.exit(1)).on("connect", () => process.exit(0))'; do :; done
until [ "$(readlink /proc/$neighbour/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
ip link add inside type veth peer name outside netns $neighbour
ip address add 10.9.0.1/24 dev inside; ip address add 35.235.240.1/20 dev inside; ip link set inside up
nsenter --net=/proc/$neighbour/ns/net sh -ec 'ip address add 10.9.0.2/24 dev outside; ip address add 35.235.240.2/20 dev outside; ip link set outside up'
try() {
  if setpriv --reuid "$1" --regid "$1" --clear-groups timeout 1 bash --norc -c "exec 3<>/dev/tcp/$2/$3" 2>/dev/null; then echo "$1 $2 $3 reached"; else echo "$1 $2 $3 closed"; fi
}
knock() { if nsenter --net=/proc/$neighbour/ns/net timeout 1 bash --norc -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null; then echo "from outside $1 $2 reached"; else echo "from outside $1 $2 closed"; fi }
look() {
  for uid in ${machineUids.agent} ${machineUids.sidecar} 65534; do for address in 169.254.169.254 169.254.170.2 168.63.129.16 fd00:ec2::254; do try $uid $address 80; done; done
  try ${machineUids.agent} 127.0.0.1 80
  try ${machineUids.agent} 169.254.169.254 53
  knock 10.9.0.1 80; knock 10.9.0.1 22; knock 35.235.240.1 22
}
echo before; look
nft --file ${rules}; nft --file ${rules}
echo after; look
`;

describe("the firewall in the kernel's own hands", () => {
  it("closes metadata addresses to the agent's uid and to any other, leaves them to the sidecar's, and lets in who is named (REQ-INFRA-04)", () => {
    const rules = join(root, 'etc/openclaw/firewall.nft');
    expect(existsSync(rules)).toBe(true);
    const { status, said } = run('unshare', ['--net', 'bash', '--norc', '-c', world(rules)]);
    const [before = '', after = ''] = said.split('after\n');
    const lines = (text: string): string[] => text.trim().split('\n');
    expect({ status, before: lines(before).filter((line) => line.endsWith('closed')) }).toEqual({ status: 0, before: [] });
    const addresses = ['169.254.169.254', '169.254.170.2', '168.63.129.16', 'fd00:ec2::254'];
    expect(lines(after)).toEqual([
      ...addresses.map((address) => `${machineUids.agent} ${address} 80 closed`),
      ...addresses.map((address) => `${machineUids.sidecar} ${address} 80 reached`),
      ...addresses.map((address) => `65534 ${address} 80 closed`),
      `${machineUids.agent} 127.0.0.1 80 reached`,
      `${machineUids.agent} 169.254.169.254 53 reached`,
      'from outside 10.9.0.1 80 closed',
      'from outside 10.9.0.1 22 closed',
      'from outside 35.235.240.1 22 reached',
    ]);
  }, 60_000);
});
