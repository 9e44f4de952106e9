import { spawn, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlaneError } from '../../core/errors.ts';
import { codeOf } from './system-error.ts';

/** Uids that agents may get. Nothing is ever signalled by uid outside this range. */
export const agentUids = { first: 61_000, last: 64_999 } as const;

/** Where one agent's processes are looked for. `uid` is absent where agents share the plane's own user. */
export interface Habitat {
  readonly folder: string;
  readonly uid?: number;
}

export interface Process {
  readonly pid: number;
  readonly stopped: boolean;
}

export interface Inhabitants {
  readonly sidecars: readonly Process[];
  /** Everything that runs as the agent, and what its sidecar has started. */
  readonly others: readonly Process[];
}

interface Entry extends Process {
  readonly ppid: number;
  /** Real, effective, saved and file-system uid; one uid where the system tells no more. */
  readonly uids: readonly number[];
  /** The command line, and on systems without /proc the environment behind it, between spaces. */
  readonly argv: readonly string[];
  readonly environment: () => readonly string[];
}

const gone = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM']);
const isGone = (error: unknown): boolean => gone.has(String(codeOf(error)));

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (isGone(error)) return '';
    throw error;
  }
}

const split = (text: string): string[] => text.replace(/\0$/, '').split('\0');

function* procEntries(): Generator<Entry> {
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const status = readProc(pid, 'status');
    const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
    const state = field('State').charAt(0);
    // Z and X are dead; a dead process stays listed for as long as nobody reaps it.
    if (state === '' || state === 'Z' || state === 'X') continue;
    const stopped = state === 'T' || state === 't';
    const uids = field('Uid').split(/\s+/).map(Number);
    const argv = split(readProc(pid, 'cmdline'));
    yield { pid: Number(pid), ppid: Number(field('PPid')), stopped, uids, argv, environment: () => split(readProc(pid, 'environ')) };
  }
}

function* psEntries(): Generator<Entry> {
  const listing = execFileSync('ps', ['axeww', '-o', 'pid=,ppid=,uid=,stat=,command='], { encoding: 'utf8', maxBuffer: 1 << 26 });
  for (const line of listing.split('\n')) {
    const found = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (!found || found[4]?.startsWith('Z')) continue;
    const words = (found[5] ?? '').split(' ');
    const stopped = found[4]?.startsWith('T') === true;
    yield { pid: Number(found[1]), ppid: Number(found[2]), uids: [Number(found[3])], stopped, argv: words, environment: () => words };
  }
}

export const listEntries = (platform: NodeJS.Platform = process.platform): Entry[] => [
  ...(platform === 'linux' ? procEntries() : psEntries()),
];

/** A sidecar is a process of our own uid that runs a script with the machine's folder as its argument: an agent cannot pose as one. */
function isSidecar({ argv, uids }: Entry, folder: string, ownUid: number | undefined): boolean {
  const at = argv.indexOf(folder);
  return at >= 2 && uids.every((uid) => uid === ownUid) && /\.[cm]?js$/.test(basename(argv[at - 1] ?? ''));
}

/** The kernel's own answer to what runs for this machine. */
export function findInhabitants({ folder, uid }: Habitat, platform?: NodeJS.Platform): Inhabitants {
  const entries = listEntries(platform);
  const ownUid = process.geteuid?.();
  const mark = `OPENCLAW_STATE_DIR=${folder}/state`;
  const sidecars = entries.filter((entry) => isSidecar(entry, folder, ownUid));
  const isAgent = (entry: Entry): boolean => (uid === undefined ? entry.environment().includes(mark) : entry.uids.includes(uid));
  const others = new Map(entries.filter(isAgent).map((entry) => [entry.pid, entry]));
  const parents = new Set(sidecars.map(({ pid }) => pid));
  // A child that has not yet changed to the agent's uid is known by its parent alone.
  for (let before = -1; before !== others.size;) {
    before = others.size;
    for (const entry of entries) {
      if (parents.has(entry.ppid) && !parents.has(entry.pid)) others.set(entry.pid, entry);
    }
    for (const pid of others.keys()) parents.add(pid);
  }
  for (const { pid } of sidecars) others.delete(pid);
  return { sidecars, others: [...others.values()] };
}

export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

/** How long the helper that signals a whole uid may take before it is tried again, in milliseconds. */
const signalUidMs = 2_000;

