import type { Server } from 'node:http';
import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { http } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { PlaneError } from '../../functions/core/errors.ts';
import { createFrameworkHandler, takeBodiesAsSent } from '../../functions/http/framework.ts';
import { readJson } from '../../functions/http/problems.ts';
import { systemClock } from '../../functions/keys.ts';

let serve: (request: Request) => Promise<Response>;
let flush: () => Promise<void>;
const warnings: string[] = [];
const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
const requestId = () => 'r-1';
let server: Server;
let url: string;
let leaveBodies = (): void => undefined;

beforeAll(async () => {
  leaveBodies = takeBodiesAsSent();
  const options = { clock: systemClock, log, requestId, flush: () => flush() };
  http('adapter', createFrameworkHandler({ ...options, serve: (request) => serve(request), deadlineMs: 10_000 }));
  http('hurried', createFrameworkHandler({ ...options, serve: (request) => serve(request), deadlineMs: 50 }));
  server = getTestServer('adapter');
  url = await listen(server);
});
beforeEach(() => {
  warnings.length = 0;
  flush = async () => undefined;
});
afterAll(async () => {
  leaveBodies();
  await close(server);
});

async function listen(listener: Server): Promise<string> {
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  if (typeof address !== 'object' || !address) throw new Error('no address');
  return `http://127.0.0.1:${address.port}`;
}
async function close(listener: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    listener.close(() => resolve());
    listener.closeAllConnections();
  });
}
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

