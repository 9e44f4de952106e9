import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The machine's way to the plane, in the range for benchmarks (RFC 2544): nothing of a real network is there. */
export const addresses = { plane: '198.18.77.1', machine: '198.18.77.2' } as const;
export const planeHost = 'plane.machine.test';
const [network, link] = ['oc-own-machine', 'oc-own-plane'] as const;

const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** A network of two, without a way out. */
export function makeNetwork(): { close(): void } {
  const close = (): void => {
    spawnSync('ip', ['link', 'delete', link]);
    spawnSync('ip', ['netns', 'delete', network]);
  };
  close();
  run('ip', 'netns', 'add', network);
  run('ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', network);
  run('ip', 'address', 'add', `${addresses.plane}/30`, 'dev', link);
  run('ip', 'link', 'set', link, 'up');
  const inside = (...args: string[]): string => run('ip', '-n', network, ...args);
  inside('link', 'set', 'lo', 'up');
  inside('address', 'add', `${addresses.machine}/30`, 'dev', 'eth0');
  inside('link', 'set', 'eth0', 'up');
  inside('route', 'add', 'default', 'via', addresses.plane);
  // Where a cloud's metadata would answer.
  inside('address', 'add', '169.254.169.254/32', 'dev', 'lo');
  return { close };
}

/** Listens where a cloud's metadata would be, inside the machine's network. */
export function serveMetadata(): ChildProcess {
  const program = `require('net').createServer((s) => s.on('error', () => s.destroy()).end()).listen(80, '169.254.169.254')`;
  return spawn('nsenter', [`--net=/run/netns/${network}`, process.execPath, '-e', program], { stdio: 'ignore' });
}

export interface Said {
  readonly status: number | null;
  readonly said: string;
}

export interface Machine {
  /** Runs a command on the machine, as root or another user of it. */
  run(command: readonly string[], as?: { readonly uid: number }): Said;
  systemctl(...args: string[]): string;
  /** Cuts the power. */
  close(): Promise<void>;
}

/** The cgroup2 tree of this host; systemd takes a part of it for itself. */
function makeCgroup(): string {
  const [, tree = ''] = / (\S+) cgroup2 /.exec(readFileSync('/proc/mounts', 'utf8')) ?? [];
  if (tree === '') throw new Error('cannot boot a machine: this host has no cgroup2');
  const group = join(tree, network);
  mkdirSync(group, { recursive: true });
  return group;
}

/** Boots systemd with what lies in the folder (boot.sh says what). */
export async function bootMachine(folder: string): Promise<Machine> {
  const group = makeCgroup();
  const enter = `echo $$ >${group}/cgroup.procs && exec nsenter --net=/run/netns/${network} unshare --mount --uts --ipc --pid --cgroup --fork --kill-child bash ${join(__dirname, 'boot.sh')} ${folder}`;
  const host = spawn('bash', ['-c', enter], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [host.stdout, host.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const ended = new Promise<void>((resolve) => host.once('close', () => resolve()));

  function firstProcess(): string | undefined {
    try {
      return readFileSync(`/proc/${host.pid}/task/${host.pid}/children`, 'utf8').trim().split(' ')[0] || undefined;
    } catch {
      return undefined;
    }
  }
  function runInside(command: readonly string[], as?: { readonly uid: number }): Said {
    const pid = firstProcess();
    if (pid === undefined) throw new Error(`the machine is off: ${said}`);
    const identity = as ? ['setpriv', '--reuid', String(as.uid), '--regid', String(as.uid), '--clear-groups', '--no-new-privs'] : [];
    const into = ['--target', pid, '--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--root', '--wdns=/'];
    const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', SYSTEMD_PAGER: '' };
    const { status, stdout, stderr } = spawnSync('nsenter', [...into, '--', ...identity, ...command], {
      encoding: 'utf8',
      env,
      timeout: 60_000,
    });
    return { status, said: `${stdout}${stderr}`.trim() };
  }

  const until = Date.now() + 30_000;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (host.exitCode !== null) throw new Error(`the machine did not boot: ${said}`);
    if (firstProcess() !== undefined && runInside(['systemctl', 'list-units', '--no-legend']).status === 0) break;
    if (Date.now() > until) throw new Error(`the machine did not boot in time: ${said}`);
  }
  return {
    run: runInside,
    systemctl: (...args) => runInside(['systemctl', '--no-pager', ...args]).said,
    async close() {
      host.kill('SIGKILL');
      const pid = firstProcess();
      if (pid !== undefined) process.kill(Number(pid), 'SIGKILL');
      await ended;
      // The kernel takes a moment to empty it; what systemd made below it goes first.
      for (let tries = 0; existsSync(group) && tries < 50; tries += 1) {
        spawnSync('find', [group, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';'], { stdio: 'ignore' });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
  };
}

/** Lays down what the machine finds: its user data, whom it trusts, how the plane is called, and no archive of Debian's. */
export function layMachine(folder: string, userData: string, authority: string): void {
  const put = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text, { mode });
  };
  put('seed/user-data', userData);
  put('seed/meta-data', 'instance-id: own-machine\n');
  put('etc/hosts', `127.0.0.1 localhost\n${addresses.plane} ${planeHost}\n`);
  put('etc/ssl/certs/ca-certificates.crt', authority);
  // A machine has its image's own; here only those modules run that our user data speaks to.
  const modules = { cloud_init_modules: ['write-files', 'users-groups'], cloud_config_modules: ['runcmd'] };
  const final = { cloud_final_modules: ['package-update-upgrade-install', 'scripts-user'] };
  const cloud = { datasource_list: ['NoCloud'], network: { config: 'disabled' }, ...modules, ...final };
  put('etc/cloud/cloud.cfg.d/99-test.cfg', JSON.stringify(cloud));
  put('bin/apt-get', '#!/bin/sh\necho "$*" >>/run/apt-get\n', 0o755);
}
