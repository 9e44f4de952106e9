import type { Channel, ModelTier, Tool } from './agent.ts';

/** How people read what specs, policies and the API spell in lower case. The add-on has the same, and a test holds them together. */
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

/** `CRM` of `crm`; what has no name of its own reads as it is written. */
export const toDisplayName = (word: string): string => names[word] ?? word;
