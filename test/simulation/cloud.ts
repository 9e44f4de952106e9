import { PlaneError } from '../../functions/core/errors.ts';
import type {
  AgentComputeSpec,
  AgentInstance,
  EgressPolicy,
  NetworkState,
  Owner,
  Principal,
  SecretNamespace,
} from '../../functions/core/providers.ts';
import type { VirtualClock } from './clock.ts';
import type { Random } from './random.ts';

/** How old an answer of a look or a list may be, in milliseconds; shorter than any effect's deadline. */
export const maxLagMs = 2_000;

/** Everywhere a machine can be. */
export const regions = ['r1', 'r2'] as const;

export interface Machine extends Owner {
  readonly machineType: string;
  readonly region: string;
  readonly diskSizeGb: number;
  readonly state: 'on' | 'frozen' | 'stopped' | 'deleting';
  /** Until then it is starting. */
  readonly readyAt: number;
  readonly madeAt: number;
  /** Grows with every start, so that a sidecar knows its own boot. */
  readonly boot: number;
}
export interface Namespace extends Owner {
  readonly values: Readonly<Record<string, string>>;
  readonly grantedTo?: string;
}

/** Things by name that remember what they were a moment ago. */
export interface Shelf<T extends Owner> {
  get(name: string, at?: number): T | undefined;
  /** Every thing as of a moment, with its name. */
  all(at?: number): [string, T][];
  put(name: string, thing: T | undefined): void;
}

function createShelf<T extends Owner>(now: () => number, changed: () => void): Shelf<T> {
  const versions = new Map<string, { readonly since: number; readonly thing: T | undefined }[]>();

  function get(name: string, at = now()): T | undefined {
    return versions.get(name)?.findLast(({ since }) => since <= at)?.thing;
  }

  function put(name: string, thing: T | undefined): void {
    const kept = (versions.get(name) ?? []).slice(-12);
    versions.set(name, [...kept, { since: now(), thing }]);
    changed();
  }

  const all = (at?: number): [string, T][] =>
    [...versions.keys()].flatMap((name): [string, T][] => {
      const thing = get(name, at);
      return thing ? [[name, thing]] : [];
    });

  return { get, all, put };
}

export interface CloudDeps {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly planeId: string;
}

