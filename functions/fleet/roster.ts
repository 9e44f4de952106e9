import { toHealth, type Health, type Phase } from '../../shared/agent.ts';
import type { AgentRecord, HeartbeatRecord, StatusRecord } from '../core/records.ts';

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
  /** The version of OpenClaw in force, as its machine said last. */
  readonly openclaw: string | undefined;
  /** Somebody should look at it. */
  readonly attention: boolean;
  /** Name and address in lower case, to search in. */
  readonly words: string;
  /** What it was made from. */
  readonly record: AgentRecord;
  readonly status: StatusRecord | undefined;
}

type Beat = Pick<HeartbeatRecord, 'at' | 'openclaw'>;

interface Known {
  record: AgentRecord;
  status: StatusRecord | undefined;
  beat: Beat | undefined;
  shown: FleetAgent;
}

/** Health is a matter of minutes: so often is often enough to see that a heartbeat is missing. */
const healthMs = 1_000;

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
const byName = (a: FleetAgent, b: FleetAgent): number => compare(a.ownerName, b.ownerName) || compare(a.agentId, b.agentId);

/** Whether lists are in the same order and filters let the same through. */
const isAlike = (a: FleetAgent, b: FleetAgent): boolean =>
  a.phase === b.phase &&
  a.health === b.health &&
  a.attention === b.attention &&
  a.ouPath === b.ouPath &&
  a.words === b.words &&
  a.ownerName === b.ownerName;

function toFleetAgent({ record, status, beat }: Omit<Known, 'shown'>, now: number, words?: string): FleetAgent {
  const current = status?.incarnation === record.incarnation ? status : undefined;
  const phase = current?.phase ?? (status && status.phase !== 'removed' ? 'removing' : 'pending');
  const health = toHealth(beat && phase !== 'removed' ? now - beat.at : undefined);
  const { agentId, ownerId, ownerEmail, ownerName, ouPath, spec } = record;
  const told = record.conditions.length > 0 || (current?.conditions.length ?? 0) > 0;
  return {
    ...{ agentId, ownerId, ownerEmail, ownerName, ouPath, phase, health, record, status, openclaw: beat?.openclaw },
    ...{ capUsd: spec.budgetCap, attention: phase !== 'removed' && (told || health === 'red') },
    words: words ?? `${ownerName}\n${ownerEmail}`.toLowerCase(),
  };
}

/** The agents of one plane in memory, in the order of their owners' names; a change moves one agent and leaves the rest as they are. */
export function createRoster() {
  const known = new Map<string, Known>();
  const byOwner = new Map<string, string>();
  let list: FleetAgent[] = [];
  /** Many at once are put in order together. */
  let ordered = true;
  let healthAt = -Infinity;
  let version = 0;

  /** Where an agent stands or belongs. */
  function placeOf(agent: FleetAgent): number {
    let [low, high] = [0, list.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = list[middle];
      if (there && byName(there, agent) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function show(before: FleetAgent | undefined, after: FleetAgent | undefined): void {
    if (!before || !after || !isAlike(before, after)) version += 1;
    if (!ordered) return;
    if (before && after && before.ownerName === after.ownerName) {
      list[placeOf(before)] = after;
      return;
    }
    if (before) list.splice(placeOf(before), 1);
    if (after) list.splice(placeOf(after), 0, after);
  }

  function put(record: AgentRecord, status: StatusRecord | undefined, beat: Beat | undefined, now: number): void {
    const before = known.get(record.agentId);
    const next = { record, status, beat };
    const shown = toFleetAgent(next, now);
    known.set(record.agentId, { ...next, shown });
    byOwner.set(record.ownerId, record.agentId);
    show(before?.shown, shown);
  }

  function renew(each: Known, now: number): void {
    const before = each.shown;
    each.shown = toFleetAgent(each, now, before.words);
    show(before, each.shown);
  }

  return {
    has: (agentId: string): boolean => known.has(agentId),
    size: (): number => known.size,
    /** Those that may have a heartbeat. */
    beating: (): string[] => [...known].flatMap(([agentId, { shown }]) => (shown.phase === 'removed' ? [] : [agentId])),
    /** Takes what follows as it comes, and puts it in order when it is next asked for. */
    takeMany(): void {
      ordered = false;
    },
    takeAgent(record: AgentRecord, now: number): void {
      const before = known.get(record.agentId);
      if (before && before.record.revision >= record.revision) return;
      const same = before?.record.incarnation === record.incarnation;
      put(record, before?.status, same ? before.beat : undefined, now);
    },
    takeStatus(status: StatusRecord, now: number): void {
      const before = known.get(status.agentId);
      if (!before || (before.status?.changedAt === status.changedAt && before.status.phase === status.phase)) return;
      put(before.record, status, before.beat, now);
    },
    takeBeat(agentId: string, beat: HeartbeatRecord | undefined, now: number): void {
      const before = known.get(agentId);
      if (!before) return;
      before.beat = beat?.incarnation === before.record.incarnation ? { at: beat.at, openclaw: beat.openclaw } : undefined;
      renew(before, now);
    },
    /** Something else is told of it than is known here. */
    renew(agentId: string, now: number): void {
      const before = known.get(agentId);
      if (before) renew(before, now);
    },
    renewOf(ownerId: string, now: number): void {
      const before = known.get(byOwner.get(ownerId) ?? '');
      if (before) renew(before, now);
    },
    drop(agentId: string): void {
      const before = known.get(agentId);
      known.delete(agentId);
      show(before?.shown, undefined);
    },
    /** Good until the caller next waits for anything. */
    list(now: number): readonly FleetAgent[] {
      if (Math.abs(now - healthAt) >= healthMs) {
        healthAt = now;
        for (const each of known.values()) {
          const { shown, beat } = each;
          if (toHealth(beat && shown.phase !== 'removed' ? now - beat.at : undefined) === shown.health) continue;
          renew(each, now);
        }
      }
      if (!ordered) {
        list = [...known.values()].map(({ shown }) => shown).sort(byName);
        ordered = true;
      }
      return list;
    },
    /** Another once any agent stands elsewhere in the list or in what can be asked for. */
    version: (): number => version,
    /** Where an agent stands in the list; `undefined` of one that is not known. */
    indexOf(agentId: string): number | undefined {
      const found = known.get(agentId);
      return found && placeOf(found.shown);
    },
  };
}
export type Roster = ReturnType<typeof createRoster>;
