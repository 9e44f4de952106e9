import { html } from 'hono/html';
import { toDataURL } from 'qrcode';
import type { AgentRecord } from '../../core/records.ts';
import type { Store } from '../../core/store.ts';
import type { Clock } from '../../core/surroundings.ts';
import type { Html } from './layout.ts';

export interface WhatsappDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** Asks the agent's sidecar for a QR code, or whether it is connected. */
  readonly ask: (agent: AgentRecord) => Promise<unknown>;
}

export type Login =
  | { readonly state: 'connected' }
  | { readonly state: 'qr'; readonly image: string; readonly secondsLeft: number }
  | { readonly state: 'waiting' }
  | { readonly state: 'failed'; readonly why: 'agent' | 'notReady' | 'silent' | 'tooMany' };

/** How much life a code must have left to be worth showing. */
const leastLifeMs = 2_000;
/** An agent that runs answers within seconds, the first time within a minute; after this long the owner is told. */
const patienceMs = 90_000;
/** Within this time an answer counts, and at most so many questions are asked, whatever the number of windows and processes. */
const windowMs = 10 * 60_000;
const mostAsked = 60;
/** A sidecar says so of a machine that has no WhatsApp yet (scripts/sidecar/errands/whatsapp-login.ts). */
const notReady = 'WhatsApp is not ready';

const pngUrl = /^data:image\/png;base64,[A-Za-z0-9+/=]+$/;
/** OpenClaw gives the code as a picture or as the text in it. */
const toImage = (qr: string): Promise<string> =>
  pngUrl.test(qr) ? Promise.resolve(qr) : toDataURL(qr, { errorCorrectionLevel: 'M', margin: 2, scale: 6 });

/**
 * Follows one agent's way into WhatsApp: the sidecar goes on with one command for as long as an owner has, shows each fresh code in its
 * heartbeats, and ends the command when a phone has taken one.
 */
export function createWhatsapp({ store, clock, ask }: WhatsappDeps) {
  /** The code that the sidecar shows for the command that is under way, with its end. */
  async function shown({ agentId, incarnation }: AgentRecord, since: number): Promise<{ qr: string; expiresAt: number } | undefined> {
    const beat = await store.get('heartbeats', agentId);
    if (beat?.incarnation !== incarnation || beat.at < since || beat.whatsapp?.state !== 'showing') return undefined;
    const { qr, expiresAt } = beat.whatsapp;
    return qr && expiresAt !== undefined && expiresAt - clock.now() > leastLifeMs ? { qr, expiresAt } : undefined;
  }

  /** How it stands; asks where nothing is under way. `again` asks after a failure too. */
  return async function look(agent: AgentRecord, again = false): Promise<Login> {
    const { agentId, incarnation } = agent;
    const now = clock.now();
    const rows = await store.query('commands', 'byAgent', { equals: [agentId], from: now - windowMs, reverse: true, limit: 500 });
    const asked = rows.filter((row) => row.kind === 'whatsappLogin' && row.incarnation === incarnation);
    const [last] = asked;
    const mayAsk = asked.length < mostAsked;

    if (last?.state === 'done') return { state: 'connected' };
    if (last?.state === 'waiting' && last.until > now) {
      const code = await shown(agent, last.askedAt);
      if (code) return { state: 'qr', image: await toImage(code.qr), secondsLeft: Math.ceil((code.expiresAt - now) / 1000) };
      const beat = await store.get('heartbeats', agentId);
      const atWork = beat?.incarnation === incarnation && beat.at >= last.askedAt && beat.whatsapp?.state === 'showing';
      if (atWork || now - last.askedAt < patienceMs) return { state: 'waiting' };
      if (!again) return { state: 'failed', why: 'silent' };
    }
    if (last?.state === 'failed' && !again) return { state: 'failed', why: last.result?.includes(notReady) ? 'notReady' : 'agent' };
    if (!mayAsk) return { state: 'failed', why: 'tooMany' };
    await ask(agent);
    return { state: 'waiting' };
  };
}

const failures = {
  agent: 'Your agent could not get a code from WhatsApp just now.',
  notReady: 'WhatsApp is still being made ready for your agent. That takes a few minutes; then try again.',
  silent: 'Your agent did not answer in time. It may be starting up.',
  tooMany: 'Many codes were asked for in a short time. Wait ten minutes, then try again.',
} as const;

const steps = (): Html =>
  html`<ol>
      <li>On your phone, open WhatsApp, then <strong>Settings</strong>, then <strong>Linked devices</strong>.</li>
      <li>Tap <strong>Link a device</strong>.</li>
      <li>Scan the code below.</li>
    </ol>
    <p class="soft">Is this page open on the phone that has WhatsApp? Open the link in your mail on a computer or a tablet instead.</p>`;

/** The part of the page that changes while it is open. */
export function loginBody(login: Login): Html {
  switch (login.state) {
    case 'connected':
      return html`<p class="note good"><strong>WhatsApp is connected.</strong> Write to your agent there whenever you like.</p>`;
    case 'qr':
      return html`${steps()}<img class="qr" src="${login.image}" width="288" height="288" alt="QR code that links WhatsApp to your agent" />
        <p class="soft">A new code appears here by itself before this one runs out.</p>`;
    case 'waiting':
      return html`${steps()}
        <p class="note">Getting a code from your agent. This takes a few seconds.</p>`;
    case 'failed':
      return html`<p class="note bad">${failures[login.why]}</p>
        <form method="post" action="whatsapp/again"><button type="submit">Try again</button></form>
        <p class="soft">If it keeps failing, ask your admin; email works meanwhile.</p>`;
  }
}

/** Asks how it stands every two seconds while somebody looks, and slower when told so; ends once connected. */
export const whatsappScript = `
const box = document.getElementById('login');
let shown = '';
async function look() {
  let pause = 2000;
  try {
    if (document.visibilityState === 'visible') {
      const answer = await fetch('whatsapp/state', { headers: { accept: 'application/json' } });
      if (answer.status === 401 || answer.status === 403) return location.reload();
      if (answer.ok) {
        const { state, html } = await answer.json();
        if (html !== shown) box.innerHTML = shown = html;
        if (state === 'connected' || state === 'failed') return;
      } else pause = 15000;
    }
  } catch { pause = 5000; }
  setTimeout(look, pause);
}
setTimeout(look, 1000);
`;
