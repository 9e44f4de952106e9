import { drawHistory, type History } from './commands.ts';
import { runHistory } from './history.ts';
import { drawIntakeHistory, type IntakeHistory } from './intake-commands.ts';
import { runIntakeHistory } from './intake-history.ts';
import { shrink, toText, type Kind } from './shrink.ts';

export interface Campaign {
  readonly histories: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly seconds: number;
  readonly tally: Readonly<Record<string, number>>;
}

const core: Kind<History> = {
  draw: drawHistory,
  run: runHistory,
  simpler: (history) => [
    ...history.foreign.map((each) => ({ ...history, foreign: history.foreign.filter((other) => other !== each) })),
    ...(history.users > 1 ? [{ ...history, users: history.users - 1 }] : []),
    ...history.commands.flatMap(({ beside, ...command }, at) =>
      beside ? [{ ...history, commands: history.commands.with(at, command) }] : [],
    ),
  ],
  describe: ({ users, workers, foreign }) =>
    `${users} users, ${workers} processes${foreign.map(({ user, what }) => `, another plane holds ${what} of user ${user}`).join('')}`,
};

const intake: Kind<IntakeHistory> = {
  draw: drawIntakeHistory,
  run: runIntakeHistory,
  simpler: (history) => (history.workers > 1 ? [{ ...history, workers: 1 }] : []),
  describe: ({ workers, plane, mood }) => `${workers} processes, plane ${plane}, ${mood}`,
};

/** Runs histories from a list of seeds; a violation is told with its seed and the shortest history that still shows it. */
function createCampaign<H extends { readonly seed: number; readonly commands: readonly object[] }>(kind: Kind<H>) {
  return async function runCampaign(seeds: readonly number[], stepsEach: number): Promise<Campaign> {
    const startedAt = performance.now();
    const tally: Record<string, number> = {};
    let [steps, virtualMs] = [0, 0];
    for (const seed of seeds) {
      const history = kind.draw(seed, stepsEach);
      const outcome = await kind.run(history);
      if (outcome.violation !== undefined) {
        const { history: shortest, violation, runs } = await shrink(kind, history);
        throw new Error(
          `history ${seed} violates ${outcome.violation}\nafter ${runs} runs the shortest is\n${toText(kind, shortest, violation)}`,
        );
      }
      steps += outcome.steps;
      virtualMs += outcome.virtualMs;
      for (const [name, count] of Object.entries<number>({ ...outcome.tally })) tally[name] = (tally[name] ?? 0) + count;
    }
    return { histories: seeds.length, steps, virtualMs, seconds: (performance.now() - startedAt) / 1000, tally };
  };
}
export const runCampaign = createCampaign(core);
export const runIntakeCampaign = createCampaign(intake);

export interface Found {
  readonly histories: number;
  readonly violation: string;
}

/** The first seed that shows a violation, within so many. */
function createFinder<H extends { readonly seed: number; readonly commands: readonly object[] }>({ draw, run }: Kind<H>) {
  return async function findViolation(seeds: readonly number[], stepsEach: number): Promise<Found | undefined> {
    for (const [at, seed] of seeds.entries()) {
      const { violation } = await run(draw(seed, stepsEach));
      if (violation !== undefined) return { histories: at + 1, violation };
    }
    return undefined;
  };
}
export const findViolation = createFinder(core);
export const findIntakeViolation = createFinder(intake);

export const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => from + at);

/** A seed that nobody has seen, or the one that SIMULATION_SEED names. */
export function freshSeed(): number {
  const named = process.env['SIMULATION_SEED'];
  return named === undefined ? Date.now() % 2 ** 31 : Number(named);
}

export function report(title: string, { histories, steps, virtualMs, seconds, tally }: Campaign): void {
  const count = (name: string): number => tally[name] ?? 0;
  const ofIntake =
    tally['reads'] === undefined
      ? ''
      : `${count('reads')} reads of the directory, ${count('signalsLost')} of ${count('signals')} signals lost, ` +
        `${count('approvalsAsked')} approvals asked for, ${count('approvalsDecided')} words on them, `;
  const ofAgents =
    count('modelCalls') === 0
      ? ''
      : `${count('modelCalls')} model calls and ${count('modelRefusals')} refused, ${count('knocks')} knocks of agents, ${count('shown')} answers shown to admins, `;
  process.stdout.write(
    `${title}: ${histories} histories, ${steps} steps, ${count('verbs')} provider effects, ${count('commits')} commits, ${ofIntake}` +
      `${count('crashesBefore')} crashes before and ${count('crashesAfter')} after an effect, ${ofAgents}${count('faults')} faults, ${count('stalls')} stalls, ` +
      `${(virtualMs / 3_600_000).toFixed(1)} h of virtual time in ${seconds.toFixed(1)} s (${((seconds * 1e6) / steps).toFixed(0)} µs a step)\n`,
  );
}
