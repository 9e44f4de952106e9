import type { Channel, Tool } from '../../shared/agent.ts';

/* The plane's words, again: shared/agent.ts has them as well, and brings zod, which costs 8 MB for each agent of a host. */

const toolTable = { calendar: true, crm: true, email: true, exec: true, github: true, ssh: true } as const satisfies Record<Tool, true>;
const channelTable = {
  email: true,
  googlechat: true,
  slack: true,
  telegram: true,
  whatsapp: true,
} as const satisfies Record<Channel, true>;

export const isTool = (name: string): name is Tool => Object.hasOwn(toolTable, name);
export const isChannel = (name: string): name is Channel => Object.hasOwn(channelTable, name);
export const tools: readonly Tool[] = Object.keys(toolTable).filter(isTool);
export const channels: readonly Channel[] = Object.keys(channelTable).filter(isChannel);
