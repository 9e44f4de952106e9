import { createRandom, type Random } from './random.ts';
import { afterMs, disturb, noFaults } from './session.ts';
import type { World } from './world.ts';

/** What happens beside a step of a history: money is spent, somebody asks for what is not theirs. */
export type Beside =
  | { readonly do: 'call'; readonly user: number; readonly callers: number }
  | { readonly do: 'cap'; readonly user: number; readonly cap: number }
  | { readonly do: 'gateway-crash'; readonly gateway: number; readonly left: number; readonly side: 'before' | 'after' }
  | { readonly do: 'gateway-stall'; readonly gateway: number; readonly stallMs: number }
  /** Long enough for what a process that died set aside to be given up, in milliseconds. */
  | { readonly do: 'idle'; readonly ms: number }
  | { readonly do: 'intrude' | 'read'; readonly user: number };

/** Opening the doors costs more than going through them, so that few histories have any, and those have many callers. */
const haveDoors = (seed: number): boolean => seed % 4 === 1;

const besideOf = (random: Random, users: number, knocks: number): Beside | undefined => {
  const user = random.between(0, users - 1);
  const dice = random.next();
  if (dice < 0.025) return { do: 'call', user, callers: random.between(1, 7) };
  if (dice < 0.03) return { do: 'cap', user, cap: random.between(1, 4) };
  if (dice < 0.042)
    return { do: 'gateway-crash', gateway: random.between(0, 1), left: random.between(0, 6), side: random.pick(['before', 'after']) };
  if (dice < 0.046) return { do: 'gateway-stall', gateway: random.between(0, 1), stallMs: random.between(1_000, 120_000) };
  if (dice < 0.0463) return { do: 'idle', ms: 16 * 60_000 };
  if (dice < 0.0463 + knocks) return { do: random.chance(0.7) ? 'intrude' : 'read', user };
  return undefined;
};

/** Drawn apart, so that what the other steps of a history are does not depend on it. */
export function drawBeside(seed: number, users: number): () => Beside | undefined {
  const random = createRandom(seed ^ 0x1b873593);
  return () => besideOf(random, users, haveDoors(seed) ? 0.08 : 0);
}

/** What takes time on its own, and what takes none. Answers how long the step lasts beyond its own time, in milliseconds. */
export function performBeside({ agentAt, liveAt, gateways, users, look, stage }: World, beside: Beside): number {
  switch (beside.do) {
    case 'call':
      gateways.ask(liveAt(beside.user), beside.callers);
      return 0;
    case 'cap': {
      const agentId = agentAt(beside.user);
      const user = users.get(agentId);
      if (user) users.set(agentId, { ...user, budgetCap: beside.cap });
      look(agentId);
      return 0;
    }
    case 'gateway-crash':
      gateways.crash(beside.gateway, beside.left, beside.side);
      return 0;
    case 'gateway-stall':
      gateways.stall(beside.gateway, beside.stallMs);
      return 0;
    case 'idle':
      // Faults all that time would fill it with their own passes.
      stage.faults = noFaults;
      disturb(stage, afterMs);
      return beside.ms;
    case 'intrude':
    case 'read':
      return 0;
  }
}

/** How many rows an admin reads at a time. */
const rowsEach = 3;

/** A call at the doors, between two moments of virtual time. */
export async function knock({ agentAt, liveAt, intruder, readAsAdmin, clock }: World, beside: Beside, seed: number): Promise<void> {
  const random = createRandom(seed ^ clock.now());
  if (beside.do !== 'intrude' && beside.do !== 'read') return;
  const agentId = random.chance(0.8) ? liveAt(beside.user) : agentAt(beside.user);
  if (beside.do === 'intrude') await intruder.tryOnce(agentId, random);
  else for (let left = rowsEach; left > 0; left -= 1) await readAsAdmin(agentId, random);
}
