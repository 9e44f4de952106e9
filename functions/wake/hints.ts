import { z } from 'zod';
import { PlaneError } from '../core/errors.ts';
import type { Wake } from '../core/schedule.ts';

/** A call of a Google REST API, as `AuthClient.request` of google-auth-library makes it: throws on every status but 2xx. */
export type GoogleRequest = (options: {
  readonly url: string;
  readonly method: 'POST';
  readonly data: object;
  readonly signal: AbortSignal;
}) => Promise<unknown>;

/** Collects hints, each key once, until they are flushed. `send` never throws: what it cannot send is the sweep's to find. */
export function createHints(send: (keys: readonly string[]) => Promise<void>): Wake {
  const hinted = new Set<string>();
  const sending = new Set<Promise<void>>();
  return {
    wake: (key) => void hinted.add(key),
    async flush() {
      if (hinted.size > 0) {
        const keys = [...hinted];
        hinted.clear();
        const sent = send(keys).finally(() => sending.delete(sent));
        sending.add(sent);
      }
      // One instance answers several requests: each also waits for what another is sending for it.
      await Promise.all(sending);
    },
  };
}

const answeredSchema = z.object({
  status: z.number(),
  response: z
    .object({ data: z.object({ error: z.object({ status: z.string().regex(/^[A-Z_]{1,40}$/) }) }) })
    .optional()
    .catch(undefined),
});
const causeSchema = z.object({ name: z.string(), code: z.unknown(), cause: z.unknown() }).partial();

/** The word of the innermost cause that has one: the client wraps what fetch threw, and that what the system said. */
function toWord(error: unknown, depth = 0): string {
  const { data: { name, code, cause } = {} } = causeSchema.safeParse(error);
  if (typeof code === 'string') return code;
  return cause !== undefined && depth < 4 ? toWord(cause, depth + 1) : (name ?? 'no answer');
}

export interface Refusal {
  /** HTTP status; absent where nothing answered. */
  readonly status?: number;
  /** Status and Google's word for it, or the system's; never the text of an answer, which could repeat what was sent. */
  readonly fact: string;
}

/** What a failed call says about itself. */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof PlaneError) return { fact: error.message };
  const { data: answered } = answeredSchema.safeParse(error);
  if (!answered) return { fact: toWord(error) };
  const word = answered.response?.data.error.status;
  return { status: answered.status, fact: word === undefined ? String(answered.status) : `${answered.status} ${word}` };
}
