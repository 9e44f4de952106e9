import { readIncoming } from '../../functions/mail/incoming.ts';
import { agent, agentId, openPost, writeMail } from './world.ts';

const results = 'Authentication-Results';
const pass = 'mx.acme.test; dmarc=pass header.from=acme.test';
const fail = 'mx.acme.test; dmarc=fail (p=none) header.from=acme.test';

type Headers = NonNullable<Parameters<typeof writeMail>[0]>;

const heard: readonly (readonly [string, Headers])[] = [
  ['a mail of the owner', {}],
  ['an address in another case', { From: 'ALICE@Acme.Test' }],
  [
    'Google’s own way of writing it',
    {
      [results]:
        'mx.acme.test;\r\n       dkim=pass header.i=@acme.test header.s=x;\r\n       spf=pass (mx.acme.test: domain of alice@acme.test designates 1.2.3.4 as permitted sender) smtp.mailfrom=alice@acme.test;\r\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=acme.test',
    },
  ],
  ['a forged failure below ours', { [results]: [pass, fail] }],
  ['another server’s opinion above ours', { [results]: ['mx.elsewhere.test; dmarc=fail header.from=acme.test', pass] }],
  ['an agent that is only in Cc', { To: 'bob@acme.test', Cc: `agents+${agentId}@acme.test`, 'Delivered-To': undefined }],
  ['Auto-Submitted: no', { 'Auto-Submitted': 'no' }],
];

const refused: readonly (readonly [string, string, Headers])[] = [
  ['no results at all', 'noResults', { [results]: undefined }],
  ['results of the sender’s own server alone', 'noResults', { [results]: 'mail.evil.test; dmarc=pass header.from=acme.test' }],
  ['a name that only begins like ours', 'noResults', { [results]: 'mx.acme.test.evil.test; dmarc=pass header.from=acme.test' }],
  ['our name in a comment', 'noResults', { [results]: '(mx.acme.test) evil.test; dmarc=pass header.from=acme.test' }],
  [
    'a verdict inside a comment',
    'noResults',
    { [results]: 'mx.acme.test; spf=fail (; dmarc=pass header.from=acme.test ;) smtp.mailfrom=x' },
  ],
  ['a verdict inside a quoted string', 'noResults', { [results]: 'mx.acme.test; spf=fail reason="; dmarc=pass header.from=acme.test"' }],
  ['a comment without an end', 'noResults', { [results]: 'mx.acme.test; (; dmarc=pass header.from=acme.test' }],
  ['a forged pass below our failure', 'dmarcFailed', { [results]: [fail, pass] }],
  ['a failure', 'dmarcFailed', { [results]: fail }],
  ['a domain without a policy', 'dmarcFailed', { [results]: 'mx.acme.test; dmarc=none header.from=acme.test' }],
  ['two verdicts in one header', 'dmarcFailed', { [results]: `${pass}; dmarc=fail header.from=acme.test` }],
  [
    'SPF and DKIM without DMARC',
    'noResults',
    { [results]: 'mx.acme.test; spf=pass smtp.mailfrom=acme.test; dkim=pass header.d=acme.test' },
  ],
  ['a pass of another domain', 'notAligned', { [results]: 'mx.acme.test; dmarc=pass header.from=evil.test' }],
  ['a pass of nobody', 'notAligned', { [results]: 'mx.acme.test; dmarc=pass' }],
  ['another person', 'notTheOwner', { From: 'mallory@evil.test', [results]: 'mx.acme.test; dmarc=pass header.from=evil.test' }],
  [
    'the owner’s address as a name',
    'notTheOwner',
    { From: '"alice@acme.test" <mallory@evil.test>', [results]: 'mx.acme.test; dmarc=pass header.from=evil.test' },
  ],
  ['an address that only contains the owner’s', 'notTheOwner', { From: 'x.alice@acme.test' }],
  ['two senders', 'noSingleSender', { From: 'alice@acme.test, mallory@evil.test' }],
  ['two From headers', 'noSingleSender', { From: ['alice@acme.test', 'mallory@evil.test'] }],
  ['a group of senders', 'noSingleSender', { From: 'us: alice@acme.test, mallory@evil.test;' }],
  ['no sender', 'noSingleSender', { From: undefined }],
  ['an out-of-office notice', 'autoSubmitted', { 'Auto-Submitted': 'auto-replied' }],
  ['an autoresponder', 'autoSubmitted', { 'X-Autoreply': 'yes' }],
  ['a bounce', 'bounce', { 'Return-Path': '<>' }],
  ['a delivery report', 'bounce', { 'Content-Type': 'multipart/report; report-type=delivery-status; boundary=x' }],
  ['a mailing list', 'list', { 'List-Id': '<all.acme.test>' }],
  ['bulk mail', 'bulk', { Precedence: 'bulk' }],
  ['nothing but an empty body', 'empty', {}],
];

