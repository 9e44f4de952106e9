import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

/** Who is at the other end of a loopback connection: a Unix uid, or `unknown` where the kernel does not say. */
export type Peer = { readonly uid: number } | 'unknown';

type Ends = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>;

const loopback = '127.0.0.1';

const readTables = (): Promise<string[]> =>
  Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((table) => readFile(table, 'utf8').catch(() => '')));

/** 127.0.0.1 and a port as the kernel's tables write them: in /proc/net/tcp, and v4-mapped in /proc/net/tcp6. */
function toHex(port: number): readonly string[] {
  const end = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return [end, `0000000000000000FFFF0000${end}`];
}

/**
 * Finds the peer's uid in the kernel's socket table (proc(5), /proc/net/tcp). An entry without an inode has lost its owner and
 * shows uid 0: it counts as unknown, or a process could pass for root by closing its socket early. All of 127.0.0.0/8 is
 * loopback, and a port can be held once on each address: only 127.0.0.1 at both ends is looked up.
 */
export async function peerOf(socket: Ends, read: () => Promise<readonly string[]> = readTables): Promise<Peer> {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress !== loopback || localAddress !== loopback || remotePort === undefined || localPort === undefined) return 'unknown';
  const [from, to] = [toHex(remotePort), toHex(localPort)];
  const rows = (await read())
    .flatMap((table) => table.split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', remote = '']) => from.some((end, form) => end === local && to[form] === remote));
  const [, , , , , , , uid = '', , inode = '0'] = rows[0] ?? [];
  return rows.length === 1 && /^\d+$/.test(uid) && inode !== '0' ? { uid: Number(uid) } : 'unknown';
}
