import type { Channel, ModelTier, Tool } from '../shared/agent.ts';
import type { AgentView } from '../shared/contract.ts';
import type { Formats } from './formats.ts';

/** Card text is simple HTML, so whatever people typed is escaped before it goes there. */
export const escapeHtml = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');

const colors = { green: '#137333', amber: '#b06000', red: '#c5221f', grey: '#5f6368' } as const;
export type Color = keyof typeof colors;

/** Colour never stands alone: the words carry the meaning. */
export const toColored = (words: string, color: Color): string => `<font color="${colors[color]}">\u25cf ${escapeHtml(words)}</font>`;

export const phaseWords = {
  pending: ['Waiting to start', 'grey'],
  provisioning: ['Coming up', 'amber'],
  running: ['Running', 'green'],
  paused: ['Paused', 'grey'],
  removing: ['Being removed', 'amber'],
  removed: ['Removed', 'grey'],
} as const satisfies Record<AgentView['phase'], readonly [string, Color]>;

export const healthWords = {
  green: ['Healthy', 'green'],
  yellow: ['Slow to report', 'amber'],
  red: ['Not responding', 'red'],
  unknown: ['No report yet', 'grey'],
} as const satisfies Record<AgentView['health'], readonly [string, Color]>;

/** Phase and health as one colour and its words. */
export function toStatus({ phase, health, conditions }: Pick<AgentView, 'phase' | 'health' | 'conditions'>): {
  words: string;
  color: Color;
} {
  const [phaseText, phaseColor] = phaseWords[phase];
  if (phase === 'running') {
    const [healthText, healthColor] = healthWords[health];
    const calm = health === 'green' && conditions.length > 0;
    return { words: `${phaseText}, ${calm ? 'needs attention' : healthText.toLowerCase()}`, color: calm ? 'amber' : healthColor };
  }
  return conditions.length > 0 && phase !== 'removed'
    ? { words: `${phaseText}, needs attention`, color: 'amber' }
    : { words: phaseText, color: phaseColor };
}

const conditionWords: Readonly<Record<string, string>> = {
  InvalidSpec: 'A value on this person\u2019s page cannot be used',
  NoHeartbeat: 'The agent has gone silent',
  AmbiguousPlane: 'More than one plane claims this person',
  OwnedByAnother: 'Something needed for this agent belongs to someone else',
  NeedsApproval: 'A change waits for somebody to approve it',
  ProviderFailed: 'A system the agent runs on refused',
  BudgetExhausted: 'The budget for this month is used up',
};

export const toConditionTitle = (type: string): string => conditionWords[type] ?? type.replace(/([a-z])([A-Z])/g, '$1 $2');

/** `ou:/Sales` and its kin, in the words of the Admin console. */
export function toOriginWords(origin: string): string {
  if (origin.startsWith('ou:')) return `organizational unit ${origin.slice(3)}`;
  if (origin.startsWith('group:')) return `group ${origin.slice(6)}`;
  if (origin.startsWith('service:')) return `app switched for ${toOriginWords(origin.slice(8))}`;
  if (origin.startsWith('grant:')) return `request approved by ${origin.slice(6)}`;
  switch (origin) {
    case 'default':
      return 'the default';
    case 'organization':
      return 'the organization';
    case 'user':
      return 'this person\u2019s page';
    default:
      return origin;
  }
}

const reasonWords: Readonly<Record<string, string>> = {
  suspended: 'The person was suspended',
  deleted: 'The person was deleted',
  archived: 'The person was archived',
  'no plane claims this user': 'No plane is responsible for this person any more',
  'plane removed': 'The whole plane was removed',
};

/** Why an agent went, as an admin would say it; what is not known here reads as it is written. */
export function toReasonWords(reason: string): string {
  const [, turned, origin] = /^(switched off|enabled) by (.+)$/.exec(reason) ?? [];
  if (origin !== undefined) return `${turned === 'enabled' ? 'Switched on' : 'Switched off'}: ${toOriginWords(origin)}`;
  return reasonWords[reason] ?? conditionWords[reason] ?? reason.charAt(0).toUpperCase() + reason.slice(1);
}

