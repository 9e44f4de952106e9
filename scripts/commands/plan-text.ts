import type { PlanView } from '../../shared/contract.ts';
import { count, toTable, toUsd } from './output.ts';

const toWord = (value: unknown): string => {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
};
const withOrigin = (value: unknown, origin: string | null): string => (origin === null ? toWord(value) : `${toWord(value)} (${origin})`);
const signed = (usd: number): string => (usd > 0 ? `+${toUsd(usd)}` : toUsd(usd));

export const isEmpty = ({ counts, definition }: PlanView): boolean => counts.agents === 0 && definition.length === 0;

/** A plan as people read it before they say yes. */
export function toPlanText(plan: PlanView): string {
  const rows = plan.agents.flatMap(({ effect, ownerEmail, fields, parts, notes }) => [
    ...fields.map(({ field, from, fromOrigin, to, toOrigin }) => [
      ...[effect, ownerEmail, field, withOrigin(from, fromOrigin), withOrigin(to, toOrigin)],
    ]),
    ...parts.map((part) => [effect, ownerEmail, `${part.effect} ${part.part}`, '', '']),
    ...notes.map((note) => [effect, ownerEmail, 'note', note, '']),
  ]);
  const hidden = plan.counts.agents - plan.agents.length;
  const { creates, removes, changes } = plan.counts;
  const money = [
    `${signed(plan.budgetDeltaUsd)} a month of model budget at most`,
    ...(plan.machineDeltaUsd === null ? [] : [`${signed(plan.machineDeltaUsd)} of machines`]),
  ];
  return [
    `Plan ${plan.id} for ${plan.planeId} (revision ${plan.base}), ${plan.state}`,
    ...plan.sentences,
    ...plan.definition.map(({ path, from, to }) => `  ${path}: ${toWord(from)} -> ${toWord(to)}`),
    ...(rows.length === 0 ? [] : [toTable(['EFFECT', 'OWNER', 'WHAT', 'FROM', 'TO'], rows)]),
    ...(hidden > 0 ? [`... and ${count(hidden, 'agent')} more`] : []),
    isEmpty(plan)
      ? 'Nothing would change.'
      : `${count(creates, 'agent')} to create, ${removes} to remove, ${changes} to change; ${money.join(', ')}`,
    ...plan.warnings.map((warning) => `Warning: ${warning}`),
    ...plan.refusals.map((refusal) => `Refused: ${refusal}`),
    ...(plan.needsApproval ? ['Somebody else than who made this plan has to approve it.'] : []),
  ].join('\n');
}
