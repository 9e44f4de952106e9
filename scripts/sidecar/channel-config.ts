import type { Channel } from '../../shared/agent.ts';
import type { ChannelPlugin } from './settings.ts';

/** The channels that OpenClaw takes up without an account of its own there; each needs a plugin of the host's. */
const blocks: Readonly<Record<string, object>> = {
  // The agent is linked to its owner's own number, and hears what its owner writes to themselves there, and nobody else.
  whatsapp: { enabled: true, dmPolicy: 'allowlist', allowFrom: [], selfChatMode: true, groupPolicy: 'disabled' },
};

/** Which of the channels of an assignment the host has no plugin for yet. */
export const missingOf = (channels: readonly Channel[], plugins: readonly ChannelPlugin[]): readonly Channel[] =>
  channels.filter((channel) => blocks[channel] !== undefined && !plugins.some((plugin) => plugin.channel === channel));

/** What the config says of channels; one whose plugin is not there is left out, because OpenClaw refuses a channel that it does not know. */
export function toChannels(channels: readonly Channel[], plugins: readonly ChannelPlugin[]) {
  const used = plugins.filter(({ channel }) => channels.some((name) => name === channel) && blocks[channel] !== undefined);
  return {
    allow: used.map(({ channel }) => channel),
    paths: used.map(({ folder }) => folder),
    config: used.length === 0 ? {} : { channels: Object.fromEntries(used.map(({ channel }) => [channel, blocks[channel]])) },
  };
}
