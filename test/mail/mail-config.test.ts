import { handOffSchema } from '../../functions/http/onboarding/channels.ts';
import { createMailLine, mailConfigSchema } from '../../functions/mail/mail-config.ts';

const server = { host: 'mail.acme.test', port: 993, user: 'agents@acme.test', passwordSecret: 'mail/password' };
const imapSmtp = {
  carrier: 'imap+smtp',
  mailbox: 'agents@acme.test',
  authservId: 'mx.acme.test',
  imap: server,
  smtp: { ...server, port: 465 },
};
const surroundings = {
  request: () => async () => ({ data: {} }),
  secret: async () => 'secret',
  stay: true,
};
const agentId = 'aaaaaaaaaaaaaaaa';

describe('how the mail of a plane travels', () => {
  it('is one of three ways, and nothing leaves the house unless one is named', () => {
    expect(createMailLine(mailConfigSchema.parse({ carrier: 'embedded' }), surroundings)).toBeUndefined();
    const gmail = createMailLine(mailConfigSchema.parse({ carrier: 'gmail', mailbox: 'agents@acme.test' }), surroundings);
    expect(gmail).toMatchObject({ carrier: { name: 'gmail' }, authservId: 'mx.google.com', stay: false });
    expect(gmail?.renew).toBeUndefined();
    const line = createMailLine(mailConfigSchema.parse(imapSmtp), surroundings);
    expect(line).toMatchObject({ carrier: { name: 'imap+smtp' }, authservId: 'mx.acme.test', stay: true });
    expect(line?.addresses.of(agentId)).toBe(`agents+${agentId}@acme.test`);
    const all = createMailLine(mailConfigSchema.parse({ ...imapSmtp, mailbox: 'all@agents.acme.test', catchAll: true }), surroundings);
    expect(all?.addresses.of(agentId)).toBe(`${agentId}@agents.acme.test`);
    expect(all?.addresses.agentAt(`Ada <${agentId.toUpperCase()}@Agents.acme.test>`)).toBe(agentId);
    expect(all?.addresses.agentAt(`${agentId}@agents.acme.test.evil.test`)).toBeUndefined();
  });

  it.each([
    ['a password in place of the name of its secret', { ...imapSmtp, imap: { ...server, password: 'x' } }],
    ['an unknown carrier', { carrier: 'pigeon' }],
    ['no name of the receiving server', { ...imapSmtp, authservId: undefined }],
    ['a host with a path', { ...imapSmtp, smtp: { ...server, host: 'mail.acme.test/x' } }],
    ['a connection without TLS', { ...imapSmtp, smtp: { ...server, tls: 'none' } }],
    ['a topic by its id alone', { carrier: 'gmail', mailbox: 'agents@acme.test', topic: 'mail' }],
  ])('is refused with %s', (_what, config) => {
    expect(mailConfigSchema.safeParse(config).success).toBe(false);
  });
});

describe('where owners are led', () => {
  it('is a web address or a name, never a program', () => {
    expect(handOffSchema.safeParse({ slack: { url: 'https://acme.slack.com/app_redirect?app=A1', app: 'Agent' } }).success).toBe(true);
    expect(handOffSchema.safeParse({ slack: { url: 'javascript:alert(1)', app: 'Agent' } }).success).toBe(false);
    expect(handOffSchema.safeParse({ telegram: { bot: '../x' } }).success).toBe(false);
  });
});
