import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { PlaneError } from '../../../functions/core/errors.ts';
import { replaceFile } from '../../../functions/providers/infra/machine-files.ts';
import { toCommand } from '../habitat.ts';
import type { OpenClaw } from '../settings.ts';
import { limits } from './layout.ts';

/** What a child needs to pack or unpack as the agent. */
export interface Archiving {
  readonly folder: string;
  readonly uid: number | undefined;
  readonly openclaw: OpenClaw;
  /** The sidecar's own bundle. */
  readonly program: string;
}

const longestComplaint = 500;

/** The bundle again, where the agent can read it: the installation may lie in a folder that is closed to agents. */
function layProgram({ folder, program }: Archiving): string {
  const copy = join(folder, 'sidecar.mjs');
  const text = readFileSync(program, 'utf8');
  if (!existsSync(copy) || readFileSync(copy, 'utf8') !== text) replaceFile(copy, text, { mode: 0o644 });
  return copy;
}

/** Starts the sidecar's own program as the agent, with nothing of our environment. */
function startChild(archiving: Archiving, args: readonly string[]) {
  const { folder, uid, openclaw } = archiving;
  const flags = ['--max-old-space-size=128', '--disable-warning=ExperimentalWarning'];
  const [command = '', ...rest] = toCommand(uid, [openclaw.node, ...flags, layProgram(archiving), ...args]);
  const env = { PATH: '/usr/bin:/bin', TMPDIR: join(folder, 'tmp') };
  return spawn(command, rest, { cwd: '/', env, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Resolves when the child has gone well; throws what it said last when not. */
function outcomeOf(child: ChildProcess, what: string): Promise<void> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (said = (said + chunk).slice(-longestComplaint)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) return resolve();
      reject(new PlaneError('preconditionFailed', said.trim() === '' ? `cannot ${what}: it was ended` : said.trim()));
    });
  });
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
  child.stdin.end();
  const source = createGzip();
  const outcome = outcomeOf(child, 'back up');
  // A child that fails closes its output in good order: only its outcome may end the archive.
  const scanned = refuseSecrets(secrets);
  const flow = pipeline(child.stdout, scanned, source, { end: false });
  const finished = Promise.all([outcome, flow]).then(
    () => void source.end(),
    (error: Error) => {
      child.kill('SIGKILL');
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
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (answer = (answer + chunk).slice(0, longestComplaint)));
  // Tar adds to the files: a header for each, and what fills the last block.
  const most = limits.bytes + limits.entries * 4_096;
  try {
    const flow = pipeline(body, createGunzip(), limitBytes(most), child.stdin, { signal });
    // The child ends its input early when it refuses the archive; what it says is the better reason.
    const [went, sent] = await Promise.allSettled([outcome, flow]);
    if (went.status === 'rejected' && sent.status === 'rejected' && child.exitCode === null) throw sent.reason;
    if (sent.status === 'rejected' && child.exitCode !== 1) throw sent.reason;
    if (went.status === 'rejected') throw went.reason;
    return answer.trim();
  } finally {
    child.kill('SIGKILL');
  }
}
