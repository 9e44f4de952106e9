import { setImmediate as breathe } from 'node:timers/promises';
import { toHealth, type Health, type Phase } from '../../shared/agent.ts';
import type { AgentRecord, StatusRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Clock } from '../core/surroundings.ts';

/** One agent as lists know it. */
export interface FleetAgent {
  readonly agentId: string;
  readonly ownerId: string;
  readonly ownerEmail: string;
  readonly ownerName: string;
  readonly ouPath: string;
  readonly phase: Phase;
  readonly health: Health;
  readonly capUsd: number;
  /** Somebody should look at it. */
  readonly attention: boolean;
}

export interface PlaneFleetDeps {
  readonly store: Pick<Store, 'get' | 'query'>;
  readonly clock: Pick<Clock, 'now'>;
}

interface Known {
  agent: AgentRecord;
  status?: StatusRecord;
}

/** Changes carry the time of the process that made them: what others committed late, by clocks of their own, is read again. */
const overlapMs = 15_000;
/** Heartbeats come each half minute; to read them more often shows nothing new. */
const beatsMs = 30_000;
const pageSize = 500;

type Changing = 'agents' | 'statuses';

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The agents of one plane; calls that come while it reads wait for the next reading together. */
export function createPlaneFleet(planeId: string, { store, clock }: PlaneFleetDeps) {
  const known = new Map<string, Known>();
  const beats = new Map<string, number>();
  const readUntil = { agents: 0, statuses: 0 };
  let beatsAt = -Infinity;
  let list: readonly FleetAgent[] = [];
  let listedAt = -Infinity;
  let reading: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let spend: { month: string; at: number; micros: ReadonlyMap<string, number> } | undefined;

  async function readChanges(collection: Changing, take: (record: AgentRecord | StatusRecord) => boolean): Promise<boolean> {
    const began = clock.now();
    let moved = false;
    let from = Math.max(0, readUntil[collection] - overlapMs);
    for (;;) {
      const page = await store.query(collection, 'byChange', { equals: [planeId], from, limit: pageSize });
      for (const record of page) moved = take(record) || moved;
      await breathe();
      const last = page.at(-1);
      if (page.length < pageSize || !last) break;
      // More than a page of one millisecond cannot be told apart by it: then all are read by their ids.
      if (last.changedAt === from) return (await readAll(collection, take)) || moved;
      from = last.changedAt;
    }
    readUntil[collection] = began;
    return moved;
  }

  async function readAll(collection: Changing, take: (record: AgentRecord | StatusRecord) => boolean): Promise<boolean> {
    const began = clock.now();
    let [moved, from] = [false, ''];
    for (;;) {
      const page = await store.query(collection, 'byPlane', { equals: [planeId], from, limit: pageSize });
      for (const record of page) moved = take(record) || moved;
      await breathe();
      const last = page.at(-1);
      if (page.length < pageSize || !last) break;
      from = `${last.agentId}\u0000`;
    }
    readUntil[collection] = began;
    return moved;
  }

  function takeAgent(agent: AgentRecord): boolean {
    const before = known.get(agent.agentId);
    if (before && before.agent.revision >= agent.revision) return false;
    known.set(agent.agentId, { ...before, agent });
    return true;
  }

  function takeStatus(status: StatusRecord): boolean {
    const before = known.get(status.agentId);
    if (!before || (before.status?.changedAt === status.changedAt && before.status.phase === status.phase)) return false;
    before.status = status;
    return true;
  }

  async function readBeats(): Promise<void> {
    let read = 0;
    for (const [agentId, { agent, status }] of known) {
      if (status?.phase === 'removed') continue;
      read += 1;
      if (read % pageSize === 0) await breathe();
      const beat = await store.get('heartbeats', agentId);
      if (beat?.incarnation === agent.incarnation) beats.set(agentId, beat.at);
      else beats.delete(agentId);
    }
  }

  function toFleetAgent({ agent, status }: Known, now: number): FleetAgent {
    const current = status?.incarnation === agent.incarnation ? status : undefined;
    const phase = current?.phase ?? (status && status.phase !== 'removed' ? 'removing' : 'pending');
    const beat = beats.get(agent.agentId);
    const health = toHealth(beat !== undefined && phase !== 'removed' ? now - beat : undefined);
    const { agentId, ownerId, ownerEmail, ownerName, ouPath, spec } = agent;
    const attention = phase !== 'removed' && (agent.conditions.length > 0 || (current?.conditions.length ?? 0) > 0 || health === 'red');
    return { agentId, ownerId, ownerEmail, ownerName, ouPath, phase, health, capUsd: spec.budgetCap, attention };
  }

  async function refresh(): Promise<void> {
    const first = known.size === 0;
    const agents = await (first ? readAll : readChanges)('agents', (record) => 'spec' in record && takeAgent(record));
    const statuses = await (first ? readAll : readChanges)('statuses', (record) => 'phase' in record && takeStatus(record));
    const now = clock.now();
    const stale = now - beatsAt >= beatsMs;
    if (stale) {
      await readBeats();
      beatsAt = now;
    }
    if (!agents && !statuses && !stale && now - listedAt < beatsMs) return;
    list = [...known.values()]
      .map((each) => toFleetAgent(each, now))
      .sort((a, b) => compare(a.ownerName, b.ownerName) || compare(a.agentId, b.agentId));
    listedAt = now;
  }

  /** A reading that began before this call may have missed what was committed before it. */
  function upToDate(): Promise<void> {
    if (!reading) return begin();
    next ??= reading.catch(() => undefined).then(() => begin());
    return next;
  }

  function begin(): Promise<void> {
    next = undefined;
    const mine = refresh().finally(() => {
      if (reading === mine) reading = undefined;
    });
    reading = mine;
    return mine;
  }

  return {
    async agents(): Promise<readonly FleetAgent[]> {
      await upToDate();
      return list;
    },
    async spend(month: string): Promise<ReadonlyMap<string, number>> {
      const now = clock.now();
      if (spend?.month !== month || now - spend.at >= beatsMs) spend = { month, at: now, micros: await readSpend(month) };
      return spend.micros;
    },
  };

  async function readSpend(month: string): Promise<ReadonlyMap<string, number>> {
    const micros = new Map<string, number>();
    let from = '';
    for (;;) {
      const page = await store.query('budgets', 'byMonth', { equals: [planeId, month], from, limit: pageSize });
      for (const { ownerId, spentMicros } of page) micros.set(ownerId, spentMicros);
      await breathe();
      const last = page.at(-1);
      if (page.length < pageSize || !last) return micros;
      from = `${last.ownerId}\u0000`;
    }
  }
}
