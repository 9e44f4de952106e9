export interface Letter {
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Delivery {
  /** One attempt; the status that came back, or what stood in its way. */
  attempt(letter: Letter): Promise<number | string>;
  /** Set off by `close`. */
  readonly closing: AbortSignal;
  close(): void;
}

const deadlineMs = 10_000;

export function createDelivery(deliver: typeof fetch): Delivery {
  const closing = new AbortController();
  return {
    async attempt({ address, headers, body }) {
      try {
        const response = await deliver(address, {
          method: 'POST',
          headers,
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
    },
    closing: closing.signal,
    close: () => closing.abort(),
  };
}
