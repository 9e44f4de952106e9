import type { Store } from './store.ts';

/**
 * A call as its effects see it. One that carries an `Idempotency-Key` may be cut off by a crash and sent again: what it had done by then
 * is kept with its key, in the very transactions that did it.
 */
export interface Sent {
  /** Whether it came before and did something then; what is so because of that is no reason to refuse it. */
  readonly begun: boolean;
  /**
   * The store, whose transactions are each done once for this call: a repeat answers what the first answered, and runs no work. Told
   * apart by `name` and their order under it, which has to be the same each time.
   */
  once(name: string): Store;
  /** Another text of 128 bits or more at every call, and the same ones in the same order when it is sent again. */
  readonly random: () => string;
}

/** A call that is never known again. */
export const sentOnce = (store: Store, random: () => string): Sent => ({ begun: false, once: () => store, random });
