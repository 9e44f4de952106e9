import { createPlaneFleet, type FleetAgent, type PlaneFleetDeps } from './plane-fleet.ts';

export type { FleetAgent } from './plane-fleet.ts';

export interface Fleet {
  /** Every agent that was ever in a plane, by owner's name. Never older than the call; heartbeats and spend up to half a minute. */
  agentsOf(planeId: string): Promise<readonly FleetAgent[]>;
  /** What each owner's agent spent on models in a month, in micro-dollars. */
  spendOf(planeId: string, month: string): Promise<ReadonlyMap<string, number>>;
}

/** Knows every agent of each plane in memory and keeps up by reading what changed since, so that lists, filters and counts cost no scan. */
export function createFleet(deps: PlaneFleetDeps): Fleet {
  const planes = new Map<string, ReturnType<typeof createPlaneFleet>>();

  function planeOf(planeId: string) {
    const plane = planes.get(planeId) ?? createPlaneFleet(planeId, deps);
    planes.set(planeId, plane);
    return plane;
  }

  return {
    agentsOf: (planeId) => planeOf(planeId).agents(),
    spendOf: (planeId, month) => planeOf(planeId).spend(month),
  };
}
