import type { GmailRequest } from '../../functions/mail/gmail.ts';

interface Kept {
  readonly id: string;
  readonly threadId: string;
  readonly raw: string;
  readonly messageId: string;
  readonly labels: readonly string[];
  readonly historyId: number;
}

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly answer: unknown;
}

/** A refusal as Google's client throws it. */
export const refusal = (status: number, reason: string): Error =>
  Object.assign(new Error(`status ${status}`), { status, response: { status, data: { error: { code: status, errors: [{ reason }] } } } });

/** The Gmail API over a mailbox in memory, in place of the client that calls Google. */
export function createGmailMailbox() {
  const kept: Kept[] = [];
  const exchanges: Exchange[] = [];
  const faults: { next?: (path: string) => Error | undefined } = {};
  let oldest = 1_000;
  let historyId = 1_000;

  function keep(raw: Buffer, label: string, threadId?: string): Kept {
    historyId += 7;
    const id = `m${kept.length + 1}`;
    const messageId = /^message-id:\s*<(.+)>/im.exec(raw.toString())?.[1] ?? id;
    const mail = { id, threadId: threadId ?? `t${id}`, raw: raw.toString('base64url'), messageId, labels: [label], historyId };
    kept.push(mail);
    return mail;
  }

  function list(query: Readonly<Record<string, string>>): object {
    const wanted = /^rfc822msgid:(.+)$/.exec(query['q'] ?? '')?.[1];
    const found = kept.filter(({ labels, messageId }) => (wanted === undefined ? labels.includes('INBOX') : messageId === wanted));
    const messages = found.toReversed().map(({ id, threadId }) => ({ id, threadId }));
    return { ...(messages.length === 0 ? {} : { messages }), resultSizeEstimate: messages.length };
  }
  /** One record a page, so that paging is always at work. */
  function history({ startHistoryId, pageToken = '0' }: Readonly<Record<string, string>>): object {
    if (Number(startHistoryId) < oldest) throw refusal(404, 'notFound');
    const added = kept.filter((mail) => mail.historyId > Number(startHistoryId) && mail.labels.includes('INBOX'));
    const page = added.slice(Number(pageToken), Number(pageToken) + 3);
    const records = page.map(({ id, threadId, labels, historyId: at }) => {
      const message = { id, threadId };
      return { id: String(at), messages: [message], messagesAdded: [{ message: { ...message, labelIds: [...labels] } }] };
    });
    const next = Number(pageToken) + 3;
    return {
      ...(records.length === 0 ? {} : { history: records }),
      ...(next < added.length ? { nextPageToken: String(next) } : {}),
      historyId: String(historyId),
    };
  }
  function get(id: string, query: Readonly<Record<string, string>>): object {
    const mail = kept.find((known) => known.id === id);
    if (!mail) throw refusal(404, 'notFound');
    const { threadId, raw, labels, historyId: at } = mail;
    const about = { id, threadId, labelIds: [...labels], historyId: String(at), sizeEstimate: Math.ceil((raw.length * 3) / 4) };
    return query['format'] === 'raw' ? { ...about, raw } : about;
  }
  function send(body: { raw: string; threadId?: string }): object {
    const { id, threadId } = keep(Buffer.from(body.raw, 'base64url'), 'SENT', body.threadId);
    return { id, threadId, labelIds: ['SENT'] };
  }

  const request: GmailRequest = async ({ url, method, params = {}, data, signal }) => {
    signal.throwIfAborted();
    const { pathname } = new URL(url);
    const path = pathname.replace(/^\/gmail\/v1\/users\/[^/]+\//, '');
    const query = params as Readonly<Record<string, string>>;
    const fault = faults.next?.(path);
    if (fault) throw fault;
    const profile = { emailAddress: 'agents@acme.test', messagesTotal: kept.length, threadsTotal: 1, historyId: String(historyId) };
    const answers: Readonly<Record<string, () => object>> = {
      profile: () => profile,
      messages: () => list(query),
      history: () => history(query),
      'messages/send': () => send(data as { raw: string; threadId?: string }),
      watch: () => ({ historyId: String(historyId), expiration: '1767916800000' }),
    };
    const answer = answers[path]?.() ?? get(path.slice('messages/'.length), query);
    exchanges.push({ method, path: pathname, query, ...(data === undefined ? {} : { body: data }), answer });
    return { data: answer };
  };
  return {
    ...{ request, exchanges, faults, kept },
    deliver: async (raw: Uint8Array) => void keep(Buffer.from(raw), 'INBOX'),
    sent: () => kept.filter(({ labels }) => labels.includes('SENT')),
    remove: (id: string) =>
      void kept.splice(
        kept.findIndex((mail) => mail.id === id),
        1,
      ),
    /** Gmail forgets what happened up to now. */
    forget: () => void (oldest = historyId + 1),
  };
}
