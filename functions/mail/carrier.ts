import type { Ctx } from '../core/surroundings.ts';
import type { ComposedMail } from './mime.ts';

/** A mail that came in, as our server wrote it, headers and all; or that it was too large to fetch. */
export type IncomingRaw = { readonly raw: Uint8Array } | { readonly tooLarge: number };

/** Mails are fetched up to this size, in bytes; attachments are never opened, so this bounds text and their weight alone. */
export const largestMail = 10 * 1024 * 1024;

/** How many mails one call of `receive` takes. */
export const mailsAtOnce = 50;

/**
 * Carries mail between the plane's mailbox and the world. It keeps nothing: the mailbox in the store is the record and the outbox.
 *
 * What is promised: a mail is sent at least once, always under the same Message-ID and with the same bytes; a mail that came in is
 * handed over at least once. What cannot be: each time that the plane dies, or the line breaks, between the
 * server's yes and our note of it, that mail goes out once more; programs that know Message-IDs show it once.
 */
export interface MailCarrier {
  readonly name: string;
  /**
   * Hands one mail to the server. Throws an error that trying again may help (`unavailable`, `timeout`, `tooManyRequests`) or one
   * that it cannot (`invalid`: this mail or its recipient was refused for good; `unauthenticated`, `forbidden`: ours to set right).
   */
  send(mail: ComposedMail, ctx: Ctx): Promise<void>;
  /**
   * Hands over what came in since the answer of the last call, oldest first, at most `mailsAtOnce`, and answers from where to go on and
   * whether more is waiting. What `handle` throws ends the call, and that mail and all after it come again.
   */
  receive(since: number | undefined, handle: (mail: IncomingRaw) => Promise<void>, ctx: Ctx): Promise<Received>;
  /** Calls `hint` when something may have come in, until the signal aborts or the line breaks; absent where only asking helps. */
  listen?(hint: () => void, ctx: Ctx): Promise<void>;
}

export interface Received {
  readonly since: number;
  readonly more: boolean;
}
