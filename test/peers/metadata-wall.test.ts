import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../e2e/embedded.ts';

/*
 * A whole plane as `npm start` runs it, in a network namespace of its own that has a metadata address: nothing here leaves it. The
 * namespace holds something that answers there, so that a refusal is the wall's.
 */

const root = join(__dirname, '../..');
const node = join(root, 'node_modules/.bin/node');
const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };
const addresses = ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200'] as const;
const url = 'http://127.0.0.1:8790';

jest.setTimeout(60_000);

const world = `
set -e
ip link set lo up
ip address add 169.254.169.254/32 dev lo; ip address add 100.100.100.200/32 dev lo; ip address add fd00:ec2::254/128 dev lo nodad
exec "$0" -e 'require("net").createServer((s) => s.on("error", () => s.destroy()).end("role credentials")).listen(80, "::", () => console.log("listens"))'
`;
let folder: string;
let space: ChildProcess;
let plane: ChildProcess | undefined;
let output = '';

const inside = (...command: readonly string[]) => {
  const { stdout, stderr } = spawnSync('nsenter', [`--net=/proc/${space.pid}/ns/net`, ...command], {
    encoding: 'utf8',
    env,
    timeout: 20_000,
  });
  return `${stdout}${stderr}`.trim();
};
/** What a user hears there within a second. */
const reach = (uid: number, address: string): string => {
  const line = `exec 3<>/dev/tcp/${address}/80 && cat <&3`;
  const said = inside('setpriv', `--reuid=${uid}`, '--clear-groups', 'timeout', '1', 'bash', '--norc', '-c', line);
  return /Connection refused|role credentials/.exec(said)?.[0] ?? `neither in time: ${said}`;
};
const tables = (): string[] =>
  inside('nft', 'list', 'tables')
    .split('\n')
    .filter((line) => line !== '');
const call = (path: string, token?: string, body?: object): string => {
  const given = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const init = {
    method: body ? 'PUT' : 'GET',
    headers: { 'content-type': 'application/json', ...given },
    ...(body ? { body: JSON.stringify(body) } : {}),
  };
  return inside(node, '-e', `fetch(${JSON.stringify(url + path)}, ${JSON.stringify(init)}).then((a) => a.text()).then(console.log)`);
};
const machinesDir = (): string => join(folder, 'data', 'machines');

async function start(): Promise<void> {
  output = '';
  const main = [
    node,
    join(root, 'scripts/local/main.ts'),
    '--port',
    '8790',
    '--data',
    join(folder, 'data'),
    '--cache',
    join(folder, 'cache'),
  ];
  const running = spawn('nsenter', [`--net=/proc/${space.pid}/ns/net`, ...main], {
    env: { ...env, HOME: join(folder, 'home') },
    cwd: root,
  });
  plane = running;
  for (const stream of [running.stdout, running.stderr]) stream.on('data', (chunk: Buffer) => void (output += chunk.toString()));
  await until('the ready line', 40_000, async () => {
    if (running.exitCode !== null) throw new Error(`the plane ended: ${output}`);
    return output.includes('Agents Plane is ready');
  });
}
async function end(signal: NodeJS.Signals): Promise<void> {
  const running = plane;
  plane = undefined;
  if (!running || running.exitCode !== null) return;
  running.kill(signal);
  await new Promise((resolve) => running.once('exit', resolve));
}

describe('the metadata address of the host of an embedded plane', () => {
  let agentId: string;
  let uid: number;

  beforeAll(async () => {
    for (const program of ['nft', 'ip', 'unshare', 'nsenter', 'setpriv'])
      if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
        throw new Error(`cannot hold the wall against a namespace: ${program} is missing; apt-get install iproute2 nftables`);
    folder = mkdtempSync(join(tmpdir(), 'metadata-wall-'));
    chmodSync(folder, 0o755);
    space = spawn('unshare', ['--net', 'sh', '-c', world, node], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => space.stdout?.once('data', resolve));
    await start();
    call('/google/admin/directory/v1/users/alice@acme.test', undefined, { customSchemas: { OpenClaw_Agent: { agentEnabled: true } } });
    [agentId, uid] = await until('a machine', 20_000, async () => {
      const [id] = readdirSync(machinesDir()).filter((name) => /^a[a-z2-7]{15}$/.test(name));
      const { uid } = JSON.parse(id === undefined ? '{}' : readFileSync(join(machinesDir(), id, 'machine.json'), 'utf8')) as {
        uid?: number;
      };
      return id !== undefined && uid !== undefined && ([id, uid] as const);
    });
  });
  afterAll(async () => {
    await end('SIGTERM');
    space.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it("is closed to an agent's user at once, and open to everybody else's (REQ-SEC-01, REQ-WSEC-04)", () => {
    for (const address of addresses) {
      expect({ address, said: reach(uid, address) }).toEqual({ address, said: 'Connection refused' });
      expect({ address, said: reach(0, address) }).toEqual({ address, said: 'role credentials' });
    }
    expect(reach(uid, '127.0.0.1')).toBe('role credentials');
  });

  it('is closed over UDP too, but for names, which clouds serve on it', () => {
    const send = (port: number): string =>
      inside(
        'setpriv',
        `--reuid=${uid}`,
        '--clear-groups',
        'bash',
        '--norc',
        '-c',
        `echo x > /dev/udp/169.254.169.254/${port} && echo sent`,
      );
    expect(send(8125)).not.toContain('sent');
    expect(send(53)).toContain('sent');
  });

  it("tells of each try in the agent's own audit chain", async () => {
    const token = (JSON.parse(readFileSync(join(folder, 'data', 'endpoint.json'), 'utf8')) as { token: string }).token;
    const rows = await until('the rows', 30_000, async () => {
      const lines = call('/v1/planes/acme/audit/export', token).split('\n');
      const told = lines.flatMap((line) => (line.startsWith('{') ? [(JSON.parse(line) as { row?: { action: string } }).row] : []));
      const found = told.filter((row) => row?.action === 'kernel.refused');
      return found.length >= addresses.length && found;
    });
    for (const address of addresses)
      expect(rows).toContainEqual(
        expect.objectContaining({ chain: `agent/${agentId}`, actor: { kind: 'agent', id: agentId }, target: `reach ${address}` }),
      );
  });

  it('says that refused calls cannot be heard from within a namespace', () => {
    expect(output).toMatch(
      /what the kernel refuses to agents does not come to the audit log here: cannot (?:run auditctl|hear the kernel): .*; /,
    );
    expect(output).not.toContain('nothing closes');
  });

  it('stays closed when the plane is killed, is closed once by the next one, and opens when that stops', async () => {
    inside('nft', 'add', 'table', 'inet', 'agents_plane_another');
    const before = tables();
    await end('SIGKILL');
    expect(reach(uid, '169.254.169.254')).toBe('Connection refused');
    await start();
    expect(tables().toSorted()).toEqual(before.toSorted());
    expect(reach(uid, '169.254.169.254')).toBe('Connection refused');
    await end('SIGTERM');
    expect(tables()).toEqual(['table inet agents_plane_another']);
    expect(reach(uid, '169.254.169.254')).toBe('role credentials');
  });
});