/** Sends a signal to every process of an agent's uid in one system call, so that a process which forks cannot slip through. */
async function signalUid(uid: number, signal: 'STOP' | 'KILL'): Promise<void> {
  if (!Number.isInteger(uid) || uid < agentUids.first || uid > agentUids.last) {
    throw new PlaneError('internal', `cannot signal uid ${uid}: it is outside the range of agents; report this`);
  }
  // kill -1 spares its own caller. The test stands between a setpriv that did not change the uid and every process of the host.
  const script = `test "$(id -u)" = ${uid} && kill -s ${signal} -- -1 2>/dev/null`;
  const change = ['--reuid', String(uid), '--regid', String(uid), '--clear-groups', '--no-new-privs', '--bounding-set=-all'];
  const child = spawn('setpriv', [...change, 'sh', '-c', script], {
    stdio: 'ignore',
    timeout: signalUidMs,
    killSignal: 'SIGKILL',
    cwd: '/',
    // The kernel would tell of every folder of our own path that is closed to the agent.
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => {
      const fact = `cannot signal processes of uid ${uid}: setpriv did not start`;
      reject(new PlaneError('internal', `${fact}; install util-linux`, { cause }));
    });
    child.once('exit', () => resolve());
  });
}

const pauseMs = 5;

/**
 * Sends a signal to everything that runs for a machine, sidecar first, until the kernel shows that it took effect on all.
 * Throws `unavailable` when that was not so within `withinMs`.
 */
async function signalAll(habitat: Habitat, signal: 'STOP' | 'KILL', withinMs: number, abort: AbortSignal): Promise<void> {
  const pending = ({ sidecars, others }: Inhabitants): Process[] =>
    [...sidecars, ...others].filter(({ stopped }) => signal === 'KILL' || !stopped);
  const until = performance.now() + withinMs;
  let quiet = 0;
  for (;;) {
    const left = pending(findInhabitants(habitat));
    // Twice, so that a child which was between fork and exec at the first look is seen at the second.
    quiet = left.length === 0 ? quiet + 1 : 0;
    if (quiet === 2) return;
    for (const { pid } of left) signalProcess(pid, `SIG${signal}`);
    if (left.length > 0 && habitat.uid !== undefined) await signalUid(habitat.uid, signal);
    abort.throwIfAborted();
    if (performance.now() > until) {
      const pids = left.map(({ pid }) => pid).join(', ');
      throw new PlaneError(
        'unavailable',
        `cannot ${signal === 'KILL' ? 'end' : 'stop'} processes ${pids} of machine ${habitat.folder}: they do not yield; it is tried again`,
      );
    }
    await sleep(pauseMs);
  }
}

const patienceMs = 10_000;

export const stopAll = (habitat: Habitat, abort: AbortSignal): Promise<void> => signalAll(habitat, 'STOP', patienceMs, abort);
export const killAll = (habitat: Habitat, abort: AbortSignal): Promise<void> => signalAll(habitat, 'KILL', patienceMs, abort);

/** Lets the sidecar stop its gateway in order: OpenClaw counts kills, and after three it starts without its channels. */
export async function askToEnd(habitat: Habitat, withinMs: number, abort: AbortSignal): Promise<void> {
  for (const { pid } of findInhabitants(habitat).sidecars) signalProcess(pid, 'SIGTERM');
  const until = performance.now() + withinMs;
  while (performance.now() < until && findInhabitants(habitat).sidecars.length > 0) await sleep(10 * pauseMs, undefined, { signal: abort });
}

/** Ends everything that runs as the agent and leaves the sidecar, which is the caller. */
export async function killAgent(habitat: Habitat): Promise<void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const { others } = findInhabitants(habitat);
    if (others.length === 0) return;
    for (const { pid } of others) signalProcess(pid, 'SIGKILL');
    if (habitat.uid !== undefined) await signalUid(habitat.uid, 'KILL');
    if (performance.now() > until) {
      throw new PlaneError('unavailable', `cannot end processes of machine ${habitat.folder}: they do not yield; it is tried again`);
    }
    await sleep(pauseMs);
  }
}

/** Every uid that something runs under. */
export const runningUids = (): ReadonlySet<number> => new Set(listEntries().flatMap(({ uids }) => uids));
