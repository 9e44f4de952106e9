import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlaneError, toMessage } from '../../core/errors.ts';
import type { AgentComputeSpec, AgentInstance, ChannelLack, InfraProvider } from '../../core/providers.ts';
import { canonical, type Ctx, type Json } from '../../core/surroundings.ts';
import { createChannelPlugins, type ChannelPlugins } from './channel-plugins.ts';
import { readLastLines } from './local-logs.ts';
import * as machines from './local-machine.ts';
import type { Machine } from './local-machine.ts';
import { createSharedPrincipals, createUidPrincipals } from './local-principals.ts';
import { askToEnd, findInhabitants, killAll, stopAll, type Habitat } from './local-processes.ts';
import { createStarter, type Starter } from './local-start.ts';
import { createVersions, type VersionsOptions } from './openclaw-versions.ts';

export interface LocalInfraOptions extends VersionsOptions {
  readonly planeId: string;
  /** One folder for each agent. Every folder above it must let agents pass. */
  readonly machinesDir: string;
  /** What all planes of this host share: which uid belongs to whom. */
  readonly hostDir: string;
  /** Where OpenClaw is installed, once for the whole host. */
  readonly runtimeDir: string;
  /** Holds package.json and package-lock.json of what is installed there. */
  readonly manifestDir: string;
  readonly sidecar: {
    readonly bundle: string;
    /** Handed to the sidecar as it is; no secret, since it is written to machine.json. */
    readonly environment: Json;
  };
  /** Other channel plugins than npm's, for tests. */
  readonly channelPlugins?: ChannelPlugins;
  /** Whether each agent gets a uid of its own; needs root on Linux. */
  readonly separateUsers: boolean;
}

/** How long a machine may take to end in order before it is killed, in milliseconds: an effect has four seconds, and an idle OpenClaw takes two to three. */
const orderlyMs = 2_500;

export interface LocalInfra extends InfraProvider {
  /** Ends the processes of every machine of this plane and keeps the machines: the next `provision` starts them again. */
  powerOff(ctx: Ctx): Promise<void>;
}

