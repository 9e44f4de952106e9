import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import { z } from 'zod';
import { PlaneError, toMessage, type ErrorCode } from '../core/errors.ts';
import type { Ctx } from '../core/surroundings.ts';
import { largestMail, mailsAtOnce, type MailCarrier } from './carrier.ts';

export interface Server {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; otherwise STARTTLS, which is required. */
  readonly tls: 'implicit' | 'starttls';
  readonly user: string;
}

export interface ImapSmtpOptions {
  readonly imap: Server & { readonly folder: string };
  readonly smtp: Server;
  /** Reads a password from the plane's own secrets, anew for each connection, so that a new one is in force at once. */
  readonly password: (of: 'imap' | 'smtp') => Promise<string>;
  /** PEM of a certificate authority of the company's own. */
  readonly ca?: string;
}

/** Each step of a connection, in milliseconds; nodemailer knows no abort signal. */
const stepMs = 15_000;

/** Marks a mail that was handed over. The mailbox itself remembers it, and people who look into the mailbox change nothing. */
const handledMark = '$AgentsPlane';

const smtpFailure = z.object({ code: z.string(), responseCode: z.number(), command: z.string() }).partial();

function toSmtpError(error: unknown): PlaneError {
  const { code = 'no answer', responseCode, command } = smtpFailure.safeParse(error).data ?? {};
  const final = responseCode !== undefined && responseCode >= 500;
  const ours = code === 'EAUTH' || command === 'MAIL FROM';
  const kind: ErrorCode = !final ? (code === 'ETIMEDOUT' ? 'timeout' : 'unavailable') : ours ? 'preconditionFailed' : 'invalid';
  const said = responseCode === undefined ? code : `${code} ${responseCode}`;
  const remedy = kind === 'invalid' ? 'check the address of its recipient' : 'check host, port, user and password of the SMTP server';
  return new PlaneError(kind, `cannot send a mail over SMTP: the server said ${said} to ${command ?? 'the connection'}; ${remedy}`, {
    cause: error,
  });
}

const imapFailure = z.object({ authenticationFailed: z.boolean(), code: z.string() }).partial();

function toImapError(error: unknown): PlaneError {
  if (error instanceof PlaneError) return error;
  const { authenticationFailed, code } = imapFailure.safeParse(error).data ?? {};
  const kind: ErrorCode = authenticationFailed ? 'preconditionFailed' : 'unavailable';
  const fact = authenticationFailed ? 'user or password was refused' : (code ?? toMessage(error));
  return new PlaneError(kind, `cannot read mail over IMAP: ${fact}; check host, port, user and password of the IMAP server`, {
    cause: error,
  });
}

/** Carries mail over SMTP and IMAP, as every mail server speaks them. */
export function createImapSmtpCarrier({ imap, smtp, password, ca }: ImapSmtpOptions): MailCarrier {
  const tls = ca === undefined ? {} : { tls: { ca } };

  async function withFolder<T>(ctx: Ctx, work: (client: ImapFlow) => Promise<T>): Promise<T> {
    ctx.signal.throwIfAborted();
    const { host, port, user, folder } = imap;
    const client = new ImapFlow({
      ...{ host, port, auth: { user, pass: await password('imap') }, ...tls },
      ...(imap.tls === 'implicit' ? { secure: true } : { secure: false, doSTARTTLS: true }),
      ...{ logger: false, disableAutoIdle: true, maxIdleTime: 5 * 60_000 },
      ...{ connectionTimeout: stepMs, greetingTimeout: stepMs, socketTimeout: 10 * 60_000 },
    });
    // What happens to the line also ends the call that is under way, which tells of it.
    client.on('error', () => undefined);
    const stop = (): void => client.close();
    ctx.signal.addEventListener('abort', stop, { once: true });
    try {
      await client.connect();
      const lock = await client.getMailboxLock(folder);
      try {
        return await work(client);
      } finally {
        lock.release();
      }
    } catch (error) {
      throw toImapError(error);
    } finally {
      ctx.signal.removeEventListener('abort', stop);
      client.close();
    }
  }

  function checkMarks(client: ImapFlow): void {
    const kept = client.mailbox && client.mailbox.permanentFlags;
    if (kept && (kept.has('\\*') || kept.has(handledMark))) return;
    const fact = `folder ${imap.folder} takes no keywords, so handled mail cannot be marked`;
    throw new PlaneError('preconditionFailed', `cannot read mail over IMAP: ${fact}; use a server that does`);
  }

  return {
    name: 'imap+smtp',
    async send({ from, to, raw }, ctx) {
      ctx.signal.throwIfAborted();
      const { host, port, user } = smtp;
      const transport = createTransport({
        ...{ host, port, auth: { user, pass: await password('smtp') }, ...tls },
        ...(smtp.tls === 'implicit' ? { secure: true } : { secure: false, requireTLS: true }),
        ...{ dnsTimeout: stepMs, connectionTimeout: stepMs, greetingTimeout: stepMs, socketTimeout: stepMs },
        ...{ disableFileAccess: true, disableUrlAccess: true },
      });
      try {
        await transport.sendMail({ envelope: { from, to: [to] }, raw });
      } catch (error) {
        throw toSmtpError(error);
      } finally {
        transport.close();
      }
    },
    receive: (_since, handle, ctx) =>
      withFolder(ctx, async (client) => {
        checkMarks(client);
        const found = await client.search({ unKeyword: handledMark, deleted: false }, { uid: true });
        const uids = (found || []).toSorted((a, b) => a - b);
        for (const uid of uids.slice(0, mailsAtOnce)) {
          const range = String(uid);
          const about = await client.fetchOne(range, { size: true }, { uid: true });
          // Somebody deleted it meanwhile.
          if (!about) continue;
          const { size = 0 } = about;
          const fetched = size > largestMail ? undefined : await client.fetchOne(range, { source: true }, { uid: true });
          if (fetched && fetched.source) await handle({ raw: fetched.source });
          else if (size > largestMail) await handle({ tooLarge: size });
          await client.messageFlagsAdd(range, [handledMark], { uid: true });
        }
        return { since: 0, more: uids.length > mailsAtOnce };
      }),
    listen: (hint, ctx) =>
      withFolder(ctx, async (client) => {
        client.on('exists', hint);
        hint();
        while (!ctx.signal.aborted && client.usable) await client.idle();
      }),
  };
}
