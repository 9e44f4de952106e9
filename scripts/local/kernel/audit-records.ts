/** A call that the kernel refused to somebody. */
export interface RefusedCall {
  readonly uid: number;
  /** The system call, such as `openat`. */
  readonly call: string;
  /** The paths, the address or the process that it was about, where the kernel says. */
  readonly object?: string;
  readonly error: 'EPERM' | 'EACCES';
  /** The program that made it; as much of its name as the kernel knows. */
  readonly program: string;
}

/** Types of records, of linux/audit.h. */
const types = { syscall: '1300', path: '1302', socket: '1306', folder: '1307', process: '1318', end: '1320' } as const;

/** How many events may be under way at once: the end of one may have been lost. */
const mostEvents = 256;

type Fields = ReadonlyMap<string, string>;

/** A value is in quotes, or in hexadecimal where it has a quote, a space or a control character in it. */
function toFields(text: string): Fields {
  return new Map([...text.matchAll(/(\w+)=("[^"]*"|\S+)/g)].map(([, name = '', value = '']) => [name, value]));
}
/** Control characters show as `?`: who names a file decides what an admin reads. */
function toText(value = ''): string | undefined {
  if (value === '' || value === '(null)') return undefined;
  const quoted = /^"(.*)"$/.exec(value)?.[1];
  const text = quoted ?? (/^(?:[0-9A-F]{2})+$/.test(value) ? Buffer.from(value, 'hex').toString() : value);
  return text.replaceAll(/\p{C}/gu, '?');
}

/** A struct sockaddr in hexadecimal, in the byte order of the machine: little-endian wherever this runs. */
export function toAddress(saddr: string): string | undefined {
  const bytes = Buffer.from(saddr, 'hex');
  if (bytes.length < 4) return undefined;
  const family = bytes.readUInt16LE(0);
  if (family === 1) return bytes.subarray(2).toString().replace(/^\0/, '@').split('\0')[0]?.replaceAll(/\p{C}/gu, '?');
  if (family === 2 && bytes.length >= 8) return `${bytes.subarray(4, 8).join('.')}:${bytes.readUInt16BE(2)}`;
  if (family === 10 && bytes.length >= 24) {
    const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(8 + 2 * at).toString(16));
    return `${new URL(`http://[${groups.join(':')}]`).hostname}:${bytes.readUInt16BE(2)}`;
  }
  return `address family ${family}`;
}

/** Calls whose first argument says to which folder a relative path belongs; AT_FDCWD is the folder that the process is in. */
const inFolderOf = (call: string): boolean => /at2?$|^statx$|at_|^open_tree$|^move_mount$/.test(call);
const atCwd = 'ffffff9c';

function toPaths(call: string, first: string | undefined, paths: readonly Fields[], folder: string | undefined): string | undefined {
  const own = paths.filter((path) => path.get('nametype') !== 'PARENT');
  const names = (own.length > 0 ? own : paths).flatMap((path) => toText(path.get('name')) ?? []);
  const base = inFolderOf(call) && first !== atCwd ? '…' : (folder ?? '…');
  return [...new Set(names.map((name) => (name.startsWith('/') ? name : `${base === '/' ? '' : base}/${name}`)))].join(', ') || undefined;
}

function toProcess(fields: Fields | undefined): string | undefined {
  const pid = fields?.get('opid');
  return pid === undefined ? undefined : `process ${pid} (${toText(fields?.get('ocomm')) ?? '?'} of user ${fields?.get('ouid') ?? '?'})`;
}

interface Event {
  readonly call: Fields;
  readonly paths: Fields[];
  readonly others: Map<string, Fields>;
}

/**
 * Puts the records of the kernel's audit subsystem together again, which come one a line as `<type> audit(<event>): <fields>`, those of
 * several events among each other. `nameOf` says what a number of a system call means on an architecture (ELF machine, hexadecimal).
 */
export function createAuditRecords(nameOf: (arch: string, number: number) => string | undefined, heard: (call: RefusedCall) => void) {
  const events = new Map<string, Event>();

  function conclude({ call, paths, others }: Event): void {
    const exit = call.get('exit');
    const uid = Number(call.get('uid'));
    if ((exit !== '-1' && exit !== '-13') || !Number.isSafeInteger(uid)) return;
    const number = Number(call.get('syscall'));
    const name = nameOf(call.get('arch') ?? '', number) ?? `call ${number}`;
    const object =
      toProcess(others.get(types.process)) ??
      toAddress(others.get(types.socket)?.get('saddr') ?? '') ??
      toPaths(name, call.get('a0'), paths, toText(others.get(types.folder)?.get('cwd')));
    const program = toText(call.get('exe')) ?? toText(call.get('comm')) ?? '?';
    heard({ uid, call: name, ...(object === undefined ? {} : { object }), error: exit === '-1' ? 'EPERM' : 'EACCES', program });
  }

  return function read(line: string): void {
    const [, type = '', id = '', rest = ''] = /^(\d+) audit\(([\d.:]+)\): ?(.*)$/.exec(line) ?? [];
    const event = events.get(id);
    if (type === types.syscall) {
      const [oldest] = events.keys();
      if (events.size >= mostEvents && oldest !== undefined) events.delete(oldest);
      events.set(id, { call: toFields(rest), paths: [], others: new Map() });
    } else if (type === types.end) {
      events.delete(id);
      if (event) conclude(event);
    } else if (type === types.path) event?.paths.push(toFields(rest));
    else event?.others.set(type, toFields(rest));
  };
}
