import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openMailbox, type Mailbox, type Message } from '../../functions/mail/mailbox.ts';

let root: string;
let file: string;
let mailbox: Mailbox;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mailbox-'));
  file = join(root, 'mail', 'mailbox.db');
  mailbox = openMailbox({ file });
});
afterEach(() => {
  mailbox.close();
  rmSync(root, { recursive: true });
});

let minute = 0;
beforeEach(() => void (minute = 0));
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
  it('gives back what was delivered, with and without a thread', () => {
    const [plain, answer] = [message('one'), message('two', { inReplyTo: 'one', references: ['one'] })];
    expect([mailbox.deliver(plain), mailbox.deliver(answer)]).toEqual([true, true]);
    expect(mailbox.get('one')).toEqual(plain);
    expect(mailbox.get('two')).toEqual(answer);
    expect(mailbox.get('three')).toBeUndefined();
  });

  it('folds messages of the same id into the first', () => {
    const first = message('introduction/a/1');
    expect(mailbox.deliver(first)).toBe(true);
    expect(mailbox.deliver(message('introduction/a/1', { text: 'another text', inReplyTo: 'x' }))).toBe(false);
    expect(mailbox.list()).toEqual([first]);
    expect(mailbox.thread('x')).toEqual([]);
  });

  it('lists the newest first, by date and then by arrival, up to a limit', () => {
    const date = '2026-03-01T00:00:00.000Z';
    mailbox.deliver(message('late', { date }));
    mailbox.deliver(message('early'));
    mailbox.deliver(message('later', { date }));
    expect(ids(mailbox.list())).toEqual(['later', 'late', 'early']);
    expect(ids(mailbox.list({ limit: 2 }))).toEqual(['later', 'late']);
    for (let count = 0; count < 120; count++) mailbox.deliver(message(`more ${count}`));
    expect(mailbox.list()).toHaveLength(100);
  });

  it('lists what one address got, without regard to case', () => {
    mailbox.deliver(message('for alice', { to: 'Alice@Acme.test' }));
    mailbox.deliver(message('for bob', { to: 'bob@acme.test' }));
    mailbox.deliver(message('for alice too'));
    expect(ids(mailbox.list({ to: 'alice@acme.test' }))).toEqual(['for alice too', 'for alice']);
    expect(ids(mailbox.list({ to: 'BOB@acme.test', limit: 1 }))).toEqual(['for bob']);
    expect(mailbox.list({ to: "x' OR '1'='1" })).toEqual([]);
    expect(mailbox.get('for alice')?.to).toBe('Alice@Acme.test');
  });

  it('finds a thread from any of its messages, oldest first', () => {
    mailbox.deliver(message('hello'));
    mailbox.deliver(message('unrelated'));
    mailbox.deliver(message('answer', { inReplyTo: 'hello' }));
    mailbox.deliver(message('branch', { inReplyTo: 'hello', references: ['hello'] }));
    mailbox.deliver(message('deep', { references: ['hello', 'answer'] }));
    for (const id of ['hello', 'answer', 'branch', 'deep']) {
      expect(ids(mailbox.thread(id))).toEqual(['hello', 'answer', 'branch', 'deep']);
    }
    expect(ids(mailbox.thread('unrelated'))).toEqual(['unrelated']);
    expect(mailbox.thread('unknown')).toEqual([]);
  });

  it('joins answers to a message that never came, and survives a circle', () => {
    mailbox.deliver(message('a', { inReplyTo: 'lost' }));
    mailbox.deliver(message('b', { inReplyTo: 'lost' }));
    expect(ids(mailbox.thread('a'))).toEqual(['a', 'b']);
    mailbox.deliver(message('c', { inReplyTo: 'd' }));
    mailbox.deliver(message('d', { inReplyTo: 'c', references: ['d'] }));
    expect(ids(mailbox.thread('c'))).toEqual(['c', 'd']);
  });

  it('refuses a date that would not sort', () => {
    for (const date of ['yesterday', '2026-01-01', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00.000+01:00']) {
      expect(() => mailbox.deliver(message('x', { date }))).toThrow('is not ISO 8601');
    }
    expect(mailbox.list()).toEqual([]);
  });

  it('keeps messages over a restart, durably and for its own user', () => {
    mailbox.deliver(message('kept'));
    const other = openMailbox({ file });
    expect(ids(other.list())).toEqual(['kept']);
    expect(other.deliver(message('kept'))).toBe(false);
    for (const name of readdirSync(join(root, 'mail'))) expect(statSync(join(root, 'mail', name)).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(root, 'mail'))).toContain('mailbox.db-wal');
    other.close();
  });

  it('is not opened by a program that is older than its schema', () => {
    mailbox.close();
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 2');
    db.close();
    expect(() => openMailbox({ file })).toThrow('its schema is version 2; use a newer program');
    const again = new DatabaseSync(file);
    again.exec('PRAGMA user_version = 1');
    again.close();
    mailbox = openMailbox({ file });
  });
});
