import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PlaneError } from '../../functions/core/errors.ts';

const run = promisify(execFile);

/** A push of two small files takes seconds; Google\u2019s side may be slow. */
const limitMs = 120_000;

/** Beside this repository\u2019s own dependencies: clasp is a tool and exports nothing. */
const program = fileURLToPath(new URL('../../node_modules/@google/clasp/build/src/index.js', import.meta.url));

/** What a failed program printed, for people; clasp names a file of keys at most, never what is in it. */
function saidBy(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const [stderr, stdout] = ['stderr', 'stdout'].map((name) => String(Reflect.get(error, name) ?? '').trim());
  return (stderr || stdout || 'it did not start').split('\n').slice(-5).join(' ');
}

export interface Clasp {
  /** Put here exactly what goes up. */
  readonly folder: string;
  readonly run: (...args: readonly string[]) => Promise<string>;
  readonly close: () => Promise<void>;
}

/**
 * clasp over a folder of its own, outside the repository: a push replaces the whole script by what lies there. `auth` is the
 * `.clasprc.json` of `clasp login`, its default unless given.
 */
export async function openClasp(scriptId: string, auth: string | undefined): Promise<Clasp> {
  // clasp refuses a folder that is reached through a symbolic link (3.4).
  const root = await mkdtemp(join(await realpath(tmpdir()), 'agents-plane-addon-'));
  const folder = join(root, 'dist');
  await writeFile(join(root, '.clasp.json'), JSON.stringify({ scriptId, rootDir: 'dist' }));
  return {
    folder,
    async run(...args) {
      const flags = auth === undefined ? [] : ['--auth', auth];
      try {
        const { stdout } = await run(process.execPath, [program, ...flags, ...args], { cwd: dirname(folder), timeout: limitMs });
        return stdout;
      } catch (cause) {
        const remedy =
          'sign in with `npx clasp login`, switch the Apps Script API on at script.google.com/home/usersettings, check the ids';
        throw new PlaneError('unavailable', `cannot run clasp ${args[0] ?? ''} for script ${scriptId}: ${saidBy(cause)}; ${remedy}`, {
          cause,
        });
      }
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}
