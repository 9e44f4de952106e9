import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { gatewayTokenName } from '../../../shared/sidecar-names.ts';
import { PlaneError, toMessage } from '../../../functions/core/errors.ts';
import type { Errand } from '../errands.ts';
import { callGateway } from '../gateway-rpc.ts';
import type { Scene } from './scene.ts';

/** What `web.login.start` and `web.login.wait` answer: read in @openclaw/whatsapp 2026.9.6 (dist/.setup/login-qr) and heard from it. */
const loginSchema = z.object({
  connected: z._default(z.boolean(), false),
  message: z._default(z.string(), ''),
  qrDataUrl: z.optional(z.nullable(z.string().check(z.maxLength(60_000)))),
  sessionKey: z.optional(z.nullable(z.string())),
});
type Login = z.infer<typeof loginSchema>;

/** What is read of `channels.status`. */
const statusSchema = z.object({
  channelAccounts: z._default(
    z.record(z.string(), z.array(z.object({ linked: z.optional(z.boolean()), connected: z.optional(z.boolean()) }))),
    {},
  ),
});

const startMs = 60_000;
/** How long the gateway is asked to wait for the next change. */
const waitMs = 20_000;
/** An answer that comes this much sooner, without a code and without a phone, says that the codes are used up. */
const earlyMs = 2_000;
/** WhatsApp shows the first code for 60 s, each later one for 20. */
const [firstShownMs, laterShownMs] = [60_000, 20_000] as const;
/** How long an owner has in all. */
const patienceMs = 5 * 60_000;
/** How long OpenClaw may take to load a plugin that has just come, without a restart. */
const loadMs = 2 * 60_000;
/** What the gateway says until then. */
const notLoaded = 'web login provider is not available';
/** The least time between two beginnings. */
const pauseMs = 5_000;

/** Shows the code for linking WhatsApp in the heartbeats, each fresh one at once, until a phone has taken it. */
export const createWhatsappLogin =
  ({ line, reader, clock, showWhatsapp, missingChannels }: Scene): Errand =>
  async (_args, signal) => {
    const until = clock.now() + patienceMs;

    async function call(method: string, params: object, timeoutMs: number): Promise<unknown> {
      const { port, uid } = line();
      const { [gatewayTokenName]: token = '' } = await reader.read([gatewayTokenName]);
      return callGateway({ port, uid, token }, method, params, { timeoutMs, signal });
    }
    const login = async (method: string, params: object, timeoutMs: number): Promise<Login> =>
      loginSchema.parse(await call(method, { channel: 'whatsapp', ...params }, timeoutMs));

    /** To one that is linked already, `web.login.start` says so in words alone. */
    async function isLinked(): Promise<boolean> {
      const { channelAccounts } = statusSchema.parse(await call('channels.status', { channel: 'whatsapp' }, startMs));
      return channelAccounts['whatsapp']?.some(({ linked, connected }) => linked === true && connected === true) ?? false;
    }

    async function begin(): Promise<Login> {
      for (const end = clock.now() + loadMs; ; await sleep(pauseMs, undefined, { signal })) {
        try {
          return await login('web.login.start', { timeoutMs: startMs }, 2 * startMs);
        } catch (error) {
          if (!toMessage(error).includes(notLoaded)) throw error;
          if (clock.now() < end) continue;
          throw new PlaneError('unavailable', 'WhatsApp is not ready: OpenClaw has not loaded its plugin; restart the agent', {
            cause: error,
          });
        }
      }
    }

    /** Shows one run of codes; answers whether a phone took one of them. */
    async function showCodes(): Promise<boolean> {
      const begun = await begin();
      if (begun.connected) return true;
      let shown = begun.qrDataUrl ?? undefined;
      if (shown === undefined) {
        if (await isLinked()) return true;
        throw new PlaneError('preconditionFailed', `cannot link WhatsApp: ${begun.message || 'there is no code'}`);
      }
      const session = begun.sessionKey ? { sessionKey: begun.sessionKey } : {};
      let expiresAt = clock.now() + firstShownMs;
      while (clock.now() < until) {
        showWhatsapp({ state: 'showing', qr: shown, expiresAt });
        const asked = clock.now();
        const next = await login('web.login.wait', { timeoutMs: waitMs, currentQrDataUrl: shown, ...session }, 2 * waitMs);
        if (next.connected) return true;
        if (next.qrDataUrl) [shown, expiresAt] = [next.qrDataUrl, clock.now() + laterShownMs];
        else if (clock.now() - asked < waitMs - earlyMs) return false;
      }
      return false;
    }

    try {
      if (missingChannels().includes('whatsapp'))
        throw new PlaneError(
          'preconditionFailed',
          'WhatsApp is not ready: its plugin is not on this machine yet; ask again in a few minutes',
        );
      while (!(await showCodes())) {
        if (clock.now() >= until) throw new PlaneError('timeout', 'cannot link WhatsApp: no phone took the code in time; ask again');
        await sleep(pauseMs, undefined, { signal });
      }
      showWhatsapp({ state: 'connected' });
      return 'WhatsApp is linked';
    } catch (error) {
      showWhatsapp({ state: 'failed' });
      throw error;
    }
  };
