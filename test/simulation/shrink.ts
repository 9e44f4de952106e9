import type { Command, History } from './commands.ts';
import { runHistory } from './history.ts';

/** The invariant that a violation is about: `2: …` and `2: …` are the same failure. */
const kindOf = (violation: string | undefined): string | undefined => violation?.split(':')[0];

/** Leaves out whatever the same invariant can be violated without (delta debugging), within so many runs. */
export async function shrink(history: History, budget = 400): Promise<{ history: History; violation: string | undefined; runs: number }> {
  const first = await runHistory(history);
  const kind = kindOf(first.violation);
  let best = { ...history, commands: history.commands.slice(0, first.steps) };
  let { violation } = first;
  let runs = 1;

  async function still(candidate: History): Promise<boolean> {
    if (runs >= budget) return false;
    runs += 1;
    const outcome = await runHistory(candidate);
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
  for (const foreign of best.foreign) await still({ ...best, foreign: best.foreign.filter((other) => other !== foreign) });
  while (best.users > 1 && (await still({ ...best, users: best.users - 1 })));
  return { history: best, violation, runs };
}

const toLine = ({ seed, ms, ...action }: Command, at: number): string => `${at + 1}. ${JSON.stringify(action)}, then ${ms} ms [${seed}]`;

/** A history for people: enough to run it again. */
export function toText({ seed, users, workers, foreign, commands }: History, violation: string | undefined): string {
  const head = `seed ${seed}, ${users} users, ${workers} processes${foreign.map(({ user, what }) => `, another plane holds ${what} of user ${user}`).join('')}`;
  return [violation ?? 'no violation', head, ...commands.map(toLine)].join('\n');
}
