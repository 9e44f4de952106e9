import { agentChain, append, planeChain, readHead } from './audit.ts';
import type { Actor } from './records.ts';
import type { Store } from './store.ts';
import type { Clock, Hashing, Json } from './surroundings.ts';

/** An agent's chain, or its plane's. Where there may be no agent yet, both are named. */
export type Scope = { readonly agentId: string; readonly planeId?: string } | { readonly planeId: string };

export interface Note {
  readonly actor: Actor;
  readonly action: string;
  readonly target: string;
  readonly detail?: Json;
}

export interface NoteDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
}

const chainOf = (scope: Scope): string => ('agentId' in scope ? agentChain(scope.agentId) : planeChain(scope.planeId));

/** Adds one row to an audit chain outside any change: a join, an admin's wish. */
export async function note(scope: Scope, entry: Note, { store, clock, hashing }: NoteDeps): Promise<void> {
  await store.transact(
    async (tx) => void append(tx, await readHead(tx, chainOf(scope), scope.planeId), [{ at: clock.now(), ...entry }], hashing),
  );
}

/** The longest target that a caller may write into an audit row. */
const longestTarget = 200;
const windowMs = 60_000;
const mostKinds = 10_000;
/** How many targets of one kind have windows of their own at once; what is beyond shares one. */
const mostTargets = 64;
const beyond = '';

interface Kind {
  readonly windows: Map<string, { readonly until: number; unwritten: number }>;
  /** What windows counted that are closed by now, until a row tells of it. */
  carried: number;
}

/** Makes room by closing windows that are over; their counts are kept. */
function closePast(kind: Kind, now: number): void {
  for (const [target, { until, unwritten }] of kind.windows) {
    if (until > now) continue;
    kind.windows.delete(target);
    kind.carried += unwritten;
  }
}

/**
 * Notes that whoever is noted could cause without end: refusals, model calls. The first of a kind and target is written at once, the
 * rest of the minute is counted, and the count is written with the next one of its kind, so that nobody fills the disk by knocking.
 */
export function createTally(deps: NoteDeps) {
  const kinds = new Map<string, Kind>();

  function kindOf(key: string): Kind {
    const kind = kinds.get(key) ?? { windows: new Map(), carried: 0 };
    const [oldest] = kinds.keys();
    if (kinds.size >= mostKinds && !kinds.has(key) && oldest !== undefined) kinds.delete(oldest);
    kinds.set(key, kind);
    return kind;
  }

  return async function tally(scope: Scope, entry: Note): Promise<void> {
    const kind = kindOf(`${chainOf(scope)} ${entry.action} ${entry.actor.kind} ${entry.actor.id}`);
    const now = deps.clock.now();
    const target = entry.target.slice(0, longestTarget);
    closePast(kind, now);
    const place = kind.windows.has(target) || kind.windows.size < mostTargets ? target : beyond;
    const open = kind.windows.get(place);
    if (open) {
      open.unwritten += 1;
      return;
    }
    const { carried } = kind;
    kind.carried = 0;
    kind.windows.set(place, { until: now + windowMs, unwritten: 0 });
    const detail = { ...(entry.detail === undefined ? {} : { detail: entry.detail }), ...(carried > 0 ? { unwritten: carried } : {}) };
    await note(scope, { ...entry, target, detail }, deps);
  };
}
export type Tally = ReturnType<typeof createTally>;
