import type { AgentView } from '../shared/contract.ts';

/** Card text is simple HTML, so whatever people typed is escaped before it goes there. */
export const escapeHtml = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');

const colors = { green: '#137333', amber: '#b06000', red: '#c5221f', grey: '#5f6368' } as const;
export type Color = keyof typeof colors;

/** Colour never stands alone: the words carry the meaning. */
export const toColored = (words: string, color: Color): string => `<font color="${colors[color]}">\u25cf ${escapeHtml(words)}</font>`;

const phaseWords = {
  pending: ['Waiting to start', 'grey'],
  provisioning: ['Coming up', 'amber'],
  running: ['Running', 'green'],
  paused: ['Paused', 'grey'],
  removing: ['Being removed', 'amber'],
  removed: ['Removed', 'grey'],
} as const satisfies Record<AgentView['phase'], readonly [string, Color]>;

const healthWords = {
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

const names: Readonly<Record<string, string>> = {
  crm: 'CRM',
  exec: 'Run commands',
  github: 'GitHub',
  ssh: 'SSH',
  googlechat: 'Google Chat',
  whatsapp: 'WhatsApp',
};
export const toName = (word: string): string => names[word] ?? word.charAt(0).toUpperCase() + word.slice(1);
export const toNames = (words: readonly string[]): string => (words.length === 0 ? 'None' : words.map(toName).join(', '));

export const toBudget = (usdPerMonth: number): string => `$${String(usdPerMonth).replace(/\B(?=(?:\d{3})+$)/g, ',')} a month`;

const steps = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
] as const;

/** `iso` as a distance from now; clocks that run ahead count as now. */
export function toAgo(iso: string | null, nowMs: number): string {
  if (iso === null) return 'Never';
  const ageMs = nowMs - Date.parse(iso);
  for (const [unitMs, unit] of steps) {
    const count = Math.floor(ageMs / unitMs);
    if (count >= 1) return `${String(count)} ${unit}${count === 1 ? '' : 's'} ago`;
  }
  return 'Just now';
}