describe('a mail that comes in', () => {
  it.each(heard)('is heard: %s', async (_what, headers) => {
    const post = await openPost();
    post.waiting.push(writeMail(headers));
    await post.collect();
    expect(await post.texts()).toEqual(['Are you there?']);
  });

  it.each(refused)('is refused, noted with its reason and never answered: %s', async (_what, reason, headers) => {
    const post = await openPost();
    post.waiting.push(writeMail(headers, reason === 'empty' ? '' : undefined));
    await post.collect();
    expect(await post.texts()).toEqual([]);
    expect(await post.mailbox.list()).toEqual([]);
    expect(post.sent).toEqual([]);
    expect([...(await post.audit()), ...(await post.audit('plane/acme'))]).toEqual([`mail.refused.${reason}`]);
  });

  it('is refused when it is for nobody here, too large, or its agent is not to run', async () => {
    const post = await openPost();
    post.waiting.push(writeMail({ 'Delivered-To': undefined, To: 'agents@acme.test' }), { tooLarge: 99_000_000 });
    post.waiting.push(writeMail({ 'Delivered-To': undefined, To: 'agents+aaaaaaaaaaaaaaab@acme.test' }));
    await post.collect();
    expect(await post.audit('plane/acme')).toEqual(['mail.refused.notForAnAgent', 'mail.refused.tooLarge']);
    await post.documents.transact(async (tx) => tx.set('agents', agentId, { ...agent, desired: 'removed' }));
    post.waiting.push(writeMail());
    await post.collect();
    expect(await post.audit()).toEqual(['access.refused']);
    expect(await post.texts()).toEqual([]);
  });

  it('cannot fill the audit by making up senders', async () => {
    const post = await openPost();
    for (let at = 0; at < 100; at += 1) post.waiting.push(writeMail({ From: `m${at}@evil.test`, 'Message-ID': `<${at}@evil.test>` }));
    await post.collect();
    expect(await post.audit()).toEqual(['mail.refused.notTheOwner']);
  });

  it('is heard once, however often it is handed over, and comes again when the store failed', async () => {
    let broken = true;
    const post = await openPost((store) => ({
      ...store,
      async transact(work) {
        if (broken) throw new Error('the store is away');
        return store.transact(work);
      },
    }));
    post.waiting.push(writeMail());
    await expect(post.collect()).rejects.toThrow('the store is away');
    broken = false;
    await post.collect();
    post.waiting.push(writeMail());
    await post.collect();
    expect(await post.texts()).toEqual(['Are you there?']);
  });

  it('takes no id away from a mail of somebody else', async () => {
    const [mine, theirs] = [
      await readIncoming(Buffer.from('Message-ID: <x@y.z>\r\n\r\n'), 'mx'),
      await readIncoming(Buffer.from('Message-ID: <x@y.z>\r\n\r\n'), 'mx'),
    ];
    expect(mine.idFor('a1')).not.toBe(theirs.idFor('a2'));
    expect(mine.idFor('a1')).toBe(theirs.idFor('a1'));
  });
});

describe('what the agent reads of a mail', () => {
  const read = async (headers: Headers, body: string) => {
    const mail = writeMail(headers, body);
    return 'raw' in mail ? (await readIncoming(mail.raw, 'mx.acme.test')).text : '';
  };

  it('is text, also of a mail that is HTML alone', async () => {
    const html =
      '<html><head><style>p{color:red}</style></head><body><p>Hello <b>there</b></p><p>Second</p><script>alert(1)</script></body></html>';
    expect(await read({ 'Content-Type': 'text/html; charset=utf-8' }, html)).toBe('Hello there\n\nSecond');
  });

  it('names what was attached and opens none of it', async () => {
    const body = [
      ...['--x', 'Content-Type: text/plain', '', 'See the file.'],
      ...[
        '--x',
        'Content-Type: application/pdf',
        'Content-Disposition: attachment; filename="re\tport".pdf',
        '',
        'SECRET CONTENT',
        '--x--',
      ],
    ].join('\n');
    const text = await read({ 'Content-Type': 'multipart/mixed; boundary=x' }, body);
    expect(text).toMatch(/^See the file\.\n\n\[Attached, not opened: "[^"\n]*" \(1 kB\)\]$/);
    expect(text).not.toContain('SECRET');
  });

  it('is bounded, and without control characters', async () => {
    expect(await read({}, `a\u0007b\u001b[31m`)).toBe('ab[31m');
    const long = await read({}, 'word '.repeat(40_000));
    expect(long.length).toBeLessThan(50_100);
    expect(long).toContain('the rest was cut off');
  });
});
