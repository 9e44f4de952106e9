import { setImmediate as breathe } from 'node:timers/promises';
import type { Store } from '../core/store.ts';
import { createPolling, readBeats, readWhole, type ReadingDeps } from './polling.ts';
import { createHearing, type Hearing } from './hearing.ts';
import { createRoster, type FleetAgent, type Roster } from './roster.ts';

export interface PlaneFleetDeps extends ReadingDeps {
  readonly store: Pick<Store, 'get' | 'query' | 'hear'>;
}

/** How old what agents spent may be. */
const spendMs = 30_000;
const pageSize = 500;

/** Calls that come while one runs wait for the next one together: one that began before may have missed what was committed before them. */
function together(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  function begin(): Promise<void> {
    next = undefined;
    const mine = run().finally(() => {
      if (running === mine) running = undefined;
    });
    running = mine;
    return mine;
  }
  return () => {
    if (!running) return begin();
    next ??= running.catch(() => undefined).then(begin);
    return next;
  };
}

/** Where this process alone writes it hears of each change, reads that and asks the store for nothing else. */
function createHeard(hearing: Hearing, rosters: ReadonlyMap<string, Roster>, { store, clock }: PlaneFleetDeps): () => Promise<void> {
  const rosterOf = (agentId: string): Roster | undefined => [...rosters.values()].find((roster) => roster.has(agentId));
  return together(() =>
    hearing.drain({
      async agents(agentId) {
        const agent = await store.get('agents', agentId);
        if (agent) rosters.get(agent.planeId)?.takeAgent(agent, clock.now());
        else rosterOf(agentId)?.drop(agentId);
      },
      async statuses(agentId) {
        const status = await store.get('statuses', agentId);
        if (status) rosters.get(status.planeId)?.takeStatus(status, clock.now());
      },
      async heartbeats(agentId) {
        rosterOf(agentId)?.takeBeat(agentId, await store.get('heartbeats', agentId), clock.now());
      },
    }),
  );
}

export function createPlaneFleets(deps: PlaneFleetDeps) {
  const { store, clock } = deps;
  const rosters = new Map<string, Roster>();
  const hearing = store.hear && createHearing(store.hear);
  const catchUp = hearing && createHeard(hearing, rosters, deps);
  const polls = new Map<string, () => Promise<void>>();
  const openings = new Map<string, Promise<void>>();

  async function fill(planeId: string): Promise<void> {
    const roster = createRoster();
    roster.takeMany();
    await readWhole('agents', planeId, (record) => 'spec' in record && roster.takeAgent(record, clock.now()), store);
    // From here on it hears; what was committed while it was read is heard as well.
    rosters.set(planeId, roster);
    await readWhole('statuses', planeId, (record) => 'parts' in record && roster.takeStatus(record, clock.now()), store);
    await readBeats(roster, deps);
  }

  async function refresh(planeId: string): Promise<Roster> {
    if (!hearing || !catchUp) {
      const roster = rosters.get(planeId) ?? createRoster();
      rosters.set(planeId, roster);
      const poll = polls.get(planeId) ?? together(createPolling(planeId, roster, deps));
      polls.set(planeId, poll);
      await poll();
      return roster;
    }
    hearing.listen();
    const opening = openings.get(planeId) ?? fill(planeId);
    openings.set(planeId, opening);
    try {
      await opening;
    } catch (error) {
      openings.delete(planeId);
      throw error;
    }
    await catchUp();
    return rosters.get(planeId) ?? createRoster();
  }

  return { refresh };
}
