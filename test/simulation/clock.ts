import type { Clock } from '../../functions/core/surroundings.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time: it moves from event to event, and every promise that an event settles has run out before the next event. */
export interface VirtualClock extends Clock {
  schedule(at: number, run: () => void): void;
  /** Runs all events up to a time, then stands there; `stop` is asked after each event. */
  advance(until: number, stop?: () => boolean): Promise<void>;
}

/** Aborted by looking at the clock, so that the many deadlines nobody waits for cost nothing. */
class VirtualSignal {
  readonly at: number;
  readonly now: () => number;

  constructor(at: number, now: () => number) {
    this.at = at;
    this.now = now;
  }

  get aborted(): boolean {
    return this.now() >= this.at;
  }

  get reason(): Error {
    return new Error('the deadline has passed');
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }
}

const createSignal = (at: number, now: () => number): AbortSignal => new VirtualSignal(at, now) as unknown as AbortSignal;

/** When a signal aborts, in virtual milliseconds; never when it is not one of ours. */
export const deadlineOf = (signal: AbortSignal): number =>
  (signal as unknown) instanceof VirtualSignal ? (signal as unknown as VirtualSignal).at : Number.POSITIVE_INFINITY;

/**
 * The platform's own `AbortSignal.any` wants platform signals and takes 7 µs of weak references, and a stack for each error
 * that is only counted takes 10 µs (Node 24.21, 2026-11-22), so a history runs on others. Returns how to give them back.
 */
export function lendPlatform(clock: Clock): () => void {
  const any = AbortSignal.any.bind(AbortSignal);
  const { stackTraceLimit } = Error;
  const now = (): number => clock.now();
  AbortSignal.any = (signals) => createSignal(Math.min(...[...signals].map(deadlineOf)), now);
  Error.stackTraceLimit = 0;
  return () => {
    AbortSignal.any = any;
    Error.stackTraceLimit = stackTraceLimit;
  };
}

/** A binary heap, earliest first, first come first served. */
function createQueue() {
  const heap: Event[] = [];
  const earlier = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

  function push(event: Event): void {
    let slot = heap.length;
    heap.push(event);
    while (slot > 0) {
      const above = (slot - 1) >> 1;
      const parent = heap[above];
      if (!parent || !earlier(event, parent)) break;
      heap[slot] = parent;
      slot = above;
    }
    heap[slot] = event;
  }

  function pop(): Event | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let slot = 0;
    for (;;) {
      let below = 2 * slot + 1;
      let child = heap[below];
      const right = heap[below + 1];
      if (child && right && earlier(right, child)) {
        below += 1;
        child = right;
      }
      if (!child || !earlier(child, last)) break;
      heap[slot] = child;
      slot = below;
    }
    heap[slot] = last;
    return first;
  }

  return { push, pop, peek: () => heap[0] };
}

export function createVirtualClock(start: number): VirtualClock {
  const queue = createQueue();
  let time = start;
  let order = 0;
  const now = (): number => time;

  function schedule(at: number, run: () => void): void {
    order += 1;
    queue.push({ at: Math.max(at, time), order, run });
  }

  // A tick asked for in a microtask runs only when no microtask is left: that is what makes one event finish before the next begins.
  const afterMicrotasks = (go: () => void): void => queueMicrotask(() => process.nextTick(go));
  const advance = (until: number, stop: () => boolean = () => false): Promise<void> =>
    new Promise((resolve, reject) => {
      const turn = (): void => {
        const next = queue.peek();
        if (!next || next.at > until || stop()) {
          if (!stop()) time = Math.max(time, until);
          resolve();
          return;
        }
        queue.pop();
        time = next.at;
        try {
          next.run();
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        afterMicrotasks(turn);
      };
      afterMicrotasks(turn);
    });

  return { now, deadline: (ms) => createSignal(time + ms, now), schedule, advance };
}
