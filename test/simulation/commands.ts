import { changeAgent, toDraft } from '../../functions/core/agents.ts';
import type { Actor, AgentRecord } from '../../functions/core/records.ts';
import { passKey } from '../../functions/core/schedule.ts';
import { pauseAgent, restartAgent, resumeAgent, rotateSecrets } from '../../functions/core/verbs.ts';
import { toAgentId } from '../../shared/agent.ts';
import { drawBeside, type Beside } from './beside.ts';
import { regions } from './cloud.ts';
import { createRandom, type Random } from './random.ts';
import type { User } from './directory.ts';
import { afterMs, disturb, noFaults, pause, type Faults } from './session.ts';
import { hashing, planeId, type Change } from './wiring.ts';
import type { World } from './world.ts';

/** What an admin may ask of an agent that runs. */
export type Ask = 'restart' | 'pause' | 'resume' | 'replace' | 'rotate';

export type Action =
  | { readonly do: 'edit'; readonly user: number; readonly change: Partial<User> }
  | { readonly do: Ask; readonly user: number }
  | { readonly do: 'hint' | 'drift' | 'release'; readonly user: number }
  | { readonly do: 'move'; readonly region: string }
  | { readonly do: 'faults'; readonly faults: Partial<Faults> }
  | { readonly do: 'outage'; readonly provider: string; readonly outMs: number }
  | { readonly do: 'crash'; readonly worker: number; readonly left: number; readonly side: 'before' | 'after' }
  | { readonly do: 'stall'; readonly worker: number; readonly left: number; readonly stallMs: number }
  | { readonly do: 'stray'; readonly what: 'nobody' | number }
  | { readonly do: 'wait' };

/** One step: something happens, then time passes. Its own seed decides all chances until the next step. */
export type Command = Action & { readonly seed: number; readonly ms: number; readonly beside?: Beside };

/** Things another plane holds from the start, under the names of our users' agents. */
export interface Foreign {
  readonly user: number;
  readonly what: 'principals' | 'namespaces' | 'networks' | 'machines';
}

export interface History {
  readonly seed: number;
  readonly users: number;
  readonly workers: number;
  readonly foreign: readonly Foreign[];
  readonly commands: readonly Command[];
}

const someFaults = (random: Random): Partial<Faults> => {
  const level = random.pick([0.02, 0.1, 0.3]);
  const some = (): number => (random.chance(0.5) ? level : 0);
  return { error: some(), lost: some(), hang: some() / 2, stale: some() * 2, store: some() / 4, hint: some() * 2, slow: some() / 2 };
};

function drawAction(random: Random, users: number, workers: number, calm: boolean): Action {
  const user = random.between(0, users - 1);
  const worker = random.between(0, workers - 1);
  const edit = (change: Partial<User>): Action => ({ do: 'edit', user, change });
  // In a calm history nothing goes wrong, so that promptness can be asked for.
  const dice = random.next() * (calm ? 0.7 : 1);
  if (dice < 0.37) return { do: 'wait' };
  if (dice < 0.38) return { do: 'pause', user };
  if (dice < 0.395) return { do: 'resume', user };
  if (dice < 0.405) return { do: 'replace', user };
  if (dice < 0.42) return { do: 'rotate', user };
  if (dice < 0.5) return edit({ enabled: true, suspended: false, deleted: false });
  if (dice < 0.53) return edit({ suspended: true });
  if (dice < 0.55) return edit({ suspended: false });
  if (dice < 0.57) return edit({ deleted: true });
  if (dice < 0.59) return edit({ deleted: false });
  if (dice < 0.61) return edit({ enabled: false });
  if (dice < 0.63) return edit({ machineType: random.pick(['e2-medium', 'e2-standard-2', 'e2-standard-4']) });
  if (dice < 0.64) return edit({ email: `user${user + 1}-${random.between(1, 9)}@acme.test` });
  if (dice < 0.67) return { do: 'restart', user };
  if (dice < 0.7) return { do: 'hint', user };
  if (dice < 0.72) return { do: 'drift', user };
  if (dice < 0.725) return { do: 'release', user };
  if (dice < 0.73) return { do: 'move', region: random.pick(regions) };
  if (dice < 0.78) return { do: 'faults', faults: someFaults(random) };
  if (dice < 0.82) return { do: 'faults', faults: {} };
  if (dice < 0.84) return { do: 'outage', provider: random.pick(['infra', 'secrets', 'network']), outMs: random.between(2_000, 60_000) };
  if (dice < 0.94) return { do: 'crash', worker, left: random.between(0, 12), side: random.pick(['before', 'after']) };
  if (dice < 0.98) return { do: 'stall', worker, left: random.between(-1, 12), stallMs: random.between(2_000, 150_000) };
  return { do: 'stray', what: random.chance(0.5) ? 'nobody' : user };
}

function drawPause(random: Random): number {
  const dice = random.next();
  if (dice < 0.45) return random.between(0, 50);
  if (dice < 0.87) return random.between(50, 1_000);
  if (dice < 0.993) return random.between(1_000, 4_000);
  return random.between(5_000, 90_000);
}

export function drawHistory(seed: number, steps: number): History {
  const random = createRandom(seed);
  const users = random.between(1, 3);
  const workers = random.between(2, 3);
  const calm = random.chance(0.15);
  const foreign = Array.from({ length: users }, (_, user) => user).flatMap((user): Foreign[] =>
    random.chance(0.12) ? [{ user, what: random.pick(['principals', 'namespaces', 'networks', 'machines']) }] : [],
  );
  const nextBeside = drawBeside(seed, users);
  const commands = Array.from({ length: steps }, (): Command => {
    const action = { ...drawAction(random, users, workers, calm), seed: Math.floor(random.next() * 2 ** 32), ms: drawPause(random) };
    const beside = nextBeside();
    return beside ? { ...action, beside } : action;
  });
  return { seed, users, workers, foreign, commands };
}

