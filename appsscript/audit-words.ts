import type { Answer } from '../shared/contract.ts';
import { phaseWords, toFieldTitle, toName, toReasonWords, toScopeWords } from './words.ts';

type Row = Answer<'listAudit'>['rows'][number];

const actions: Readonly<Record<string, string>> = {
  'access.refused': 'Access was refused',
  'agent.change': 'Agent settings changed',
  'agent.create': 'Agent created',
  'agent.join': 'The machine came up',
  'agent.logs': 'Logs of the agent read',
  'agent.pause': 'Paused',
  'agent.remove': 'Removal began',
  'agent.removed': 'Removed: nothing is left',
  'agent.restart': 'Restarted',
  'agent.rotate': 'Secrets rotated',
  'agent.resume': 'Resumed',
  'agent.status': 'Status changed',
  'approval.approved': 'Large change approved',
  'approval.denied': 'Large change denied',
  'audit.export': 'Audit log exported',
  'budget.alert': 'Budget alert',
  'capability.ask': 'Agent asked for more',
  'cost.download': 'Cost report downloaded',
  'cost.link': 'Link to a cost report made',
  'drift.heal': 'Set right what had drifted',
  'grant.revoked': 'Granted request taken back',
  'kernel.refused': 'Refused by the operating system',
  'kernel.unheard': 'More was refused than could be noted',
  'model.call': 'Model calls',
  'model.refuse': 'Model calls refused',
  'operation.begin': 'Work on many agents began',
  'operation.cancel': 'Work on many agents stopped',
  'operation.done': 'Work on many agents finished',
  'operation.resume': 'Work on many agents continued',
  'plan.applied': 'Plan applied',
  'plan.approved': 'Plan approved',
  'plan.denied': 'Plan denied',
  'plan.waiting': 'Plan waits for a second person',
  'plane.change': 'Policies or settings changed',
  'request.approved': 'Request approved',
  'request.denied': 'Request denied',
  'secret.read': 'Secrets read by the machine',
  'user.requests': 'Changed on the person\u2019s page',
};

const partWords: Readonly<Record<string, string>> = {
  principal: 'account',
  secrets: 'secrets',
  access: 'network access',
  egress: 'outgoing network rules',
  machine: 'machine',
  runtime: 'OpenClaw',
  introduction: 'introduction mail',
};
/** A part of an agent as an admin would call it. */
export const toPartWords = (part: string): string => partWords[part] ?? part;

const deeds: Readonly<Record<string, readonly [began: string, ended: string]>> = {
  apply: ['Setting up', 'Set up'],
  remove: ['Deleting', 'Deleted'],
  revoke: ['Taking access from', 'Took access from'],
  restart: ['Restarting', 'Restarted'],
};

/** `effect.end apply` of a part, as what became of it. */
function toEffectWords(action: string, target: string): string | undefined {
  const [, stage, verb = ''] = /^effect\.(start|end) (\w+)$/.exec(action) ?? [];
  const deed = deeds[verb];
  return stage === undefined || deed === undefined ? undefined : `${deed[stage === 'start' ? 0 : 1]}: ${toPartWords(target)}`;
}

