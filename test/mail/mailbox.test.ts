import { createMailbox, type Mailbox, type Message } from '../../functions/mail/mailbox.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

let store: ReturnType<typeof createMemoryStore>;
let mailbox: Mailbox;
let minute: number;
beforeEach(() => {
  store = createMemoryStore();
  mailbox = createMailbox({ store });
  minute = 0;
});

const message = (id: string, more: Partial<Message> = {}): Message => ({
  id,
  date: new Date(Date.UTC(2026, 0, 1, 9, minute++)).toISOString(),
  from: 'agent@acme.test',
  to: 'alice@acme.test',
  subject: `about ${id}`,
  text: `text of ${id}`,
  html: `<p>text of ${id}</p>`,
  ...more,
});
const ids = (messages: readonly Message[]): string[] => messages.map(({ id }) => id);

describe('the mailbox', () => {
  it('gives back what was delivered, with and without a thread', async () => {
    const [plain, answer] = [message('one'), message('two', { inReplyTo: 'one', references: ['one'] })];
    expect([await mailbox.deliver(plain), await mailbox.deliver(answer)]).toEqual([true, true]);
    expect(await mailbox.get('one')).toEqual(plain);
    expect(await mailbox.get('two')).toEqual(answer);
    expect(await mailbox.get('three')).toBeUndefined();
  });

  it('folds messages of the same id into the first, with what stood beside them', async () => {
    const first = message('introduction/a/1');
    expect(await mailbox.deliver(first)).toBe(true);
    const beside = jest.fn(async () => () => undefined);
    expect(await mailbox.deliver(message('introduction/a/1', { text: 'another text' }), beside)).toBe(false);
    expect(await mailbox.list()).toEqual([first]);
    expect(beside).not.toHaveBeenCalled();
  });

  it('keeps no message whose other half was refused', async () => {
    const refuse = async (): Promise<never> => Promise.reject(new Error('refused'));
    await expect(mailbox.deliver(message('refused'), refuse)).rejects.toThrow('refused');
    expect(await mailbox.list()).toEqual([]);
  });

  it('lists the newest first, those of one millisecond always in the same order, up to a limit', async () => {
    const date = '2026-03-01T00:00:00.000Z';
    for (const id of ['c', 'a', 'b']) await mailbox.deliver(message(id, { date }));
    await mailbox.deliver(message('early'));
    expect(ids(await mailbox.list())).toEqual(['c', 'b', 'a', 'early']);
    expect(ids(await mailbox.list({ limit: 2 }))).toEqual(['c', 'b']);
    for (let count = 0; count < 120; count++) await mailbox.deliver(message(`more ${count}`));
    expect(await mailbox.list()).toHaveLength(100);
  });

  it('gives every message once, whatever the size of a page and however many share a millisecond', async () => {
    const date = '2026-03-01T00:00:00.000Z';
    for (const id of ['newest', 'second']) await mailbox.deliver(message(id, { date: `2026-03-02T00:00:0${minute++}.000Z` }));
    for (const id of ['e', 'a', 'd', 'b', 'c']) await mailbox.deliver(message(id, { date }));
    for (const id of ['y', 'x']) await mailbox.deliver(message(id, { to: id === 'x' ? 'bob@acme.test' : 'alice@acme.test' }));
    const whole = ids(await mailbox.list());
    expect(whole).toEqual(['second', 'newest', 'e', 'd', 'c', 'b', 'a', 'x', 'y']);
    for (const limit of [1, 2, 3, 4, 8]) {
      const read: string[] = [];
      for (let page = await mailbox.list({ limit }); page.length > 0; page = await mailbox.list({ limit, after: read.at(-1) ?? '' })) {
        read.push(...ids(page));
        expect(read.length).toBeLessThanOrEqual(whole.length);
      }
      expect(read).toEqual(whole);
    }
    expect(ids(await mailbox.list({ to: 'alice@acme.test', after: 'b', limit: 2 }))).toEqual(['a', 'y']);
  });

  it('refuses to go on after a message that is not there', async () => {
    await expect(mailbox.list({ after: 'nowhere' })).rejects.toThrow('there is no such message');
  });

  it('lists what one address got, without regard to case', async () => {
    await mailbox.deliver(message('for alice', { to: 'Alice@Acme.test' }));
    await mailbox.deliver(message('for bob', { to: 'bob@acme.test' }));
    await mailbox.deliver(message('for alice too'));
    expect(ids(await mailbox.list({ to: 'alice@acme.test' }))).toEqual(['for alice too', 'for alice']);
    expect(ids(await mailbox.list({ to: 'BOB@acme.test', limit: 1 }))).toEqual(['for bob']);
    expect((await mailbox.get('for alice'))?.to).toBe('Alice@Acme.test');
  });

  it('refuses a date that would not sort', async () => {
    for (const date of ['yesterday', '2026-01-01', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00.000+01:00']) {
      await expect(mailbox.deliver(message('x', { date }))).rejects.toThrow('is not ISO 8601');
    }
    expect(await mailbox.list()).toEqual([]);
  });
});
