import { Hono } from 'hono';
import { simpleParser } from 'mailparser';
import { mountMail } from '../../functions/http/mail.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { composeMail, toMessageId } from '../../functions/mail/mime.ts';
import { plusAddresses } from '../../functions/mail/addresses.ts';
import { agent, agentId, ctx, openPost, quiet, writeMail } from './world.ts';

const introduce = (post: Awaited<ReturnType<typeof openPost>>) =>
  post.correspondence.send(agent, undefined, `introduction/${agentId}/3`, ctx());
const parsed = async (raw: Buffer | undefined) => simpleParser(raw ?? Buffer.alloc(0));

describe('a mail of ours', () => {
  it('is due to be carried in the transaction that keeps it, and leaves once', async () => {
    const post = await openPost();
    await introduce(post);
    await introduce(post);
    expect(await post.due()).toEqual([`carry/introduction/${agentId}/3`]);
    await post.turn();
    expect(await post.due()).toEqual([]);
    expect(post.sent).toHaveLength(1);
    const mail = await parsed(post.sent[0]?.raw);
    expect(mail.from?.text).toBe('"Ada" <agents@acme.test>');
    expect(mail.replyTo?.text).toBe(`"Ada" <agents+${agentId}@acme.test>`);
    expect(mail.messageId).toBe(`<introduction.${agentId}.3@acme.test>`);
    expect(mail.text).toContain('Just reply to this email to start chatting.');
    expect(mail.html).toContain('Just reply to this email to start chatting.');
    expect(mail.headers.get('auto-submitted')).toBe('auto-generated');
  });

  it('is tried again by the schedule while the server is away, under the same id and with the same bytes', async () => {
    const post = await openPost();
    await introduce(post);
    let tries = 0;
    post.faults.send = () => {
      tries += 1;
      if (tries < 4) throw new PlaneError('unavailable', 'cannot send: no answer');
    };
    for (let turn = 0; turn < 6; turn += 1) {
      await post.turn();
      post.pass(60_000);
    }
    expect([tries, post.sent.length]).toEqual([4, 1]);
    const accepted = post.sent[0]?.raw.toString() ?? '';
    const stored = await post.mailbox.get(`introduction/${agentId}/3`);
    if (!stored) throw new Error('no message');
    expect((await composeMail(stored, plusAddresses('agents@acme.test'))).raw.toString()).toBe(accepted);
  });

  it('goes out once more, and no oftener, when the plane dies after the server took it', async () => {
    let dies = false;
    const post = await openPost((store) => ({
      ...store,
      transact: (work) => (dies ? new Promise<never>(() => undefined) : store.transact(work)),
    }));
    await introduce(post);
    post.faults.send = () => void (dies = post.sent.length === 0);
    void post.turn();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(post.sent).toHaveLength(1);
    dies = false;
    for (let turn = 0; turn < 3; turn += 1) await post.turn();
    expect(new Set(post.sent.map(({ messageId }) => messageId)).size).toBe(1);
    expect(post.sent).toHaveLength(2);
  });

  it('is given up, with a note, when its recipient is refused for good or no server took it for five days', async () => {
    const post = await openPost();
    await introduce(post);
    post.faults.send = () => {
      throw new PlaneError('invalid', 'cannot send: no such user');
    };
    await post.turn();
    expect([await post.due(), await post.audit()]).toEqual([[], ['mail.givenUp']]);
    await post.correspondence.notify(agent, 'another', 'Subject', 'Text');
    post.faults.send = () => {
      throw new PlaneError('unavailable', 'cannot send: no answer');
    };
    await post.turn();
    post.pass(6 * 24 * 3_600_000);
    expect(await post.due()).toEqual(['carry/another']);
    await post.turn();
    expect(await post.due()).toEqual([]);
  });

  it('stays in the house when it is a mail of an owner to an agent', async () => {
    const post = await openPost();
    post.waiting.push(writeMail());
    await post.collect();
    expect(await post.due()).toEqual([]);
  });
});

describe('a conversation', () => {
  it("goes on in the owner's own thread", async () => {
    const post = await openPost();
    await introduce(post);
    await post.turn();
    const introduction = toMessageId(`introduction/${agentId}/3`, 'acme.test');
    post.waiting.push(writeMail({ 'In-Reply-To': introduction, References: introduction, Subject: 'Re: Hey' }));
    await post.collect();
    const [row] = await post.documents.query('messages', 'byAgent', { equals: [agentId], limit: 1 });
    if (!row) throw new Error('no message waits');
    await post.correspondence.answer(agent, row, 'I am.');
    await post.turn();
    const answer = await parsed(post.sent[1]?.raw);
    expect(answer.subject).toBe('Re: Hey');
    expect(answer.inReplyTo).toBe('<one@mail.acme.test>');
    expect(answer.references).toEqual([introduction, '<one@mail.acme.test>']);
    expect(answer.headers.get('auto-submitted')).toBe('auto-replied');
    expect(answer.to).toMatchObject({ text: 'Alice@acme.test' });
  });

  it('does not let a name or a subject write headers', async () => {
    const message = { id: 'x', date: new Date(0).toISOString(), to: 'alice@acme.test', text: 't', html: 'h' };
    const nasty = { ...message, from: 'Ada\r\nBcc: all@acme.test <agents@acme.test>', subject: 'Hi\r\nBcc: all@acme.test' };
    const { raw } = await composeMail(nasty, plusAddresses('agents@acme.test'));
    expect(raw.toString()).not.toMatch(/^Bcc:/im);
  });
});

describe('a notice that mail came in', () => {
  it('makes fetching it due now, whatever the notice says', async () => {
    const post = await openPost();
    const app = new Hono();
    const verifyPush = async (request: Request): Promise<void> => {
      if (request.headers.get('authorization') !== 'Bearer google') throw new PlaneError('unauthenticated', 'cannot tell who pushes');
    };
    mountMail(app, { ...post, log: quiet, requestId: () => 'r', verifyPush });
    const push = (token: string) =>
      app.request('/events/mail', { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: '{' });
    expect([(await push('mallory')).status, await post.due()]).toEqual([401, []]);
    post.waiting.push(writeMail());
    expect([(await push('google')).status, await post.due()]).toEqual([204, ['plane/mail']]);
    await post.turn();
    expect(await post.texts()).toEqual(['Are you there?']);
  });
});
