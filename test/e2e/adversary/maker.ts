import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openStandInModel } from '../../sidecar/stand-in-model.ts';

/** A maker of models that knows one key: whose calls reach its model, and how many it turned away. */
export interface Maker {
  readonly key: string;
  readonly url: string;
  /** Models that were asked for by calls with the right key. */
  readonly asked: string[];
  turnedAway: number;
  close(): Promise<void>;
}

export async function openMaker(key: string): Promise<Maker> {
  const model = await openStandInModel((said, all) =>
    all.includes('## Facts') ? "Hi, I'm Alice's agent." : `You said: ${said.slice(0, 200)}`,
  );
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.headers.authorization !== `Bearer ${key}`) {
        maker.turnedAway += 1;
        response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":{"message":"Incorrect API key provided"}}');
        return;
      }
      const body = Buffer.concat(chunks).toString();
      maker.asked.push(String((JSON.parse(body) as { model?: unknown }).model));
      fetch(`${model.baseUrl}/chat/completions`, { method: 'POST', headers: { authorization: 'Bearer model-x' }, body }).then(
        async (answer) => {
          response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' });
          response.end(Buffer.from(await answer.arrayBuffer()));
        },
        () => response.writeHead(500).end(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const maker: Maker = {
    key,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked: [],
    turnedAway: 0,
    async close() {
      await model.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
  return maker;
}
