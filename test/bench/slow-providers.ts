import type { AgentInstance, Providers } from '../../functions/core/providers.ts';
import { createInstantProviders } from '../../scripts/scale/instant-providers.ts';

interface SlowOptions {
  /** From the first wish to delete a machine until it is gone, in milliseconds. */
  readonly deletionMs: number;
  readonly now?: () => number;
}

/** Instant providers but for machines, whose deletion takes its time as a cloud's does: asked for at once, stopped until it is done. */
export function createSlowProviders(planeId: string, { deletionMs, now = Date.now }: SlowOptions) {
  const instant = createInstantProviders(planeId);
  const goneAt = new Map<string, number>();
  let asked = 0;

  async function settle(machine: AgentInstance | undefined, ...[ctx]: Parameters<Providers['infra']['listPrincipals']>) {
    const at = machine && goneAt.get(machine.agentId);
    if (!machine || at === undefined) return machine;
    if (at > now()) return { ...machine, state: 'stopped', detail: 'being deleted' } as const;
    goneAt.delete(machine.agentId);
    await instant.infra.deprovision(machine.agentId, ctx);
    return undefined;
  }

  const providers: Providers = {
    ...instant,
    infra: {
      ...instant.infra,
      async deprovision(agentId, ctx) {
        asked += 1;
        if (!goneAt.has(agentId) && (await instant.infra.status(agentId, ctx))) goneAt.set(agentId, now() + deletionMs);
      },
      status: async (agentId, ctx) => settle(await instant.infra.status(agentId, ctx), ctx),
      async listInstances(plane, ctx) {
        const machines = await Promise.all((await instant.infra.listInstances(plane, ctx)).map((machine) => settle(machine, ctx)));
        return machines.filter((machine) => machine !== undefined);
      },
    },
  };
  return {
    providers,
    /** How often a deletion was asked for. */
    deletionsAsked: () => asked,
  };
}