const originScope = /^(ou|group):(.*)$/s;

/** `/Sales` and `the whole company`, as people say where something holds. */
export function toScopeWords(scope: string): string {
  const [, kind, name = ''] = originScope.exec(scope) ?? [];
  if (kind === undefined || (kind === 'ou' && name === '/')) return 'the whole company';
  return kind === 'ou' ? name : `group ${name}`;
}

/** Each list in the order in which forms offer it. */
export const tierNames = { haiku: 'Haiku', sonnet: 'Sonnet', opus: 'Opus' } as const satisfies Record<ModelTier, string>;
export const toolNames = {
  calendar: 'Calendar',
  crm: 'CRM',
  email: 'Email',
  exec: 'Run commands',
  github: 'GitHub',
  ssh: 'SSH',
} as const satisfies Record<Tool, string>;
export const channelNames = {
  email: 'Email',
  googlechat: 'Google Chat',
  slack: 'Slack',
  telegram: 'Telegram',
  whatsapp: 'WhatsApp',
} as const satisfies Record<Channel, string>;

const fieldTitles: Readonly<Record<string, string>> = {
  agentEnabled: 'Agent',
  modelTier: 'Model',
  budgetCap: 'Budget',
  machineType: 'Machine',
  on: 'Running',
  ouPath: 'Org unit',
  select: 'For',
  kind: 'What',
  spec: 'Settings',
  policies: 'Policies',
  toolAllowlist: 'Tools',
  channelRestrictions: 'Channels',
};
/** A field of a spec or of a detail as forms call it. */
export const toFieldTitle = (field: string): string => {
  const words = field.replace(/[._]/g, ' ').replace(/([a-z])([A-Z])/g, '$1 $2');
  return fieldTitles[field] ?? words.charAt(0).toUpperCase() + words.slice(1);
};

const names: Readonly<Record<string, string>> = { ...tierNames, ...toolNames, ...channelNames };
export const toName = (word: string): string => names[word] ?? word.charAt(0).toUpperCase() + word.slice(1);
export const toNames = (words: readonly string[]): string => (words.length === 0 ? 'None' : words.map(toName).join(', '));

/** Tools that a policy can allow and that nothing stands behind yet. */
export const unconnected: readonly string[] = ['calendar', 'crm', 'email', 'ssh'];

export const toBudget = (usdPerMonth: number, { money }: Pick<Formats, 'money'>): string => `${money(usdPerMonth)} a month`;

/** `1 agent`, `1,200 agents`. */
export const toAgents = (count: number, { count: show }: Pick<Formats, 'count'>): string => `${show(count)} agent${count === 1 ? '' : 's'}`;

/** A name before a verb or a possessive can be of any length; a button or a title cannot. */
export const toShort = (text: string, most = 80): string => (text.length <= most ? text : `${text.slice(0, most - 1)}\u2026`);

const block = '\u2588';
/** The full part in its color, the rest pale; an empty one leaves no mark. */
const toBlocks = (percent: number, color: string): string => {
  // Twenty blocks are the width of a panel.
  const full = Math.max(0, Math.min(20, Math.round(percent / 5)));
  const part = (of: string, length: number): string => (length === 0 ? '' : `<font color="${of}">${block.repeat(length)}</font>`);
  return `${part(color, full)}${part('#dadce0', 20 - full)}`;
};

/** A bar, its share and what that means, as card HTML. */
export const toBar = (percent: number, words: string, color: Color, { percent: share }: Pick<Formats, 'percent'>): string =>
  `${toBlocks(percent, colors[color])} ${share(percent)}${words === '' ? '' : `<br>${toColored(words, color)}`}`;

const budgetWords = {
  ok: ['Within the budget', 'green'],
  near: ['Close to the limit', 'amber'],
  exhausted: ['Used up', 'red'],
} as const satisfies Record<AgentView['budget']['state'], readonly [string, Color]>;

export function toBudgetBar({ percent, state }: Pick<AgentView['budget'], 'percent' | 'state'>, formats: Pick<Formats, 'percent'>): string {
  const [words, color] = budgetWords[state];
  return toBar(percent, words, color, formats);
}
