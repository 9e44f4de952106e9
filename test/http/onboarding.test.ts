import type { AgentRecord, CommandRecord, HeartbeatRecord } from '../../functions/core/records.ts';
import { linkMs } from '../../functions/core/credentials.ts';
import { channelBody } from '../../functions/http/onboarding/channels.ts';
import { eventually, openWorld, type World } from './world.ts';

const owner = 'alice@acme.test';

describe("an owner's pages", () => {
  let world: World;
  let agentId = '';
  let jar = new Map<string, string>();
  beforeEach(async () => {
    world = await openWorld();
    jar = new Map();
    agentId = await world.agentIdOf(owner);
    const fields = { agentEnabled: true, channelRestrictions: 'email,slack,whatsapp' };
    await world.directory.users.update({ userKey: owner, requestBody: { customSchemas: { OpenClaw_Agent: fields } } });
    await eventually('a record', () => world.store.get('agents', agentId));
  });
  afterEach(() => world.close());

  const link = (extra = world.clock.now() + linkMs) => `/me/${world.credentials.mint({ kind: 'link', agentId, incarnation: 1, extra })}`;
  /** A browser: keeps cookies and follows no redirect. */
  async function ask(path: string, init: RequestInit = {}) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(world.url + path, { redirect: 'manual', ...init, headers: { cookie, ...init.headers } });
    for (const set of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      jar.set(name, decodeURIComponent(value));
    }
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  }
  const post = (path: string, form: Record<string, string> = {}, headers: Record<string, string> = {}) =>
    ask(path, { method: 'POST', body: new URLSearchParams(form), headers });
  const mails = async () => world.store.query('mails', 'byRecipient', { equals: [owner], reverse: true, limit: 50 });
  const codeIn = (text = ''): string => /code is (\S+)/.exec(text)?.[1] ?? '';
  async function confirm(path: string): Promise<void> {
    await post(`${path}/whatsapp/code`);
    const code = codeIn((await mails()).find(({ id }) => id.startsWith('code/'))?.text);
    expect((await post(`${path}/whatsapp/confirm`, { code })).headers.get('location')).toBe('../whatsapp');
  }
  const commands = async (): Promise<CommandRecord[]> =>
    [...(await world.store.query('commands', 'byAgent', { equals: [agentId], limit: 500 }))].filter(({ kind }) => kind === 'whatsappLogin');
  /** What a sidecar's heartbeat says of a login that goes on (scripts/sidecar/errands/whatsapp-login.ts). */
  const show = (whatsapp: HeartbeatRecord['whatsapp']): Promise<void> =>
    world.store.transact(async (tx) => {
      const beat = await tx.get('heartbeats', agentId);
      const fresh = { agentId, incarnation: 1, revision: 1, live: true, ready: true, secretsVersion: '', restarts: 0, boot: 1 };
      tx.set('heartbeats', agentId, { ...fresh, ...beat, at: world.clock.now(), whatsapp });
    });
  async function end(result: string, state: 'done' | 'failed'): Promise<void> {
    const waiting = (await commands()).find((command) => command.state === 'waiting');
    if (!waiting) throw new Error('no command waits');
    await world.store.transact(async (tx) => tx.set('commands', waiting.id, { ...waiting, state, result, endedAt: world.clock.now() }));
  }
  const state = async (path: string) => JSON.parse((await ask(`${path}/whatsapp/state`)).text) as { state: string; html: string };

  it('show how the agent stands and the channels of its policy, and no other (REQ-UX-03)', async () => {
    const path = link();
    expect((await ask(path)).headers.get('location')).toBe(`${path}/`);
    const { status, text } = await ask(`${path}/`);
    expect(status).toBe(200);
    for (const [href, name] of [
      ['email', 'Email'],
      ['slack', 'Slack'],
      ['whatsapp', 'WhatsApp'],
    ])
      expect(text).toMatch(new RegExp(`href="${href}">${name}`));
    expect(text).not.toContain('Telegram');
    expect((await ask(`${path}/telegram`)).status).toBe(404);
    expect((await ask(`${path}/nonsense`)).status).toBe(404);
    expect((await ask(`${path}/email`)).text).toContain(`${agentId}@agents.acme.test`);
  });

  it('say plainly that an admin has to do something first', async () => {
    const { text } = await ask(`${link()}/slack`);
    expect(text).toContain('Ask your admin');
    expect(text).not.toContain('class="button"');
  });

  it('hold no token, allow no foreign program and are kept by nobody', async () => {
    const path = link();
    const token = path.slice('/me/'.length);
    for (const page of ['/', '/slack', '/whatsapp', '/email']) {
      const { text, headers } = await ask(path + page);
      expect(text).not.toContain(token);
      expect(text).toContain('<html lang="en">');
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'nonce-\w+'; script-src '(none|nonce-\w+)';/);
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect([headers.get('cache-control'), headers.get('referrer-policy')]).toEqual(['no-store', 'no-referrer']);
    }
  });

  it('change nothing for whoever holds a link alone, such as one that was forwarded', async () => {
    const path = link();
    expect((await ask(`${path}/whatsapp`)).text).toContain('Mail me a code');
    expect((await ask(`${path}/whatsapp/state`)).status).toBe(403);
    await post(`${path}/whatsapp/again`);
    await post(`${path}/whatsapp/confirm`, { code: 'AAAA-AAAA' });
    expect((await post(`${path}/whatsapp/code`)).status).toBe(303);
    expect((await ask(`${path}/whatsapp`)).text).not.toContain('<img');
    expect(await commands()).toEqual([]);
    const rows = await world.store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 200 });
    expect(rows.map(({ action }) => action)).toContain('onboarding.refused');
  });

  it('take a code in the browser that asked for it, for this agent, for ten to twenty minutes', async () => {
    const path = link();
    await post(`${path}/whatsapp/code`);
    const [mail] = (await mails()).filter(({ id }) => id.startsWith('code/'));
    const code = codeIn(mail?.text);
    expect([code, mail?.recipient]).toEqual([expect.stringMatching(/^[A-Z2-9]{4}-[A-Z2-9]{4}$/), owner]);
    const theirs = jar;
    jar = new Map([['agent_browser', 'x'.repeat(36)]]);
    expect((await post(`${path}/whatsapp/confirm`, { code })).headers.get('location')).toContain('wrong');
    jar = theirs;
    await world.pass(21 * 60_000, /^$/);
    await world.run('roll-call');
    expect((await post(`${path}/whatsapp/confirm`, { code })).headers.get('location')).toContain('wrong');
    await post(`${path}/whatsapp/code`);
    const fresh = codeIn((await mails()).find(({ id, text }) => id.startsWith('code/') && codeIn(text) !== code)?.text);
    expect((await post(`${path}/whatsapp/confirm`, { code: fresh.toLowerCase().replace('-', ' ') })).headers.get('location')).toBe(
      '../whatsapp',
    );
    jar.set('agent_confirmed', (jar.get('agent_confirmed') ?? '').replace(/^\d/, '9'));
    expect((await ask(`${path}/whatsapp/state`)).status).toBe(403);
  });

  it('mail three codes in ten minutes at most, however many ask', async () => {
    const answers: number[] = [];
    for (let at = 0; at < 5; at += 1) {
      jar = new Map();
      answers.push((await post(`${link(world.clock.now() + linkMs + at)}/whatsapp/code`)).status);
    }
    expect(answers).toEqual([303, 303, 303, 429, 429]);
    expect((await mails()).filter(({ id }) => id.startsWith('code/'))).toHaveLength(3);
  });

  it('show the code of the agent, fetch the next before it runs out, and tell once it is connected', async () => {
    const path = link();
    await confirm(path);
    const page = await ask(`${path}/whatsapp`);
    expect(page.text).toContain('Getting a code');
    expect(page.text).toMatch(/<noscript>\s*<meta http-equiv="refresh" content="8"/);
    expect(await commands()).toHaveLength(1);
    expect((await state(path)).state).toBe('waiting');
    expect(await commands()).toHaveLength(1);

    await show({ state: 'showing', qr: '2@secret-of-whatsapp', expiresAt: world.clock.now() + 20_000 });
    const first = await state(path);
    expect([first.state, first.html]).toEqual(['qr', expect.stringContaining('src="data:image/png;base64,')]);
    expect(first.html).not.toContain('secret-of-whatsapp');

    await world.pass(19_000, /^$/);
    expect((await state(path)).html).not.toContain('<img');
    await show({ state: 'showing', qr: '2@another', expiresAt: world.clock.now() + 20_000 });
    expect((await state(path)).html).toContain('<img');
    expect((await state(path)).html).not.toBe(first.html);
    // The sidecar goes on by itself: one command is all that it takes.
    expect(await commands()).toHaveLength(1);

    await show({ state: 'connected' });
    await end('WhatsApp is linked', 'done');
    expect(await state(path)).toMatchObject({ state: 'connected', html: expect.stringContaining('WhatsApp is connected') as string });
    expect((await ask(`${path}/whatsapp`)).text).not.toContain('<script');
  });

  it('say what went wrong without the words of the agent, and go on when asked', async () => {
    const path = link();
    await confirm(path);
    for (const [result, words] of [
      ['Error: /var/lib/secret path', 'could not get a code'],
      ['WhatsApp is not ready: its plugin is not on this machine yet', 'still being made ready'],
    ] as const) {
      await ask(`${path}/whatsapp`);
      await end(result, 'failed');
      const { text } = await ask(`${path}/whatsapp`);
      expect(text).toContain('Try again');
      expect(text).toContain(words);
      expect(text).not.toContain('secret path');
      await world.pass(1_000, /^$/);
      expect((await post(`${path}/whatsapp/again`)).status).toBe(303);
      expect((await state(path)).state).toBe('waiting');
    }
    await world.pass(95_000, /^$/);
    expect((await ask(`${path}/whatsapp`)).text).toContain('did not answer in time');
  });

  it('lead to a channel that admins have set up', async () => {
    const body = channelBody('slack', { slack: { url: 'https://acme.slack.com/app_redirect?app=A1', app: 'Acme <b>Agent' } });
    const text = String(await body);
    expect(text).toContain('href="https://acme.slack.com/app_redirect?app=A1"');
    expect(text).toContain('Acme &lt;b&gt;Agent');
    expect(text).not.toContain('not set up here yet');
  });

  it('refuse a change that another site asks for', async () => {
    expect((await post(`${link()}/whatsapp/code`, {}, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await mails()).filter(({ id }) => id.startsWith('code/'))).toEqual([]);
  });

  it('bound how often one link is used', async () => {
    const path = link();
    const statuses = new Set<number>();
    for (let at = 0; at < 125; at += 1) statuses.add((await ask(`${path}/slack`)).status);
    expect([...statuses]).toEqual([200, 429]);
    expect((await ask(`${link(world.clock.now() + linkMs + 9)}/slack`)).status).toBe(200);
  });

  it('are kind about a link that ended, say how to get a new one, and tell nothing apart', async () => {
    const old = link(world.clock.now() - 1);
    const pages = [await ask(`${old}/slack`), await ask('/me/nonsense/slack'), await ask(`/me/${'x'.repeat(2_000)}/slack`)];
    const bodies = pages.map(({ text }) => text.replaceAll(/nonce="\w+"/g, ''));
    expect(pages.map(({ status }) => status)).toEqual([401, 401, 401]);
    expect(new Set(bodies).size).toBe(1);
    expect(bodies[0]).toContain('Mail me a new link');
    expect(bodies[0]).not.toContain(agentId);

    const before = (await mails()).length;
    const renewals = [await post('/me/nonsense/renew'), await post(`${old}/renew`), await post(`${old}/renew`)];
    expect(new Set(renewals.map(({ text }) => text.replaceAll(/nonce="\w+"/g, ''))).size).toBe(1);
    const [mail, ...more] = (await mails()).slice(0, (await mails()).length - before);
    expect(more).toEqual([]);
    const fresh = new URL(/http\S+/.exec(mail?.text ?? '')?.[0] ?? '').pathname;
    expect((await ask(`${fresh}/`)).status).toBe(200);
  });

  it('end with the agent, links and confirmed browsers alike (REQ-WSEC-05)', async () => {
    const path = link();
    await confirm(path);
    await world.directory.users.update({ userKey: owner, requestBody: { suspended: true } });
    await eventually('the removal', async () => ((await world.store.get('agents', agentId)) as AgentRecord).desired === 'removed');
    for (const page of ['/', '/whatsapp', '/whatsapp/state']) expect((await ask(path + page)).status).toBe(401);
    await post(`${path}/renew`);
    expect((await mails()).filter(({ id }) => id.startsWith('link/'))).toEqual([]);
  });
});

describe('a notice that mail came in', () => {
  it('is taken from nobody who does not prove to be Pub/Sub', async () => {
    const world = await openWorld();
    try {
      const answer = await fetch(`${world.url}/events/mail`, { method: 'POST', body: '{}' });
      expect(answer.status).toBe(401);
    } finally {
      await world.close();
    }
  });
});
