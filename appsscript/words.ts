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
      return 'built-in default';
    case 'organization':
      return 'organization default';
    case 'user':
      return 'this person\u2019s page';
    default:
      return origin;
  }
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

const names: Readonly<Record<string, string>> = { ...tierNames, ...toolNames, ...channelNames };
export const toName = (word: string): string => names[word] ?? word.charAt(0).toUpperCase() + word.slice(1);
export const toNames = (words: readonly string[]): string => (words.length === 0 ? 'None' : words.map(toName).join(', '));

export const toBudget = (usdPerMonth: number, { money }: Pick<Formats, 'money'>): string => `${money(usdPerMonth)} a month`;

/** `1 agent`, `1,200 agents`. */
export const toAgents = (count: number, { count: show }: Pick<Formats, 'count'>): string => `${show(count)} agent${count === 1 ? '' : 's'}`;

/** A name before a verb or a possessive can be of any length; a button or a title cannot. */
export const toShort = (text: string, most = 80): string => (text.length <= most ? text : `${text.slice(0, most - 1)}\u2026`);

const plainBar = (percent: number): string => {
  // Twenty blocks are the width of a panel.
  const full = Math.max(0, Math.min(20, Math.round(percent / 5)));
  return `${'\u2588'.repeat(full)}${'\u2591'.repeat(20 - full)}`;
};

/** A bar, its share and what that means, as card HTML. */
export const toBar = (percent: number, words: string, color: Color, { percent: share }: Pick<Formats, 'percent'>): string =>
  `<font color="${colors[color]}">${plainBar(percent)}</font> ${share(percent)}${words === '' ? '' : `<br>${toColored(words, color)}`}`;

const budgetWords = {
  ok: ['Within the budget', 'green'],
  near: ['Near the cap', 'amber'],
  exhausted: ['Used up', 'red'],
} as const satisfies Record<AgentView['budget']['state'], readonly [string, Color]>;

export function toBudgetBar({ percent, state }: Pick<AgentView['budget'], 'percent' | 'state'>, formats: Pick<Formats, 'percent'>): string {
  const [words, color] = budgetWords[state];
  return toBar(percent, words, color, formats);
}
