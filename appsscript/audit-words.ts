import type { Answer } from '../shared/contract.ts';

type Row = Answer<'listAudit'>['rows'][number];

const actions: Readonly<Record<string, string>> = {
  'access.refused': 'Access was refused',
  'agent.change': 'Settings changed',
  'agent.create': 'Agent created',
  'agent.join': 'The machine came up',
  'agent.pause': 'Paused',
  'agent.remove': 'Removal began',
  'agent.removed': 'Removed',
  'agent.restart': 'Restarted',
  'agent.rotate': 'Secrets rotated',
  'agent.resume': 'Resumed',
  'agent.status': 'Status changed',
  'effect.end apply': 'Work on a part ended',
  'effect.end remove': 'Taking a part away ended',
  'effect.start apply': 'Work on a part began',
  'effect.start remove': 'Taking a part away began',
  'secret.read': 'Secrets read by the machine',
  'user.requests': 'Wishes on the person\u2019s page changed',
};

/** `agent.change` in words; actions that are not known here read as they are written. */
export const toActionWords = (action: string): string => {
  const words = action
    .replace(/[._]/g, ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return actions[action] ?? words.charAt(0).toUpperCase() + words.slice(1);
};

const actorWords: Readonly<Record<string, string>> = { system: 'the plane', agent: 'the agent', sidecar: 'the agent\u2019s machine' };

export const toActorWords = ({ kind, id }: Row['actor']): string => (kind === 'user' ? id : (actorWords[kind] ?? kind));

/** One value of a detail, short enough for a row. */
function show(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length <= 60 ? text : `${text.slice(0, 59)}\u2026`;
}

/** `budgetCap: 50 to 200`, where a detail holds a list of changes of fields. */
function toChangeWords(value: unknown): string | undefined {
  if (!Array.isArray(value)) return undefined;
  const words = value.flatMap((change: unknown) => {
    if (typeof change !== 'object' || change === null || !('field' in change) || !('to' in change)) return [];
    const field = String(change.field).replace(/^spec\./, '');
    const from = 'from' in change ? change.from : null;
    return [`${field}: ${from === null ? 'nothing' : show(from)} to ${change.to === null ? 'nothing' : show(change.to)}`];
  });
  return words.length === value.length ? words.join(', ') : undefined;
}

/** `budgetCap: 50 to 200, modelTier: opus`, as far as a row has room. */
export function toDetailWords(detail: Row['detail']): string {
  if (typeof detail !== 'object' || detail === null) return detail === null ? '' : show(detail);
  const words = Object.entries(detail)
    .slice(0, 6)
    .map(([name, value]) => {
      if (typeof value === 'object' && value !== null && 'from' in value && 'to' in value)
        return `${name}: ${show(value['from'])} to ${show(value['to'])}`;
      return toChangeWords(value) ?? `${name}: ${show(value)}`;
    });
  return words.join(', ');
}
