import { PlaneError, type ErrorCode } from '../../functions/core/errors.ts';
import type { Surroundings } from './surroundings.ts';

const everyMs = 1_000;
/** What passes by itself; a plane that was started again wants another token, which the next call brings. */
const passing: readonly ErrorCode[] = ['unavailable', 'timeout', 'tooManyRequests', 'internal'];

/**
 * Asks a plane until it answers, through a restart of it, for so many milliseconds at most; `undefined` after Ctrl-C. `waiting` is called
 * once when it is first found silent.
 */
export async function untilAnswered<T>(
  ask: () => Promise<T>,
  { now, sleep }: Pick<Surroundings, 'now' | 'sleep'>,
  signal: AbortSignal,
  { mostMs, waiting }: { readonly mostMs: number; readonly waiting: () => void },
): Promise<T | undefined> {
  const end = now() + mostMs;
  let refused = 0;
  for (let silent = false; !signal.aborted; silent = true) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof PlaneError)) throw error;
      if (error.code === 'unauthenticated') refused += 1;
      const passes = passing.includes(error.code) || (error.code === 'unauthenticated' && refused < 2);
      if (!passes || now() >= end) throw error;
      if (!silent) waiting();
    }
    await sleep(everyMs, signal);
  }
  return undefined;
}
