import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { PlaneError } from '../../../functions/core/errors.ts';
import type { AsAgent, Task } from '../as-agent.ts';
import type { OpenClaw } from '../settings.ts';
import { limits } from './layout.ts';

/** What a child needs to pack or unpack as the agent. */
export interface Archiving {
  readonly folder: string;
  readonly agent: Pick<AsAgent, 'run' | 'readableProgram'>;
  readonly openclaw: OpenClaw;
  /** The sidecar's own bundle. */
  readonly program: string;
}

const longestAnswer = 500;

/** Starts the sidecar's own program as the agent, with nothing of our environment. */
function startChild({ agent, openclaw, program }: Archiving, args: readonly string[]): Task {
  const flags = ['--max-old-space-size=128', '--disable-warning=ExperimentalWarning'];
  // The installation may lie in a folder that is closed to agents.
  return agent.run([openclaw.node, ...flags, agent.readableProgram(program), ...args]);
}

/** Resolves when the child has gone well; throws what it said last when not. */
async function outcomeOf(child: Task, what: string): Promise<void> {
  const { code, complaint } = await child.ended;
  if (code !== 0) throw new PlaneError('preconditionFailed', complaint === '' ? `cannot ${what}: it was ended` : complaint);
}

/** Passes everything on but ends in an error when one of the secrets comes by, also across two chunks. */
export function refuseSecrets(secrets: Readonly<Record<string, string>>): Transform {
  const watched = Object.entries(secrets).filter(([, value]) => value.length >= 8);
  const longest = Math.max(0, ...watched.map(([, value]) => Buffer.byteLength(value)));
  let end = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const seen = Buffer.concat([end, chunk]);
      const found = watched.find(([, value]) => seen.includes(value));
      if (found) {
        const fact = `a file of the agent's holds its secret ${found[0]}`;
        return done(new PlaneError('preconditionFailed', `cannot back up: ${fact}; rotate the secret and have the file removed`));
      }
      end = Buffer.from(seen.subarray(Math.max(0, seen.length - longest + 1)));
      done(null, chunk);
    },
  });
}

function limitBytes(most: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(bytes > most ? new PlaneError('invalid', 'cannot restore this archive: it is too large; restore another backup') : null, chunk);
    },
  });
}

/** The compressed archive of a running machine as it is made; `finished` settles when the last byte was taken, or says why not. */
export function openArchive(
  archiving: Archiving,
  secrets: Readonly<Record<string, string>>,
): { source: Readable; finished: Promise<void> } {
  const child = startChild(archiving, ['pack', archiving.folder, archiving.openclaw.version]);
  child.input.on('error', () => undefined).end();
  const source = createGzip();
  const outcome = outcomeOf(child, 'back up');
  // A child that fails closes its output in good order: only its outcome may end the archive.
  const scanned = refuseSecrets(secrets);
  const flow = pipeline(child.output, scanned, source, { end: false });
  const finished = Promise.all([outcome, flow]).then(
    () => void source.end(),
    (error: Error) => {
      child.kill();
      source.destroy(error);
      throw error;
    },
  );
  finished.catch(() => undefined);
  return { source, finished };
}

/** Unpacks a compressed archive into `<folder>/<target>`, which is there and the agent's; answers the OpenClaw it was made under. */
export async function unpackArchive(archiving: Archiving, target: string, body: Readable, signal: AbortSignal): Promise<string> {
  const child = startChild(archiving, ['unpack', target]);
  const outcome = outcomeOf(child, 'restore');
  let answer = '';
  child.output.setEncoding('utf8').on('data', (chunk: string) => (answer = (answer + chunk).slice(0, longestAnswer)));
  // Tar adds to the files: a header for each, and what fills the last block.
  const most = limits.bytes + limits.entries * 4_096;
  try {
    const flow = pipeline(body, createGunzip(), limitBytes(most), child.input, { signal });
    // The child ends its input early when it refuses the archive; what it says is the better reason.
    const [went, sent] = await Promise.allSettled([outcome, flow]);
    const { code } = await child.ended;
    if (went.status === 'rejected' && sent.status === 'rejected' && code === null) throw sent.reason;
    if (sent.status === 'rejected' && code !== 1) throw sent.reason;
    if (went.status === 'rejected') throw went.reason;
    return answer.trim();
  } finally {
    child.kill();
  }
}