describe('a function behind functions-framework', () => {
  it('sees method, path, query, headers and the very bytes that were sent', async () => {
    let seen: unknown;
    serve = async (request) => {
      seen = {
        method: request.method,
        path: new URL(request.url).pathname + new URL(request.url).search,
        type: request.headers.get('content-type'),
        authorization: request.headers.get('authorization'),
        body: await request.text(),
      };
      return new Response(null, { status: 204 });
    };
    const headers = { 'content-type': 'application/json; charset=utf-8', authorization: 'Bearer t' };
    const answer = await fetch(`${url}/v1/x%2Fy?a=1&a=2`, { method: 'PATCH', headers, body: '{ "a" :  1 }' });
    expect(answer.status).toBe(204);
    expect(seen).toEqual({
      method: 'PATCH',
      path: '/v1/x%2Fy?a=1&a=2',
      type: 'application/json; charset=utf-8',
      authorization: 'Bearer t',
      body: '{ "a" :  1 }',
    });
  });

  it('sees no body where none was sent, and the body where no type is said', async () => {
    serve = async (request) => new Response(`${request.body === null} ${await request.text()}`);
    expect(await (await fetch(url)).text()).toBe('true ');
    expect(await (await fetch(url, { method: 'POST' })).text()).toBe('true ');
    expect(await (await fetch(url, { method: 'POST', body: bytes('{"a":1}') })).text()).toBe('false {"a":1}');
  });

  it('answers with status, headers, cookies and body of the function', async () => {
    const headers = new Headers({ 'content-type': 'text/plain', 'x-request-id': 'abc' });
    headers.append('set-cookie', 'a=1');
    headers.append('set-cookie', 'b=2');
    serve = async () => new Response('hello', { status: 418, headers });
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get('x-request-id'), answer.headers.getSetCookie()]).toEqual([418, 'abc', ['a=1', 'b=2']]);
    expect(await answer.text()).toBe('hello');
    expect(answer.headers.get('x-powered-by')).toBeNull();
  });

  it('leaves malformed JSON and compressed bodies to the function, which answers in its own words', async () => {
    serve = async (request) => Response.json(await readJson(request, 1_000));
    const post = async (body: string | Uint8Array<ArrayBuffer>, more: Record<string, string> = {}) => {
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...more }, body });
      return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
    };
    const malformed = await post('{"a":');
    expect(malformed).toMatchObject({ status: 400, type: 'application/problem+json' });
    expect(JSON.parse(malformed.text)).toMatchObject({ code: 'invalid', detail: 'cannot accept the request body: it is not JSON' });
    const bomb = new Uint8Array(gzipSync(JSON.stringify('x'.repeat(10_000_000))));
    expect(await post(bomb, { 'content-encoding': 'gzip' })).toMatchObject({ status: 400, type: 'application/problem+json' });
    expect(await post('{}', { 'content-encoding': 'nonsense' })).toMatchObject({ status: 200, text: '{}' });
    const large = await post(JSON.stringify('x'.repeat(2_000)));
    expect(large).toMatchObject({ status: 400, type: 'application/problem+json' });
    expect(large.text).toContain('larger than 1000 bytes');
  });

  it('says nothing of what went wrong inside', async () => {
    for (const thrown of [new Error('secret /srv/path'), new PlaneError('unavailable', 'cannot reach 10.1.2.3')]) {
      serve = async () => Promise.reject(thrown);
      const answer = await fetch(url);
      const text = await answer.text();
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        thrown instanceof PlaneError ? 503 : 500,
        'application/problem+json',
      ]);
      expect(text).not.toMatch(/secret|srv|10\.1/);
      expect(text).toContain('r-1');
    }
  });

  it('answers in pieces as they come', async () => {
    let letGo = (): void => undefined;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    serve = async () =>
      new Response(
        new ReadableStream<Uint8Array>({
          async start(controller) {
            controller.enqueue(bytes('first'));
            await gate;
            controller.enqueue(bytes('second'));
            controller.close();
          },
        }),
      );
    const reader = (await fetch(url)).body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('first');
    letGo();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('second');
    expect((await reader?.read())?.done).toBe(true);
  });

  it('sends hints before an answer, before the end of a streamed one, and answers although they cannot be sent', async () => {
    const order: string[] = [];
    flush = async () => {
      await pause(20);
      order.push('flushed');
      throw new Error('the queue is gone');
    };
    serve = async () => {
      order.push('served');
      return new Response(null, { status: 204 });
    };
    expect((await fetch(url)).status).toBe(204);
    order.push('answered');
    expect(order).toEqual(['served', 'flushed', 'answered']);
    serve = async () => new Response('text');
    expect(await (await fetch(url)).text()).toBe('text');
    expect(order.slice(3)).toEqual(['flushed', 'flushed']);
    expect(warnings[0]).toContain('cannot send hints: the queue is gone');
  });

  it('does not abort the work of a POST whose body was read', async () => {
    serve = async (request) => {
      await request.text();
      await pause(100);
      return new Response(String(request.signal.aborted));
    };
    expect(await (await fetch(url, { method: 'POST', body: '{"a":1}' })).text()).toBe('false');
  });

  it('ends the work when its caller hangs up', async () => {
    const aborted = new Promise<unknown>((resolve) => {
      serve = (request) =>
        new Promise((_resolve, reject) => {
          request.signal.addEventListener('abort', () => {
            resolve(request.signal.reason);
            reject(new PlaneError('unavailable', 'given up'));
          });
        });
    });
    const call = httpRequest(url, { method: 'POST' });
    call.on('error', () => undefined);
    call.end('{}');
    await pause(50);
    call.destroy();
    expect(await aborted).toMatchObject({ message: expect.stringContaining('hung up') as string });
  });

  it('cancels a stream that nobody reads any more, even one that waits', async () => {
    const cancelled = new Promise<void>((resolve) => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(bytes('first')),
        pull: () => new Promise(() => undefined),
        cancel: () => resolve(),
      });
      serve = async () => new Response(body);
    });
    const call = new AbortController();
    const reader = (await fetch(url, { signal: call.signal })).body?.getReader();
    await reader?.read();
    call.abort();
    await cancelled;
    expect(warnings).toEqual([]);
  });

  it('gives no answer more time than its deadline', async () => {
    const hurried = getTestServer('hurried');
    const at = await listen(hurried);
    serve = async () => new Response(new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(bytes('first')) }));
    const answer = await fetch(at);
    await expect(answer.text()).rejects.toThrow();
    expect(warnings.join()).toContain('cannot finish an answer');
    await close(hurried);
  });

  it('refuses a request that is none in a web server', async () => {
    serve = async () => new Response('served');
    const status = await new Promise<number | undefined>((resolve, reject) => {
      httpRequest(url, { method: 'TRACE' }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(400);
  });
});
