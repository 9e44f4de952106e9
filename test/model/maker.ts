import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LoopbackMaker {
  readonly baseUrl: string;
  readonly seen: { readonly headers: IncomingMessage['headers']; readonly path: string; readonly body: Record<string, unknown> }[];
  /** What it answers, until it is changed. */
  respond: (answer: ServerResponse) => unknown;
  close(): Promise<void>;
}

export const chatUsage = (input: number, output: number, cached = 0) => ({
  ...{ prompt_tokens: input, completion_tokens: output, prompt_tokens_details: { cached_tokens: cached } },
});

export const asJson =
  (body: object, status = 200) =>
  (answer: ServerResponse): unknown =>
    answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

/** Events as a stream; a part that is a string goes out as it is. */
export const asStream =
  (...parts: readonly (object | string)[]) =>
  (answer: ServerResponse): unknown => {
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const part of parts) answer.write(typeof part === 'string' ? part : `data: ${JSON.stringify(part)}\n\n`);
    return answer.end();
  };

export async function openLoopbackMaker(): Promise<LoopbackMaker> {
  const server = createServer((request, answer) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      maker.seen.push({ headers: request.headers, path: request.url ?? '', body: JSON.parse(text) as Record<string, unknown> });
      maker.respond(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const maker: LoopbackMaker = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    respond: asJson({ usage: chatUsage(10, 2) }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return maker;
}
