import { spawn } from 'node:child_process';
import { closeSync, chownSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import { killAgent, type Habitat } from '../../functions/providers/infra/local-processes.ts';
import { gatewayLog, replaceFile } from '../../functions/providers/infra/machine-files.ts';
import { toCommand, toEnvironment } from './habitat.ts';
import type { OpenClaw } from './settings.ts';

/** One command that runs as the agent. Its output must be read. */
export interface Task {
  readonly input: Writable;
  readonly output: Readable;
  /** What it ended with, null where it was ended, and the last of what it said on standard error. */
  readonly ended: Promise<{ readonly code: number | null; readonly complaint: string }>;
  kill(): void;
}

export interface GatewayRun {
  /** Its exit code, null after a signal. */
  readonly exit: Promise<number | null>;
  /** SIGTERM, and SIGKILL when it takes too long. */
  end(): Promise<void>;
}

/** What a sidecar has done with its agent's power and no more: the agent's files, OpenClaw's command line, the gateway. */
export interface AsAgent {
  /** Nothing of the sidecar's own environment goes along. */
  run(command: readonly string[], environment?: Readonly<Record<string, string>>): Task;
  runGateway(openclaw: OpenClaw, port: number): Promise<GatewayRun>;
  /** Ends everything that runs as the agent. */
  endAll(): Promise<void>;
  /** Makes a file of the agent's, before the agent's first process runs. */
  write(path: string, text: string): Promise<void>;
  /** Takes a file away; one that is not there is fine. */
  remove(path: string): Promise<void>;
  /** Where the agent can read the sidecar's own bundle. */
  readableProgram(program: string): string;
  /** Whether the plane's programs on the machine are the sidecar's to lay down. */
  readonly laysPrograms: boolean;
}

export const longestComplaint = 500;
const stopMs = 10_000;

/** Runs a command to its end and answers its output, at most 64 KiB of it. Throws `internal` when it fails. */
export async function perform(agent: Pick<AsAgent, 'run'>, command: readonly string[], input = '', signal?: AbortSignal): Promise<string> {
  const task = agent.run(command);
  const stop = (): void => task.kill();
  signal?.addEventListener('abort', stop, { once: true });
  // What ends before it has read all of its input says why in its exit code.
  task.input.on('error', () => undefined);
  task.input.end(input);
  let output = '';
  task.output.setEncoding('utf8').on('data', (chunk: string) => (output = (output + chunk).slice(0, 64 * 1024)));
  const { code, complaint } = await task.ended.finally(() => signal?.removeEventListener('abort', stop));
  signal?.throwIfAborted();
  if (code === 0) return output;
  const fact = complaint === '' ? `it ends with ${code}` : complaint;
  throw new PlaneError('internal', `cannot run ${command[0]} as the agent: ${fact}; look at the disk`);
}

/** The agent of a host that others share: children of the sidecar, which is root, under the agent's uid. */
export function createChildren(habitat: Habitat, log: Log): AsAgent {
  const { folder, uid } = habitat;
  const plain = { PATH: '/usr/bin:/bin', TMPDIR: join(folder, 'tmp') };

  return {
    laysPrograms: true,
    run(words, env = plain) {
      const [command = '', ...args] = toCommand(uid, words);
      const child = spawn(command, args, { cwd: '/', env, stdio: ['pipe', 'pipe', 'pipe'] });
      let complaint = '';
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaint = (complaint + chunk).slice(-longestComplaint)));
      const ended = new Promise<{ code: number | null; complaint: string }>((resolve) => {
        child.once('error', (error) => resolve({ code: null, complaint: toMessage(error) }));
        child.once('close', (code) => resolve({ code, complaint: complaint.trim() }));
      });
      return { input: child.stdin, output: child.stdout, ended, kill: () => void child.kill('SIGKILL') };
    },
    async runGateway(openclaw) {
      const [command = '', ...args] = toCommand(uid, [openclaw.node, openclaw.entry, 'gateway']);
      const output = openSync(gatewayLog(folder), 'a', 0o600);
      try {
        const env = toEnvironment(folder, openclaw);
        const cwd = join(folder, 'workspace');
        const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'ignore', output], detached: true });
        const exit = new Promise<number | null>((resolve) => {
          child.once('exit', resolve);
          child.once('error', (error) => {
            log.warn('the gateway did not start', { error: toMessage(error) });
            resolve(null);
          });
        });
        return {
          exit,
          async end() {
            child.kill('SIGTERM');
            const patience = setTimeout(() => child.kill('SIGKILL'), stopMs);
            await exit;
            clearTimeout(patience);
          },
        };
      } finally {
        closeSync(output);
      }
    },
    endAll: () => killAgent(habitat),
    async write(path, text) {
      writeFileSync(path, text, { mode: 0o600 });
      if (uid !== undefined) chownSync(path, uid, uid);
    },
    // Removing a name follows no link.
    remove: async (path) => rmSync(path, { force: true }),
    readableProgram(program) {
      const copy = join(folder, 'sidecar.mjs');
      const text = readFileSync(program, 'utf8');
      if (!existsSync(copy) || readFileSync(copy, 'utf8') !== text) replaceFile(copy, text, { mode: 0o644 });
      return copy;
    },
  };
}
