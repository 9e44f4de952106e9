import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { TokenKey } from '../../core/credentials.ts';
import type { AgentRecord } from '../../core/records.ts';
import type { Clock } from '../../core/surroundings.ts';

/*
 * A link is opened by whoever holds it: a colleague it was forwarded to, a scanner of mail. So a link alone shows how things stand and
 * explains; it changes nothing. What connects a channel asks once per browser for a code that goes to the owner's mailbox: whoever
 * opens a forwarded link cannot read it, and a code is good for the browser that asked for it and for no other. First use is not
 * bound: scanners open links before their readers do.
 */

export interface BrowserDeps {
  readonly key: TokenKey;
  readonly clock: Clock;
  /** A random text of 128 bits or more. */
  readonly random: () => string;
  /** Whether the plane is reached over https. */
  readonly secure: boolean;
}

const browserCookie = 'agent_browser';
const confirmedCookie = 'agent_confirmed';
export const codeWindowMs = 10 * 60_000;
const confirmedMs = 12 * 3_600_000;
const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const codeLength = 8;

const normalize = (code: string): string => code.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');

export function createBrowsers({ key, clock, random, secure }: BrowserDeps) {
  const attributes = { path: '/me', httpOnly: true, secure, sameSite: 'Lax' } as const;
  const windowNow = (): number => Math.floor(clock.now() / codeWindowMs);

  function codeFor({ agentId, incarnation }: AgentRecord, browser: string, window: number): string {
    const bytes = Buffer.from(key.mac(`onboarding-code|${agentId}|${incarnation}|${window}|${browser}`), 'base64url');
    const code = Array.from(bytes.subarray(0, codeLength), (byte) => letters.charAt(byte % letters.length)).join('');
    return `${code.slice(0, 4)}-${code.slice(4)}`;
  }
  const seal = ({ agentId, incarnation }: AgentRecord, browser: string, until: string): string =>
    key.mac(`onboarding-browser|${agentId}|${incarnation}|${browser}|${until}`);

  return {
    /** The code for the browser that asks, and the ten minutes it belongs to; it is good until the ten minutes after them end. */
    begin(c: Context, agent: AgentRecord): { code: string; window: number } {
      const known = getCookie(c, browserCookie);
      const browser = known && /^[\w-]{16,64}$/.test(known) ? known : random();
      setCookie(c, browserCookie, browser, { ...attributes, maxAge: confirmedMs / 1000 });
      const window = windowNow();
      return { code: codeFor(agent, browser, window), window };
    },
    /** Takes the code that the owner typed; false unless it was made for this browser and agent a short while ago. */
    confirm(c: Context, agent: AgentRecord, code: string): boolean {
      const browser = getCookie(c, browserCookie);
      if (!browser) return false;
      const window = windowNow();
      const fits = [window, window - 1].some((made) => key.equal(normalize(code), normalize(codeFor(agent, browser, made))));
      if (!fits) return false;
      const until = String(clock.now() + confirmedMs);
      setCookie(c, confirmedCookie, `${until}.${seal(agent, browser, until)}`, { ...attributes, maxAge: confirmedMs / 1000 });
      return true;
    },
    confirmed(c: Context, agent: AgentRecord): boolean {
      const [browser, shown] = [getCookie(c, browserCookie), getCookie(c, confirmedCookie)];
      const [until = '', mac = ''] = shown?.split('.') ?? [];
      const good = browser !== undefined && key.equal(mac, seal(agent, browser, until)) && Number(until) > clock.now();
      if (shown !== undefined && !good) deleteCookie(c, confirmedCookie, attributes);
      return good;
    },
  };
}
export type Browsers = ReturnType<typeof createBrowsers>;
