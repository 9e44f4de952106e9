import type { Channel, Tool } from './agent.ts';
import { channelNames, toolNames } from './display-names.ts';

/** What an agent can do with a tool, in its own words. A tool that is not here may be allowed, and has nothing behind it yet. */
export const abilities: Readonly<Partial<Record<Tool, string>>> = {
  exec: 'run programs in my own workspace',
  github: 'read public web pages, such as issues and pull requests on GitHub',
};

export const toAbilities = (tools: readonly Tool[]): string[] => tools.flatMap((tool) => abilities[tool] ?? []);

export interface Waiting {
  readonly names: string;
  readonly words: string;
}

/** Email is a way to reach the agent as well, which works. */
const nameOf = (tool: Tool): string => (tool === 'email' ? `${toolNames.email} (your own mailbox)` : toolNames[tool]);

/** What is allowed and not connected yet, and who has to do it. `notSetUp` are the channels that an admin has to set up first. */
export function toWaiting(tools: readonly Tool[], notSetUp: readonly Channel[]): Waiting[] {
  const idle = tools.filter((tool) => abilities[tool] === undefined).toSorted();
  return [
    ...(idle.length === 0 ? [] : [{ names: idle.map(nameOf).join(', '), words: 'your admin has to connect this first' }]),
    ...notSetUp.toSorted().map((channel) => ({ names: channelNames[channel], words: 'your admin has to set it up first' })),
  ];
}
export const waitingHeading = 'Allowed, but not connected yet';
