import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RefusedCall } from '../../scripts/local/kernel/audit-records.ts';
import { watchRefusedCalls } from '../../scripts/local/kernel/refused-calls.ts';
import { sleep, until } from '../e2e/embedded.ts';

/* What the kernel's own audit subsystem says of calls that it refused to two users of our own, beside planes that may run here. */

const uids = { first: 65_001, last: 65_002 } as const;
const root = join(__dirname, '../..');
const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
const instance = `test${process.pid}`;

let warnings: string[] = [];
let heard: RefusedCall[] = [];
let over: number[] = [];
let lost = 0;
let folder: string;
let victim: ChildProcess;
let watch: { stop(): Promise<void> };

const rules = (): string => spawnSync('auditctl', ['-l'], { encoding: 'utf8' }).stdout;
const readers = (): string => spawnSync('pgrep', ['-f', `read-audit.pl .* agents-plane-${instance}`], { encoding: 'utf8' }).stdout.trim();
const as = (uid: number, line: string): number | null =>
  spawnSync('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', 'sh', '-c', line], { cwd: '/', env }).status;
const about = (object: string): RefusedCall[] => heard.filter((call) => call.object?.includes(object));

beforeAll(async () => {
  for (const program of ['auditctl', 'ausyscall', 'perl', 'setpriv'])
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
      throw new Error(`cannot watch refused calls: ${program} is missing; apt-get install auditd`);
  folder = mkdtempSync(join(tmpdir(), 'refused-calls-'));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'closed'), { mode: 0o700 });
  writeFileSync(join(folder, 'closed', 'secret'), 'x', { mode: 0o600 });
  writeFileSync(join(folder, 'program'), '#!/bin/sh\n', { mode: 0o700 });
  victim = spawn('sleep', ['120']);
  watch = await watchRefusedCalls({
    ...{ root, instance, uids, log },
    heard: (call) => void heard.push(call),
    over: (_, calls) => void over.push(calls),
    lost: () => void (lost += 1),
    checkMs: 500,
  });
}, 30_000);
afterAll(async () => {
  await watch.stop();
  victim.kill();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => ([heard, over, warnings] = [[], [], []]));

describe('the kernel, asked to tell of what it refuses', () => {
  const quoted = (...names: readonly string[]): string => join(folder, ...names);
  it.each<[string, () => string, Partial<RefusedCall> | (() => Partial<RefusedCall>)]>([
    ['reading a file', () => `cat ${quoted('closed', 'secret')}`, { call: 'openat', error: 'EACCES', program: '/usr/bin/cat' }],
    ['reading it by a relative path', () => `cd ${folder}; cat closed/secret`, { call: 'openat', error: 'EACCES' }],
    ['making a file', () => `mkdir ${quoted('closed', 'secret')}`, { call: 'mkdir', error: 'EACCES' }],
    ['running a program', () => quoted('program'), { call: 'execve', error: 'EACCES' }],
    [
      'ending a process',
      () => `kill ${victim.pid}`,
      () => ({ call: 'kill', error: 'EPERM', object: `process ${victim.pid} (sleep of user 0)` }),
    ],
    ['becoming root', () => 'setpriv --reuid=0 true', { call: 'setresuid', error: 'EPERM' }],
    ['mounting', () => 'unshare --mount true', { call: 'unshare', error: 'EPERM' }],
  ])('tells of %s, by whom and of what', async (_, toLine, expected) => {
    expect(as(uids.first, toLine())).not.toBe(0);
    const wanted = typeof expected === 'function' ? expected() : expected;
    await until('the record', 5_000, async () => heard.some((call) => call.call === wanted.call));
    expect(heard).toContainEqual(expect.objectContaining({ uid: uids.first, ...wanted }));
  });

  it('names the file by its whole path', async () => {
    as(uids.first, `cd ${folder}; cat closed/secret`);
    await until('the record', 5_000, async () => about(quoted('closed', 'secret')).length > 0);
  });

  it('tells nothing of other users, and nothing of what they may do', async () => {
    as(uids.last + 1, `cat ${quoted('closed', 'secret')}`);
    as(uids.first, 'cat /etc/passwd; cat /no/such/file');
    as(uids.last, `cat ${quoted('closed', 'secret')}`);
    await until('the record', 5_000, async () => heard.length > 0);
    await sleep(200);
    expect(heard.map(({ uid }) => uid)).toEqual([uids.last]);
  });

  it('keeps a user who knocks without end from hiding another, and says how often they knocked', async () => {
    const knock = `i=0; while [ $i -lt 3000 ]; do true < ${quoted('closed', 'secret')}; i=$((i+1)); done 2>/dev/null`;
    as(uids.first, knock);
    as(uids.last, `cat ${quoted('closed', 'secret')}`);
    await until('the other one', 5_000, async () => heard.some(({ uid }) => uid === uids.last));
    await until('the count', 5_000, async () => over.length > 0);
    await sleep(1_500);
    const told = heard.filter(({ uid }) => uid === uids.first).length;
    expect(told).toBeLessThan(3_000);
    expect(told + over.reduce((sum, calls) => sum + calls, 0)).toBe(3_000);
  });

  it('reads on after its reader was killed, and says so', async () => {
    spawnSync('kill', ['-9', readers()]);
    await until('another reader', 10_000, async () => readers() !== '');
    await sleep(300);
    as(uids.first, `cat ${quoted('closed', 'secret')}`);
    await until('the record', 5_000, async () => about('secret').length > 0);
    expect(warnings).toEqual([expect.stringContaining('cannot read audit records: the reader ended')]);
  });

  it('puts its rules back when somebody else took them away, and says that something may be missing', async () => {
    spawnSync('auditctl', ['-D', '-k', `agents-plane-${instance}`]);
    spawnSync('auditctl', ['-D', '-k', `agents-plane-${instance}-switched-on`]);
    const before = lost;
    await until('the rules', 10_000, async () => rules().includes(`key=agents-plane-${instance}`));
    await sleep(300);
    as(uids.first, `cat ${quoted('closed', 'secret')}`);
    await until('the record', 5_000, async () => about('secret').length > 0);
    expect(lost - before).toBe(1);
  });

  it('leaves no rule and no reader behind, and no rule of another plane out', async () => {
    const other = ['always,exit', '-S', 'all', '-F', 'uid=65003', '-F', 'exit=-EACCES', '-k', `agents-plane-other${instance}`];
    spawnSync('auditctl', ['-a', ...other]);
    expect(rules()).toContain(`key=agents-plane-${instance}`);
    await watch.stop();
    const left = rules();
    spawnSync('auditctl', ['-d', ...other]);
    expect(left).not.toContain(`key=agents-plane-${instance}`);
    expect(left).toContain(`key=agents-plane-other${instance}`);
    await until('the end of the reader', 5_000, async () => readers() === '');
  });
});
