import { familyOf } from '../core/audit.ts';
import type { AuditRow } from '../core/records.ts';
import { canonical, type Json } from '../core/surroundings.ts';

/**
 * Kinds that are asked for by more than what their actions are called: who asks for budgets wants to know who changed one. The field
 * of an agent, and the families whose rows may change it.
 */
const kinds: Readonly<Record<string, { readonly field: string; readonly families: readonly string[] }>> = {
  'budget.': { field: 'budgetCap', families: ['budget', 'user', 'agent', 'plane', 'plan'] },
};

const isRecord = (value: Json | undefined): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

interface Told {
  readonly path: string;
  readonly from: Json;
  readonly to: Json;
}

function toldIn(detail: Json): readonly Told[] {
  const changes = isRecord(detail) ? detail['changes'] : undefined;
  const all = Array.isArray(changes) ? (changes as readonly Json[]) : [];
  return all.filter(isRecord).flatMap(({ field, path, from = null, to = null }) => {
    const name = field ?? path;
    return typeof name === 'string' ? [{ path: name, from, to }] : [];
  });
}

/** An agent or a plane that comes to be has all its fields anew, and none of them changed. */
function changes({ action, detail }: AuditRow, field: string): boolean {
  const within = (value: Json): boolean => isRecord(value) && canonical(value).includes(`"${field}":`);
  return toldIn(detail).some(({ path, from, to }) => {
    const named = path === field || path.endsWith(`.${field}`) || within(from) || within(to);
    return named && !(from === null && (action === 'agent.change' || path === ''));
  });
}

/** The look that took in what somebody asked for, of which their own row tells already; not where a limit made something else of it. */
function isEcho({ actor, detail }: AuditRow, field: string): boolean {
  if (actor.kind !== 'directory' || actor.via?.includes('@') !== true) return false;
  const told = toldIn(detail);
  const [asked, spec, policy] = ['requests', 'spec', 'policy'].map((part) => told.find(({ path }) => path === `${part}.${field}`)?.to);
  // Where the value itself stayed, only what policy says of it is told.
  const given = spec ?? (isRecord(policy) ? policy['value'] : undefined);
  return asked !== undefined && given !== undefined && canonical(asked) === canonical(given);
}

/** Which families of actions are to be read for an action, or for how it begins; none where only a look at all rows tells. */
export const familiesOf = (action: string | undefined): readonly string[] =>
  action === undefined ? [] : (kinds[action]?.families ?? (action.includes('.') ? [familyOf(action)] : []));

/** Whether a row is of the action that was asked for: by its name, or by what was changed. */
export function isOfKind(row: AuditRow, action: string | undefined): boolean {
  if (action === undefined || row.action.startsWith(action)) return true;
  const field = kinds[action]?.field;
  return field !== undefined && changes(row, field) && !isEcho(row, field);
}
