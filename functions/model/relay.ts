import type { ModelCall } from './request.ts';
import type { Usage } from './prices.ts';
import { createUsageReader, usageOf } from './usage.ts';

export interface RelayOptions {
  readonly call: Pick<ModelCall, 'endpoint' | 'wantsUsage'>;
  /** Called once, at the end, with what the maker reported, before the caller sees the end. Never throws. */
  readonly settle: (usage: Usage | undefined) => Promise<void>;
  /** Called once when the caller has gone: what follows is read for its usage alone. */
  readonly gone: () => void;
}

/** Far above any event of a maker: a longer one is passed on unread. */
const longestEvent = 16_000_000;

/** Cuts a text into server-sent events with their empty lines; what has not ended yet waits. */
export function createEvents() {
  let [waiting, looked] = ['', 0];
  return {
    add(text: string): string[] {
      waiting += text;
      const events: string[] = [];
      const end = /\r?\n\r?\n/g;
      end.lastIndex = Math.max(0, looked - 3);
      let from = 0;
      for (let found = end.exec(waiting); found; found = end.exec(waiting)) {
        events.push(waiting.slice(from, end.lastIndex));
        from = end.lastIndex;
      }
      waiting = waiting.slice(from);
      looked = waiting.length;
      if (waiting.length > longestEvent) events.push(this.rest());
      return events;
    },
    rest(): string {
      const left = waiting;
      [waiting, looked] = ['', 0];
      return left;
    },
  };
}

/** Sees a field only outside of texts, where its quotes would be escaped. */
const tellsUsage = /"usage"\s*:\s*\{/;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not for us: passed on as it is.
    return undefined;
  }
}

function parseEvent(event: string): unknown {
  const lines = event.split(/\r?\n/).filter((line) => line.startsWith('data:'));
  return parseJson(lines.map((line) => line.slice(5)).join('\n'));
}

/** Passes a maker's stream on as it comes, and reads its usage on the way; what the caller had not asked for is left out. */
export function relayStream(body: ReadableStream<Uint8Array>, { call, settle, gone }: RelayOptions): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const usage = createUsageReader(call.endpoint);
  const events = createEvents();
  const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];
  let settled: Promise<void> | undefined;
  const end = (): Promise<void> => (settled ??= settle(usage.final()));

  const passes = (event: string): boolean => !(tellsUsage.test(event) && usage.take(parseEvent(event)) && !call.wantsUsage);

  /** The next that the caller sees, after some waiting; `undefined` at the end. */
  async function next(): Promise<string | undefined> {
    const { done, value } = await reader.read();
    if (!done)
      return events
        .add(decoder.decode(value, { stream: true }))
        .filter(passes)
        .join('');
    const rest = events.rest() + decoder.decode();
    return rest !== '' && passes(rest) ? rest : undefined;
  }

  let left = false;
  return new ReadableStream({
    async pull(controller) {
      try {
        let text = await next();
        while (text === '' && !left) text = await next();
        // Whoever cancels reads on by itself.
        if (left) return;
        if (text !== undefined) return controller.enqueue(encoder.encode(text));
        await end();
        controller.close();
      } catch (error) {
        if (left) return;
        await end();
        controller.error(error);
      }
    },
    async cancel() {
      left = true;
      gone();
      try {
        while ((await next()) !== undefined);
      } catch {
        // Cut by the maker, a suspension or the deadline: whatever usage came until then counts.
      }
      await end();
    },
  });
}

/** Above what any maker answers at once, in bytes. */
const largestAnswer = 64_000_000;

/** A whole answer, settled before the caller sees it. */
export async function relayWhole(answer: Response, { call, settle }: RelayOptions): Promise<string> {
  let usage: Usage | undefined;
  try {
    const decoder = new TextDecoder();
    let [text, size] = ['', 0];
    for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > largestAnswer) throw new RangeError(`the answer is larger than ${largestAnswer} bytes`);
      text += decoder.decode(chunk, { stream: true });
    }
    text += decoder.decode();
    usage = usageOf(call.endpoint, parseJson(text));
    return text;
  } finally {
    await settle(usage);
  }
}
