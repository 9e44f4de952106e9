import { join } from 'node:path';
import type { Assignment } from '../../shared/sidecar.ts';
import { gatewayTokenName, modelKeyName } from '../../shared/sidecar-names.ts';
import { toChannels } from './channel-config.ts';
import { pluginId } from './plugin.ts';
import type { ChannelPlugin } from './settings.ts';
import { toToolPolicy } from './tool-policy.ts';

/** The name of our secret resolver and of our model gateway in OpenClaw's config. */
const ours = 'plane';

/** OpenClaw keeps agents, sessions and models under the agent's id; a machine has one. */
export const toEntry = ({ agentId }: Pick<Assignment, 'agentId'>): string => agentId;

const secret = (id: string) => ({ source: 'exec', provider: ours, id });

export interface ConfigOptions {
  readonly assignment: Assignment;
  readonly folder: string;
  /** Where the plane's plugin lies: OpenClaw takes one that is root's or the agent's alone. */
  readonly plugin: string;
  readonly port: number;
  /** What the host holds beside the OpenClaw in force. */
  readonly channelPlugins?: readonly ChannelPlugin[];
}

/** The config of one managed gateway: booted on openclaw@2026.9.6 without a warning (facts/openclaw.md §2.5). */
export function toConfig({ assignment, folder, plugin, port, channelPlugins = [] }: ConfigOptions) {
  const { model, name, tools } = assignment;
  const channels = toChannels(assignment.channels, channelPlugins);
  const primary = `${ours}/${model.id}`;
  return {
    gateway: {
      mode: 'local',
      port,
      // In a container the default is every interface.
      bind: 'loopback',
      auth: { mode: 'token', token: secret(gatewayTokenName) },
      controlUi: { enabled: false },
      http: { endpoints: { chatCompletions: { enabled: true } } },
    },
    secrets: { providers: { [ours]: { source: 'exec', command: join(folder, 'resolver'), jsonOnly: true } } },
    models: {
      mode: 'replace',
      providers: {
        [ours]: {
          baseUrl: model.baseUrl,
          api: model.api,
          apiKey: secret(modelKeyName),
          models: [
            {
              id: model.id,
              name: model.id,
              reasoning: false,
              input: ['text'],
              cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
              contextWindow: model.contextWindow,
              maxTokens: model.maxTokens,
            },
          ],
        },
      },
    },
    agents: {
      defaults: {
        workspace: join(folder, 'workspace'),
        // Without it OpenClaw deletes a BOOTSTRAP.md that lies beside our own SOUL.md (facts/openclaw.md §4).
        skipBootstrap: true,
        model: { primary },
        modelPolicy: { allow: [primary] },
        // A heartbeat of OpenClaw's is a model turn that costs money, no sign of life.
        heartbeat: { every: '0m' },
        sandbox: { mode: 'off' },
        skills: [],
      },
      entries: { [toEntry(assignment)]: { identity: { name } } },
    },
    tools: toToolPolicy(tools),
    session: { dmScope: 'per-channel-peer' },
    browser: { enabled: false },
    memory: { search: { enabled: false } },
    // What is not named stays unloaded: devices, canvas, file transfer, voice.
    plugins: {
      allow: ['anthropic', 'memory-core', 'openai', pluginId, ...channels.allow],
      load: { paths: [plugin, ...channels.paths] },
      entries: { [pluginId]: { enabled: true, config: { folder } } },
    },
    ...channels.config,
    // The default file is one in /tmp for all gateways of a host. Replies are logged at level info, and the console is what admins read.
    logging: { file: join(folder, 'state', 'logs', 'gateway.log'), consoleLevel: 'warn' },
    update: { checkOnStart: false, auto: { enabled: false } },
  };
}
