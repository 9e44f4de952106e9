import { chmodSync, chownSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { gatewayTokenName, modelKeyName } from '../../shared/sidecar.ts';
import { toMessage } from '../../functions/core/errors.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import { replaceFile } from '../../functions/providers/infra/local-machine.ts';
import type { SecretsReader } from './secrets-reader.ts';

/*
 * OpenClaw asks for secrets by running a program of ours as the agent; that program has no power of its own and passes the
 * question to the sidecar through a socket in a folder that only the agent's group may enter.
 */

/** Relative to the machine's folder: a socket's path has at most 107 bytes, so both sides go to the folder first. */
const socketPath = 'door/secrets.sock';

/** The only secrets an agent's own process may see; join tokens are not among them. */
const open: ReadonlySet<string> = new Set([gatewayTokenName, modelKeyName]);

const questionSchema = z.object({ protocolVersion: z.literal(1), ids: z.array(z.string()).max(50) });

/** The longest question that is read, in characters. */
const longestQuestion = 16_384;

const patienceMs = 5_000;

export async function answer(question: string, reader: SecretsReader, log: Log) {
  const { ids } = questionSchema.parse(JSON.parse(question));
  const values: Record<string, string> = {};
  const errors: Record<string, { code: string }> = {};
  for (const id of ids) {
    if (!open.has(id)) {
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

/** Serves the machine's secrets on its socket. The working directory must be the machine's folder. */
export async function serveSecrets(reader: SecretsReader, gid: number | undefined, log: Log): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    let question = '';
    socket.setEncoding('utf8');
    socket.setTimeout(patienceMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      question += chunk;
      if (question.length > longestQuestion) socket.destroy();
    });
    socket.on('end', () => {
      answer(question, reader, log).then(
        (said) => socket.end(JSON.stringify(said)),
        () => socket.destroy(),
      );
    });
  });
  server.maxConnections = 16;
  rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  if (gid !== undefined) chownSync(socketPath, process.geteuid?.() ?? 0, gid);
  chmodSync(socketPath, gid === undefined ? 0o600 : 0o660);
  return server;
}

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
