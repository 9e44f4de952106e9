import { chownSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { gatewayTokenName, modelKeyName } from '../../shared/sidecar-names.ts';
import { toMessage } from '../../functions/core/errors.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import { replaceFile } from '../../functions/providers/infra/machine-files.ts';
import { openDoor } from './door.ts';
import type { SecretsReader } from './secrets-reader.ts';

/*
 * OpenClaw asks for secrets by running a program of ours as the agent; that program has no power of its own and passes the
 * question to the sidecar through a socket in a folder that only the agent's group may enter.
 */

/** Relative to the machine's folder: a socket's path has at most 107 bytes, so both sides go to the folder first. */
const socketPath = 'door/secrets.sock';

/** The only secrets an agent's own process may see; join tokens are not among them. */
const open: ReadonlySet<string> = new Set([gatewayTokenName, modelKeyName]);

const questionSchema = z.object({ protocolVersion: z.literal(1), ids: z.array(z.string()).check(z.maxLength(50)) });

/** A plane that gives the secrets itself may be far. */
const patienceMs = 15_000;

export async function answer(question: string, reader: SecretsReader, log: Log, refuse: () => void = () => undefined) {
  const { ids } = questionSchema.parse(JSON.parse(question));
  const values: Record<string, string> = {};
  const errors: Record<string, { code: string }> = {};
  for (const id of ids) {
    if (!open.has(id)) {
      refuse();
      errors[id] = { code: 'NOT_FOUND' };
      continue;
    }
    try {
      values[id] = (await reader.read([id]))[id] ?? '';
    } catch (error) {
      log.warn(`secret ${id} was not given`, { error: toMessage(error) });
      errors[id] = { code: 'NOT_FOUND' };
    }
  }
  return { protocolVersion: 1, values, errors };
}

/** Serves the machine's secrets on its socket; `refuse` hears of each name that is not for the agent. The working directory must be the machine's folder. */
export const serveSecrets = (reader: SecretsReader, gid: number | undefined, log: Log, refuse?: () => void): Promise<Server> =>
  openDoor({ path: socketPath, gid, patienceMs, answer: async (question) => JSON.stringify(await answer(question, reader, log, refuse)) });

const client = `process.chdir(import.meta.dirname);
const { createConnection } = await import('node:net');
const socket = createConnection('${socketPath}');
socket.on('error', (error) => { console.error(error.message); process.exit(1); });
process.stdin.pipe(socket).pipe(process.stdout);
`;

/** A word for sh that stands for itself. */
const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/**
 * Writes what OpenClaw runs: it must be a plain file of the agent's, closed to others and no link (facts/openclaw.md §5). The
 * program behind it stays ours. Call it while nothing runs as the agent.
 */
export function writeResolver(folder: string, node: string, uid: number | undefined): void {
  const program = join(folder, 'resolver.mjs');
  if (!existsSync(program)) replaceFile(program, client, { mode: 0o644 });
  const draft = join(folder, 'resolver.draft');
  rmSync(draft, { force: true });
  writeFileSync(draft, `#!/bin/sh\nexec ${quote(node)} ${quote(program)}\n`, { mode: 0o500 });
  if (uid !== undefined) chownSync(draft, uid, uid);
  renameSync(draft, join(folder, 'resolver'));
}
