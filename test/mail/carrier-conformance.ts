import { simpleParser } from 'mailparser';
import type { IncomingRaw, MailCarrier } from '../../functions/mail/carrier.ts';
import { plusAddresses } from '../../functions/mail/addresses.ts';
import { composeMail } from '../../functions/mail/mime.ts';
import { agentId, ctx, writeMail } from './world.ts';

/** A carrier with the world on its other side. */
export interface CarrierWorld {
  readonly carrier: MailCarrier;
  /** A mail comes in from outside. */
  deliver(raw: Uint8Array): Promise<void>;
  /** What people outside got from us. */
  received(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const rawOf = (mail: IncomingRaw): Uint8Array => ('raw' in mail ? mail.raw : new Uint8Array());
const subjectOf = async (mail: IncomingRaw): Promise<string> => (await simpleParser(Buffer.from(rawOf(mail)))).subject ?? '';

/** What every carrier does, whatever it speaks. */
export function describeCarrier(name: string, open: () => Promise<CarrierWorld>): void {
  describe(`the carrier ${name}`, () => {
    let world: CarrierWorld;
    let since: number | undefined;
    beforeAll(async () => void (world = await open()));
    afterAll(() => world.close());

    const deliver = (subject: string) => world.deliver(rawOf(writeMail({ Subject: subject, 'Message-ID': `<${subject}@mail.acme.test>` })));
    async function receive(handle: (subject: string) => void = () => undefined): Promise<string[]> {
      const subjects: string[] = [];
      const answer = await world.carrier.receive(
        since,
        async (mail) => {
          const subject = await subjectOf(mail);
          handle(subject);
          subjects.push(subject);
        },
        ctx(),
      );
      since = answer.since;
      return subjects;
    }

    it('hands over what waits already, oldest first, and each once', async () => {
      await deliver('first');
      await deliver('second');
      expect(await receive()).toEqual(['first', 'second']);
      expect(await receive()).toEqual([]);
      await deliver('third');
      expect(await receive()).toEqual(['third']);
    });

    it('hands a mail over again, with all after it, when it was not taken', async () => {
      for (const subject of ['fourth', 'fifth', 'sixth']) await deliver(subject);
      const taken: string[] = [];
      const refuse = (subject: string): void => {
        if (subject === 'fifth') throw new Error('the store is away');
        taken.push(subject);
      };
      await expect(receive(refuse)).rejects.toThrow('the store is away');
      expect(taken).toEqual(['fourth']);
      expect((await receive()).slice(-2)).toEqual(['fifth', 'sixth']);
      expect(await receive()).toEqual([]);
    });

    it('hands over every byte of a mail', async () => {
      const body = 'Grüße, 你好, 🦞\n.\n..two dots\nFrom here on\n';
      await world.deliver(rawOf(writeMail({ Subject: 'bytes', 'Content-Transfer-Encoding': '8bit' }, body)));
      const texts: (string | undefined)[] = [];
      const answer = await world.carrier.receive(
        since,
        async (mail) => void texts.push((await simpleParser(Buffer.from(rawOf(mail)))).text),
        ctx(),
      );
      since = answer.since;
      expect(texts.map((text) => text?.trimEnd())).toEqual([body.trimEnd()]);
    });

    it('sends a mail with its id and its thread', async () => {
      const addresses = plusAddresses('agents@acme.test');
      const from = `Ada <agents+${agentId}@acme.test>`;
      const message = {
        id: 'answer/1',
        date: '2026-01-02T00:00:00.000Z',
        from,
        to: 'alice@acme.test',
        subject: 'Re: first',
        text: 'Grüße',
        html: '<p>Grüße</p>',
      };
      const thread = { inReplyTo: '<first@mail.acme.test>', references: ['<zero@mail.acme.test>', '<first@mail.acme.test>'] };
      const before = (await world.received()).length;
      await world.carrier.send(await composeMail({ ...message, ...thread }, addresses), ctx());
      const got = (await world.received())[before] ?? '';
      const mail = await simpleParser(got);
      expect(mail).toMatchObject({ messageId: '<answer.1@acme.test>', inReplyTo: thread.inReplyTo, references: thread.references });
      expect([mail.text?.trim(), mail.html]).toEqual(['Grüße', '<p>Grüße</p>']);
      expect([mail.from?.text, mail.replyTo?.text]).toEqual(['"Ada" <agents@acme.test>', `"Ada" <agents+${agentId}@acme.test>`]);
    });

    it('reaches nobody any more once its deadline has passed', async () => {
      const signal = AbortSignal.abort(new Error('too late'));
      await expect(world.carrier.receive(since, async () => undefined, { ...ctx(), signal })).rejects.toThrow();
    });
  });
}
