import { createServer, request, type Server } from 'node:http';

export interface Route {
  readonly prefix: string;
  /** Addresses that take turns. */
  readonly targets: readonly string[];
  /** Replaces the Authorization header, as Google does for calls of its own services. */
  readonly authorization?: () => string;
}

/** One address on loopback before several functions, as a load balancer is. The first route that fits wins; a target that is gone is 502. */
export async function openGateway(routes: readonly Route[], port = 0): Promise<{ url: string; server: Server }> {
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const route = routes.find(({ prefix }) => incoming.url?.startsWith(prefix));
    turn += 1;
    const target = route?.targets[turn % route.targets.length];
    if (!route || target === undefined) return void outgoing.writeHead(404).end();
    // The functions in this process take every body for bytes, also those that come here: what was sent goes on.
    const at = incoming.rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-type');
    const sent = at < 0 ? {} : { 'content-type': incoming.rawHeaders[at + 1] };
    const headers = { ...incoming.headers, ...sent, ...(route.authorization ? { authorization: `Bearer ${route.authorization()}` } : {}) };
    const forward = request(new URL(incoming.url ?? '/', target), { method: incoming.method ?? 'GET', headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
    });
    forward.on('error', () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end()));
    outgoing.on('close', () => forward.destroy());
    incoming.pipe(forward);
  });
  return { url: await listen(server, port), server };
}

export async function listen(server: Server, port = 0): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no address');
  return `http://127.0.0.1:${address.port}`;
}

export async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
