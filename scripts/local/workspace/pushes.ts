import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, Letter } from './delivery.ts';

export interface Push extends Letter {
  readonly channelId: string;
}

export interface Pushes {
  /** Delivers in the background. No order, no guarantee, and what is pending when the process ends is lost, as Google's is. */
  send(push: Push): void;
}

export interface PushesDeps {
  readonly delivery: Delivery;
  /** Whether the channel is neither stopped nor expired; asked before each attempt. */
  readonly isOpen: (channelId: string) => boolean;
  readonly retryDelaysMs: readonly number[];
  /** How late each copy of a push leaves, in ms; none for a lost one. */
  readonly fate: () => readonly number[];
  readonly log: (line: string) => void;
}

const accepted = [102, 200, 201, 202, 204];
/** Every other status loses the message, 429 as well (guides/push, "Respond to notifications"). */
const retried = [500, 502, 503, 504];
const userAgent = 'APIs-Google; (+https://developers.google.com/webmasters/APIs-Google)';

export function createPushes({ delivery, isOpen, retryDelaysMs, fate, log }: PushesDeps): Pushes {
  const { closing } = delivery;

  const push = async ({ channelId, headers, ...letter }: Push, lateMs: number): Promise<void> => {
    let outcome: number | string = 'never tried';
    for (const delayMs of [lateMs, ...retryDelaysMs]) {
      if (delayMs > 0) await sleep(delayMs, undefined, { ref: false, signal: closing });
      if (closing.aborted || !isOpen(channelId)) return;
      outcome = await delivery.attempt({ ...letter, headers: { ...headers, 'user-agent': userAgent } });
      if (typeof outcome === 'number' && accepted.includes(outcome)) return;
      if (typeof outcome === 'number' && !retried.includes(outcome)) break;
    }
    if (!closing.aborted) log(`workspace: lost a push on channel ${channelId} to ${letter.address}: ${outcome}`);
  };

  return {
    send(message) {
      for (const lateMs of fate())
        void push(message, lateMs).catch((error: unknown) => {
          if (!closing.aborted) log(`workspace: push on channel ${message.channelId} failed: ${String(error)}`);
        });
    },
  };
}