/** Agents as processes of this host: each one a folder, a sidecar of the plane's user and an OpenClaw of its own uid. */
export function createLocalInfra(options: LocalInfraOptions): LocalInfra {
  const { planeId, machinesDir, hostDir, sidecar, separateUsers, log } = options;
  const versions = createVersions(options);
  const plugins = options.channelPlugins ?? createChannelPlugins(options);
  const userId = process.geteuid?.() ?? 0;
  const principals = separateUsers ? createUidPrincipals({ machinesDir, hostDir }) : createSharedPrincipals({ machinesDir, userId });
  const folderOf = (agentId: string): string => join(machinesDir, agentId);
  const markOf = (agentId: string): string => machines.frozenMark(folderOf(agentId));
  const habitatOf = ({ agentId, uid }: Machine): Habitat => ({ folder: folderOf(agentId), ...(uid === undefined ? {} : { uid }) });

  const turns = new Map<string, Promise<unknown>>();
  /** Verbs on one agent run one after another in this process. */
  function inTurn<T>(agentId: string, run: () => Promise<T>): Promise<T> {
    const turn = (turns.get(agentId) ?? Promise.resolve()).then(run, run);
    turns.set(agentId, turn);
    const forget = (): void => void (turns.get(agentId) === turn && turns.delete(agentId));
    turn.then(forget, forget);
    return turn;
  }

  /** The machine, which must be ours: what another plane holds is never touched. */
  function findOurs(verb: string, agentId: string): Machine | undefined {
    const machine = machines.readMachine(folderOf(agentId));
    if (machine && machine.planeId !== planeId) {
      throw new PlaneError('conflict', `cannot ${verb} machine ${agentId}: it belongs to plane ${machine.planeId}; remove it there first`);
    }
    return machine;
  }

  function getOurs(verb: string, agentId: string): Machine {
    const machine = findOurs(verb, agentId);
    if (!machine) throw new PlaneError('notFound', `cannot ${verb} machine ${agentId}: there is none; provision it first`);
    if (existsSync(markOf(agentId))) {
      throw new PlaneError('conflict', `cannot ${verb} machine ${agentId}: it is frozen; provision it first`);
    }
    return machine;
  }

  const starters = new Map<string, Starter>();
  /** One for each version that machines come up with: an installation that others wait for is none of theirs. */
  function starterOf({ version }: Pick<Machine, 'version'>): Starter {
    const found = starters.get(version ?? '');
    if (found) return found;
    const made = createStarter({
      installation: versions.of(version),
      sidecar,
      folderOf,
      log,
      resume: (agentId, start) =>
        inTurn(agentId, async () => {
          const machine = findOurs('start', agentId);
          if (machine) await start(machine);
        }),
    });
    starters.set(version ?? '', made);
    return made;
  }
  const forget = (agentId: string): void => {
    for (const starter of starters.values()) starter.forget(agentId);
  };

  /** Starts a machine that may be running afresh. */
  async function startAgain(machine: Machine, ctx: Ctx): Promise<void> {
    await askToEnd(habitatOf(machine), orderlyMs, ctx.signal);
    await stop(machine, ctx);
    ctx.signal.throwIfAborted();
    await starterOf(machine).start(machine);
  }

  async function stop(machine: Machine, ctx: Ctx): Promise<void> {
    forget(machine.agentId);
    await killAll(habitatOf(machine), ctx.signal);
  }

  /** A plane that moved to another port left its machines with an address where nobody answers. */
  const isCurrent = ({ environment }: Machine): boolean => canonical(environment) === canonical(sidecar.environment);

  function stateOf(machine: Machine): Pick<AgentInstance, 'state' | 'detail'> {
    const { sidecars, others } = findInhabitants(habitatOf(machine));
    const marked = existsSync(markOf(machine.agentId));
    const still = [...sidecars, ...others].every(({ stopped }) => stopped);
    if (still && (marked || sidecars.length > 0)) return { state: 'frozen' };
    if (marked) return { state: 'running', detail: 'being frozen' };
    if (sidecars.length > 0) return isCurrent(machine) ? { state: 'running' } : { state: 'stopped', detail: 'set up for another address' };
    return starterOf(machine).outlook(machine.agentId);
  }

  function toInstance(machine: Machine): AgentInstance {
    const { agentId, machineType, region, diskSizeGb, image } = machine;
    const common = { planeId: machine.planeId, agentId, machineType, region, diskSizeGb };
    return { ...common, ...(image === undefined ? {} : { image }), ...stateOf(machine) };
  }

  function prepare(spec: AgentComputeSpec): Machine {
    const { agentId, machineType, region, diskSizeGb, image, labels, openclaw: version } = spec;
    const principal = principals.find(agentId);
    if (!principal) {
      throw new PlaneError('preconditionFailed', `cannot provision machine ${agentId}: it has no principal; make that first`);
    }
    const wanted: Machine = {
      ...{ planeId, agentId, machineType, region, diskSizeGb, labels: { ...labels }, environment: sidecar.environment },
      ...(image === undefined ? {} : { image }),
      ...(version === undefined ? {} : { version }),
      ...(principal.uid === undefined ? {} : { uid: principal.uid }),
    };
    const found = findOurs('provision', agentId);
    if (!found) {
      machines.makeFolder(machinesDir, wanted);
      return findOurs('provision', agentId) ?? wanted;
    }
    if (found.uid !== wanted.uid) {
      const fact = `its files belong to uid ${found.uid ?? userId} and its principal is ${principal.id}`;
      throw new PlaneError('conflict', `cannot provision machine ${agentId}: ${fact}; deprovision it first`);
    }
    const { openclaw, offers, plugins: equipped } = found;
    const next = {
      ...wanted,
      ...(openclaw ? { openclaw } : {}),
      ...(offers ? { offers } : {}),
      ...(equipped ? { plugins: equipped } : {}),
    };
    if (canonical(next) !== canonical(found)) machines.writeMachine(folderOf(agentId), next);
    return next;
  }

  return {
    name: 'local',
    principal: async (agentId) => principals.find(agentId),
    listPrincipals: async () => principals.list(),
    ensurePrincipal: (agentId, ctx) => principals.ensure({ planeId, agentId }, ctx.signal),
    removePrincipal: (agentId, ctx) => principals.remove({ planeId, agentId }, ctx.signal),

    provision: (spec, ctx) =>
      inTurn(spec.agentId, async () => {
        const before = findOurs('provision', spec.agentId);
        const machine = prepare(spec);
        const { sidecars } = findInhabitants(habitatOf(machine));
        // What was frozen holds sessions that are void by now: it starts afresh.
        const stale = existsSync(markOf(machine.agentId)) || sidecars.some(({ stopped }) => stopped);
        if (stale || (before && !isCurrent(before))) await stop(machine, ctx);
        // A provision that has run out of time must not undo the freeze that came after it; nothing is awaited from here to the start.
        ctx.signal.throwIfAborted();
        rmSync(markOf(machine.agentId), { force: true });
        await starterOf(machine).start(machine);
      }),

    // Not in turn: it must not wait for a slow verb.
    async freeze(agentId, ctx) {
      const machine = findOurs('freeze', agentId);
      if (!machine) return;
      forget(agentId);
      writeFileSync(markOf(agentId), '', { mode: 0o600 });
      await stopAll(habitatOf(machine), ctx.signal);
    },

    deprovision: (agentId, ctx) =>
      inTurn(agentId, async () => {
        const machine = findOurs('deprovision', agentId);
        if (!machine) return machines.sweepTrash(machinesDir, agentId);
        writeFileSync(markOf(agentId), '', { mode: 0o600 });
        await stop(machine, ctx);
        await machines.destroyFolder(machinesDir, agentId);
        // A sidecar that another process started in between finds no machine.json and ends; this makes sure of it.
        await stop(machine, ctx);
      }),

    versions: async () => versions.list(),

    async offer(agentId, version, ctx) {
      getOurs('upgrade', agentId);
      const installation = versions.find(version);
      const openclaw = installation.ready();
      if (!openclaw) {
        installation.ensure().catch((error: unknown) => log.warn(toMessage(error)));
        return false;
      }
      return inTurn(agentId, async () => {
        ctx.signal.throwIfAborted();
        const machine = getOurs('upgrade', agentId);
        const others = (machine.offers ?? []).filter((offer) => offer.version !== version);
        machines.writeMachine(folderOf(agentId), { ...machine, offers: [...others, openclaw] });
        return true;
      });
    },

    async lacks(agentId, channels, openclaw) {
      const held = machines.readMachine(folderOf(agentId))?.plugins ?? [];
      const needed = plugins.needed(openclaw).filter((channel) => channels.includes(channel));
      return needed.flatMap((channel): ChannelLack[] => {
        const plugin = plugins.find(channel, openclaw);
        if (!plugin) return [{ channel, ...plugins.outlook(channel, openclaw) }];
        if (held.some((each) => each.folder === plugin.folder)) return [];
        return [{ channel, state: 'waiting', detail: `the ${channel} plugin waits on the host` }];
      });
    },

    async equip(agentId, channels, openclaw, ctx) {
      getOurs('equip', agentId);
      const needed = plugins.needed(openclaw).filter((channel) => channels.includes(channel));
      for (const channel of needed) plugins.install(channel, openclaw);
      const found = needed.map((channel) => plugins.find(channel, openclaw)).filter((plugin) => plugin !== undefined);
      return inTurn(agentId, async () => {
        ctx.signal.throwIfAborted();
        const machine = getOurs('equip', agentId);
        const others = (machine.plugins ?? []).filter((plugin) => plugin.openclaw !== openclaw);
        machines.writeMachine(folderOf(agentId), { ...machine, plugins: [...others, ...found] });
      });
    },

    restart: (agentId, ctx) =>
      inTurn(agentId, async () => {
        await startAgain(getOurs('restart', agentId), ctx);
      }),

    resize: (agentId, size, ctx) =>
      inTurn(agentId, async () => {
        const machine = getOurs('resize', agentId);
        const { machineType = machine.machineType, diskSizeGb = machine.diskSizeGb } = size;
        if (machineType === machine.machineType && diskSizeGb === machine.diskSizeGb) return;
        const next = { ...machine, machineType, diskSizeGb };
        machines.writeMachine(folderOf(agentId), next);
        await startAgain(next, ctx);
      }),

    async status(agentId) {
      const machine = machines.readMachine(folderOf(agentId));
      return machine && toInstance(machine);
    },

    async listInstances() {
      const found = machines.listFolders(machinesDir).map((agentId) => machines.readMachine(folderOf(agentId)));
      return found.filter((machine) => machine !== undefined).map(toInstance);
    },

    async powerOff(ctx) {
      const found = machines.listFolders(machinesDir).map((agentId) => machines.readMachine(folderOf(agentId)));
      const ours = found.filter((machine) => machine?.planeId === planeId).filter((machine) => machine !== undefined);
      await Promise.all(ours.map((machine) => inTurn(machine.agentId, () => stop(machine, ctx))));
    },

    async logs(agentId, { lines }) {
      if (!findOurs('read logs of', agentId))
        throw new PlaneError('notFound', `cannot read logs of machine ${agentId}: there is none; provision it first`);
      return readLastLines(
        [machines.sidecarLog, machines.gatewayLog].map((file) => file(folderOf(agentId))),
        lines,
      );
    },
  };
}