/** `agent.change` in words; actions that are not known here read as they are written. */
export function toActionWords({ action, target }: Pick<Row, 'action' | 'target'>): string {
  const words = action
    .replace(/[._]/g, ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return actions[action] ?? toEffectWords(action, target) ?? words.charAt(0).toUpperCase() + words.slice(1);
}

const actorWords: Readonly<Record<string, string>> = {
  system: 'the plane',
  plane: 'the plane',
  directory: 'the plane, following the directory',
  agent: 'the agent',
  sidecar: 'the agent\u2019s machine',
};

/** What led to it: work on many agents or a plan, or a way in. */
export const toViaWords = (via: string): string =>
  via.startsWith('operation/') ? 'work on many agents' : via.startsWith('plan-') ? 'a plan' : via;

export const toActorWords = ({ kind, id }: Row['actor']): string => (kind === 'user' ? id : (actorWords[kind] ?? `${kind} ${id}`));

/** `Agent of Carol Chen, carol@acme.test (anjioyo44l4yh7uv)`, or what else a row names. */
export function toTargetWords({ about, action, target }: Row): string {
  // Plans and work on many agents have ids that only machines use.
  const part = /^(?:effect|operation|plan|plane)\./.test(action) || target === about?.agentId || target === about?.ownerId ? '' : target;
  if (about === null) return part === '' ? '' : `On ${part}`;
  const agent = `Agent of ${about.ownerName}, ${about.ownerEmail} (${about.agentId})`;
  return part === '' || part === about.ownerEmail ? agent : `${agent}: ${part}`;
}

const phases: Readonly<Record<string, readonly [string, unknown]>> = phaseWords;

/** `Set up: account; Set up: secrets; Status: Coming up \u2192 Running`, the earliest first. */
export function toStepsWords(steps: readonly Row[]): string {
  const words = [...steps]
    .reverse()
    .filter(({ outcome }) => outcome === 'done')
    .map((row) => (row.action === 'agent.status' ? `Status: ${toDetailWords(row.detail)}` : toActionWords(row)));
  return words.filter((word, at) => words.indexOf(word) === at).join('; ');
}

/** One value of a detail, short enough for a row. */
function show(value: unknown, field = ''): string {
  if (field === 'reason' && typeof value === 'string') return toReasonWords(value).toLowerCase();
  if (field === 'select') return toSelectWords(value);
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (field === 'budgetCap' && typeof value === 'number') return `$${String(value)}`;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.map(toName).join(', ') || 'none';
  const text = typeof value === 'string' ? (field === 'modelTier' ? toName(value) : value) : (JSON.stringify(value) ?? '');
  return text.length <= 60 ? text : `${text.slice(0, 59)}\u2026`;
}

/** Whom work on many agents is for. */
function toSelectWords(select: unknown): string {
  if (typeof select !== 'object' || select === null) return show(select);
  if ('ou' in select) return toScopeWords(`ou:${String(select.ou)}`);
  return 'group' in select ? toScopeWords(`group:${String(select.group)}`) : 'all' in select ? toScopeWords('all') : 'chosen agents';
}

/** What a machine keeps count of, and what the card says already. */
const forMachines = new Set([
  ...[
    'revision',
    'incarnation',
    'fence',
    'restarts',
    'replacements',
    'diskSizeGb',
    'secretsVersion',
    'secretsRotatedAt',
    'provider',
    'ok',
    'boot',
  ],
  ...['agentId', 'planeId', 'ownerId', 'ownerEmail', 'ownerName', 'changedAt', 'labels', 'desired', 'paused', 'hash', 'base', 'managedBy'],
  ...['ring', 'concurrency', 'maxFailurePercent', 'waiting', 'running', 'rolledBack', 'skipped', 'args', 'removal', 'identity'],
]);

const fieldOf = (path: string): string => path.replace(/^(?:definition\.)?(?:spec\.)?/, '');
/** What another field of the same row says already. */
const isCopy = (field: string): boolean => /^(?:requests|policy|labels)\b/.test(field) || field === 'name';
const titleOf = (field: string): string => toFieldTitle(field).toLowerCase();

const toPauseWords = (paused: unknown): string[] =>
  typeof paused === 'object' && paused !== null && 'reason' in paused ? [`reason: ${show(paused.reason)}`] : [];

/** `budget: $50 \u2192 $200`, where a detail holds a list of changes of fields. */
function toChangeWords(value: readonly unknown[]): string[] {
  return value.flatMap((change) => {
    if (typeof change !== 'object' || change === null || !('to' in change)) return [];
    const path = 'field' in change ? change.field : 'path' in change ? change.path : undefined;
    if (typeof path !== 'string') return [];
    const field = fieldOf(path);
    if (field === 'paused') return toPauseWords(change.to);
    if (forMachines.has(field) || isCopy(field)) return [];
    const from = 'from' in change ? change.from : null;
    const nested = (side: unknown): boolean =>
      typeof side === 'object' && side !== null && !(Array.isArray(side) && typeof side[0] !== 'object');
    if (nested(from) || nested(change.to)) return [titleOf(field)];
    return [
      from === null
        ? `${titleOf(field)}: ${show(change.to, field)}`
        : `${titleOf(field)}: ${show(from, field)} \u2192 ${show(change.to, field)}`,
    ];
  });
}

/** `budget: $50 \u2192 $200, model: Opus`, as far as a row has room; what only machines use is left to the CLI. */
export function toDetailWords(detail: Row['detail']): string {
  if (typeof detail !== 'object' || detail === null) return detail === null ? '' : show(detail);
  if ('from' in detail && 'to' in detail && Object.keys(detail).length === 2) {
    const [from, to] = [detail['from'], detail['to']].map((side) => (typeof side === 'string' ? (phases[side]?.[0] ?? side) : show(side)));
    return `${from ?? ''} \u2192 ${to ?? ''}`;
  }
  const words = Object.entries(detail).flatMap(([name, value]) => {
    if (name === 'changes' && Array.isArray(value)) return toChangeWords(value);
    if (forMachines.has(name) || value === null || value === undefined || value === 0) return [];
    if (typeof value === 'object' && 'from' in value && 'to' in value)
      return [`${titleOf(name)}: ${show(value['from'], name)} \u2192 ${show(value['to'], name)}`];
    return [`${titleOf(name)}: ${show(value, name)}`];
  });
  return words.slice(0, 8).join('; ');
}
