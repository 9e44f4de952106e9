import { z } from 'zod';
import { domainAddresses, plusAddresses, type Addresses } from './addresses.ts';
import type { MailCarrier } from './carrier.ts';
import { createGmailCarrier, type GmailRequest } from './gmail.ts';
import { createImapSmtpCarrier } from './imap-smtp.ts';

const host = z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, 'a host name or an IPv4 address');
const server = z.strictObject({
  host,
  port: z.int().min(1).max(65_535),
  tls: z.enum(['implicit', 'starttls']).default('implicit'),
  user: z.string().min(1).max(320),
  /** The name of the secret of the plane that holds the password; never the password. */
  passwordSecret: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9/_.-]{0,199}$/, 'the name of a secret'),
});
const authservId = z.string().regex(/^[a-z0-9.-]{1,253}$/i, 'the name under which the receiving server writes Authentication-Results');

/** How a plane's mail travels. */
export const mailConfigSchema = z.discriminatedUnion('carrier', [
  /** Nothing leaves the plane's own mailbox. */
  z.strictObject({ carrier: z.literal('embedded') }),
  z.strictObject({
    carrier: z.literal('gmail'),
    mailbox: z.email(),
    authservId: authservId.default('mx.google.com'),
    /** `projects/P/topics/T`: Gmail tells it of new mail; without it, mail is asked for every half minute. */
    topic: z
      .string()
      .regex(/^projects\/[^/]+\/topics\/[^/]+$/, 'projects/<id>/topics/<id>')
      .optional(),
  }),
  z.strictObject({
    carrier: z.literal('imap+smtp'),
    /** One mailbox with plus-addresses; with `catchAll`, every address of its domain comes to it. */
    mailbox: z.email(),
    catchAll: z.boolean().default(false),
    /** It must remove what others wrote under its name (RFC 8601 §5). */
    authservId,
    imap: server.extend({ folder: z.string().min(1).max(200).default('INBOX') }),
    smtp: server,
    /** PEM of a certificate authority of the company's own. */
    ca: z.string().includes('BEGIN CERTIFICATE').optional(),
  }),
]);
export type MailConfig = z.infer<typeof mailConfigSchema>;

/** What a plane is handed where its mail leaves the house. */
export interface MailLine {
  readonly carrier: MailCarrier;
  readonly addresses: Addresses;
  readonly authservId: string;
  /** Keeps notices of new mail coming; called once a day. */
  readonly renew?: (ctx: Parameters<MailCarrier['send']>[1]) => Promise<void>;
  /** Whether this process may stay connected to hear of new mail at once. */
  readonly stay: boolean;
}

export interface LineSurroundings {
  /** Calls Google as the mailbox; needed for `gmail` alone. */
  readonly request: (mailbox: string) => GmailRequest;
  readonly secret: (name: string) => Promise<string>;
  readonly stay: boolean;
}

/** Builds what the configuration names; `undefined` for `embedded`, where the plane's own mailbox is all there is. */
export function createMailLine(config: MailConfig, { request, secret, stay }: LineSurroundings): MailLine | undefined {
  switch (config.carrier) {
    case 'embedded':
      return undefined;
    case 'gmail': {
      const { mailbox, topic, authservId: id } = config;
      const carrier = createGmailCarrier({ request: request(mailbox), mailbox });
      const renew = topic === undefined ? {} : { renew: (ctx: Parameters<typeof carrier.watch>[1]) => carrier.watch(topic, ctx) };
      return { carrier, addresses: plusAddresses(mailbox), authservId: id, stay: false, ...renew };
    }
    case 'imap+smtp': {
      const { imap, smtp, mailbox, catchAll, authservId: id, ca } = config;
      const password = (of: 'imap' | 'smtp'): Promise<string> => secret(config[of].passwordSecret);
      const carrier = createImapSmtpCarrier({ imap, smtp, password, ...(ca === undefined ? {} : { ca }) });
      const addresses = catchAll ? domainAddresses(mailbox.slice(mailbox.lastIndexOf('@') + 1)) : plusAddresses(mailbox);
      return { carrier, addresses, authservId: id, stay };
    }
  }
}

export const embeddedAddresses = (domain: string): Addresses => domainAddresses(`agents.${domain}`);
