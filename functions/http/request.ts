import type { IncomingMessage } from 'node:http';
import type { Context } from 'hono';
import { PlaneError } from '../core/errors.ts';

/** The caller's own name for a call, where it is one, or a new one. */
export function requestIdOf(request: Request, create: () => string): string {
  const given = request.headers.get('x-request-id');
  return given !== null && /^[\w.:=+/-]{1,100}$/.test(given) ? given : create();
}

/**
 * The address a call came from: the connection's, or behind so many proxies of ours what the outermost of them wrote into
 * `X-Forwarded-For`; what stands before that is the caller's own word.
 */
export function addressOf(request: Request, connection: IncomingMessage | undefined, hops = 0): string | undefined {
  if (hops === 0) return connection?.socket.remoteAddress;
  const address = (request.headers.get('x-forwarded-for') ?? '').split(',').at(-hops)?.trim();
  return address !== undefined && /^[\da-fA-F:.]{2,45}$/.test(address) ? address : undefined;
}

/** The same, of a request as Hono serves it, by whatever server. */
export function fromOf(c: Context, hops = 0): string | undefined {
  const env = c.env as { readonly incoming?: IncomingMessage } | undefined;
  return addressOf(c.req.raw, env?.incoming, hops);
}

/** Each parameter as text, one that is given again as a list, which no schema takes. */
export function readQuery(url: string): Record<string, string | string[]> {
  const { searchParams } = new URL(url);
  const names = [...new Set(searchParams.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const values = searchParams.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}

/** Refuses a body that does not say it is JSON. */
export function requireJson(request: Request): void {
  const length = request.headers.get('content-length');
  const empty = length === null ? !request.headers.has('transfer-encoding') : length === '0';
  if (request.body === null || empty) return;
  const type = request.headers.get('content-type') ?? '';
  if (/^application\/(?:[\w.+-]+\+)?json(?:\s*;|$)/i.test(type.trim())) return;
  throw new PlaneError('unsupportedMediaType', `cannot read a body of type ${type.slice(0, 60) || 'nothing'}; send application/json`);
}
