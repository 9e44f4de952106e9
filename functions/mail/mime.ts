import { createHash } from 'node:crypto';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { Addresses } from './addresses.ts';
import type { Message } from './mailbox.ts';

/** A mail as it travels. */
export interface ComposedMail {
  /** With angle brackets; the same for the same message, always. */
  readonly messageId: string;
  /** With angle brackets. */
  readonly inReplyTo?: string;
  /** Bare addresses. */
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  /** RFC 5322, CRLF. */
  readonly raw: Buffer;
}

/** Longer than any program makes; what is longer gets an id of ours, and its thread ends there. */
const longestForeignId = 250;
const foreign = /^<([!-;=?-~]+@[!-;=?-~]+)>$/;

/** The id under which a mail from outside is kept: of the agent too, so that nobody takes an id away from another's mail. */
export function toMailId(agentId: string, messageId: string | undefined, raw: Uint8Array): string {
  const id = foreign.exec(messageId ?? '')?.[1];
  if (id !== undefined && id.length <= longestForeignId) return `mail/${agentId}/${id}`;
  return `mail/${agentId}/${createHash('sha256').update(raw).digest('hex')}`;
}

/** The Message-ID of a message in our mailbox: the sender's own for one from outside. Ids in angle brackets are Message-IDs already. */
export function toMessageId(id: string, domain: string): string {
  if (id.startsWith('<')) return id;
  const own = /^mail\/[^/]+\/(.+@.+)$/.exec(id)?.[1];
  return own === undefined
    ? `<${id.replaceAll(/[^A-Za-z0-9.-]/g, (char) => (char === '/' ? '.' : `_${char.codePointAt(0)}`))}@${domain}>`
    : `<${own}>`;
}

const bareAddress = (from: string): string => /<([^<>]+)>\s*$/.exec(from)?.[1] ?? from.trim();
const nameIn = (from: string): string => /^(.*)<[^<>]+>\s*$/.exec(from)?.[1]?.trim() ?? '';

/**
 * Writes a message as MIME. `Auto-Submitted` (RFC 3834) and `X-Auto-Response-Suppress` keep away the answers of machines, so that no
 * agent talks to an out-of-office notice.
 */
export async function composeMail(message: Message, addresses: Addresses): Promise<ComposedMail> {
  const { domain, sender } = addresses;
  const { id, to, subject, text, html, date, inReplyTo, references = [] } = message;
  const [name, written] = [nameIn(message.from), bareAddress(message.from)];
  const from = { name, address: sender ?? written };
  const messageId = toMessageId(id, domain);
  const answered = inReplyTo === undefined ? undefined : toMessageId(inReplyTo, domain);
  const composer = new MailComposer({
    ...{ from, to, subject, text, html, messageId, date: new Date(date), newline: 'windows' },
    baseBoundary: createHash('sha256').update(messageId).digest('hex').slice(0, 24),
    ...(sender === undefined || addresses.agentAt(written) === undefined ? {} : { replyTo: { name, address: written } }),
    ...(answered === undefined ? {} : { inReplyTo: answered, references: references.map((known) => toMessageId(known, domain)) }),
    headers: {
      'Auto-Submitted': answered === undefined ? 'auto-generated' : 'auto-replied',
      'X-Auto-Response-Suppress': 'All',
    },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const raw = await composer.compile().build();
  return { messageId, from: from.address, to, subject, raw, ...(answered === undefined ? {} : { inReplyTo: answered }) };
}
