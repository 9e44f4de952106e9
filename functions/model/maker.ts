import type { Reservation } from '../budget/account.ts';
import { PlaneError, toMessage } from '../core/errors.ts';
import { hasCode } from '../files.ts';
import { endpoints, toMakerBody, type ModelCall } from './request.ts';
import { standIn } from './stand-in.ts';

/** Where models come from. The key never leaves this module. */
export type Upstream =
  { readonly maker: 'stand-in' } | { readonly maker: 'anthropic' | 'openai'; readonly key: string; readonly baseUrl: string };

/** `taken` says whether the maker may bill the call: then it is charged, whole where no usage comes. */
export type Sent = { readonly response: Response; readonly taken: boolean } | { readonly refused: PlaneError; readonly taken: boolean };

export interface SendOptions {
  /** Of Anthropic's interface, as the caller asked for it. */
  readonly version: string | undefined;
  readonly signal: AbortSignal;
  readonly now: number;
}

/** Faults of a connection that never stood: nothing of the call has left. */
const neverLeft = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'];

/** Makers bill no failed call; but whoever stands between says 504 and 524 when a maker is still at work. */
const isTaken = (status: number): boolean => (status >= 200 && status < 300) || status === 504 || status === 524;

/** Sends a call to the maker with the plane's key. A caller who leaves does not end it: its usage has still to come. */
export async function send(upstream: Upstream, call: ModelCall, { model, maxOutput }: Reservation, options: SendOptions): Promise<Sent> {
  if (upstream.maker === 'stand-in') return { response: standIn(call.body, options.now), taken: true };
  const { maker, key, baseUrl } = upstream;
  const headers: Record<string, string> =
    maker === 'anthropic' ? { 'x-api-key': key, 'anthropic-version': options.version ?? '2023-06-01' } : { authorization: `Bearer ${key}` };
  try {
    const response = await fetch(`${baseUrl}${endpoints[call.endpoint].path}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(toMakerBody(call, model, maxOutput)),
      signal: options.signal,
    });
    return { response, taken: isTaken(response.status) };
  } catch (cause) {
    // fetch says only that it failed; what happened is behind it.
    const why = typeof cause === 'object' && cause !== null && 'cause' in cause ? cause.cause : cause;
    const refused = new PlaneError('unavailable', `cannot reach the model maker ${maker}: ${toMessage(why)}; it is tried again`, { cause });
    return { refused, taken: !neverLeft.some((code) => hasCode(why, code)) };
  }
}
