import type { Hono } from 'hono';
import { z } from 'zod';
import { PlaneError } from '../core/errors.ts';
import type { Log } from '../core/surroundings.ts';
import type { Correspondence } from '../mail/correspondence.ts';
import type { Mailbox } from '../mail/mailbox.ts';
import { read, readJson, toProblemResponse } from './problems.ts';

export interface MailDeps {
  readonly mailbox: Mailbox;
  readonly correspondence: Correspondence;
  readonly log: Log;
  readonly requestId: () => string;
  /** Makes fetching what came in due now. */
  readonly notice: () => Promise<void>;
  /** Throws unless a notice of Gmail's comes from where it should; absent where there are none. */
  readonly verifyPush?: (request: Request) => Promise<unknown>;
}

const listSchema = z.object({
  to: z.string().max(320).optional(),
  after: z.string().max(400).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

const mailSchema = z.strictObject({
  from: z.email(),
  to: z.string().min(3).max(400),
  subject: z.string().max(500).default(''),
  text: z.string().min(1).max(50_000),
  inReplyTo: z.string().max(300).optional(),
});

/** The plane's own mailbox as JSON, newest first; a mail from an owner to an agent is carried to it. Whoever may call it reads all mail. */
export function mountMail(app: Hono, { mailbox, correspondence, log, requestId, notice, verifyPush }: MailDeps): void {
  app.get('/mail/messages', async (c) => {
    try {
      const { to, after, limit } = read(listSchema, c.req.query(), 'the query');
      const filter = { limit, ...(to === undefined ? {} : { to }), ...(after === undefined ? {} : { after }) };
      return c.json({ messages: await mailbox.list(filter) });
    } catch (error) {
      return toProblemResponse(error, requestId(), log, { hideFaults: true });
    }
  });
  app.post('/mail/messages', async (c) => {
    const id = requestId();
    try {
      const mail = read(mailSchema, await readJson(c.req.raw), 'the mail');
      return c.json(await correspondence.receive({ ...mail, id: `mail/${id}` }), 202);
    } catch (error) {
      return toProblemResponse(error, id, log, { hideFaults: true });
    }
  });

  /** Gmail's word through Pub/Sub that something changed in the mailbox: what it says is not read, the mailbox is. */
  app.post('/events/mail', async (c) => {
    try {
      if (!verifyPush) throw new PlaneError('notFound', 'cannot take a notice of mail: this plane expects none');
      await verifyPush(c.req.raw);
      await notice();
      return c.body(null, 204);
    } catch (error) {
      return toProblemResponse(error, requestId(), log, { hideFaults: true });
    }
  });
}
