import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

/** Who is at the other end of a loopback connection: a Unix uid, or `unknown` where the kernel does not say. */
export type Peer = { readonly uid: number } | 'unknown';

const hexPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');

/**
 * Finds the peer's uid in the kernel's socket table (proc(5), /proc/net/tcp). An entry without an inode has lost its owner and
 * shows uid 0: it counts as unknown, or a process could pass for root by closing its socket early.
 */
export async function peerOf(socket: Socket): Promise<Peer> {
  const { remotePort, localPort } = socket;
  if (remotePort === undefined || localPort === undefined) return 'unknown';
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(table, 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const [, local = '', remote = '', , , , , uid = '', , inode = '0'] = line.trim().split(/\s+/);
      if (!local.endsWith(`:${hexPort(remotePort)}`) || !remote.endsWith(`:${hexPort(localPort)}`)) continue;
      return inode === '0' ? 'unknown' : { uid: Number(uid) };
    }
  }
  return 'unknown';
}
