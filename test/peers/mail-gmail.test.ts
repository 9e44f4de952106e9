import { createGmailCarrier } from '../../functions/mail/gmail.ts';
import { plusAddresses } from '../../functions/mail/addresses.ts';
import { composeMail } from '../../functions/mail/mime.ts';
import { createGmailMailbox } from '../mail/gmail-mailbox.ts';
import { ctx, writeMail } from '../mail/world.ts';
import { discovery, validateAnswer, validateRequest } from './discovery.ts';

describe("the gmail carrier against Google's discovery document", () => {
  it('sends nothing that the Gmail API does not know, and is tested with nothing that it would not answer', async () => {
    const gmail = createGmailMailbox();
    const carrier = createGmailCarrier({ request: gmail.request, mailbox: 'agents@acme.test' });
    const incoming = writeMail();
    if ('raw' in incoming) await gmail.deliver(incoming.raw);
    const { since } = await carrier.receive(undefined, async () => undefined, ctx());
    for (let at = 0; at < 5; at += 1) if ('raw' in incoming) await gmail.deliver(incoming.raw);
    await carrier.receive(since, async () => undefined, ctx());
    const message = {
      id: 'a',
      date: new Date(0).toISOString(),
      from: 'agents@acme.test',
      to: 'alice@acme.test',
      subject: 'a',
      text: 'a',
      html: 'a',
    };
    await carrier.send(await composeMail({ ...message, inReplyTo: '<one@mail.acme.test>' }, plusAddresses('agents@acme.test')), ctx());
    await carrier.watch('projects/p/topics/mail', ctx());

    const api = discovery('gmail.v1');
    const verdicts = gmail.exchanges.map(({ method, path, query, body, answer }) => {
      const { methodId = '', problems } = validateRequest(api, { method, path, query, body });
      return { methodId, problems, wrongAnswer: validateAnswer(api, methodId, answer) };
    });
    expect(verdicts.filter(({ problems, wrongAnswer }) => problems.length > 0 || wrongAnswer.length > 0)).toEqual([]);
    const used = ['getProfile', 'history.list', 'messages.get', 'messages.list', 'messages.send', 'watch'].map(
      (name) => `gmail.users.${name}`,
    );
    expect([...new Set(verdicts.map(({ methodId }) => methodId))].sort()).toEqual(used);
  });
});