export const agentOf = ({ agentAt }: World, user: number): string => agentAt(user);

export function seize({ cloud }: World, agentId: string, what: Foreign['what']): void {
  const owner = { planeId: 'other', agentId };
  const { principals, namespaces, networks, machines } = cloud.shelves;
  if (what === 'principals') principals.put(agentId, { ...owner, id: 'sa-other' });
  else if (what === 'namespaces') namespaces.put(agentId, { ...owner, values: {}, grantedTo: 'sa-other' });
  else if (what === 'networks') networks.put(agentId, { ...owner, access: 'other@other.test' });
  else for (const region of regions) machines.put(cloud.machineName(agentId, region), otherMachine(owner, region));
}
const otherMachine = (owner: { planeId: string; agentId: string }, region: string) =>
  ({ ...owner, machineType: 'other', region, diskSizeGb: 1, state: 'on', readyAt: 0, madeAt: 0, boot: 0 }) as const;

/** The other plane lets go of what it held under this agent's names. */
export function release({ cloud }: World, agentId: string): void {
  for (const shelf of Object.values(cloud.shelves))
    for (const [name, thing] of shelf.all()) if (thing.planeId === 'other' && thing.agentId === agentId) shelf.put(name, undefined);
}

/** Somebody changes our things behind our back. */
function drift({ cloud, random }: World, agentId: string): void {
  const [found] = cloud.machinesOf(agentId);
  const network = cloud.shelves.networks.get(agentId);
  if (found && found[1].planeId === planeId && random.chance(0.5)) {
    const [name, machine] = found;
    if (machine.state !== 'deleting') cloud.shelves.machines.put(name, random.chance(0.5) ? undefined : { ...machine, state: 'stopped' });
  } else if (network?.planeId === planeId) {
    const { access: _access, ...rest } = network;
    cloud.shelves.networks.put(agentId, random.chance(0.5) ? rest : undefined);
  }
}

/** A machine of ours appears that no pass of ours has started. */
function stray({ cloud, clock, documents, invariants, strays, place }: World, agentId: string): void {
  const agent = documents.peek('agents', agentId);
  const gone = agent?.desired === 'removed' && documents.peek('statuses', agentId)?.phase === 'removed';
  if (agentId === '' || (agent && !gone)) return;
  if (cloud.machinesOf(agentId).length > 0) return;
  if (agent) invariants.stray(agentId);
  else strays.set(agentId, clock.now());
  const machine = { ...otherMachine({ planeId, agentId }, place.region), readyAt: clock.now(), madeAt: clock.now() };
  cloud.shelves.machines.put(cloud.machineName(agentId, place.region), machine);
}

const admin: Actor = { kind: 'user', id: 'admin' };

export const asks: Readonly<Record<Ask, (agent: AgentRecord, change: Change) => Promise<unknown>>> = {
  restart: (agent, change) => restartAgent(agent, admin, change),
  pause: (agent, change) => pauseAgent(agent, admin, 'asked for', change),
  resume: (agent, change) => resumeAgent(agent, admin, change),
  rotate: (agent, change) => rotateSecrets(agent, admin, change),
  replace: ({ agentId }, change) =>
    changeAgent(
      agentId,
      admin,
      (current) => (current?.desired === 'running' ? { ...toDraft(current), replacements: current.replacements + 1 } : undefined),
      change,
    ),
};

export function perform(world: World, action: Action): void {
  const { clock, stage, users, workers } = world;
  switch (action.do) {
    case 'edit': {
      const agentId = agentOf(world, action.user);
      const user = users.get(agentId);
      if (!user) return;
      users.set(agentId, { ...user, ...action.change });
      // The directory's own event may be lost too; the rolling read finds the change within a minute.
      if (!world.random.chance(stage.faults.hint)) world.look(agentId);
      return;
    }
    case 'restart':
    case 'pause':
    case 'resume':
    case 'replace':
    case 'rotate': {
      const agent = world.documents.peek('agents', agentOf(world, action.user));
      const ask = asks[action.do];
      return agent && world.act(action.do, ({ change }) => ask(agent, change));
    }
    case 'hint':
      return world.hint(passKey(agentOf(world, action.user)), clock.now());
    case 'drift':
      return drift(world, agentOf(world, action.user));
    case 'release':
      return release(world, agentOf(world, action.user));
    case 'move':
      world.place.region = action.region;
      return;
    case 'faults':
      stage.faults = { ...noFaults, ...action.faults };
      disturb(stage, afterMs);
      return;
    case 'outage':
      stage.outages.set(action.provider, clock.now() + action.outMs);
      disturb(stage, action.outMs + afterMs);
      return;
    case 'crash': {
      const worker = workers[action.worker];
      if (worker?.up) worker.crash = { left: action.left, side: action.side };
      return;
    }
    case 'stall': {
      const worker = workers[action.worker];
      if (!worker?.up) return;
      if (action.left < 0) pause(stage, worker, action.stallMs);
      else worker.stall = { left: action.left, ms: action.stallMs };
      return;
    }
    case 'stray':
      return stray(
        world,
        action.what === 'nobody' ? toAgentId(planeId, `nobody ${clock.now()}`, hashing.sha256) : agentOf(world, action.what),
      );
    case 'wait':
  }
}
