import type { Store } from '../core/store.ts';
import { createPolling, readBeats, readWhole, type ReadingDeps } from './polling.ts';
import { createHearing, type Hearing } from './hearing.ts';
import { createRoster, type Roster } from './roster.ts';

export interface RostersDeps extends ReadingDeps {
  readonly store: Pick<Store, 'get' | 'query' | 'hear'>;
}

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
function createCatchUp(hearing: Hearing, rosters: ReadonlyMap<string, Roster>, { store, clock }: RostersDeps): () => Promise<void> {
  const rosterOf = (agentId: string): Roster | undefined => [...rosters.values()].find((roster) => roster.has(agentId));
  async function readStatus(agentId: string): Promise<void> {
    const status = await store.get('statuses', agentId);
    if (status) rosters.get(status.planeId)?.takeStatus(status, clock.now());
  }
  return together(() =>
    hearing.drain({
      async agents(agentId) {
        const agent = await store.get('agents', agentId);
        if (!agent) return rosterOf(agentId)?.drop(agentId);
        const known = rosterOf(agentId) !== undefined;
        rosters.get(agent.planeId)?.takeAgent(agent, clock.now());
        // Its status may have been heard of before it was known.
        return known ? undefined : readStatus(agentId);
      },
      statuses: readStatus,
      async heartbeats(agentId) {
        rosterOf(agentId)?.takeBeat(agentId, await store.get('heartbeats', agentId), clock.now());
      },
      cares: async (agentId) => rosterOf(agentId)?.renew(agentId, clock.now()),
      upgrades: async (agentId) => rosterOf(agentId)?.renew(agentId, clock.now()),
      async budgets(id) {
        // `<owner>/<month>`, whichever plane it was spent in.
        const ownerId = id.slice(0, id.lastIndexOf('/'));
        for (const roster of rosters.values()) roster.renewOf(ownerId, clock.now());
      },
    }),
  );
}

/** The agents of each plane, as they are when asked for. */
export function createRosters(deps: RostersDeps) {
  const { store, clock } = deps;
  const rosters = new Map<string, Roster>();
  const hearing = store.hear && createHearing((told) => store.hear?.(told));
  const catchUp = hearing && createCatchUp(hearing, rosters, deps);
  const polls = new Map<string, () => Promise<void>>();
  const fills = new Map<string, Promise<void>>();

  async function fill(planeId: string): Promise<void> {
    const roster = createRoster();
    roster.takeMany();
    // What is committed while it is read is heard, and read once more.
    rosters.set(planeId, roster);
    await readWhole('agents', planeId, (record) => 'spec' in record && roster.takeAgent(record, clock.now()), store);
    await readWhole('statuses', planeId, (record) => 'phase' in record && roster.takeStatus(record, clock.now()), store);
    await readBeats(roster, deps);
  }

  function poll(planeId: string, roster: Roster): Promise<void> {
    const found = polls.get(planeId) ?? together(createPolling(planeId, roster, deps));
    polls.set(planeId, found);
    return found();
  }

  async function listen(planeId: string): Promise<void> {
    hearing?.listen();
    const filling = fills.get(planeId) ?? fill(planeId);
    fills.set(planeId, filling);
    try {
      await filling;
    } catch (error) {
      if (fills.get(planeId) === filling) fills.delete(planeId);
      throw error;
    }
    await catchUp?.();
  }

  return {
    /** Whether all that is ever told of an agent makes another `FleetAgent` of it. */
    renews: hearing !== undefined,
    rosterOf: async (planeId: string): Promise<Roster> => {
      if (hearing) await listen(planeId);
      const roster = rosters.get(planeId) ?? createRoster();
      rosters.set(planeId, roster);
      if (!hearing) await poll(planeId, roster);
      return roster;
    },
  };
}
