import { createConnection, type Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import { longestComplaint, perform, type AsAgent, type Task } from './as-agent.ts';
import { findListener } from './gateway-port.ts';

/*
 * The agent of a machine of its own: the sidecar is no root there and asks systemd at two sockets (manifests/machine/systemd),
 * which the kernel opens to the sidecar's uid alone.
 */

export interface Sockets {
  /** One line, start, stop or state; the answer is text. */
  readonly control: string;
  /** One line for sh, then what goes to its input; the answer is its output. */
  readonly errand: string;
}

/** `start` waits for the unit's own; `stop` may take the gateway's ten seconds (openclaw-control@.service ends it after 45 s). */
const controlMs = 50_000;
const lookMs = 1_000;
const longestAnswer = 4_096;

function ask(path: string, word: 'start' | 'stop' | 'state'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    let answer = '';
    socket.setEncoding('utf8');
    socket.setTimeout(controlMs, () => socket.destroy(new Error('it does not answer')));
    socket.on('error', (cause) =>
      reject(new PlaneError('unavailable', `cannot ${word} the gateway: ${toMessage(cause)}; see openclaw-control.socket`, { cause })),
    );
    socket.on('data', (chunk: string) => (answer = (answer + chunk).slice(0, longestAnswer)));
    socket.on('end', () => resolve(answer.trim()));
    socket.end(`${word}\n`);
  });
}

/** Throws `unavailable` with what systemd said. */
async function order(path: string, word: 'start' | 'stop'): Promise<void> {
  const said = await ask(path, word);
  if (said !== 'ok') throw new PlaneError('unavailable', `cannot ${word} the gateway: ${said.slice(0, longestComplaint)}; see its journal`);
}

/** Whether the gateway's unit has ended, and with which code: null after a signal. */
export function readEnding(properties: string): { readonly code: number | null } | undefined {
  const said = new Map(properties.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  const state = said.get('ActiveState');
  if (state !== 'inactive' && state !== 'failed') return undefined;
  return { code: said.get('Result') === 'exit-code' || said.get('Result') === 'success' ? Number(said.get('ExecMainStatus')) : null };
}

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Digits at the very end: how many bytes of complaint come before them, and the exit code. */
const digits = 7;

/** A connection has no exit code and one way out: the complaint and the code come behind the output. */
export function toErrandLine(command: readonly string[]): string {
  if (command.some((word) => /[\0\n]/.test(word))) throw new PlaneError('internal', 'cannot send an errand: it has more than one line');
  const words = command.map(quote).join(' ');
  return `e=$(mktemp) || exit 1; ${words} 2>"$e"; s=$?; m=$(tail -c ${longestComplaint} "$e"); rm -f "$e"; printf '%s%04d%03d' "$m" "$(printf %s "$m" | wc -c)" "$s"\n`;
}

/** Splits what an errand answers. `told` hears what stood behind the output; a null code where nothing did. */
export function splitAnswer(told: (code: number | null, complaint: string) => void): Transform {
  let held = Buffer.alloc(0);
  const longest = longestComplaint + digits;
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      const seen = Buffer.concat([held, chunk]);
      const given = Math.max(0, seen.length - longest);
      held = Buffer.from(seen.subarray(given));
      done(null, given > 0 ? seen.subarray(0, given) : undefined);
    },
    flush(done: TransformCallback) {
      const [, bytes = '', code = ''] = /^(\d{4})(\d{3})$/.exec(held.subarray(-digits).toString('latin1')) ?? [];
      const end = held.length - digits - Number(bytes);
      if (code === '' || end < 0) {
        told(null, '');
        return done(null, held);
      }
      told(
        Number(code),
        held
          .subarray(end, held.length - digits)
          .toString()
          .trim(),
      );
      done(null, held.subarray(0, end));
    },
  });
}

function sendErrand(path: string, command: readonly string[]): Task {
  const socket: Socket = createConnection({ path, allowHalfOpen: true });
  let ending = { code: null as number | null, complaint: '' };
  const output = splitAnswer((code, complaint) => (ending = { code, complaint }));
  const ended = new Promise<typeof ending>((resolve) => {
    output.once('close', () => resolve(ending));
    socket.once('error', (error) => {
      ending = { code: null, complaint: toMessage(error) };
      output.destroy();
    });
    socket.once('close', () => {
      if (!socket.readableEnded) output.destroy();
    });
  });
  socket.write(toErrandLine(command));
  socket.pipe(output);
  return { input: socket, output, ended, kill: () => void socket.destroy() };
}

export interface UnitsOptions extends Sockets {
  readonly uid: number;
  readonly log: Log;
}

export function createUnits({ control, errand, uid, log }: UnitsOptions): AsAgent {
  const run: AsAgent['run'] = (command) => sendErrand(errand, command);

  return {
    laysPrograms: false,
    run,
    async runGateway(_openclaw, port) {
      await order(control, 'start');
      async function awaitExit(): Promise<number | null> {
        for (;;) {
          await sleep(lookMs);
          // Each question starts a unit: while it listens there is none.
          if (findListener(port) === uid) continue;
          const ending = await ask(control, 'state').then(readEnding, (error: unknown) => {
            log.warn('systemd does not say how the gateway is', { error: toMessage(error) });
          });
          if (ending) return ending.code;
        }
      }
      const exit = awaitExit();
      return {
        exit,
        async end() {
          await order(control, 'stop');
          await exit;
        },
      };
    },
    endAll: () => order(control, 'stop'),
    async write(path, text) {
      await perform({ run }, ['sh', '-c', 'umask 077; cat >"$1"', 'sh', path], text);
    },
    async remove(path) {
      await perform({ run }, ['rm', '-f', '--', path]);
    },
    readableProgram: (program) => program,
  };
}
