import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PlaneError } from '../../functions/core/errors.ts';
import { replaceFile } from '../../functions/providers/infra/machine-files.ts';
import { isMissing } from '../../functions/providers/infra/system-error.ts';

/** Below the range Linux takes client ports from (32768), so that a port stays free while its gateway is down. */
const firstPort = 20_000;
const portCount = 12_000;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });

function readPort(file: string): number | undefined {
  try {
    const port = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(port) && port >= firstPort && port < firstPort + portCount ? port : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The machine's own port: the one it had while that is free, else the next free one after a place of its own. */
export async function choosePort(folder: string): Promise<number> {
  const file = join(folder, 'run', 'port');
  const kept = readPort(file);
  if (kept !== undefined && (await isFree(kept))) return kept;
  const start = createHash('sha256').update(folder).digest().readUInt32BE() % portCount;
  for (let step = 0; step < portCount; step += 1) {
    const port = firstPort + ((start + step) % portCount);
    if (port === kept || !(await isFree(port))) continue;
    replaceFile(file, String(port), { mode: 0o600 });
    return port;
  }
  throw new PlaneError('unavailable', `cannot choose a port for machine ${folder}: none is free; stop what listens on 127.0.0.1`);
}

/**
 * The uid that listens on a loopback port, from the kernel's socket table: whoever listens there gets the gateway's token
 * shown, and it must be the agent itself. `undefined` when nobody does.
 */
export function findListener(port: number, table: string = readFileSync('/proc/net/tcp', 'utf8')): number | undefined {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const listening = '0A';
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (columns[1] === local && columns[3] === listening) return Number(columns[7]);
  }
  return undefined;
}
