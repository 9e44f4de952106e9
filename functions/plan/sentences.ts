import { toDisplayName } from '../../shared/display-names.ts';
import type { PlannedAgent } from '../../shared/views-fleet.ts';

const agents = (count: number): string => (count === 1 ? '1 agent' : `${count} agents`);

/** Whole dollars where they are, else two decimals; the sign is said in words. */
const dollars = (usd: number): string => `$${Number.isInteger(usd) ? Math.abs(usd) : Math.abs(usd).toFixed(2)}`;

const setOf = (value: PlannedAgent['fields'][number]['from']): ReadonlySet<string> => new Set(Array.isArray(value) ? value : []);

export interface PlanSums {
  readonly counts: { readonly agents: number; readonly creates: number; readonly removes: number; readonly changes: number };
  readonly budgetDeltaUsd: number;
  /** `null` where the price of any machine is unknown. */
  readonly machineDeltaUsd: number | null;
  readonly sentences: readonly string[];
}

/** `gain CRM` as one agent does it: `gains CRM`, `goes from …`. */
const inSingular = (move: string): string => move.replace(/^\w+/, (verb) => (verb.endsWith('o') ? `${verb}es` : `${verb}s`));

/** How often each thing happens to agents that stay. */
function countMoves(planned: readonly PlannedAgent[]): ReadonlyMap<string, number> {
  const moves = new Map<string, number>();
  const add = (move: string): void => void moves.set(move, (moves.get(move) ?? 0) + 1);
  for (const { effect, fields, parts } of planned) {
    if (effect !== 'change') continue;
    for (const { field, from, to } of fields) {
      if (field === 'modelTier' || field === 'machineType') add(`go from ${toDisplayName(String(from))} to ${toDisplayName(String(to))}`);
      if (field !== 'tools' && field !== 'channels') continue;
      const [was, is] = [setOf(from), setOf(to)];
      for (const item of is) if (!was.has(item)) add(`gain ${toDisplayName(item)}`);
      for (const item of was) if (!is.has(item)) add(`lose ${toDisplayName(item)}`);
    }
    for (const { part } of parts) if (part !== 'runtime') add(`get another ${part}`);
  }
  return moves;
}

/** What a plan comes to, and how to say it to people. Pure. */
export function sumUp(planned: readonly PlannedAgent[]): PlanSums {
  const count = (effect: PlannedAgent['effect']): number => planned.filter((agent) => agent.effect === effect).length;
  const [creates, removes, changes] = [count('create'), count('remove'), count('change')];
  const budgetDeltaUsd = planned.reduce((sum, agent) => sum + agent.budgetDeltaUsd, 0);
  const machines = planned.reduce<number | null>(
    (sum, agent) => (sum === null || agent.machineDeltaUsd === null ? null : sum + agent.machineDeltaUsd),
    0,
  );
  const machineDeltaUsd = machines === null ? null : Math.round(machines * 100) / 100;
  const money = (usd: number, what: string): string[] =>
    usd === 0 ? [] : [`${dollars(usd)} a month ${usd > 0 ? 'more' : 'less'} ${what}`];
  const sentences = [
    ...(creates > 0 ? [`${agents(creates)} ${creates === 1 ? 'is' : 'are'} created`] : []),
    ...(changes > 0 ? [`${agents(changes)} ${changes === 1 ? 'changes' : 'change'}`] : []),
    ...(removes > 0 ? [`${agents(removes)} ${removes === 1 ? 'is' : 'are'} removed`] : []),
    ...(planned.length === 0 ? ['no agent changes'] : []),
    ...money(budgetDeltaUsd, 'for models at most'),
    ...(machineDeltaUsd === null ? ['what machines cost is not known for all of them'] : money(machineDeltaUsd, 'for machines')),
    ...[...countMoves(planned)]
      .sort(([, a], [, b]) => b - a)
      .map(([move, times]) => `${agents(times)} ${times === 1 ? inSingular(move) : move}`),
  ];
  return { counts: { agents: planned.length, creates, removes, changes }, budgetDeltaUsd, machineDeltaUsd, sentences };
}
