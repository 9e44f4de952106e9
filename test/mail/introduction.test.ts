import { abilities } from '../../shared/abilities.ts';
import { channels, tools } from '../../shared/agent.ts';
import { unconnected } from '../../appsscript/words.ts';
import { renderIntroduction, type IntroductionOptions } from '../../functions/mail/introduction.ts';

const invitation = 'Just reply to this email to start chatting.';
const options: IntroductionOptions = {
  agentName: 'Ada',
  ownerName: 'Alice',
  ownerEmail: 'alice@acme.test',
  company: 'Acme',
  tools: ['email', 'calendar'],
  channels: ['email', 'slack'],
  link: 'https://plane.acme.test/me/oc1.link?x=1&y=2',
  from: 'agents@acme.test',
  id: 'introduction/aalicealicealice/1',
  date: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
};

describe('an introduction', () => {
  it('goes to the owner under the id and date it was given', () => {
    const { id, date, from, to, subject } = renderIntroduction(options);
    expect({ id, date, from, to }).toEqual({
      id: 'introduction/aalicealicealice/1',
      date: '2026-01-02T03:04:05.006Z',
      from: 'agents@acme.test',
      to: 'alice@acme.test',
    });
    expect(subject).toBe("Hey Alice, I'm Ada, your new AI agent");
  });

  it('is plain and friendly when the agent wrote nothing', () => {
    for (const text of [undefined, '', ' \n\n ']) {
      const { text: body, html } = renderIntroduction({ ...options, text });
      expect(body).toContain("Hey Alice, I'm Ada, your new AI agent at Acme. Let's get connected.");
      expect(html).toContain('Hey Alice, I&#39;m Ada, your new AI agent at Acme.');
    }
  });

  it('says in plain words what the agent may do, where to reach it, and how to start', () => {
    const { text, html } = renderIntroduction(options);
    for (const body of [text, html]) {
      expect(body).toContain('Think and write with you');
      expect(body).toMatch(
        /Allowed, but not connected yet[^]*Calendar, Email \(your own mailbox\)[^]*your admin has to connect this first/,
      );
      expect(body).toContain('Slack');
      expect(body).toContain(invitation);
      for (const absent of ['GitHub', 'CRM', 'SSH', 'commands', 'WhatsApp', 'Telegram', 'Google Chat']) expect(body).not.toContain(absent);
    }
    expect(text).toContain('Open your page: https://plane.acme.test/me/oc1.link?x=1&y=2\n');
    expect(html).toContain('href="https://plane.acme.test/me/oc1.link?x=1&amp;y=2"');
  });

  it('links each channel that is allowed, and no other (REQ-UX-03)', () => {
    const { text, html } = renderIntroduction({ ...options, channels });
    for (const channel of ['googlechat', 'slack', 'telegram', 'whatsapp']) {
      const address = `https://plane.acme.test/me/oc1.link/${channel}?x=1&y=2`;
      expect(text).toContain(address);
      expect(html).toContain(`href="${address.replace('&', '&amp;')}"`);
    }
    expect(text).toContain('- Email: reply to this message');
    expect(renderIntroduction({ ...options, channels: ['email'] }).text.match(/\/me\/oc1\.link/g)).toHaveLength(1);
  });

  it('names a channel that is not set up once, with who has to do that, and leads nobody there (REQ-UX-03)', () => {
    const { text } = renderIntroduction({ ...options, tools: ['exec'], notSetUp: ['slack'] });
    expect(text).toContain('Allowed, but not connected yet:\n- Slack: your admin has to set it up first');
    expect(text.match(/Slack/g)).toHaveLength(1);
    expect(text).not.toContain('/slack');
  });

  it('calls connected what the panel calls connected, tool by tool', () => {
    expect(tools.filter((tool) => abilities[tool] === undefined)).toEqual(unconnected);
  });

  it('says nothing of what is missing where nothing is', () => {
    expect(renderIntroduction({ ...options, tools: ['exec', 'github'] }).text).not.toContain('not connected');
  });

  it('says the same in both of its forms', () => {
    const { text, html } = renderIntroduction({ ...options, tools, channels });
    const words = (from: string): string[] => from.split(/[^\p{L}\p{N}']+/u).filter((word) => word !== '');
    const entities: Record<string, string> = { '&#39;': "'", '&amp;': '&' };
    const body = html
      .slice(html.indexOf('<body'))
      .replaceAll(/<[^>]+>/g, ' ')
      .replaceAll(/&[#\w]+;/g, (entity) => entities[entity] ?? ' ');
    expect(words(body)).toEqual(words(text.replaceAll(/https:\S+/g, '')));
  });

  it('has words for every tool with something behind it, and for every channel', () => {
    const { text } = renderIntroduction({ ...options, tools, channels });
    expect(text.match(/^- /gm)).toHaveLength(4 + channels.length);
    expect(text).toContain('- Run programs in my own workspace');
    expect(text).toContain('- Calendar, CRM, Email (your own mailbox), SSH: your admin has to connect this first');
    for (const place of ['Email', 'Google Chat', 'Slack', 'Telegram', 'WhatsApp']) expect(text).toContain(`- ${place}: `);
  });

  it('says so when the agent has no tools, and can be answered without a channel', () => {
    const { text } = renderIntroduction({ ...options, tools: [], channels: [] });
    expect(text).toContain('- Think and write with you');
    expect(text).toContain('- Email: reply to this message');
  });

  it('keeps the paragraphs and lines that the agent wrote, instead of ours', () => {
    const { text, html } = renderIntroduction({ ...options, text: 'Hi Alice!\r\n\r\nOne\nTwo\n \n\n\tThree\n' });
    expect(text.startsWith('Hi Alice!\n\nOne\nTwo\n\nThree\n\nWhat I can do for you:')).toBe(true);
    expect(html.match(/<p style="margin:0 0 16px">/g)).toHaveLength(3);
    expect(html).toContain('One<br>\nTwo</p>');
    expect(text).not.toContain("Let's get connected");
    expect(text).toContain(invitation);
  });

  it('escapes everything that comes from outside', () => {
    const nasty = `<img src=x onerror="alert('1')">&`;
    const { html } = renderIntroduction({
      ...options,
      text: `${nasty}\u0000\u001b[31m`,
      agentName: nasty,
      company: nasty,
      ownerName: nasty,
      ownerEmail: nasty,
      link: `https://plane.acme.test/"><script>'&b`,
    });
    expect(html).not.toMatch(/<img|<script|onerror="|'1'/);
    expect(html).toContain('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;');
    // eslint-disable-next-line no-control-regex
    expect(html).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('keeps names to one line of a subject', () => {
    const { subject } = renderIntroduction({ ...options, agentName: 'Ada\r\nBcc: all@acme.test', ownerName: '🦞'.repeat(500) });
    expect(subject).not.toMatch(/[\r\n]/);
    expect(subject).toBe(`Hey ${'🦞'.repeat(100)}, I'm Ada Bcc: all@acme.test, your new AI agent`);
  });

  it('refuses a link that is no web address', () => {
    for (const link of ['javascript:alert(1)', '/me', '', 'data:text/html,x']) {
      expect(() => renderIntroduction({ ...options, link })).toThrow('its link is not an http address');
    }
  });

  it('fits a phone: no fixed widths, no pictures, no scripts, styles inline but for the dark', () => {
    const { html } = renderIntroduction(options);
    expect(html).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
    expect(html).toContain('max-width:560px');
    expect(html).not.toMatch(/<(img|script|link|table)|[^-]width:\s*\d+px/);
    expect(html.match(/<style>[^<]*<\/style>/g)).toHaveLength(1);
    expect(html).toMatch(/<style>\s*@media \(prefers-color-scheme: dark\)/);
  });
});
