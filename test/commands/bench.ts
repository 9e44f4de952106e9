import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPlanes } from '../../scripts/commands/program.ts';
import type { Surroundings } from '../../scripts/commands/surroundings.ts';
import { companyRows } from './company-rows.ts';
import { createCompany } from './company.ts';
import { openLoopback } from './loopback-plane.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly complaints: string;
}

/** Runs command lines against an address, as a script would: nobody to ask unless `answer` says something. */
export function createRunner(folder: string, changes: Partial<Surroundings> = {}) {
  return async (line: readonly string[], { answer, ...more }: Partial<Surroundings> & { answer?: string } = {}): Promise<Ran> => {
    let [out, complaints] = ['', ''];
    const code = await runPlanes(line, {
      write: (text) => void (out += text),
      complain: (text) => void (complaints += text),
      ...{ now: () => Date.parse('2026-11-22T17:00:30.000Z'), random: () => 'key', timeZone: 'UTC', terminal: false },
      config: { contextsDir: join(folder, 'contexts'), colors: true },
      shell: async () => Promise.reject(new Error('no shell here')),
      interruptible: (work) => work(new AbortController().signal),
      sleep: async () => undefined,
      ...(answer === undefined ? {} : { ask: async () => answer }),
      ...changes,
      ...more,
    });
    return { code, out, complaints };
  };
}

/** The loopback plane of a small company, and the command line pointed at it. */
export async function openBench() {
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-cli-'));
  const company = createCompany();
  const loopback = await openLoopback(companyRows(company));
  const run = createRunner(folder, { config: { contextsDir: join(folder, 'contexts'), colors: true, url: loopback.url, token: 't' } });
  return {
    ...{ company, folder, url: loopback.url, heard: loopback.heard, run },
    /** Runs a line that must come out well; answers its JSON. */
    async json(...line: string[]): Promise<Record<string, unknown>> {
      const { code, out, complaints } = await run([...line, '--json']);
      if (code !== 0) throw new Error(`planes ${line.join(' ')} ended with ${code}: ${complaints}`);
      return JSON.parse(out) as Record<string, unknown>;
    },
    file(name: string, text = ''): string {
      const path = join(folder, name);
      if (text !== '') writeFileSync(path, text);
      return path;
    },
    async close() {
      await loopback.close();
      rmSync(folder, { recursive: true });
    },
  };
}
export type Bench = Awaited<ReturnType<typeof openBench>>;
