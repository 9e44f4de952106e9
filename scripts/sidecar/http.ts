import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import type { Readable } from 'node:stream';
import { PlaneError } from '../../functions/core/errors.ts';

/*
 * node:http instead of fetch: fetch keeps some 12 MB more in memory for each agent of a host (Node 24, read on 2026-11-22).
 */

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it comes, instead of `body`; destroyed when the exchange ends early. */
  readonly source?: Readable;
  /** Takes the body of a 200 as it comes; `text` of the answer is then empty. */
  readonly sink?: (body: Readable) => Promise<void>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** The longest answer that is read, in characters. */
const longestAnswer = 4 * 1024 * 1024;

async function readAnswer(response: IncomingMessage, sink: HttpRequest['sink']): Promise<HttpAnswer> {
  const status = response.statusCode ?? 0;
  if (sink && status === 200) {
    await sink(response);
    return { status, text: '' };
  }
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length > longestAnswer) throw new PlaneError('unavailable', 'the answer is too long');
  }
  return { status, text };
}

function toHeaders({ headers = {}, source }: HttpRequest, text: string | undefined): Record<string, string> {
  const sent: Record<string, string> = { ...headers, accept: 'application/json', connection: 'close' };
  if (source) Object.assign(sent, { 'content-type': 'application/octet-stream', 'transfer-encoding': 'chunked' });
  else if (text !== undefined)
    Object.assign(sent, { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) });
  return sent;
}

/** Answers whatever the status is; throws `unavailable` or `timeout` when there is no answer. */
export async function ask(url: string, wanted: HttpRequest): Promise<HttpAnswer> {
  const { method = 'GET', body, source, sink, timeoutMs, signal } = wanted;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const deadline = AbortSignal.timeout(timeoutMs);
  const options: RequestOptions = {
    method,
    headers: toHeaders(wanted, text),
    signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
  };
  // TLS costs memory, so it is loaded where it is spoken.
  const open: (url: string, options: RequestOptions) => ClientRequest = url.startsWith('https:')
    ? (await import('node:https')).request
    : httpRequest;
  try {
    return await new Promise<HttpAnswer>((resolve, reject) => {
      const request = open(url, options);
      request.once('error', reject);
      request.once('response', (response: IncomingMessage) => void readAnswer(response, sink).then(resolve, reject));
      if (source) {
        source.once('error', (error) => request.destroy(error));
        source.pipe(request);
      } else request.end(text);
    });
  } catch (cause) {
    signal?.throwIfAborted();
    const where = new URL(url);
    const what = `${method} ${where.origin}${where.pathname}`;
    if (deadline.aborted)
      throw new PlaneError('timeout', `cannot ask ${what}: no answer within ${timeoutMs} ms; it is tried again`, { cause });
    if (cause instanceof PlaneError && cause.code !== 'unavailable') throw cause;
    const fact = cause instanceof Error ? cause.message || cause.name : String(cause);
    throw new PlaneError('unavailable', `cannot ask ${what}: ${fact}; it is tried again`, { cause });
  } finally {
    source?.destroy();
  }
}
