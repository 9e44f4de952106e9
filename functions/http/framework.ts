import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { Clock, Log } from '../core/surroundings.ts';
import { toProblemResponse } from './problems.ts';

/** A request as functions-framework hands it over: its body was read before. */
export type FrameworkRequest = IncomingMessage & { readonly originalUrl: string; readonly rawBody?: Buffer | undefined };

export interface AdapterOptions {
  readonly serve: (request: Request) => Promise<Response>;
  /** Awaited before each answer, and again before a streamed one ends: an instance may be frozen right after. */
  readonly flush: () => Promise<void>;
  /** The request's signal aborts after so many milliseconds, or when the caller hangs up. */
  readonly deadlineMs: number;
  readonly clock: Pick<Clock, 'deadline'>;
  readonly log: Log;
  readonly requestId: () => string;
}

/**
 * Keeps functions-framework from reading bodies in its own way: it answers malformed JSON with a page of HTML before any handler
 * runs, and unpacks a compressed body to up to 1 GiB. What says it is bytes, it takes as bytes; `toRequest` reads the headers as they
 * were sent. The channel speaks before any listener of any server, and knows of no other use in this process. Answers how to end it.
 */
export function takeBodiesAsSent(): () => void {
  const channel = 'http.server.request.start';
  const take = (message: unknown): void => {
    const { request } = message as { request?: unknown };
    if (!(request instanceof IncomingMessage)) return;
    request.headers['content-type'] = 'application/octet-stream';
    delete request.headers['content-encoding'];
  };
  subscribe(channel, take);
  return () => void unsubscribe(channel, take);
}

/** The origin is of no meaning here: what the caller says it is must decide nothing. */
const origin = 'http://functions.invalid';

function toRequest({ method = 'GET', originalUrl, rawHeaders, rawBody }: FrameworkRequest, signal: AbortSignal): Request {
  const headers = new Headers();
  try {
    for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
    const url = new URL(originalUrl.startsWith('/') ? origin + originalUrl : originalUrl);
    const body = method === 'GET' || method === 'HEAD' || !rawBody?.length ? null : new Uint8Array(rawBody);
    return new Request(url, { method, headers, body, signal });
  } catch (cause) {
    throw new PlaneError('invalid', `cannot read this request: ${toMessage(cause)}`, { cause });
  }
}

/** Aborts when the caller is gone before the answer is. The framework's own `req.abortController` fires while handlers still run. */
function hangUpOf(res: ServerResponse): AbortSignal {
  const controller = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) controller.abort(new PlaneError('unavailable', 'cannot go on: the caller hung up'));
  });
  return controller.signal;
}

async function send(response: Response, res: ServerResponse, flush: () => Promise<void>, signal: AbortSignal): Promise<void> {
  res.statusCode = response.status;
  for (const [name, value] of response.headers) if (name !== 'set-cookie') res.setHeader(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) res.setHeader('set-cookie', cookies);
  if (response.body) {
    res.flushHeaders();
    // In Node's own form a hang-up cancels it at once, even in mid-wait; the platform's type for it is another one.
    const body: unknown = response.body;
    await pipeline(Readable.fromWeb(body as NodeReadableStream), res, { signal, end: false });
    await flush();
  }
  res.end();
}

/** Serves functions-framework with a function from a web request to a web response. Never throws: what fails becomes a problem answer. */
export function createFrameworkHandler({ serve, flush, deadlineMs, clock, log, requestId }: AdapterOptions) {
  async function answer(req: FrameworkRequest, signal: AbortSignal): Promise<Response> {
    try {
      return await serve(toRequest(req, signal));
    } catch (error) {
      return toProblemResponse(error, requestId(), log, { hideFaults: true });
    }
  }

  /** Hints are no reason to fail: the sweep finds what is due. */
  async function flushed(): Promise<void> {
    await flush().catch((error: unknown) => log.warn(`cannot send hints: ${toMessage(error)}; the next sweep finds what is due`));
  }

  return async (req: FrameworkRequest, res: ServerResponse): Promise<void> => {
    const hangUp = hangUpOf(res);
    const signal = AbortSignal.any([hangUp, clock.deadline(deadlineMs)]);
    const response = await answer(req, signal);
    await flushed();
    try {
      await send(response, res, flushed, signal);
    } catch (error) {
      if (!hangUp.aborted) log.warn(`cannot finish an answer: ${toMessage(error)}`, { path: req.originalUrl.split('?')[0] });
      res.destroy();
    }
  };
}
