import { simpleParser, type AddressObject, type Attachment, type ParsedMail } from 'mailparser';
import { proveSender, type SenderProof } from './authentication-results.ts';
import { toMailId } from './mime.ts';
import { withoutQuotation } from './quoted.ts';

/** A mail from outside with what is known about its sender. */
export interface ReadMail {
  /** The one address in From, in lower case; absent where there is none, or more than one. */
  readonly from?: string;
  readonly proof: SenderProof;
  /** Why a machine may have written it; absent where nothing says so. */
  readonly automatic?: 'autoSubmitted' | 'bulk' | 'list' | 'bounce';
  /** Everyone it is said to be for, in lower case, in the order of trust: where it was delivered, then To and Cc. */
  readonly recipients: readonly string[];
  readonly subject: string;
  /** What the sender wrote, without what is quoted, and the names of what was attached. */
  readonly text: string;
  readonly messageId?: string;
  /** Message-IDs with angle brackets. */
  readonly inReplyTo?: string;
  readonly references: readonly string[];
  idFor(agentId: string): string;
}

/** In characters; a novel is not a message. */
const longestText = 50_000;
const longestSubject = 500;
const mostHtml = 2_000_000;
const mostAttachments = 20;
const mostReferences = 20;
const mostRecipients = 50;
const longestName = 100;

const linesOf = ({ headerLines }: ParsedMail, name: string): string[] =>
  headerLines
    .filter(({ key }) => key === name)
    .map(({ line }) =>
      line
        .slice(line.indexOf(':') + 1)
        .replaceAll(/\r?\n[ \t]+/g, ' ')
        .trim(),
    );

const addressesOf = (found: AddressObject | readonly AddressObject[] | undefined): string[] =>
  [found ?? []]
    .flat()
    .flatMap(({ value }) => value)
    .flatMap((entry) => entry.group ?? [entry])
    .flatMap(({ address }) => (address ? [address.toLowerCase()] : []));

function oneSender(mail: ParsedMail): string | undefined {
  if (linesOf(mail, 'from').length !== 1) return undefined;
  const senders = addressesOf(mail.from);
  return senders.length === 1 ? senders[0] : undefined;
}

function whatMadeIt(mail: ParsedMail): ReadMail['automatic'] {
  const [submitted] = linesOf(mail, 'auto-submitted');
  const type = linesOf(mail, 'content-type').join().toLowerCase();
  if (linesOf(mail, 'return-path').some((path) => /^<\s*>$/.test(path)) || type.startsWith('multipart/report')) return 'bounce';
  if (submitted !== undefined && !/^no\b/i.test(submitted)) return 'autoSubmitted';
  if (['x-autoreply', 'x-autorespond', 'x-autoresponder'].some((name) => linesOf(mail, name).length > 0)) return 'autoSubmitted';
  if (linesOf(mail, 'list-id').length > 0) return 'list';
  return linesOf(mail, 'precedence').some((word) => /^(bulk|junk|list|auto_reply)$/i.test(word)) ? 'bulk' : undefined;
}

const idsIn = (text: string): string[] => text.match(/<[!-;=?-~]{1,300}>/g) ?? [];

const toSize = (bytes: number): string => (bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`);
const toName = ({ filename, size, contentType }: Attachment): string => {
  const name = (filename ?? contentType).replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}"]+/gu, ' ').trim();
  return `"${Array.from(name).slice(0, longestName).join('')}" (${toSize(size)})`;
};

function toText(mail: ParsedMail): string {
  const own = withoutQuotation((mail.text ?? '').slice(0, 4 * longestText)).replaceAll(/[^\P{Cc}\t\n]/gu, '');
  const cut = own.length > longestText ? `${own.slice(0, longestText)}\n[The mail goes on; the rest was cut off.]` : own;
  const attached = mail.attachments.filter(({ related }) => !related);
  if (attached.length === 0) return cut;
  const names = attached.slice(0, mostAttachments).map(toName);
  const more = attached.length > mostAttachments ? ` and ${attached.length - mostAttachments} more` : '';
  return `${cut}\n\n[Attached, not opened: ${names.join(', ')}${more}]`.trim();
}

/** Reads a mail as our server wrote it. `authservId` is that server's name in `Authentication-Results`. */
export async function readIncoming(raw: Uint8Array, authservId: string): Promise<ReadMail> {
  const mail = await simpleParser(Buffer.from(raw), {
    ...{ skipImageLinks: true, skipTextToHtml: true, skipTextLinks: true, maxHtmlLengthToParse: mostHtml },
  });
  const from = oneSender(mail);
  const domain = from?.slice(from.lastIndexOf('@') + 1);
  const delivered = ['delivered-to', 'x-original-to', 'envelope-to'].flatMap((name) => linesOf(mail, name));
  const [messageId] = linesOf(mail, 'message-id');
  const [inReplyTo] = idsIn(linesOf(mail, 'in-reply-to').join(' '));
  const automatic = whatMadeIt(mail);
  return {
    ...(from === undefined ? {} : { from }),
    proof: domain === undefined ? 'noResults' : proveSender(linesOf(mail, 'authentication-results'), authservId, domain),
    ...(automatic === undefined ? {} : { automatic }),
    recipients: [...delivered.map((address) => address.toLowerCase()), ...addressesOf(mail.to), ...addressesOf(mail.cc)].slice(
      0,
      mostRecipients,
    ),
    subject: (mail.subject ?? '')
      .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
      .trim()
      .slice(0, longestSubject),
    text: toText(mail),
    ...(messageId === undefined ? {} : { messageId }),
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
    references: idsIn(linesOf(mail, 'references').join(' ')).slice(-mostReferences),
    idFor: (agentId) => toMailId(agentId, messageId, raw),
  };
}
