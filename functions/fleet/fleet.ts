import type { FleetAgent } from './roster.ts';
import { createRosters, type RostersDeps } from './rosters.ts';
import { createSpend } from './spend.ts';

export type { FleetAgent } from './roster.ts';

export interface FleetPage {
  readonly agents: readonly FleetAgent[];
  /** Where the next page begins; `null` after the last. */
  readonly next: string | null;
}

export interface Fleet {
  /** Whether all that is ever told of an agent, its heartbeats and its spend too, makes another `FleetAgent` of it. */
  readonly renews: boolean;
  /** Every agent that was ever in a plane, by owner's name. Never older than the call; heartbeats and spend up to half a minute. */
  agentsOf(planeId: string): Promise<readonly FleetAgent[]>;
  /** So many of those that every filter lets through, from an agent on; `undefined` where that agent is not known. */
  pageOf(
    planeId: string,
    page: { readonly from?: string | undefined; readonly limit: number },
    filters: readonly ((agent: FleetAgent) => boolean)[],
  ): Promise<FleetPage | undefined>;
  /** What each owner's agent spent on models in a month, in micro-dollars. */
  spendOf(planeId: string, month: string): Promise<ReadonlyMap<string, number>>;
}

/** Knows every agent of each plane in memory and keeps up with what changes, so that lists, filters and counts cost no scan. */
export function createFleet(deps: RostersDeps): Fleet {
  const { clock } = deps;
  const { rosterOf, renews } = createRosters(deps);

  return {
    renews,
    agentsOf: async (planeId) => (await rosterOf(planeId)).list(clock.now()).slice(),
    async pageOf(planeId, { from, limit }, filters) {
      const roster = await rosterOf(planeId);
      const all = roster.list(clock.now());
      const first = from === undefined ? 0 : roster.indexOf(from);
      if (first === undefined) return undefined;
      const agents: FleetAgent[] = [];
      for (let at = first; at < all.length; at += 1) {
        const agent = all[at];
        if (!agent || !filters.every((fits) => fits(agent))) continue;
        if (agents.length === limit) return { agents, next: agent.agentId };
        agents.push(agent);
      }
      return { agents, next: null };
    },
    spendOf: createSpend(deps),
  };
}
