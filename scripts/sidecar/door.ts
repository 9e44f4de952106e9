import { chmodSync, chownSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';

/** The longest question that is read, in characters. */
const longestQuestion = 16_384;

export interface DoorOptions {
  /** Relative to the machine's folder, which must be the working directory: a socket's path has at most 107 bytes. */
  readonly path: string;
  /** The agent's group, the only one besides us that may knock. */
  readonly gid: number | undefined;
  /** How long a caller may take to ask, and may wait for its answer, in milliseconds. */
  readonly patienceMs: number;
  /** Answers what one caller asked; when it throws, the caller gets no answer. */
  readonly answer: (question: string) => Promise<string>;
}

/** Serves one question for each connection on a socket in a folder that only the agent's group may enter. */
export async function openDoor({ path, gid, patienceMs, answer }: DoorOptions): Promise<Server> {
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
      answer(question).then(
        (said) => socket.end(said),
        () => socket.destroy(),
      );
    });
  });
  server.maxConnections = 16;
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  if (gid !== undefined) chownSync(path, process.geteuid?.() ?? 0, gid);
  chmodSync(path, gid === undefined ? 0o600 : 0o660);
  return server;
}
