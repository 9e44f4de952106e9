import type { Outcome } from './history.ts';

/** What a simulation needs to be run at random and to be shrunk. */
export interface Kind<H extends { readonly seed: number; readonly commands: readonly object[] }> {
  readonly draw: (seed: number, steps: number) => H;
  readonly run: (history: H) => Promise<Outcome>;
  /** The same history with less around its commands. */
  readonly simpler: (history: H) => readonly H[];
  /** Where it starts from, for people. */
  readonly describe: (history: H) => string;
}

/** The invariant that a violation is about: `2: …` and `2: …` are the same failure. */
const kindOf = (violation: string | undefined): string | undefined => violation?.split(':')[0];

export interface Shrunk<H> {
  readonly history: H;
  readonly violation: string | undefined;
  readonly runs: number;
}

/** Leaves out whatever the same invariant can be violated without (delta debugging), within so many runs. */
export async function shrink<H extends { readonly seed: number; readonly commands: readonly object[] }>(
  { run, simpler }: Kind<H>,
  history: H,
  budget = 400,
): Promise<Shrunk<H>> {
  const first = await run(history);
  const kind = kindOf(first.violation);
  let best = { ...history, commands: history.commands.slice(0, first.steps) };
  let { violation } = first;
  let runs = 1;

  async function still(candidate: H): Promise<boolean> {
    if (runs >= budget) return false;
    runs += 1;
    const outcome = await run(candidate);
    if (kindOf(outcome.violation) !== kind) return false;
    best = { ...candidate, commands: candidate.commands.slice(0, outcome.steps) };
    ({ violation } = outcome);
    return true;
  }

  for (let size = Math.ceil(best.commands.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.commands.length;) {
      const commands = [...best.commands.slice(0, at), ...best.commands.slice(at + size)];
      if (!(await still({ ...best, commands }))) at += size;
    }
  }
  for (let next: readonly H[] = simpler(best); next.length > 0;) {
    const [candidate, ...others] = next;
    next = candidate && (await still(candidate)) ? simpler(best) : others;
  }
  return { history: best, violation, runs };
}

const toLine = (command: object, at: number): string => {
  const { seed, ms, ...action } = { seed: 0, ms: 0, ...command };
  return `${at + 1}. ${JSON.stringify(action)}, then ${ms} ms [${seed}]`;
};

/** A history for people: enough to run it again. */
export function toText<H extends { readonly seed: number; readonly commands: readonly object[] }>(
  { describe }: Pick<Kind<H>, 'describe'>,
  history: H,
  violation: string | undefined,
): string {
  return [violation ?? 'no violation', `seed ${history.seed}, ${describe(history)}`, ...history.commands.map(toLine)].join('\n');
}
