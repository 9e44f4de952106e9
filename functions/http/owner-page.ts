import type { Context, Hono } from 'hono';
import { html } from 'hono/html';
import { toAbilities, toWaiting, waitingHeading } from '../../shared/abilities.ts';
import { channelSchema, type Channel, type Phase } from '../../shared/agent.ts';
import { channelNames } from '../../shared/display-names.ts';
import { toMessage } from '../core/errors.ts';
import type { Tally } from '../core/notes.ts';
import type { Actor, AgentRecord } from '../core/records.ts';
import type { Log } from '../core/surroundings.ts';
import { fromOf } from './request.ts';
import { createBrowsers, type BrowserDeps } from './onboarding/browser.ts';
import { askAdmin, awaitsAdmin, channelBody, emailBody, type HandOff } from './onboarding/channels.ts';
import { back, toPage, type PageOptions } from './onboarding/layout.ts';
import { createLimits } from './onboarding/limits.ts';
import { createLinks, type LinksDeps } from './onboarding/links.ts';
import { createWhatsapp, loginBody, whatsappScript, type WhatsappDeps } from './onboarding/whatsapp.ts';

export interface OwnerPageDeps extends LinksDeps, Omit<BrowserDeps, 'secure'> {
  readonly log: Log;
  readonly tally: Tally;
  /** The plane's address as owners reach it. */
  readonly publicUrl: string;
  /** Where an agent is written to. */
  readonly addressOf: (agentId: string) => string;
  readonly handOff: HandOff;
  /** As for the API: how many proxies of ours stand before it. */
  readonly forwardedHops?: number | undefined;
  /** Asks an agent's sidecar for WhatsApp's QR code; absent where sidecars cannot. */
  readonly askWhatsapp?: WhatsappDeps['ask'] | undefined;
}

const phaseWords = {
  pending: 'is about to be set up',
  provisioning: 'is being set up; this takes a few minutes',
  running: 'is ready',
  paused: 'is paused by your admin',
  removing: 'is being removed',
  removed: 'is removed',
} as const satisfies Record<Phase, string>;

/** How often one link may be used in a minute. An open page asks thirty times. */
const mostLooks = 120;
const mostChanges = 12;
/** Codes that are mailed to one owner in ten minutes. */
const mostCodes = 3;

type Serve = (c: Context, agent: AgentRecord, nonce: string) => Promise<Response>;