/** What is really there, and the changes that the provider verbs make when they land. Writes by name are strong. */
export function createCloud({ clock, random, planeId }: CloudDeps) {
  const now = (): number => clock.now();
  let changes = 0;
  const changed = (): void => void (changes += 1);
  const principals = createShelf<Principal>(now, changed);
  const namespaces = createShelf<Namespace>(now, changed);
  const networks = createShelf<NetworkState>(now, changed);
  /** Named by agent and region, as zonal clouds do: nothing but the callers' care prevents a second one elsewhere. */
  const machines = createShelf<Machine>(now, changed);
  const shelves = { principals, namespaces, networks, machines } as const;
  const booted = new Set<(agentId: string) => void>();
  let serial = 0;

  function own<T extends Owner>(thing: T | undefined, what: string, agentId: string): T | undefined {
    if (thing && (thing.planeId !== planeId || thing.agentId !== agentId))
      throw new PlaneError(
        'conflict',
        `cannot write ${what} of agent ${agentId}: agent ${thing.agentId} of plane ${thing.planeId} holds it`,
      );
    return thing;
  }

  const machineName = (agentId: string, region: string): string => `${agentId}@${region}`;
  const machinesOf = (agentId: string, at?: number): [string, Machine][] =>
    regions.flatMap((region): [string, Machine][] => {
      const name = machineName(agentId, region);
      const machine = machines.get(name, at);
      return machine ? [[name, machine]] : [];
    });

  function start(name: string, machine: Machine): void {
    const readyAt = now() + random.between(2_000, 9_000);
    machines.put(name, { ...machine, state: 'on', readyAt, boot: (serial += 1) });
    for (const tell of booted) tell(machine.agentId);
  }

  function toInstance({ state, readyAt, ...machine }: Machine, at: number): AgentInstance {
    const { agentId, planeId: plane, machineType, region, diskSizeGb } = machine;
    const on = readyAt <= at ? 'running' : 'preparing';
    return {
      agentId,
      planeId: plane,
      machineType,
      region,
      diskSizeGb,
      state: state === 'on' ? on : state === 'frozen' ? 'frozen' : 'stopped',
    };
  }

  const effects = {
    ensurePrincipal(agentId: string): void {
      if (own(principals.get(agentId), 'principal', agentId)) return;
      principals.put(agentId, { planeId, agentId, id: `sa-${agentId}-${(serial += 1)}` });
    },
    removePrincipal(agentId: string): void {
      if (own(principals.get(agentId), 'principal', agentId)) principals.put(agentId, undefined);
    },
    provision({ agentId, machineType, region, diskSizeGb }: AgentComputeSpec): void {
      const name = machineName(agentId, region);
      const there = own(machines.get(name), 'machine', agentId);
      if (there?.state === 'deleting')
        throw new PlaneError('unavailable', `cannot make machine ${name}: it is being deleted; try again later`);
      if (there?.state === 'on') return;
      start(name, there ?? { planeId, agentId, machineType, region, diskSizeGb, state: 'on', readyAt: 0, madeAt: now(), boot: 0 });
    },
    freeze(agentId: string): void {
      for (const [name, machine] of machinesOf(agentId))
        if (own(machine, 'machine', agentId)?.state === 'on') machines.put(name, { ...machine, state: 'frozen' });
    },
    deprovision(agentId: string): void {
      for (const [name, machine] of machinesOf(agentId)) {
        own(machine, 'machine', agentId);
        if (machine.state === 'deleting') continue;
        machines.put(name, { ...machine, state: 'deleting' });
        clock.schedule(now() + random.between(500, 15_000), () => machines.put(name, undefined));
      }
    },
    restart(agentId: string): void {
      for (const [name, machine] of machinesOf(agentId)) if (own(machine, 'machine', agentId)?.state === 'on') start(name, machine);
    },
    resize(agentId: string, change: { readonly machineType?: string; readonly diskSizeGb?: number }): void {
      for (const [name, machine] of machinesOf(agentId)) {
        if (own(machine, 'machine', agentId)?.state === 'on') start(name, { ...machine, ...change });
        else if (machine.state !== 'deleting') machines.put(name, { ...machine, ...change });
      }
    },
    set(key: string, value: string, agentId: string): void {
      const there = own(namespaces.get(agentId), 'secrets', agentId) ?? { planeId, agentId, values: {} };
      namespaces.put(agentId, { ...there, values: { ...there.values, [key]: value } });
    },
    delete(key: string, agentId: string): void {
      const there = own(namespaces.get(agentId), 'secrets', agentId);
      if (there)
        namespaces.put(agentId, { ...there, values: Object.fromEntries(Object.entries(there.values).filter(([name]) => name !== key)) });
    },
    grant(agentId: string, principalId: string): void {
      const there = own(namespaces.get(agentId), 'secrets', agentId);
      if (!there) throw new PlaneError('notFound', `cannot grant secrets of agent ${agentId}: there are none`);
      namespaces.put(agentId, { ...there, grantedTo: principalId });
    },
    revokeGrant(agentId: string): void {
      const there = own(namespaces.get(agentId), 'secrets', agentId);
      if (!there) return;
      const { grantedTo: _grantedTo, ...rest } = there;
      namespaces.put(agentId, rest);
    },
    purge(agentId: string): void {
      if (own(namespaces.get(agentId), 'secrets', agentId)) namespaces.put(agentId, undefined);
    },
    setupAccess(agentId: string, access: string): void {
      networks.put(agentId, { ...(own(networks.get(agentId), 'network', agentId) ?? { planeId, agentId }), access });
    },
    configureEgress(agentId: string, egress: EgressPolicy): void {
      networks.put(agentId, { ...(own(networks.get(agentId), 'network', agentId) ?? { planeId, agentId }), egress });
    },
    revokeAccess(agentId: string): void {
      const there = own(networks.get(agentId), 'network', agentId);
      if (!there) return;
      const { access: _access, ...rest } = there;
      networks.put(agentId, rest);
    },
    removeNetwork(agentId: string): void {
      if (own(networks.get(agentId), 'network', agentId)) networks.put(agentId, undefined);
    },
  };

  const toSecrets = ({ values, ...rest }: Namespace): SecretNamespace => ({ ...rest, names: Object.keys(values) });

  /** What a look or list answers when it shows the state of a moment. */
  const looks = {
    principal: (agentId: string, at: number) => principals.get(agentId, at),
    principals: (at: number) => principals.all(at).map(([, principal]) => principal),
    status: (agentId: string, at: number) => machinesOf(agentId, at).map(([, machine]) => toInstance(machine, at))[0],
    machines: (at: number) => machines.all(at).map(([, machine]) => toInstance(machine, at)),
    namespace(agentId: string, at: number) {
      const found = namespaces.get(agentId, at);
      return found && toSecrets(found);
    },
    namespaces: (at: number) => namespaces.all(at).map(([, namespace]) => toSecrets(namespace)),
    network: (agentId: string, at: number) => networks.get(agentId, at),
    networks: (at: number) => networks.all(at).map(([, network]) => network),
  };

  /** How much of an agent is really there. */
  function partsOf(agentId: string): string[] {
    const ours = (owner: Owner | undefined): boolean => owner?.planeId === planeId;
    return [
      ...(ours(principals.get(agentId)) ? ['principal'] : []),
      ...(ours(namespaces.get(agentId)) ? ['secrets'] : []),
      ...(ours(networks.get(agentId)) ? ['network'] : []),
      ...(machinesOf(agentId).some(([, machine]) => ours(machine)) ? ['machine'] : []),
    ];
  }

  /** Which parts give an agent power or somebody access to it, right now. */
  function open(agentId: string): ('access' | 'secrets' | 'machine')[] {
    const ours = (owner: Owner | undefined): boolean => owner?.planeId === planeId;
    const network = networks.get(agentId);
    const namespace = namespaces.get(agentId);
    return [
      ...(ours(network) && network?.access !== undefined ? (['access'] as const) : []),
      ...(ours(namespace) && namespace?.grantedTo !== undefined ? (['secrets'] as const) : []),
      ...(machinesOf(agentId).some(([, machine]) => ours(machine) && machine.state === 'on') ? (['machine'] as const) : []),
    ];
  }

  /** What a principal that asks for an agent's secrets is given: nothing unless it is there and they are granted to it. */
  function read(principalId: string, agentId: string): Readonly<Record<string, string>> | undefined {
    const namespace = namespaces.get(agentId);
    if (namespace?.grantedTo !== principalId) return undefined;
    return principals.all().some(([, { id }]) => id === principalId) ? namespace.values : undefined;
  }

  return {
    shelves,
    read,
    /** Grows with every change of anything here. */
    changes: () => changes,
    effects,
    looks,
    machinesOf,
    machineName,
    partsOf,
    open,
    onBoot: (tell: (agentId: string) => void) => void booted.add(tell),
  };
}
export type Cloud = ReturnType<typeof createCloud>;
