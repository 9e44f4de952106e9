import { spawn, type ChildProcess } from 'node:child_process';
import { arch } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlaneError, toMessage } from '../../../functions/core/errors.ts';
import type { Log } from '../../../functions/core/surroundings.ts';
import { createAuditRecords, type RefusedCall } from './audit-records.ts';
import { run, systemEnvironment } from './run.ts';

export interface RefusedCallsOptions {
  readonly root: string;
  /** The plane's own name on this host: letters and digits. */
  readonly instance: string;
  readonly uids: { readonly first: number; readonly last: number };
  readonly log: Log;
  readonly heard: (call: RefusedCall) => void;
  /** Calls that one user made within a second beyond what is told one by one. */
  readonly over: (uid: number, calls: number) => void;
  /** The kernel had more records than could be read, or somebody else had taken our rules away. */
  readonly lost: () => void;
  /** How often the rules are looked for, in milliseconds; once a minute unless said. */
  readonly checkMs?: number;
}

/** Of one user, told one by one; a start of OpenClaw causes a few dozen. */
const mostCallsPerSecond = 100;
const restartMs = 5_000;
const firstRecordMs = 3_000;
const checkMs = 60_000;
const prefix = 'agents-plane-';

/** Architectures as the audit subsystem writes them (ELF machine and flags), and as ausyscall calls them. */
const tablesOf: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  x64: { c000003e: 'x86_64', '40000003': 'i386' },
  arm64: { c00000b7: 'aarch64', '40000028': 'arm' },
};

async function readCallNames(): Promise<(arch: string, number: number) => string | undefined> {
  const names = new Map<string, string>();
  for (const [machine, table] of Object.entries(tablesOf[arch()] ?? {})) {
    for (const line of (await run('ausyscall', [table, '--dump'])).split('\n')) {
      const [number = '', name] = line.split('\t');
      if (name !== undefined) names.set(`${machine} ${number}`, name);
    }
  }
  return (machine, number) => names.get(`${machine} ${number}`);
}

function toRule(uids: RefusedCallsOptions['uids'], error: string, key: string): string[] {
  return ['always,exit', '-S', 'all', '-F', `uid>=${uids.first}`, '-F', `uid<=${uids.last}`, '-F', `exit=-${error}`, '-k', key];
}

const numberOf = (status: string, name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(status)?.[1] ?? 0);

/**
 * Has the kernel's audit subsystem tell of the calls that it refuses to a range of users. Its records are read from its multicast group,
 * beside an auditd that may run; of its settings only rules under a key of our own are changed, and its switch where it was off.
 */
export async function watchRefusedCalls(options: RefusedCallsOptions): Promise<{ stop(): Promise<void> }> {
  const { root, instance, uids, log, over, lost } = options;
  const key = prefix + instance;
  // The key remembers that a plane switched auditing on, also for the plane that stops last or was killed.
  const switched = `${key}-switched-on`;
  const enabled = numberOf(await run('auditctl', ['-s']), 'enabled');
  if (enabled === 2)
    throw new PlaneError('unavailable', 'cannot add audit rules: they are locked until the machine starts anew; leave out auditctl -e 2');
  const ownKey = enabled === 0 || /key=agents-plane-\w+-switched-on$/m.test(await run('auditctl', ['-l'])) ? switched : key;
  const read = createAuditRecords(await readCallNames(), options.heard);

  let reader: ChildProcess | undefined;
  let stopped = false;
  const rules = new AbortController();
  function hear(line: string): void {
    const [, uid, calls] = /^over (\d+) (\d+)$/.exec(line) ?? [];
    if (line === 'lost') lost();
    else if (line === 'heard') rules.abort();
    else if (uid !== undefined && calls !== undefined) over(Number(uid), Number(calls));
    else read(line);
  }
  function startReader(): Promise<void> {
    const script = join(root, 'scripts', 'local', 'kernel', 'read-audit.pl');
    const bounds = [uids.first, uids.last, mostCallsPerSecond].map(String);
    const child = spawn('perl', [script, ...bounds, ownKey], { env: systemEnvironment, stdio: ['pipe', 'pipe', 'pipe'] });
    reader = child;
    return new Promise((resolve, reject) => {
      let said = '';
      let ready = false;
      child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-300)));
      child.stdin.on('error', () => undefined);
      child.once('error', (cause) =>
        reject(new PlaneError('unavailable', `cannot run perl: ${cause.message}; apt-get install perl-base`, { cause })),
      );
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line !== 'ready') return hear(line);
        ready = true;
        resolve();
      });
      child.once('close', () => {
        const fact = `cannot read audit records: ${said.trim() || 'the reader ended'}; check that the plane has every capability of root`;
        if (!ready) return reject(new PlaneError('unavailable', fact));
        if (stopped) return;
        log.warn(`${fact}; it starts again`);
        setTimeout(() => void (stopped || startReader().catch((error: unknown) => log.warn(String(error)))), restartMs).unref();
      });
    });
  }
  async function removeRules(): Promise<void> {
    for (const each of [key, switched]) await run('auditctl', ['-D', '-k', each]);
  }

  async function addRules(): Promise<void> {
    if (numberOf(await run('auditctl', ['-s']), 'enabled') === 0) await run('auditctl', ['-e', '1']);
    for (const error of ['EACCES', 'EPERM']) await run('auditctl', ['-a', ...toRule(uids, error, ownKey)]);
  }
  /** Rules that somebody loads replace all that are there, and an auditd that ends switches auditing off. */
  async function check(): Promise<void> {
    const [rulesNow, status] = [await run('auditctl', ['-l']), await run('auditctl', ['-s'])];
    if (stopped || (rulesNow.includes(`key=${ownKey}`) && numberOf(status, 'enabled') > 0)) return;
    lost();
    await removeRules();
    if (!stopped) await addRules();
  }
  let checking = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  function startChecks(): void {
    timer = setInterval(() => {
      checking = checking.then(check).catch((error: unknown) => log.warn(toMessage(error)));
    }, options.checkMs ?? checkMs);
    timer.unref();
  }

  async function stop(): Promise<void> {
    stopped = true;
    clearInterval(timer);
    await checking;
    await removeRules();
    const alone = !(await run('auditctl', ['-l'])).includes(prefix) && numberOf(await run('auditctl', ['-s']), 'pid') === 0;
    if (ownKey === switched && alone) await run('auditctl', ['-e', '0']);
    reader?.stdin?.end();
  }
  try {
    await startReader();
    await removeRules();
    await addRules();
    // Its records go to the first network namespace of the machine alone.
    await sleep(firstRecordMs, undefined, { signal: rules.signal }).catch(() => undefined);
    if (!rules.signal.aborted)
      throw new PlaneError('unavailable', 'cannot hear the kernel: its audit records go elsewhere; run the plane outside of containers');
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
  startChecks();
  return { stop };
}
