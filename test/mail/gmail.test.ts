import { createGmailCarrier } from '../../functions/mail/gmail.ts';
import { plusAddresses } from '../../functions/mail/addresses.ts';
import { composeMail } from '../../functions/mail/mime.ts';
import type { IncomingRaw } from '../../functions/mail/carrier.ts';
import { describeCarrier } from './carrier-conformance.ts';
import { createGmailMailbox, refusal } from './gmail-mailbox.ts';
import { ctx, writeMail } from './world.ts';

const rawOf = (mail: IncomingRaw): Uint8Array => ('raw' in mail ? mail.raw : new Uint8Array());
const open = () => {
  const gmail = createGmailMailbox();
  return { gmail, carrier: createGmailCarrier({ request: gmail.request, mailbox: 'agents@acme.test' }) };
};
const incoming = (id: string) => rawOf(writeMail({ 'Message-ID': `<${id}@mail.acme.test>`, Subject: id }));
const composed = (inReplyTo?: string) =>
  composeMail(
    {
      ...{
        id: 'answer/1',
        date: new Date(0).toISOString(),
        from: 'agents@acme.test',
        to: 'alice@acme.test',
        subject: 'Re: x',
        text: 'x',
        html: 'x',
      },
      ...(inReplyTo === undefined ? {} : { inReplyTo, references: [inReplyTo] }),
    },
    plusAddresses('agents@acme.test'),
  );

describeCarrier('gmail', async () => {
  const { gmail, carrier } = open();
  return {
    carrier,
    deliver: gmail.deliver,
    received: async () => gmail.sent().map(({ raw }) => Buffer.from(raw, 'base64url').toString()),
    close: async () => undefined,
  };
});

describe('gmail, beyond what all carriers do', () => {
  it('answers in the thread of the mail that is answered', async () => {
    const { gmail, carrier } = open();
    await gmail.deliver(incoming('one'));
    await carrier.send(await composed('<one@mail.acme.test>'), ctx());
    await carrier.send(await composed('<unknown@mail.acme.test>'), ctx());
    expect(gmail.sent().map(({ threadId }) => threadId)).toEqual(['tm1', 'tm3']);
  });

  it('looks through the mailbox anew when its history is gone', async () => {
    const { gmail, carrier } = open();
    const { since } = await carrier.receive(undefined, async () => undefined, ctx());
    await gmail.deliver(incoming('one'));
    gmail.forget();
    const found: IncomingRaw[] = [];
    await carrier.receive(since, async (mail) => void found.push(mail), ctx());
    expect(found).toHaveLength(1);
  });

  it('takes a bounded number at once, says that more waits, and loses none', async () => {
    const { gmail, carrier } = open();
    let { since } = await carrier.receive(undefined, async () => undefined, ctx());
    let more: boolean;
    for (let at = 0; at < 40; at += 1) await gmail.deliver(incoming(`m${at}`));
    const found: string[] = [];
    let calls = 0;
    do {
      ({ since, more } = await carrier.receive(
        since,
        async (mail) => void found.push(/Subject: (\S+)/.exec(Buffer.from(rawOf(mail)).toString())?.[1] ?? ''),
        ctx(),
      ));
      calls += 1;
    } while (more && calls < 10);
    expect(found).toEqual(Array.from({ length: 40 }, (_, at) => `m${at}`));
    expect(calls).toBe(3);
  });

  it('passes over a mail that was deleted meanwhile, and fetches none that is too large', async () => {
    const { gmail, carrier } = open();
    const { since } = await carrier.receive(undefined, async () => undefined, ctx());
    await gmail.deliver(incoming('gone'));
    await gmail.deliver(Buffer.alloc(11 * 1024 * 1024, 'x'));
    gmail.faults.next = (path) => (path === 'messages/m1' ? refusal(404, 'notFound') : undefined);
    const found: IncomingRaw[] = [];
    await carrier.receive(since, async (mail) => void found.push(mail), ctx());
    expect(found).toEqual([{ tooLarge: expect.any(Number) as number }]);
    expect(gmail.exchanges.some(({ query }) => query['format'] === 'raw')).toBe(false);
  });

  it.each([
    [400, 'invalidArgument', 'invalid'],
    [400, 'failedPrecondition', 'preconditionFailed'],
    [401, 'authError', 'unauthenticated'],
    [403, 'insufficientPermissions', 'forbidden'],
    [403, 'userRateLimitExceeded', 'tooManyRequests'],
    [429, 'rateLimitExceeded', 'tooManyRequests'],
    [500, 'backendError', 'unavailable'],
  ])('tells %i %s as %s', async (status, reason, code) => {
    const { gmail, carrier } = open();
    gmail.faults.next = () => refusal(status, reason);
    await expect(carrier.send(await composed(), ctx())).rejects.toMatchObject({ code, message: expect.stringContaining(reason) as string });
  });

  it('asks for notices of the inbox alone', async () => {
    const { gmail, carrier } = open();
    await carrier.watch('projects/p/topics/mail', ctx());
    expect(gmail.exchanges.at(-1)).toMatchObject({ method: 'POST', body: { topicName: 'projects/p/topics/mail', labelIds: ['INBOX'] } });
  });
});
