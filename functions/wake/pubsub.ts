import { PlaneError } from '../core/errors.ts';
import type { Wake } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Log } from '../core/surroundings.ts';
import { createHints, toRefusal, type GoogleRequest } from './hints.ts';

export interface PubSubWakeOptions {
  readonly store: Pick<Store, 'get'>;
  readonly request: GoogleRequest;
  /** `projects/P/topics/T`. Its push subscription's `ackDeadlineSeconds` is more than `reconcile` ever takes. */
  readonly topic: string;
  /**
   * Pub/Sub cannot delay: a key that is due later than in so many milliseconds is left to the sweep, one that is due sooner is
   * published at once and waited for by `reconcile`. So this is less than the budget of `reconcile`, or hints would go in circles.
   */
  readonly leadMs?: number;
  readonly log: Log;
  readonly clock: Clock;
  /** Ends in a slash; elsewhere than at Google for tests. */
  readonly rootUrl?: string;
}

/** Messages in one publish request (cloud.google.com/pubsub/quotas, 2026-11-22). */
const batchSize = 1000;
const flushMs = 20_000;

/** Sends hints as messages of Google Pub/Sub, for where no Cloud Tasks queue is. */
export function createPubSubWake(options: PubSubWakeOptions): Wake {
  const { store, request, topic, leadMs = 15_000, log, clock, rootUrl = 'https://pubsub.googleapis.com/' } = options;
  if (!/^projects\/[^/]+\/topics\/[^/]+$/.test(topic)) {
    throw new PlaneError('invalid', `cannot use topic ${topic}: it has another form; write projects/<id>/topics/<id>`);
  }

  async function isSoon(key: string): Promise<boolean> {
    const row = await store.get('schedule', key);
    return row !== undefined && row.dueAt - clock.now() <= leadMs;
  }

  async function publish(keys: readonly string[], signal: AbortSignal): Promise<void> {
    const soon = await Promise.all(keys.map(isSoon));
    const messages = keys
      .filter((_key, at) => soon[at])
      .map((key) => ({ data: Buffer.from(JSON.stringify({ key })).toString('base64'), attributes: { key } }));
    if (messages.length > 0) await request({ url: `${rootUrl}v1/${topic}:publish`, method: 'POST', data: { messages }, signal });
  }

  return createHints(async (keys) => {
    const signal = clock.deadline(flushMs);
    for (let at = 0; at < keys.length; at += batchSize) {
      const batch = keys.slice(at, at + batchSize);
      try {
        signal.throwIfAborted();
        await publish(batch, signal);
      } catch (error) {
        const { fact } = toRefusal(error);
        const message = `cannot publish ${batch.length} of ${keys.length} hints to ${topic}: ${fact}; the next sweep finds what is due`;
        log.warn(message, { keys: batch.slice(0, 20) });
      }
    }
  });
}
