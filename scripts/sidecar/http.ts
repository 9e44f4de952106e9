import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { PlaneError } from '../../functions/core/errors.ts';

/*
 * node:http instead of fetch: fetch keeps some 12 MB more in memory for each agent of a host (Node 24, read on 2026-11-22).
 */

export interface HttpRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** The longest answer that is read, in characters. */
const longestAnswer = 4 * 1024 * 1024;

/** Answers whatever the status is; throws `unavailable` or `timeout` when there is no answer. */
export async function ask(url: string, { method = 'GET', headers = {}, body, timeoutMs, signal }: HttpRequest): Promise<HttpAnswer> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const deadline = AbortSignal.timeout(timeoutMs);
  const sent: Record<string, string> = { ...headers, accept: 'application/json', connection: 'close' };
  if (text !== undefined) Object.assign(sent, { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) });
  const options: RequestOptions = { method, headers: sent, signal: signal ? AbortSignal.any([signal, deadline]) : deadline };
  // TLS costs memory, so it is loaded where it is spoken.
  const open: (url: string, options: RequestOptions) => ClientRequest = url.startsWith('https:')
    ? (await import('node:https')).request
    : httpRequest;
  try {
    return await new Promise<HttpAnswer>((resolve, reject) => {
      const request = open(url, options);
      request.once('error', reject);
      request.once('response', (response: IncomingMessage) => {
        let answer = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          answer += chunk;
          if (answer.length > longestAnswer) response.destroy(new Error('the answer is too long'));
        });
        response.once('error', reject);
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text: answer }));
      });
      request.end(text);
    });
  } catch (cause) {
    signal?.throwIfAborted();
    const where = new URL(url);
    const what = `${method} ${where.origin}${where.pathname}`;
    if (deadline.aborted)
      throw new PlaneError('timeout', `cannot ask ${what}: no answer within ${timeoutMs} ms; it is tried again`, { cause });
    const fact = cause instanceof Error ? cause.message || cause.name : String(cause);
    throw new PlaneError('unavailable', `cannot ask ${what}: ${fact}; it is tried again`, { cause });
  }
}
