import { toMessage } from '../core/errors.ts';
import type { Runner, Wake } from '../core/schedule.ts';
import type { Clock, Log } from '../core/surroundings.ts';

export interface InProcessWake extends Wake {
  /** Runs what is due now and from here on. */
  start(): void;
  /** Stops taking work and waits for what is running. */
  stop(): Promise<void>;
}

interface Options {
  readonly clock: Clock;
  readonly log: Log;
  /** How many looks run at once, and how many of all else. */
  readonly concurrency: number;
  /** How often the schedule is searched for what no hint told of, in milliseconds. */
  readonly sweepMs: number;
}

/** How many due keys a sweep takes at once. */
const batch = 500;

/** What goes first when much waits. `again` are passes that go on, which nobody gave a hint for. */
const order = ['pass', 'again', 'review', 'refresh', 'group', 'regroup', 'plane', 'publish', 'other'] as const;
type Kind = (typeof order)[number];

const toKind = (key: string): Kind => order.find((kind) => kind === key.slice(0, key.indexOf('/'))) ?? 'other';

/** Keys that wait, with the time since when, most urgent kind first and within a kind as they came. */
function createLine() {
  const kinds = new Map(order.map((kind) => [kind, new Map<string, number>()] as const));
  return {
    add(key: string, kind: Kind, now: number): void {
      const keys = kinds.get(kind);
      if (!keys?.has(key)) keys?.set(key, now);
    },
    delete(key: string): void {
      kinds.get(toKind(key))?.delete(key);
      kinds.get('again')?.delete(key);
    },
    isEmpty: (): boolean => [...kinds.values()].every(({ size }) => size === 0),
    /** Without those that go on and wait since a later time than `since`. */
    *keys(since: number): Iterable<string> {
      for (const [kind, keys] of kinds) {
        for (const [key, from] of keys) {
          if (kind === 'again' && from > since) break;
          yield key;
        }
      }
    },
  };
}

/**
 * Of many who leave at once everybody's access ends before anybody's machine goes: while looks wait, passes that are to go on
 * wait too, at most so many milliseconds.
 */
const patienceMs = 5_000;

/** Looks have places of their own: somebody's access may end with one, and passes may wait long for a cloud. */
const isLook = (key: string): boolean => /^(?:look|relook|check)\//.test(key);

/** Hints and sweeps in one process: a key never runs twice at once, and a hint during its run makes it run again. */
export function createInProcessWake({ clock, log, concurrency, sweepMs }: Options): InProcessWake & { attach(runner: Runner): void } {
  const lanes = [true, false].map((looks) => ({ looks, waiting: createLine(), running: new Map<string, Promise<void>>() }));
  const laneOf = (key: string) => lanes.find(({ looks }) => looks === isLook(key));
  const runningCount = (): number => lanes.reduce((sum, { running }) => sum + running.size, 0);
  const timers = new Map<string, { at: number; timer: NodeJS.Timeout }>();
  let runner: Runner | undefined;
  let sweeper: NodeJS.Timeout | undefined;
  let accepting = false;
  /** The last sweep found nothing but what is due already, as much as it asked for: there may be more. */
  let more = false;

  function later(key: string, at: number): void {
    const set = timers.get(key);
    if (!accepting || at - clock.now() > sweepMs || (set && set.at <= at)) return;
    clearTimeout(set?.timer);
    const timer = setTimeout(
      () => {
        timers.delete(key);
        enter(key, toKind(key) === 'pass' ? 'again' : toKind(key));
      },
      Math.max(0, at - clock.now()),
    );
    timers.set(key, { at, timer });
  }

  async function run(key: string): Promise<void> {
    try {
      const dueAt = await runner?.run(key);
      if (dueAt !== undefined) later(key, dueAt);
    } catch (error) {
      log.warn(`cannot run ${key}: ${toMessage(error)}; the next sweep tries again`);
    } finally {
      laneOf(key)?.running.delete(key);
      pump();
      if (more && runningCount() === 0) void sweep();
    }
  }

  function pump(): void {
    if (!accepting) return;
    const since = lanes.some(({ looks, waiting }) => looks && !waiting.isEmpty()) ? clock.now() - patienceMs : Infinity;
    for (const { waiting, running } of lanes) {
      for (const key of waiting.keys(since)) {
        if (running.size >= concurrency) break;
        if (running.has(key)) continue;
        waiting.delete(key);
        running.set(key, run(key));
      }
    }
  }

  function enter(key: string, kind: Kind): void {
    laneOf(key)?.waiting.add(key, kind, clock.now());
    pump();
  }

  function wake(key: string, at = 0): void {
    if (at > clock.now()) return later(key, at);
    enter(key, toKind(key));
  }

  async function sweep(): Promise<void> {
    try {
      // What a process that is gone had set a timer for is due soon: the sweep looks as far ahead as the next one is away.
      const due = (await runner?.due(batch, sweepMs)) ?? [];
      const last = due.at(-1);
      more = due.length === batch && last !== undefined && last.dueAt <= clock.now();
      for (const { key, dueAt } of due) {
        if (dueAt <= clock.now()) wake(key);
        else later(key, dueAt);
      }
    } catch (error) {
      log.warn(`cannot sweep the schedule: ${toMessage(error)}; it is tried again in ${sweepMs / 1000} s`);
    }
  }

  return {
    attach(attached) {
      runner = attached;
    },
    wake,
    flush: async () => undefined,
    start() {
      accepting = true;
      void sweep();
      sweeper = setInterval(() => void sweep(), sweepMs);
      pump();
    },
    async stop() {
      accepting = false;
      clearInterval(sweeper);
      for (const { timer } of timers.values()) clearTimeout(timer);
      timers.clear();
      await Promise.allSettled(lanes.flatMap(({ running }) => [...running.values()]));
    },
  };
}
