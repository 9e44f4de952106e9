import { createImapSmtpCarrier } from '../../functions/mail/imap-smtp.ts';
import { composeMail } from '../../functions/mail/mime.ts';
import { plusAddresses } from '../../functions/mail/addresses.ts';
import { describeCarrier } from '../mail/carrier-conformance.ts';
import { ctx, writeMail } from '../mail/world.ts';
import { until } from '../e2e/embedded.ts';
import { startMailServers, type MailServers } from './mail-servers.ts';

jest.setTimeout(60_000);

function connect(servers: MailServers, password = servers.password) {
  const server = { host: '127.0.0.1', tls: 'implicit', user: 'agents' } as const;
  return createImapSmtpCarrier({
    imap: { ...server, port: servers.imapPort, folder: 'INBOX' },
    smtp: { ...server, port: servers.smtpPort },
    password: async () => password,
    ca: servers.ca,
  });
}
const message = (id: string, to: string) =>
  composeMail(
    { id, date: new Date(0).toISOString(), from: 'agents@acme.test', to, subject: id, text: id, html: id },
    plusAddresses('agents@acme.test'),
  );

describeCarrier('imap+smtp, with Postfix and Dovecot', async () => {
  const servers = await startMailServers();
  let seen = 0;
  return {
    carrier: connect(servers),
    deliver: (raw) => servers.deliver(raw, 'agents+aaaaaaaaaaaaaaaa@acme.test'),
    async received() {
      if (seen === 0 && servers.read('alice').length === 0) {
        seen = 1;
        return [];
      }
      return until('the mail', 10_000, async () => servers.read('alice').length > 0 && servers.read('alice'));
    },
    close: () => servers.stop(),
  };
});

describe('imap+smtp, beyond what all carriers do', () => {
  let servers: MailServers;
  beforeAll(async () => void (servers = await startMailServers()));
  afterAll(() => servers.stop());

  it('tells a recipient that does not exist from a server that is away and a password that is wrong', async () => {
    const sends = async (carrier = connect(servers), to = 'alice@acme.test') => carrier.send(await message('x', to), ctx());
    await expect(sends(undefined, 'nobody@acme.test')).rejects.toMatchObject({ code: 'invalid' });
    await expect(sends(connect(servers, 'wrong'))).rejects.toMatchObject({ code: 'preconditionFailed' });
    await expect(sends(connect({ ...servers, smtpPort: 1 }))).rejects.toMatchObject({ code: 'unavailable' });
    await expect(sends(connect({ ...servers, ca: '' }))).rejects.toMatchObject({ code: 'unavailable' });
    const receives = (carrier = connect(servers)) => carrier.receive(undefined, async () => undefined, ctx());
    await expect(receives(connect(servers, 'wrong'))).rejects.toMatchObject({ code: 'preconditionFailed' });
    await expect(receives(connect({ ...servers, imapPort: 1 }))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('never says its password', async () => {
    const error = await connect(servers, 'wrong-and-secret')
      .send(await message('y', 'alice@acme.test'), ctx())
      .catch((thrown: unknown) => thrown);
    expect(String(error)).not.toContain('wrong-and-secret');
    expect(Object.getOwnPropertyNames(error)).not.toContain('auth');
  });

  it('hears of a new mail at once while it listens, and ends when told', async () => {
    const over = new AbortController();
    const hints: number[] = [];
    const listening = connect(servers).listen?.(() => void hints.push(Date.now()), { ...ctx(), signal: over.signal });
    await until('the first hint', 10_000, async () => hints.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const mail = writeMail();
    const began = Date.now();
    await servers.deliver('raw' in mail ? mail.raw : Buffer.alloc(0), 'agents@acme.test');
    await until('the second hint', 10_000, async () => hints.length > 1);
    expect((hints[1] ?? Infinity) - began).toBeLessThan(5_000);
    over.abort();
    await Promise.resolve(listening).catch(() => undefined);
  });

  it('says that a mail is too large instead of fetching it', async () => {
    const mail = writeMail({ 'Message-ID': '<large@acme.test>' }, `${'x'.repeat(70)}\n`.repeat(160_000));
    await servers.deliver('raw' in mail ? mail.raw : Buffer.alloc(0), 'agents@acme.test');
    const found: string[] = [];
    await connect(servers).receive(undefined, async (given) => void found.push('raw' in given ? 'raw' : 'tooLarge'), ctx());
    expect(found).toContain('tooLarge');
  });
});
