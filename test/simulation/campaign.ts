import { drawHistory } from './commands.ts';
import { runHistory } from './history.ts';
import type { Tally } from './session.ts';
import { shrink, toText } from './shrink.ts';

export interface Campaign {
  readonly histories: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly seconds: number;
  readonly tally: Tally;
}

const none: Tally = { verbs: 0, commits: 0, crashesBefore: 0, crashesAfter: 0, faults: 0, stalls: 0 };

/** Runs histories from a list of seeds; a violation is told with its seed and the shortest history that still shows it. */
export async function runCampaign(seeds: readonly number[], stepsEach: number): Promise<Campaign> {
  const startedAt = performance.now();
  const tally = { ...none };
  let [steps, virtualMs] = [0, 0];
  for (const seed of seeds) {
    const history = drawHistory(seed, stepsEach);
    const outcome = await runHistory(history);
    if (outcome.violation !== undefined) {
      const { history: shortest, violation, runs } = await shrink(history);
      throw new Error(`history ${seed} violates ${outcome.violation}\nafter ${runs} runs the shortest is\n${toText(shortest, violation)}`);
    }
    steps += outcome.steps;
    virtualMs += outcome.virtualMs;
    for (const name of Object.keys(none) as (keyof Tally)[]) tally[name] += outcome.tally[name];
  }
  return { histories: seeds.length, steps, virtualMs, seconds: (performance.now() - startedAt) / 1000, tally };
}

/** The first seed that shows a violation, within so many. */
export async function findViolation(
  seeds: readonly number[],
  stepsEach: number,
): Promise<{ readonly histories: number; readonly violation: string } | undefined> {
  for (const [at, seed] of seeds.entries()) {
    const { violation } = await runHistory(drawHistory(seed, stepsEach));
    if (violation !== undefined) return { histories: at + 1, violation };
  }
  return undefined;
}

export const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => from + at);

/** A seed that nobody has seen, or the one that SIMULATION_SEED names. */
export function freshSeed(): number {
  const named = process.env['SIMULATION_SEED'];
  return named === undefined ? Date.now() % 2 ** 31 : Number(named);
}

export function report(title: string, { histories, steps, virtualMs, seconds, tally }: Campaign): void {
  const { verbs, commits, crashesBefore, crashesAfter, faults, stalls } = tally;
  process.stdout.write(
    `${title}: ${histories} histories, ${steps} steps, ${verbs} provider effects, ${commits} commits, ` +
      `${crashesBefore} crashes before and ${crashesAfter} after an effect, ${faults} faults, ${stalls} stalls, ` +
      `${(virtualMs / 3_600_000).toFixed(1)} h of virtual time in ${seconds.toFixed(1)} s (${((seconds * 1e6) / steps).toFixed(0)} µs a step)\n`,
  );
}
