import { PlaneError } from '../core/errors.ts';
import type { AgentRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Log } from '../core/surroundings.ts';
import { rollCall } from './roll-call.ts';

/** An agent whose owner the directory has not confirmed for so long is held, in milliseconds. */
export const heldAfterMs = 15 * 60_000;
/** What is known is taken for that until it is so old, in milliseconds; then the store is asked, at most so often. */
const askedAfterMs = 10 * 60_000;
const askedEveryMs = 5_000;

export interface ConfirmationDeps {
  readonly store: Pick<Store, 'get'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/**
 * Refuses agents, for the time being, of whose owners the directory has not said for fifteen minutes that they are still there: neither
 * by a roll call nor by the reading that made the agent. So a suspension ends access though every signal of it and the directory itself be lost.
 */
export function createConfirmation({ store, clock, log }: ConfirmationDeps): (agent: AgentRecord) => Promise<void> {
  let readAt = 0;
  let askedAt = -Infinity;
  let asking: Promise<void> | undefined;
  let holding = false;

  async function ask(): Promise<void> {
    askedAt = clock.now();
    readAt = Math.max(readAt, (await store.get('walks', rollCall))?.readAt ?? 0);
    if (!holding || clock.now() - readAt > heldAfterMs) return;
    log.info('agents go on: the Directory was read through again');
    holding = false;
  }

  return async function confirm({ ownerEmail, enabledAt }: AgentRecord): Promise<void> {
    const now = clock.now();
    if (now - readAt > askedAfterMs && now - askedAt >= askedEveryMs) asking ??= ask().finally(() => (asking = undefined));
    await asking;
    const confirmedAt = Math.max(readAt, enabledAt);
    if (now - confirmedAt <= heldAfterMs) return;
    if (!holding) log.warn(`agents are held: the Directory was last read through ${since(readAt)}; none is removed for that`);
    holding = true;
    throw new PlaneError(
      'unavailable',
      `cannot accept this token now: that ${ownerEmail} may have an agent was last confirmed ${since(confirmedAt)}, and the Directory has not been read through since; nothing is lost, the agent goes on by itself when it answers again`,
      { told: true },
    );
  };
}

const since = (at: number): string => (at === 0 ? 'never' : `at ${new Date(at).toISOString()}`);
