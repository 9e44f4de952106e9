import { channelNames } from '../../shared/display-names.ts';
import type { Part } from './part.ts';
import type { Fields, InfraProvider } from './providers.ts';
import type { AgentRecord } from './records.ts';
import type { Store } from './store.ts';

export interface ChannelsPartDeps {
  readonly infra: Pick<InfraProvider, 'name' | 'lacks' | 'equip'>;
  readonly store: Pick<Store, 'get'>;
  readonly effectMs: number;
  readonly desired: Fields;
}

/** How soon a channel that is coming is looked at again, in milliseconds. */
const waitMs = 5_000;

const toName = (channel: string): string => Object.entries(channelNames).find(([name]) => name === channel)?.[1] ?? channel;

/** What the agent's channels need on its machine beyond OpenClaw: the last part, so that no introduction waits for it. */
export function createChannelsPart(agent: AgentRecord, { infra, store, effectMs, desired }: ChannelsPartDeps): readonly Part[] {
  const { agentId, planeId, incarnation } = agent;
  const { lacks, equip } = infra;
  if (!lacks || !equip) return [];
  const channels = agent.spec.channels.filter((channel) => channel !== 'email');
  if (channels.length === 0) return [];
  /** The version in force: it is another one after an upgrade, which needs other plugins. */
  async function version(): Promise<string | undefined> {
    const heartbeat = await store.get('heartbeats', agentId);
    return heartbeat?.incarnation === incarnation ? heartbeat.openclaw : undefined;
  }
  const part: Part = {
    name: 'channels',
    provider: infra.name,
    errand: true,
    effectMs,
    waitMs,
    desired,
    moves: ['asked'],
    async observe(ctx) {
      const openclaw = await version();
      const found = openclaw === undefined ? [] : await lacks(agentId, channels, openclaw, ctx);
      const common = { state: 'present', owner: { planeId, agentId }, revoked: true } as const;
      const [first] = found;
      if (!first) return { ...common, ready: true, fields: { asked: true } };
      const asked = found.every(({ state }) => state !== 'waiting');
      const failed = found.filter(({ state }) => state === 'failed');
      const words = failed.map(({ channel, detail }) => `${toName(channel)} is not ready: ${detail}`).join('; ');
      const complaint = failed.length === 0 ? {} : { complaint: words };
      return { ...common, ready: false, fields: { asked }, detail: words || first.detail, ...complaint };
    },
    async apply(_changes, ctx) {
      const openclaw = await version();
      if (openclaw !== undefined) await equip(agentId, channels, openclaw, ctx);
    },
  };
  return [part];
}
