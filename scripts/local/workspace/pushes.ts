import { setTimeout as sleep } from 'node:timers/promises';

export interface Push {
  readonly channelId: string;
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Pushes {
  /** Delivers in the background. No order, no guarantee, and what is pending when the process ends is lost, as Google's is. */
  send(push: Push): void;
  close(): void;
}

export interface PushesDeps {
  readonly deliver: typeof fetch;
  /** Whether the channel is neither stopped nor expired; asked before each attempt. */
  readonly isOpen: (channelId: string) => boolean;
  readonly retryDelaysMs: readonly number[];
  readonly log: (line: string) => void;
}

const deadlineMs = 10_000;
const accepted = [102, 200, 201, 202, 204];
/** Every other status loses the message, 429 as well (guides/push, "Respond to notifications"). */
const retried = [500, 502, 503, 504];
const userAgent = 'APIs-Google; (+https://developers.google.com/webmasters/APIs-Google)';

export function createPushes({ deliver, isOpen, retryDelaysMs, log }: PushesDeps): Pushes {
  const closing = new AbortController();

  const attempt = async ({ address, headers, body }: Push): Promise<number | string> => {
    try {
      const response = await deliver(address, {
        method: 'POST',
        headers: { ...headers, 'user-agent': userAgent },
        ...(body !== undefined && { body }),
        redirect: 'manual',
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(deadlineMs)]),
      });
      await response.body?.cancel();
      return response.status;
    } catch (error) {
      const cause = error instanceof Error ? (error.cause ?? error) : error;
      return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    }
  };

  const push = async (message: Push): Promise<void> => {
    let outcome: number | string = 'never tried';
    for (const delayMs of [0, ...retryDelaysMs]) {
      if (delayMs > 0) await sleep(delayMs, undefined, { ref: false, signal: closing.signal });
      if (closing.signal.aborted || !isOpen(message.channelId)) return;
      outcome = await attempt(message);
      if (typeof outcome === 'number' && accepted.includes(outcome)) return;
      if (typeof outcome === 'number' && !retried.includes(outcome)) break;
    }
    if (!closing.signal.aborted) log(`workspace: lost a push on channel ${message.channelId} to ${message.address}: ${outcome}`);
  };

  return {
    send: (message) =>
      void push(message).catch((error: unknown) => {
        if (!closing.signal.aborted) log(`workspace: push on channel ${message.channelId} failed: ${String(error)}`);
      }),
    close: () => closing.abort(),
  };
}
