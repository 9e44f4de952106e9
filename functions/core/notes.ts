import { agentChain, append, planeChain, readHead } from './audit.ts';
import type { Actor } from './records.ts';
import type { Store } from './store.ts';
import type { Clock, Hashing, Json } from './surroundings.ts';

export type Scope = { readonly agentId: string } | { readonly planeId: string };

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
  await store.transact(async (tx) => void append(tx, await readHead(tx, chainOf(scope)), [{ at: clock.now(), ...entry }], hashing));
}

/** The longest target that a caller may write into an audit row. */
const longestTarget = 200;
const windowMs = 60_000;
const mostWindows = 10_000;

/**
 * Notes that whoever is noted could cause without end: refusals, model calls. The first of a kind is written at once, the
 * rest of the minute is counted, and the count is written with the next one, so that nobody fills the disk by knocking.
 */
export function createTally(deps: NoteDeps) {
  const windows = new Map<string, { readonly until: number; unwritten: number }>();

  return async function tally(scope: Scope, entry: Note): Promise<void> {
    const key = `${chainOf(scope)} ${entry.action} ${entry.actor.kind} ${entry.actor.id}`;
    const now = deps.clock.now();
    const open = windows.get(key);
    if (open && open.until > now) {
      open.unwritten += 1;
      return;
    }
    windows.delete(key);
    const [oldest] = windows.keys();
    if (windows.size >= mostWindows && oldest !== undefined) windows.delete(oldest);
    windows.set(key, { until: now + windowMs, unwritten: 0 });
    const unwritten = open && open.unwritten > 0 ? { unwritten: open.unwritten } : {};
    const detail = { ...(entry.detail === undefined ? {} : { detail: entry.detail }), ...unwritten };
    await note(scope, { ...entry, target: entry.target.slice(0, longestTarget), detail }, deps);
  };
}
export type Tally = ReturnType<typeof createTally>;
