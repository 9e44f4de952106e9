import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { readCliConfig } from '../../functions/config-cli.ts';
import type { Surroundings } from './surroundings.ts';

const run = promisify(execFile);
const tokenMs = 60_000;

/** The surroundings of a command that a person or a script started. */
export function createTerminal(): Surroundings {
  const { stdin, stdout, stderr } = process;
  return {
    write: (text) => void stdout.write(text),
    complain: (text) => void stderr.write(text),
    now: () => Date.now(),
    random: randomUUID,
    config: readCliConfig(),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    ...(stderr.isTTY ? { columns: stderr.columns } : {}),
    terminal: stdout.isTTY,
    ...(stdin.isTTY && stderr.isTTY
      ? {
          async ask(question: string) {
            const reader = createInterface({ input: stdin, output: stderr });
            try {
              return await reader.question(question);
            } finally {
              reader.close();
            }
          },
        }
      : {}),
    shell: async (line) => (await run('/bin/sh', ['-c', line], { timeout: tokenMs, maxBuffer: 2 ** 20 })).stdout,
    async interruptible(work) {
      const interruption = new AbortController();
      const stop = (): void => interruption.abort();
      process.once('SIGINT', stop);
      try {
        return await work(interruption.signal);
      } finally {
        process.off('SIGINT', stop);
      }
    },
    sleep: (ms, signal) => pause(ms, undefined, { signal }).catch(() => undefined),
  };
}
