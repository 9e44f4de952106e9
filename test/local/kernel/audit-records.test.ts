import { createAuditRecords, toAddress, type RefusedCall } from '../../../scripts/local/kernel/audit-records.ts';

/* Records as Linux 6.18 gave them (x86-64), cut to one user. */

const names: Readonly<Record<string, string>> = {
  42: 'connect',
  62: 'kill',
  117: 'setresuid',
  257: 'openat',
  263: 'unlinkat',
  316: 'renameat2',
};
const end = 'audit(1795381535.136:4): ';
const who =
  'ppid=28781 pid=28805 auid=4294967295 uid=64995 gid=64995 euid=64995 suid=64995 fsuid=64995 egid=64995 sgid=64995 fsgid=64995 tty=(none) ses=4294967295';
const caps = 'cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0';

function event(id: string, call: string, more: readonly string[] = []): string[] {
  const at = `audit(1795381535.136:${id}):`;
  return [
    `1300 ${at} arch=c000003e ${call} ${who} comm="cat" exe="/usr/bin/cat" key="agents-plane-x"`,
    ...more.map((record) => record.replace(' ', ` ${at} `)),
    `1327 ${at} proctitle=636174002F746D702F68342F7365632F61`,
    `1320 ${at} `,
  ];
}
function readAll(lines: readonly string[]): RefusedCall[] {
  const heard: RefusedCall[] = [];
  const read = createAuditRecords(
    (arch, number) => (arch === 'c000003e' ? names[number] : undefined),
    (call) => heard.push(call),
  );
  for (const line of lines) read(line);
  return heard;
}
const cat = { uid: 64_995, program: '/usr/bin/cat' };