/** The pages behind the link in an introduction: the owner sees how the agent stands and connects channels, without signing in anywhere. */
export function mountOwnerPage(app: Hono, deps: OwnerPageDeps): void {
  const { log, random, clock, store, tally, correspondence, handOff, publicUrl } = deps;
  const permits = createLimits(clock);
  const links = createLinks(deps);
  const browsers = createBrowsers({ ...deps, secure: publicUrl.startsWith('https:') });
  const look = deps.askWhatsapp && createWhatsapp({ store, clock, ask: deps.askWhatsapp });
  const wantsPage = (c: Context): boolean => !(c.req.header('accept') ?? '').startsWith('application/json');
  const show = async (c: Context, nonce: string, page: PageOptions): Promise<Response> => toPage(c, nonce, page);

  const expired = (c: Context, nonce: string): Promise<Response> =>
    show(c, nonce, {
      title: 'This link no longer works',
      status: 401,
      body: html`<p>Links work for seven days, and only while the agent that they belong to is switched on.</p>
        <form method="post" action="${'../'.repeat(c.req.path.split('/').length - 4)}renew">
          <button type="submit">Mail me a new link</button>
        </form>
        <p>It goes to the mailbox of the person whose agent it is. You can also reply to any mail from your agent.</p>
        <p class="soft">If you expected an agent and hear nothing, ask your Workspace admin.</p>`,
    });
  const slowDown = (c: Context, nonce: string): Promise<Response> =>
    show(c, nonce, {
      title: 'One moment please',
      status: 429,
      body: html`<p>This link was used very often just now. Try again in a minute.</p>`,
    });
  const failed = (c: Context, nonce: string): Promise<Response> =>
    show(c, nonce, { title: 'Something went wrong', status: 500, body: html`<p>This is our fault, not yours. Try again in a minute.</p>` });

  const foreign = (c: Context, nonce: string): Promise<Response> =>
    show(c, nonce, {
      title: 'Open the page first',
      status: 403,
      body: html`<p>This was asked for by another site, so nothing was done.</p>`,
    });

  /** Lets in who holds a good link and is not too busy; a change comes from a page of ours alone. */
  function guard(mostPerMinute: number, serve: Serve) {
    return async (c: Context): Promise<Response> => {
      const nonce = random().replaceAll(/[^A-Za-z0-9]/g, '');
      const token = c.req.param('token') ?? '';
      try {
        const agent = await links.agentOf(token);
        if (!agent) return await expired(c, nonce);
        if (!permits(`${c.req.method} ${token}`, mostPerMinute)) return await slowDown(c, nonce);
        const site = c.req.header('sec-fetch-site');
        if (c.req.method === 'POST' && site !== undefined && site !== 'same-origin') return await foreign(c, nonce);
        return await serve(c, agent, nonce);
      } catch (error) {
        log.warn('cannot serve an owner page', { error: toMessage(error) });
        return wantsPage(c) ? failed(c, nonce) : c.json({ state: 'failed' }, 500);
      }
    };
  }
  /** Whoever holds the link is taken for the owner; the address says where they were. */
  function ownerOf(c: Context, { ownerEmail }: AgentRecord): Actor {
    const from = fromOf(c, deps.forwardedHops);
    return { kind: 'user', id: ownerEmail, ...(from === undefined ? {} : { from }) };
  }
  const allows = ({ spec }: AgentRecord, channel: string): boolean => channel === 'email' || spec.channels.some((name) => name === channel);

  const overview: Serve = async (c, agent, nonce) => {
    await tally({ agentId: agent.agentId }, { actor: ownerOf(c, agent), action: 'onboarding.opened', target: 'page' });
    const phase = (await store.get('statuses', agent.agentId))?.phase ?? 'pending';
    const { tools, channels } = agent.spec;
    const others = channels.filter((channel) => channel !== 'email').toSorted();
    const can = [
      'think and write with you, and remember what you tell it',
      ...toAbilities(tools).map((words) => words.replace('my', 'its')),
    ];
    const absentHere = (channel: Channel): boolean => awaitsAdmin(channel, handOff) || (channel === 'whatsapp' && !look);
    const waiting = toWaiting(tools, channels.filter(absentHere));
    return show(c, nonce, {
      title: agent.name,
      body: html`<p>Your agent <strong>${phaseWords[phase]}</strong>.</p>
        <h2>Where you reach it</h2>
        <ul class="channels">
          <li>
            <a href="email">Email <span>works already</span></a>
          </li>
          ${others.map(
            (channel) =>
              html`<li>
                <a href="${channel}">${channelNames[channel]} <span>${absentHere(channel) ? 'ask your admin' : 'connect'}</span></a>
              </li>`,
          )}
        </ul>
        <h2>What it can do</h2>
        <ul>
          ${can.map((words) => html`<li>${words.charAt(0).toUpperCase() + words.slice(1)}</li>`)}
        </ul>
        ${
          waiting.length === 0
            ? ''
            : html`<h2>${waitingHeading}</h2>
                <ul>
                  ${waiting.map(({ names, words }) => html`<li>${names}: ${words}</li>`)}
                </ul>`
        }
        <p class="soft">Other channels are not part of what your admin allows. Your agent can ask for more on your behalf.</p>`,
    });
  };

  const absent = (c: Context, nonce: string): Promise<Response> =>
    show(c, nonce, {
      title: 'Not available',
      status: 404,
      body: html`<p>This channel is not allowed for your agent. Ask your admin if you need it.</p>
        ${back()}`,
    });

  const codeForm = (wrong: boolean, sent: boolean) => html`
    <p>Linking WhatsApp lets a phone talk to your agent. So we first make sure that it is you who opened this page.</p>
    ${wrong ? html`<p class="note bad" role="alert">That code does not fit. Check it, or have a new one mailed.</p>` : ''}
    ${
      sent
        ? html`<p class="note">A code is on its way to your company mailbox. It works in this browser, for ten minutes.</p>
            <form method="post" action="whatsapp/confirm">
              <label for="code">Code from the mail</label>
              <input
                id="code"
                name="code"
                required
                maxlength="20"
                autocomplete="one-time-code"
                autocapitalize="characters"
                spellcheck="false"
              />
              <button type="submit">Continue</button>
            </form>`
        : ''
    }
    <form method="post" action="whatsapp/code">
      <button type="submit" class="${sent ? 'second' : ''}">${sent ? 'Mail a new code' : 'Mail me a code'}</button>
    </form>
    ${back()}
  `;
  const askForCode = (c: Context, nonce: string): Promise<Response> => {
    const [wrong, sent] = ['wrong', 'sent'].map((name) => c.req.query(name) !== undefined);
    return show(c, nonce, { title: 'Connect WhatsApp', body: codeForm(wrong === true, sent === true) });
  };

  const whatsapp: Serve = async (c, agent, nonce) => {
    if (!look) return show(c, nonce, { title: 'Connect WhatsApp', body: html`${askAdmin('whatsapp')}${back()}` });
    if (!browsers.confirmed(c, agent)) return askForCode(c, nonce);
    const login = await look(agent);
    const done = login.state === 'connected' || login.state === 'failed';
    return show(c, nonce, {
      title: 'Connect WhatsApp',
      body: html` <div id="login" role="status" aria-live="polite">${loginBody(login)}</div>
        ${back()}`,
      ...(done ? {} : { script: whatsappScript, refreshSeconds: 8 }),
    });
  };

  const channelPage: Serve = async (c, agent, nonce) => {
    const channel = channelSchema.safeParse(c.req.param('channel'));
    if (!channel.success || !allows(agent, channel.data)) return absent(c, nonce);
    if (channel.data === 'whatsapp') return whatsapp(c, agent, nonce);
    const title = `${channel.data === 'email' ? 'Write by' : 'Connect'} ${channelNames[channel.data]}`;
    const body = channel.data === 'email' ? emailBody(deps.addressOf(agent.agentId)) : channelBody(channel.data, handOff);
    return show(c, nonce, { title, body });
  };

  /** Serves what only WhatsApp needs, where it is allowed and possible. */
  const forWhatsapp =
    (serve: (c: Context, agent: AgentRecord, nonce: string, ask: NonNullable<typeof look>) => Promise<Response>): Serve =>
    async (c, agent, nonce) =>
      look && allows(agent, 'whatsapp') ? serve(c, agent, nonce, look) : absent(c, nonce);

  // With the slash, so that every address within is relative and no page holds the token.
  app.get('/me/:token', (c) => c.redirect(`/me/${encodeURIComponent(c.req.param('token'))}/`));
  app.get('/me/:token/', guard(mostLooks, overview));
  app.post('/me/:token/renew', async (c) => {
    const nonce = random().replaceAll(/[^A-Za-z0-9]/g, '');
    const { token } = c.req.param();
    if (!permits(`renew ${token}`, mostChanges)) return slowDown(c, nonce);
    await links.renew(token);
    const words = 'If the link was one of ours and its agent is switched on, a new link is on its way to the mailbox of its owner.';
    return show(c, nonce, {
      title: 'Look into your mailbox',
      body: html`<p>${words}</p>
        <p class="soft">One new link is sent in an hour at most.</p>`,
    });
  });
  app.get(
    '/me/:token/whatsapp/state',
    guard(
      mostLooks,
      forWhatsapp(async (c, agent, _nonce, ask) => {
        c.header('cache-control', 'no-store');
        if (!browsers.confirmed(c, agent)) return c.json({ state: 'unconfirmed' }, 403);
        const login = await ask(agent);
        return c.json({ state: login.state, html: String(await loginBody(login)) });
      }),
    ),
  );
  app.post(
    '/me/:token/whatsapp/code',
    guard(
      mostChanges,
      forWhatsapp(async (c, agent, nonce) => {
        const { code, window } = browsers.begin(c, agent);
        const text = `Your code is ${code}\n\nType it into the page that asked for it. It links WhatsApp to your agent.\n\nIf you did not ask for a code, somebody else has your link: do not give them this code, and tell your admin.`;
        for (let slot = 1; slot <= mostCodes; slot += 1) {
          const id = `code/${agent.agentId}/${agent.incarnation}/${window}/${slot}`;
          if (await correspondence.notify(agent, id, 'Your code to connect WhatsApp', text)) return c.redirect('../whatsapp?sent', 303);
        }
        return slowDown(c, nonce);
      }),
    ),
  );
  app.post(
    '/me/:token/whatsapp/confirm',
    guard(
      mostChanges,
      forWhatsapp(async (c, agent, _nonce) => {
        const { code } = await c.req.parseBody();
        const right = typeof code === 'string' && code.length <= 20 && browsers.confirm(c, agent, code);
        const action = right ? 'onboarding.confirmed' : 'onboarding.refused';
        await tally({ agentId: agent.agentId }, { actor: ownerOf(c, agent), action, target: 'whatsapp' });
        return c.redirect(right ? '../whatsapp' : '../whatsapp?sent&wrong', 303);
      }),
    ),
  );
  app.post(
    '/me/:token/whatsapp/again',
    guard(
      mostChanges,
      forWhatsapp(async (c, agent, _nonce, ask) => {
        if (browsers.confirmed(c, agent)) await ask(agent, true);
        return c.redirect('../whatsapp', 303);
      }),
    ),
  );
  app.get('/me/:token/:channel', guard(mostLooks, channelPage));
}
