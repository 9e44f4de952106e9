import { setImmediate as breathe } from 'node:timers/promises';
import type { AgentRecord, StatusRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Clock } from '../core/surroundings.ts';
import type { Roster } from './roster.ts';

/** Changes carry the time of the process that made them: what others committed late, by clocks of their own, is read again. */
const overlapMs = 15_000;
/** Heartbeats come each half minute; to read them more often shows nothing new. */
const beatsMs = 30_000;
const pageSize = 500;

type Changing = 'agents' | 'statuses';

export interface ReadingDeps {
  readonly store: Pick<Store, 'get' | 'query'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Every document of a plane, by its id. */
export async function readWhole(
  collection: Changing,
  planeId: string,
  take: (record: AgentRecord | StatusRecord) => void,
  store: ReadingDeps['store'],
) {
  let from = '';
  for (;;) {
    const page = await store.query(collection, 'byPlane', { equals: [planeId], from, limit: pageSize });
    for (const record of page) take(record);
    await breathe();
    const last = page.at(-1);
    if (page.length < pageSize || !last) return;
    from = `${last.agentId}\u0000`;
  }
}

/** The last heartbeat of each agent that may have one. */
export async function readBeats(roster: Roster, { store, clock }: ReadingDeps): Promise<void> {
  for (const [at, agentId] of roster.beating().entries()) {
    if (at % pageSize === pageSize - 1) await breathe();
    roster.takeBeat(agentId, await store.get('heartbeats', agentId), clock.now());
  }
}

/** Fills a roster from a store that others write as well: by what changed since, and what may have changed before by other clocks. */
export function createPolling(planeId: string, roster: Roster, deps: ReadingDeps): () => Promise<void> {
  const { store, clock } = deps;
  const readUntil = { agents: 0, statuses: 0 };
  let beatsAt = -Infinity;

  const takes = {
    agents: (record: AgentRecord | StatusRecord) => 'spec' in record && roster.takeAgent(record, clock.now()),
    statuses: (record: AgentRecord | StatusRecord) => 'phase' in record && roster.takeStatus(record, clock.now()),
  };

  async function readChanges(collection: Changing): Promise<void> {
    let from = Math.max(0, readUntil[collection] - overlapMs);
    for (;;) {
      const page = await store.query(collection, 'byChange', { equals: [planeId], from, limit: pageSize });
      for (const record of page) takes[collection](record);
      await breathe();
      const last = page.at(-1);
      if (page.length < pageSize || !last) return;
      // More than a page of one millisecond cannot be told apart by it: then all are read by their ids.
      if (last.changedAt === from) return readWhole(collection, planeId, takes[collection], store);
      from = last.changedAt;
    }
  }

  return async function refresh(): Promise<void> {
    const first = roster.size() === 0;
    for (const collection of ['agents', 'statuses'] as const) {
      const began = clock.now();
      if (first) roster.takeMany();
      await (first ? readWhole(collection, planeId, takes[collection], store) : readChanges(collection));
      readUntil[collection] = began;
    }
    if (clock.now() - beatsAt < beatsMs) return;
    beatsAt = clock.now();
    await readBeats(roster, deps);
  };
}
