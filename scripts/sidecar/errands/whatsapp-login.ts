import * as z from 'zod/mini';
import { gatewayTokenName } from '../../../shared/sidecar-names.ts';
import { PlaneError } from '../../../functions/core/errors.ts';
import type { Errand } from '../errands.ts';
import { callGateway } from '../gateway-rpc.ts';
import type { Scene } from './scene.ts';

/** What `web.login.start` and `web.login.wait` answer (docs gateway/protocol/rpc-system-and-channels.md of 2026.9.6). */
const loginSchema = z.object({
  connected: z._default(z.boolean(), false),
  message: z._default(z.string(), ''),
  qrDataUrl: z.optional(z.nullable(z.string().check(z.maxLength(60_000)))),
  sessionKey: z.optional(z.nullable(z.string())),
});
type Login = z.infer<typeof loginSchema>;

const startMs = 60_000;
/** How long the gateway is asked to wait for the next change. */
const waitMs = 20_000;
/** WhatsApp shows a code for 20 s, the first for 60. */
const shownMs = 60_000;
/** How long an owner has in all. */
const patienceMs = 5 * 60_000;

/** Shows the code for linking WhatsApp in the heartbeats, each fresh one at once, until a phone has taken it. */
export const createWhatsappLogin =
  ({ line, reader, clock, showWhatsapp }: Scene): Errand =>
  async (_args, signal) => {
    const until = clock.now() + patienceMs;

    async function call(method: string, params: object, timeoutMs: number): Promise<Login> {
      const { port, uid } = line();
      const { [gatewayTokenName]: token = '' } = await reader.read([gatewayTokenName]);
      const said = await callGateway({ port, uid, token }, method, { channel: 'whatsapp', ...params }, { timeoutMs, signal });
      return loginSchema.parse(said);
    }

    try {
      let login = await call('web.login.start', { timeoutMs: startMs }, 2 * startMs);
      const { sessionKey } = login;
      let shown = login.qrDataUrl ?? undefined;
      while (!login.connected) {
        if (shown === undefined) throw new PlaneError('preconditionFailed', `cannot link WhatsApp: ${login.message || 'there is no code'}`);
        if (clock.now() > until) throw new PlaneError('timeout', 'cannot link WhatsApp: no phone took the code in time; ask again');
        showWhatsapp({ state: 'showing', qr: shown, expiresAt: clock.now() + shownMs });
        const more = { timeoutMs: waitMs, currentQrDataUrl: shown, ...(sessionKey ? { sessionKey } : {}) };
        login = await call('web.login.wait', more, 2 * waitMs);
        shown = login.qrDataUrl ?? shown;
      }
      showWhatsapp({ state: 'connected' });
      return 'WhatsApp is linked';
    } catch (error) {
      showWhatsapp({ state: 'failed' });
      throw error;
    }
  };
