import type { FleetAgent, Roster } from './roster.ts';
import { createRosters, type RostersDeps } from './rosters.ts';
import { createSpend } from './spend.ts';

export type { FleetAgent } from './roster.ts';

export interface FleetPage {
  readonly agents: readonly FleetAgent[];
  /** Where the next page begins; `null` after the last. */
  readonly next: string | null;
}

/** `key` names filters that depend on nothing but what a `FleetAgent` says; without one they are asked each time. */
export interface Asked {
  readonly key?: string | undefined;
  readonly filters: readonly ((agent: FleetAgent) => boolean)[];
}

export interface Fleet {
  /** Whether all that is ever told of an agent, its heartbeats and its spend too, makes another `FleetAgent` of it. */
  readonly renews: boolean;
  /** Every agent that was ever in a plane, by owner's name. Never older than the call; heartbeats and spend up to half a minute. */
  agentsOf(planeId: string): Promise<readonly FleetAgent[]>;
  /** So many of those that are asked for, from an agent on; `undefined` where that agent is not known. */
  pageOf(
    planeId: string,
    page: { readonly from?: string | undefined; readonly limit: number },
    asked: Asked,
  ): Promise<FleetPage | undefined>;
  /** What each owner's agent spent on models in a month, in micro-dollars. */
  spendOf(planeId: string, month: string): Promise<ReadonlyMap<string, number>>;
}

/** How many questions are remembered. */
const mostKeys = 200;

/** The places of those that fit, in the order of the list; found once while nothing that can be asked for changes. */
function createMatches() {
  const known = new WeakMap<Roster, { version: number; readonly byKey: Map<string, readonly number[]> }>();

  return function matches(roster: Roster, all: readonly FleetAgent[], key: string | undefined, filters: Asked['filters']) {
    const version = roster.version();
    const before = known.get(roster);
    const { byKey } =
      before?.version === version && before.byKey.size < mostKeys ? before : { byKey: new Map<string, readonly number[]>() };
    known.set(roster, { version, byKey });
    const found =
      (key === undefined ? undefined : byKey.get(key)) ?? all.flatMap((agent, at) => (filters.every((fits) => fits(agent)) ? at : []));
    if (key !== undefined) byKey.set(key, found);
    return found;
  };
}

/** Where the first of some ascending numbers stands that is no less. */
function firstFrom(numbers: readonly number[], least: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Knows every agent of each plane in memory and keeps up with what changes, so that lists, filters and counts cost no scan. */
export function createFleet(deps: RostersDeps): Fleet {
  const { clock } = deps;
  const { rosterOf, renews } = createRosters(deps);
  const matches = createMatches();

  return {
    renews,
    agentsOf: async (planeId) => (await rosterOf(planeId)).list(clock.now()).slice(),
    async pageOf(planeId, { from, limit }, { key, filters }) {
      const roster = await rosterOf(planeId);
      const all = roster.list(clock.now());
      const first = from === undefined ? 0 : roster.indexOf(from);
      if (first === undefined) return undefined;
      const places = filters.length === 0 ? undefined : matches(roster, all, key, filters);
      const begin = places ? firstFrom(places, first) : first;
      const at = (place: number): FleetAgent | undefined => all[places ? (places[place] ?? -1) : place];
      const agents: FleetAgent[] = [];
      for (let place = begin; agents.length < limit; place += 1) {
        const agent = at(place);
        if (!agent) break;
        agents.push(agent);
      }
      return { agents, next: at(begin + agents.length)?.agentId ?? null };
    },
    spendOf: createSpend(deps),
  };
}
