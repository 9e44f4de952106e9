import type { Answer } from '../shared/contract.ts';

type Row = Answer<'listAudit'>['rows'][number];

/** One row, or what a machine did in a row for one agent; the newest first. */
export type Entry = { readonly row: Row } | { readonly steps: readonly Row[] };

/** Took in what somebody asked for, of whom a row of their own tells. */
const isEcho = ({ action, actor }: Row): boolean =>
  action === 'agent.change' && actor.kind === 'directory' && actor.via?.includes('@') === true;

/** What the plane does by itself to reach what people asked for, as long as it went well. */
const isStep = (row: Row): boolean =>
  row.actor.kind !== 'user' &&
  (isEcho(row) || /^(?:effect|command|secret|agent\.status|agent\.join)\b/.test(row.action)) &&
  (row.outcome === 'done' || row.outcome === 'begun');

/** Puts steps that stand together into one entry, so that what people did is not lost among them. */
export function foldSteps(rows: readonly Row[]): Entry[] {
  const entries: Entry[] = [];
  for (const row of rows) {
    const last = entries.at(-1);
    if (!isStep(row)) entries.push({ row });
    else if (last && 'steps' in last && last.steps[0]?.about?.agentId === row.about?.agentId)
      entries.splice(-1, 1, { steps: [...last.steps, row] });
    else entries.push({ steps: [row] });
  }
  return entries.flatMap((entry): Entry[] => {
    const [only, another] = 'steps' in entry ? entry.steps : [];
    return only && !another ? [{ row: only }] : [entry];
  });
}
