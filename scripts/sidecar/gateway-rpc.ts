import * as z from 'zod/mini';
import { PlaneError } from '../../functions/core/errors.ts';
import { isOwnPort } from './gateway-health.ts';
import { openLine, type WebSocketLine } from './websocket.ts';

export interface RpcTarget {
  readonly port: number;
  readonly uid: number | undefined;
  readonly token: string;
}

const messageSchema = z.object({
  type: z.string(),
  id: z.optional(z.string()),
  event: z.optional(z.string()),
  ok: z.optional(z.boolean()),
  payload: z.optional(z.unknown()),
  error: z.optional(z.object({ code: z.optional(z.string()), message: z.optional(z.string()) })),
});
type Message = z.infer<typeof messageSchema>;

/** The most messages that are read while one is awaited: events come in between. */
const mostMessages = 10_000;
const longestFact = 300;

async function awaitMessage(line: WebSocketLine, wanted: (message: Message) => boolean): Promise<Message> {
  for (let count = 0; count < mostMessages; count += 1) {
    const message = messageSchema.parse(JSON.parse(await line.next()));
    if (wanted(message)) return message;
  }
  throw new PlaneError('unavailable', 'cannot go on with the gateway: it does not answer; it is tried again');
}

/** The protocol of openclaw@2026.9.6 (docs gateway/protocol.md). */
const hello = (token: string) => ({
  minProtocol: 4,
  maxProtocol: 4,
  client: { id: 'gateway-client', version: '1', platform: process.platform, mode: 'backend' },
  role: 'operator',
  scopes: ['operator.read', 'operator.write', 'operator.admin'],
  auth: { token },
});

async function exchange(line: WebSocketLine, id: string, method: string, params: object): Promise<unknown> {
  line.send(JSON.stringify({ type: 'req', id, method, params }));
  const { ok, payload, error } = await awaitMessage(line, (message) => message.type === 'res' && message.id === id);
  if (ok === true) return payload;
  const fact = (error?.message ?? error?.code ?? 'it gives no reason').slice(0, longestFact);
  throw new PlaneError('unavailable', `cannot call ${method}: ${fact}`);
}

/**
 * Calls one method of the agent's own gateway, over a line of its own. Throws `unavailable` with the gateway's reason, or when
 * the port is somebody else's: whoever listens there would get the token shown.
 */
export async function callGateway(
  { port, uid, token }: RpcTarget,
  method: string,
  params: object,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<unknown> {
  if (!isOwnPort(port, uid)) throw new PlaneError('unavailable', `cannot call ${method}: the gateway does not listen; it is tried again`);
  const line = await openLine(`http://127.0.0.1:${port}/`, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
  try {
    await awaitMessage(line, (message) => message.event === 'connect.challenge');
    await exchange(line, 'connect', 'connect', hello(token));
    return await exchange(line, 'call', method, params);
  } finally {
    line.close();
  }
}
