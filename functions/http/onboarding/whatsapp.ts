import { html } from 'hono/html';
import { toDataURL } from 'qrcode';
import { z } from 'zod';
import type { AgentRecord, CommandRecord } from '../../core/records.ts';
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
  | { readonly state: 'failed'; readonly why: 'agent' | 'silent' | 'tooMany' };

/** What a sidecar answers to `whatsappLogin`; times in milliseconds since 1970 or ISO 8601. */
const resultSchema = z.union([
  z.object({ connected: z.literal(true) }),
  z.object({
    qr: z.string().min(1).max(100_000),
    expiresAt: z.union([z.number(), z.iso.datetime().transform((text) => Date.parse(text))]),
  }),
]);
type Result = z.infer<typeof resultSchema>;

function toResult({ state, result }: CommandRecord): Result | undefined {
  if (state !== 'done' || result === undefined) return undefined;
  try {
    return resultSchema.safeParse(JSON.parse(result)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A code is fetched anew this long after it came, so that a connection shows soon and no code runs out on the screen. */
const freshMs = 12_000;
/** How much life a code must have left to be worth showing. */
const leastLifeMs = 2_000;
/** An agent that runs answers within seconds; after this long the owner is told. */
const patienceMs = 90_000;
/** Within this time an answer counts, and at most so many questions are asked, whatever the number of windows and processes. */
const windowMs = 10 * 60_000;
const mostAsked = 60;

const pngUrl = /^data:image\/png;base64,[A-Za-z0-9+/=]+$/;
/** OpenClaw gives the code as a picture or as the text in it. */
const toImage = (qr: string): Promise<string> =>
  pngUrl.test(qr) ? Promise.resolve(qr) : toDataURL(qr, { errorCorrectionLevel: 'M', margin: 2, scale: 6 });

/** Follows one agent's way into WhatsApp by the commands that its sidecar was given. */
export function createWhatsapp({ store, clock, ask }: WhatsappDeps) {
  /** How it stands; asks for what is missing or growing old. `again` asks after a failure too. */
  return async function look(agent: AgentRecord, again = false): Promise<Login> {
    const { agentId, incarnation } = agent;
    const now = clock.now();
    const rows = await store.query('commands', 'byAgent', { equals: [agentId], from: now - windowMs, reverse: true, limit: 500 });
    const asked = rows.filter((row) => row.kind === 'whatsappLogin' && row.incarnation === incarnation);
    const [last] = asked;
    const mayAsk = asked.length < mostAsked;

    const answered = asked.find(({ state }) => state === 'done');
    const known = answered && toResult(answered);
    const age = now - (answered?.endedAt ?? 0);
    const qr = known && 'qr' in known && known.expiresAt - now > leastLifeMs ? known : undefined;
    const underWay = last?.state === 'waiting' && last.until > now && now - last.askedAt < patienceMs;
    const broken = last !== undefined && !underWay && (last.state !== 'done' || !known);

    if (broken && !again) return { state: 'failed', why: last.state === 'waiting' ? 'silent' : 'agent' };
    const stale = broken || !known || age > freshMs;
    if (stale && !underWay && mayAsk) await ask(agent);
    if (known && 'connected' in known && (!stale || !mayAsk)) return { state: 'connected' };
    if (qr) return { state: 'qr', image: await toImage(qr.qr), secondsLeft: Math.ceil((qr.expiresAt - now) / 1000) };
    return mayAsk || underWay ? { state: 'waiting' } : { state: 'failed', why: 'tooMany' };
  };
}

const failures = {
  agent: 'Your agent could not get a code from WhatsApp just now.',
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