describe('records of the audit subsystem', () => {
  it('tell which file somebody could not open', () => {
    const lines = event('4', 'syscall=257 success=no exit=-13 a0=ffffff9c a1=7ffc a2=0 a3=0 items=1', [
      '1307 cwd="/tmp/h4"',
      `1302 item=0 name="/tmp/h4/sec/a" nametype=UNKNOWN ${caps}`,
    ]);
    expect(readAll(lines)).toEqual([{ ...cat, call: 'openat', object: '/tmp/h4/sec/a', error: 'EACCES' }]);
  });

  it('tell a path from the folder that the process was in, and leave one open that belongs to another folder', () => {
    const open = (folder: string) =>
      event('5', `syscall=257 success=no exit=-13 a0=${folder} a1=7ffc a2=0 a3=0 items=1`, [
        '1307 cwd="/"',
        `1302 item=0 name="tmp/h4/sec/a" nametype=UNKNOWN ${caps}`,
      ]);
    expect(readAll([...open('ffffff9c'), ...open('3')]).map(({ object }) => object)).toEqual(['/tmp/h4/sec/a', '…/tmp/h4/sec/a']);
  });

  it('tell what was to be removed or renamed, not the folder it lies in', () => {
    const lines = event('6', 'syscall=316 success=no exit=-13 a0=ffffff9c a1=7ffd a2=ffffff9c a3=7ffd items=3', [
      '1307 cwd="/tmp/h4"',
      `1302 item=0 name="/tmp/h4/" inode=10438691 dev=fe:00 mode=040711 ouid=0 ogid=0 rdev=00:00 nametype=PARENT ${caps}`,
      `1302 item=1 name="/tmp/h4/" inode=10438691 dev=fe:00 mode=040711 ouid=0 ogid=0 rdev=00:00 nametype=PARENT ${caps}`,
      `1302 item=2 name="/tmp/h4/err.txt" inode=10438694 dev=fe:00 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=DELETE ${caps}`,
    ]);
    expect(readAll(lines)).toEqual([{ ...cat, call: 'renameat2', object: '/tmp/h4/err.txt', error: 'EACCES' }]);
  });

  it('tell whose process was to be ended, and name a call that is about nothing', () => {
    const kill = event('19', 'syscall=62 success=no exit=-1 a0=7072 a1=9 a2=0 a3=7f items=0', [
      '1318 opid=28786 oauid=-1 ouid=0 oses=-1 ocomm="sleep"',
    ]);
    const become = event('20', 'syscall=117 success=no exit=-1 a0=0 a1=0 a2=0 a3=ff items=0');
    expect(readAll([...kill, ...become])).toEqual([
      { ...cat, call: 'kill', object: 'process 28786 (sleep of user 0)', error: 'EPERM' },
      { ...cat, call: 'setresuid', error: 'EPERM' },
    ]);
  });

  it('tell the socket that was to be reached', () => {
    const lines = event('31', 'syscall=42 success=no exit=-13 a0=3 a1=55 a2=12 a3=7f items=1', [
      '1306 saddr=01002F746D702F68342F7365632F736F636B',
      '1307 cwd="/tmp/h4"',
      `1302 item=0 name="/tmp/h4/sec/sock" nametype=UNKNOWN ${caps}`,
    ]);
    expect(readAll(lines)).toMatchObject([{ call: 'connect', object: '/tmp/h4/sec/sock' }]);
  });

  it('put events together whose records come among each other', () => {
    const [one, two] = ['7', '8'].map((id) =>
      event(id, 'syscall=257 success=no exit=-13 a0=ffffff9c items=1', [
        '1307 cwd="/"',
        `1302 item=0 name="/secret-${id}" nametype=UNKNOWN`,
      ]),
    );
    const mixed = (one ?? []).flatMap((line, at) => [line, two?.[at] ?? '']);
    expect(readAll(mixed).map(({ object }) => object)).toEqual(['/secret-7', '/secret-8']);
  });

  it('never let a name speak for itself: what is in hexadecimal is read, and control characters are not', () => {
    // `/tmp/a`, a line feed, `uid=0`, an escape.
    const lines = event('9', 'syscall=257 success=no exit=-13 a0=ffffff9c items=1', [
      '1307 cwd="/"',
      '1302 item=0 name=2F746D702F610A7569643D301B nametype=UNKNOWN',
    ]);
    expect(readAll(lines)).toMatchObject([{ uid: 64_995, object: '/tmp/a?uid=0?' }]);
  });

  it('say a number where the name of a call is not known', () => {
    expect(readAll(event('10', 'syscall=9999 success=no exit=-1 a0=0 items=0'))).toMatchObject([{ call: 'call 9999' }]);
  });

  it('tell nothing of calls that went well, failed otherwise or never ended, and of lines that are no records', () => {
    const well = event('11', 'syscall=257 success=yes exit=3 a0=ffffff9c items=0');
    const absent = event('12', 'syscall=257 success=no exit=-2 a0=ffffff9c items=0');
    const cut = event('13', 'syscall=257 success=no exit=-13 a0=ffffff9c items=0').slice(0, -1);
    expect(readAll([...well, ...absent, ...cut, 'nonsense', '', `1320 ${end}`])).toEqual([]);
  });

  it('keep at most so many events open that a flood of cut ones takes no memory', () => {
    const cut = Array.from({ length: 300 }, (_, at) => event(String(1_000 + at), 'syscall=257 success=no exit=-13 items=0')[0] ?? '');
    const ends = Array.from({ length: 300 }, (_, at) => `1320 audit(1795381535.136:${1_000 + at}): `);
    expect(readAll([...cut, ...ends])).toHaveLength(256);
  });
});

describe('addresses in records', () => {
  it.each([
    ['02000050A9FEA9FE0000000000000000', '169.254.169.254:80'],
    ['0A0001BB00000000FD000EC200000000000000000000025400000000', '[fd00:ec2::254]:443'],
    ['01002F72756E2F78', '/run/x'],
    ['0100002F72756E2F78', '@/run/x'],
    ['100000000000000000000000', 'address family 16'],
    ['02', undefined],
    ['', undefined],
  ])('reads %s as %s', (saddr, address) => {
    expect(toAddress(saddr)).toBe(address);
  });
});
