import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PlaneError } from '../../core/errors.ts';
import type { NetworkProvider, NetworkState, Owner } from '../../core/providers.ts';
import type { Ctx } from '../../core/surroundings.ts';
import { destroyFile, ensureFolder, readIfPresent, removeLeftovers, writeFileAtomic } from '../../files.ts';

export interface DirectNetworkOptions {
  readonly planeId: string;
  /** One small file for each agent. Several planes may share it. */
  readonly dir: string;
  /** The loopback port on which the agent's gateway listens, `undefined` while it does not run. */
  readonly portOf: (agentId: string) => Promise<number | undefined>;
}

const fileSchema = z.strictObject({
  version: z.literal(1),
  planeId: z.string(),
  agentId: z.string(),
  access: z.string().optional(),
  egress: z.strictObject({ default: z.enum(['restricted', 'open']), allowedDomains: z.array(z.string()) }).optional(),
});

const suffix = '.json';
const isAgentId = (text: string): boolean => /^[a-z0-9][a-z0-9-]{0,62}$/.test(text);
const toFileText = (state: NetworkState): string => `${JSON.stringify({ version: 1, ...state })}\n`;

/**
 * Agents on this machine's loopback, reached by no other way. It remembers who may reach an agent and which egress policy is
 * in force for it, and refuses a tunnel without access; it does **not** enforce egress: an agent on `direct` can call out to
 * wherever its machine can. Where that matters, run agents behind a network that enforces it. One process writes.
 */
export function createDirectNetwork({ planeId, dir, portOf }: DirectNetworkOptions): NetworkProvider {
  ensureFolder(dir);

  const toPath = (agentId: string): string => join(dir, agentId + suffix);

  function begin(agentId: string, ctx: Ctx): Owner {
    ctx.signal.throwIfAborted();
    if (!isAgentId(agentId)) throw new PlaneError('invalid', `cannot use agent id ${JSON.stringify(agentId)}: it is not a DNS label`);
    return { planeId, agentId };
  }

  function read(agentId: string): NetworkState | undefined {
    const text = readIfPresent(toPath(agentId))?.toString();
    if (text === undefined) {
      // Without the folder nothing is known.
      lstatSync(dir);
      return undefined;
    }
    try {
      const { planeId, agentId, access, egress } = fileSchema.parse(JSON.parse(text));
      return { planeId, agentId, ...(access === undefined ? {} : { access }), ...(egress ? { egress } : {}) };
    } catch (error) {
      throw new PlaneError(
        'internal',
        `cannot read network of agent ${agentId}: its file is broken; restore or remove ${toPath(agentId)}`,
        {
          cause: error,
        },
      );
    }
  }

  /** What is there of ours; throws `conflict` when another holds it. */
  function readOurs(verb: string, mine: Owner): NetworkState | undefined {
    const found = read(mine.agentId);
    if (found && (found.planeId !== mine.planeId || found.agentId !== mine.agentId)) {
      const fact = `plane ${found.planeId} holds it for agent ${found.agentId}; give the planes folders of their own`;
      throw new PlaneError('conflict', `cannot ${verb} network of agent ${mine.agentId} of plane ${planeId}: ${fact}`);
    }
    return found;
  }

  function write(state: NetworkState): void {
    removeLeftovers(dir);
    writeFileAtomic(toPath(state.agentId), toFileText(state), 0o600);
  }

  return {
    name: 'direct',

    async setupAccess(agentId, ownerIdentity, ctx) {
      const mine = begin(agentId, ctx);
      write({ ...readOurs('set up', mine), ...mine, access: ownerIdentity });
    },

    async revokeAccess(agentId, ctx) {
      const found = readOurs('revoke', begin(agentId, ctx));
      if (found?.access === undefined) return;
      const { access: _, ...rest } = found;
      write(rest);
    },

    async configureEgress(agentId, policy, ctx) {
      const mine = begin(agentId, ctx);
      const egress = { default: policy.default, allowedDomains: [...policy.allowedDomains] };
      write({ ...readOurs('configure', mine), ...mine, egress });
    },

    async remove(agentId, ctx) {
      const mine = begin(agentId, ctx);
      if (readOurs('remove', mine)) destroyFile(toPath(agentId));
      removeLeftovers(dir);
    },

    async observe(agentId, ctx) {
      return read(begin(agentId, ctx).agentId);
    },

    async list(ctx) {
      ctx.signal.throwIfAborted();
      const agentIds = readdirSync(dir).flatMap((name) => (name.endsWith(suffix) ? name.slice(0, -suffix.length) : []));
      return agentIds.filter(isAgentId).flatMap((agentId) => read(agentId) ?? []);
    },

    async tunnel(agentId, ctx) {
      const mine = begin(agentId, ctx);
      const refusal = `cannot open tunnel to agent ${agentId}`;
      if (readOurs('open', mine)?.access === undefined) throw new PlaneError('forbidden', `${refusal}: nobody has access to it`);
      const port = await portOf(agentId);
      if (port === undefined) throw new PlaneError('unavailable', `${refusal}: its gateway does not listen yet; try again`);
      return { host: '127.0.0.1', port };
    },
  };
}
