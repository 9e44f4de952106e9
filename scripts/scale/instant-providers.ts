import type { AgentInstance, EgressPolicy, NetworkState, Principal, Providers, SecretNamespace } from '../../functions/core/providers.ts';

/** Providers that answer at once from memory: what a measurement shows is the plane's own work. */
export function createInstantProviders(planeId: string): Providers {
  const principals = new Map<string, Principal>();
  const machines = new Map<string, AgentInstance>();
  const spaces = new Map<string, { values: Map<string, string>; grantedTo?: string }>();
  const network = new Map<string, { access?: string; egress?: EgressPolicy }>();
  const space = (agentId: string) => {
    const found = spaces.get(agentId) ?? { values: new Map<string, string>() };
    spaces.set(agentId, found);
    return found;
  };
  const toNamespace = (agentId: string, { values, grantedTo }: { values: Map<string, string>; grantedTo?: string }): SecretNamespace => ({
    planeId,
    agentId,
    names: [...values.keys()],
    ...(grantedTo === undefined ? {} : { grantedTo }),
  });
  const toNetwork = (agentId: string, held: { access?: string; egress?: EgressPolicy }): NetworkState => ({ planeId, agentId, ...held });

  return {
    infra: {
      name: 'instant',
      principal: async (agentId) => principals.get(agentId),
      listPrincipals: async () => [...principals.values()],
      ensurePrincipal: async (agentId) => void principals.set(agentId, { planeId, agentId, id: `principal-${agentId}` }),
      removePrincipal: async (agentId) => void principals.delete(agentId),
      provision: async ({ agentId, machineType, region, diskSizeGb }) =>
        void machines.set(agentId, { planeId, agentId, machineType, region, diskSizeGb, state: 'running' }),
      freeze: async (agentId) => {
        const machine = machines.get(agentId);
        if (machine) machines.set(agentId, { ...machine, state: 'frozen' });
      },
      deprovision: async (agentId) => void machines.delete(agentId),
      restart: async () => undefined,
      resize: async (agentId, size) => {
        const machine = machines.get(agentId);
        if (machine) machines.set(agentId, { ...machine, ...size });
      },
      versions: async () => ['1.0.0', '2.0.0'],
      offer: async () => true,
      status: async (agentId) => machines.get(agentId),
      listInstances: async () => [...machines.values()],
      logs: async () => [],
    },
    secrets: {
      name: 'instant',
      get: async (key, agentId) => space(agentId).values.get(key) ?? '',
      set: async (key, value, agentId) => void space(agentId).values.set(key, value),
      delete: async (key, agentId) => void space(agentId).values.delete(key),
      list: async (agentId) => [...space(agentId).values.keys()],
      namespace: async (agentId) => {
        const found = spaces.get(agentId);
        return found && toNamespace(agentId, found);
      },
      listNamespaces: async () => [...spaces].map(([agentId, found]) => toNamespace(agentId, found)),
      grant: async (agentId, principalId) => void (space(agentId).grantedTo = principalId),
      revokeGrant: async (agentId) => void delete spaces.get(agentId)?.grantedTo,
      purge: async (agentId) => void spaces.delete(agentId),
    },
    network: {
      name: 'instant',
      setupAccess: async (agentId, access) => void network.set(agentId, { ...network.get(agentId), access }),
      revokeAccess: async (agentId) => {
        const held = network.get(agentId);
        if (held) delete held.access;
      },
      configureEgress: async (agentId, egress) => void network.set(agentId, { ...network.get(agentId), egress }),
      remove: async (agentId) => void network.delete(agentId),
      observe: async (agentId) => {
        const held = network.get(agentId);
        return held && toNetwork(agentId, held);
      },
      list: async () => [...network].map(([agentId, held]) => toNetwork(agentId, held)),
      tunnel: async () => ({ host: '127.0.0.1', port: 1 }),
    },
  };
}
