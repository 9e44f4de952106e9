import { z } from 'zod';
import { PlaneError, type ErrorCode } from '../core/errors.ts';
import type { Ctx } from '../core/surroundings.ts';
import { largestMail, mailsAtOnce, type IncomingRaw, type MailCarrier, type Received } from './carrier.ts';

/** A call of the Gmail API, as `AuthClient.request` of google-auth-library makes it: throws on every status but 2xx. */
export type GmailRequest = (options: {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly params?: Readonly<Record<string, string | readonly string[]>>;
  readonly data?: object;
  readonly signal: AbortSignal;
}) => Promise<{ readonly data: unknown }>;

export interface GmailOptions {
  /** Sends with the mailbox's own authority, without retries of its own: the schedule is the one retry layer. */
  readonly request: GmailRequest;
  /** The mailbox whose plus-addresses are the agents'. */
  readonly mailbox: string;
  /** Ends in a slash; elsewhere than at Google for tests. */
  readonly rootUrl?: string;
}

/** Both are needed where replies are heard; the second is restricted (developers.google.com/gmail/api/auth/scopes, 2026-11-22). */
export const gmailScopes = ['https://www.googleapis.com/auth/gmail.send', 'https://www.googleapis.com/auth/gmail.readonly'] as const;

const failureSchema = z.object({
  status: z.coerce.number().int().optional().catch(undefined),
  response: z
    .object({
      status: z.number().optional(),
      data: z
        .object({ error: z.object({ errors: z.array(z.object({ reason: z.string() })) }) })
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
});
const limits: ReadonlySet<string> = new Set(['rateLimitExceeded', 'userRateLimitExceeded', 'dailyLimitExceeded', 'quotaExceeded']);
const codes: Readonly<Record<number, ErrorCode>> = { 400: 'invalid', 401: 'unauthenticated', 403: 'forbidden', 404: 'notFound' };

function toPlaneError(verb: string, error: unknown): PlaneError {
  const { data } = failureSchema.safeParse(error);
  const status = data?.status ?? data?.response?.status;
  const reasons = data?.response?.data?.error.errors.map(({ reason }) => reason) ?? [];
  const timedOut = error instanceof Error && /^(AbortError|TimeoutError)$/.test(error.name);
  const tooMany = status === 429 || reasons.some((reason) => limits.has(reason));
  // A mailbox without Gmail answers 400 to every mail: not this mail's fault.
  const unready = reasons.includes('failedPrecondition');
  const usual = timedOut ? 'timeout' : ((status === undefined ? undefined : codes[status]) ?? 'unavailable');
  const code = tooMany ? 'tooManyRequests' : unready ? 'preconditionFailed' : usual;
  const fact = status === undefined ? 'no answer' : [`status ${status}`, ...reasons].join(' ');
  return new PlaneError(code, `cannot ${verb} at Gmail: ${fact}; check the mailbox, its delegation and the quota`, { cause: error });
}

const profileSchema = z.object({ historyId: z.coerce.number().int() });
const listSchema = z.object({
  messages: z.array(z.object({ id: z.string(), threadId: z.string() })).default([]),
  nextPageToken: z.string().optional(),
});
const historySchema = z.object({
  history: z
    .array(
      z.object({
        id: z.coerce.number().int(),
        messagesAdded: z.array(z.object({ message: z.object({ id: z.string() }) })).default([]),
      }),
    )
    .default([]),
  historyId: z.coerce.number().int(),
  nextPageToken: z.string().optional(),
});
const sizeSchema = z.object({ sizeEstimate: z.number().int() });
const rawSchema = z.object({ raw: z.string() });

/** Pages of one listing; more is left for the next call. */
const mostPages = 5;

/** Carries mail through the Gmail API as one mailbox. It follows the mailbox by its history. */
export function createGmailCarrier({ request, mailbox, rootUrl = 'https://gmail.googleapis.com/' }: GmailOptions) {
  const base = `${rootUrl}gmail/v1/users/${encodeURIComponent(mailbox)}`;

  async function call<T>(
    verb: string,
    schema: z.ZodType<T>,
    path: string,
    ctx: Ctx,
    more: Partial<Parameters<GmailRequest>[0]> = {},
  ): Promise<T> {
    let data: unknown;
    try {
      ({ data } = await request({ url: `${base}/${path}`, method: 'GET', ...more, signal: ctx.signal }));
    } catch (error) {
      throw toPlaneError(verb, error);
    }
    const answer = schema.safeParse(data);
    if (answer.success) return answer.data;
    throw new PlaneError('unavailable', `cannot ${verb} at Gmail: its answer has another form than documented`, { cause: answer.error });
  }

  async function threadOf(messageId: string, ctx: Ctx): Promise<string | undefined> {
    const params = { q: `rfc822msgid:${messageId.slice(1, -1)}`, maxResults: '1' };
    const { messages } = await call('find a thread', listSchema, 'messages', ctx, { params });
    return messages[0]?.threadId;
  }

  /** `undefined` when it was deleted meanwhile. */
  async function fetchMail(id: string, ctx: Ctx): Promise<IncomingRaw | undefined> {
    try {
      const path = `messages/${encodeURIComponent(id)}`;
      const { sizeEstimate } = await call('look at a mail', sizeSchema, path, ctx, { params: { format: 'minimal' } });
      if (sizeEstimate > largestMail) return { tooLarge: sizeEstimate };
      const { raw } = await call('fetch a mail', rawSchema, path, ctx, { params: { format: 'raw' } });
      return { raw: Buffer.from(raw, 'base64url') };
    } catch (error) {
      if (error instanceof PlaneError && error.code === 'notFound') return undefined;
      throw error;
    }
  }

  async function hand(id: string, handle: (mail: IncomingRaw) => Promise<void>, ctx: Ctx): Promise<void> {
    const mail = await fetchMail(id, ctx);
    if (mail) await handle(mail);
  }

  /** From the mailbox as it stands: at the first time, and when the history is gone, which Gmail keeps for a week or more. */
  async function startOver(handle: (mail: IncomingRaw) => Promise<void>, ctx: Ctx): Promise<Received> {
    const { historyId } = await call('read the profile', profileSchema, 'profile', ctx);
    const ids: string[] = [];
    let page: string | undefined;
    for (let pages = 0; pages < mostPages; pages += 1) {
      const params = { labelIds: 'INBOX', q: 'newer_than:7d', maxResults: '100', ...(page === undefined ? {} : { pageToken: page }) };
      const listed = await call('list mails', listSchema, 'messages', ctx, { params });
      ids.push(...listed.messages.map(({ id }) => id));
      page = listed.nextPageToken;
      if (page === undefined) break;
    }
    for (const id of ids.reverse()) await hand(id, handle, ctx);
    return { since: historyId, more: false };
  }

  async function follow(since: number, handle: (mail: IncomingRaw) => Promise<void>, ctx: Ctx): Promise<Received> {
    let [taken, done, page] = [0, since, undefined as string | undefined];
    for (let pages = 0; pages < mostPages; pages += 1) {
      const fixed = { startHistoryId: String(since), historyTypes: 'messageAdded', labelId: 'INBOX', maxResults: '100' };
      const params = { ...fixed, ...(page === undefined ? {} : { pageToken: page }) };
      const { history, historyId, nextPageToken } = await call('read the history', historySchema, 'history', ctx, { params });
      for (const { id, messagesAdded } of history) {
        if (taken >= mailsAtOnce) return { since: done, more: true };
        for (const { message } of messagesAdded) await hand(message.id, handle, ctx);
        taken += messagesAdded.length;
        done = id;
      }
      if (nextPageToken === undefined) return { since: Math.max(done, historyId), more: false };
      page = nextPageToken;
    }
    return { since: done, more: true };
  }

  return {
    name: 'gmail',
    async send({ raw, inReplyTo }, ctx) {
      const threadId = inReplyTo === undefined ? undefined : await threadOf(inReplyTo, ctx);
      const data = { raw: raw.toString('base64url'), ...(threadId === undefined ? {} : { threadId }) };
      await call('send a mail', z.object({ id: z.string() }), 'messages/send', ctx, { method: 'POST', data });
    },
    async receive(since, handle, ctx) {
      if (since === undefined) return startOver(handle, ctx);
      try {
        return await follow(since, handle, ctx);
      } catch (error) {
        if (!(error instanceof PlaneError) || error.code !== 'notFound') throw error;
        return startOver(handle, ctx);
      }
    },
    /**
     * Asks Gmail to tell a Pub/Sub topic of every new mail, for seven days; asking each day keeps it up, and replaces the former wish.
     * Notices may be dropped, so polling goes on beside it (developers.google.com/gmail/api/guides/push, 2026-11-22).
     */
    async watch(topicName: string, ctx: Ctx): Promise<void> {
      const data = { topicName, labelIds: ['INBOX'], labelFilterBehavior: 'include' };
      await call('watch the mailbox', z.object({ historyId: z.coerce.number() }), 'watch', ctx, { method: 'POST', data });
    },
  } satisfies MailCarrier & { watch: (topicName: string, ctx: Ctx) => Promise<void> };
}
