import type { Server } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { agentUids } from '../../functions/providers/infra/local-processes.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import { hasCode } from '../../functions/files.ts';
import { toProblemResponse } from '../../functions/http/problems.ts';
import { peerOf, type Peer } from './peer.ts';

export interface Door {
  /** Paths under this prefix go to `serve`; the first door that fits wins, one that answers `undefined` passes on. */
  readonly prefix: string;
  serve(request: Request, connection: HttpBindings): Promise<Response | undefined>;
}

export interface LocalServerOptions {
  readonly port: number;
  readonly doors: readonly Door[];
  /** True where agents have users of their own, so that the kernel can tell who is calling. */
  readonly separateUsers: boolean;
  readonly log: Log;
  readonly requestId: () => string;
  /** Called for each call that was refused: an agent's by its uid where the kernel tells, or one from a page that is none of ours. */
  readonly refused: (caller: number | 'page' | undefined, method: string, path: string) => void;
}

/** What an agent's own user may reach of the plane on its machine. */
const agentPaths = ['/agent/', '/model/'];

const mostConnections = 2_000;
/** A backup on its way from an agent may take so long; Node's own limit is five minutes. */
const longestRequestMs = 2 * 60 * 60_000;
/** Of one Unix user other than root, so that no agent keeps the others out. */
const mostOfOneUser = 64;

/** How a browser names the plane: a URL drops the port that is its scheme's own. */
export function ownPages(port: number): { readonly hosts: ReadonlySet<string>; readonly origins: ReadonlySet<string> } {
  const urls = ['127.0.0.1', 'localhost'].map((name) => new URL(`http://${name}:${port}/`));
  return { hosts: new Set(urls.map(({ host }) => host)), origins: new Set(urls.map(({ origin }) => origin)) };
}

function createCap(): (socket: Socket, peer: Peer) => void {
  const open = new Map<number | 'unknown', number>();
  return (socket, peer) => {
    const who = peer === 'unknown' ? peer : peer.uid;
    if (who === 0 || socket.destroyed) return;
    const count = open.get(who) ?? 0;
    if (count >= mostOfOneUser) {
      socket.destroy();
      return;
    }
    open.set(who, count + 1);
    socket.once('close', () => open.set(who, (open.get(who) ?? 1) - 1));
  };
}

const isAgent = (peer: Peer): boolean => peer === 'unknown' || (peer.uid >= agentUids.first && peer.uid <= agentUids.last);

function addressInUse(port: number, cause: unknown): PlaneError {
  return new PlaneError('conflict', `cannot start on port ${port}: something else listens there; stop it, or choose another with --port`, {
    cause,
  });
}

/** Throws before anything is made on disk when something listens on the port already. */
export async function refuseTaken(port: number): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error) => reject(hasCode(error, 'EADDRINUSE') ? addressInUse(port, error) : error));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}

/**
 * One port on loopback for everything. A browser page from elsewhere is refused by Host and Origin (a name rebound to
 * 127.0.0.1 shows in the first, a foreign page in the second), and an agent by its uid.
 */
export async function listen(options: LocalServerOptions): Promise<Server> {
  const { port, doors, separateUsers, log, requestId, refused } = options;
  const peers = new WeakMap<Socket, Promise<Peer>>();
  const cap = createCap();
  const { hosts, origins } = ownPages(port);

  async function admit(request: Request, path: string, socket: Socket): Promise<void> {
    const origin = request.headers.get('origin');
    const peer: Peer = separateUsers ? ((await peers.get(socket)) ?? 'unknown') : { uid: 0 };
    const uid = peer === 'unknown' ? undefined : peer.uid;
    if (!hosts.has(new URL(request.url).host) || (origin !== null && !origins.has(origin))) {
      refused(isAgent(peer) ? uid : 'page', request.method, path);
      throw new PlaneError(
        'forbidden',
        `cannot serve this call: it does not come from this plane's own page; open http://127.0.0.1:${port}/`,
      );
    }
    if (!isAgent(peer) || agentPaths.some((prefix) => path.startsWith(prefix))) return;
    refused(uid, request.method, path);
    throw new PlaneError('forbidden', `cannot serve ${path} to an agent: agents reach ${agentPaths.join(' and ')} only`);
  }

  async function serve(request: Request, connection: HttpBindings): Promise<Response> {
    try {
      const path = new URL(request.url).pathname;
      await admit(request, path, connection.incoming.socket);
      for (const door of doors) {
        const answer = path.startsWith(door.prefix) ? await door.serve(request, connection) : undefined;
        if (answer) return answer;
      }
      throw new PlaneError('notFound', `cannot find ${path}; the console is at /, the API under /v1/`);
    } catch (error) {
      return toProblemResponse(error, requestId(), log);
    }
  }

  const server = createAdaptorServer({
    fetch: (request, connection) => serve(request, connection as HttpBindings),
    overrideGlobalObjects: false,
    hostname: '127.0.0.1',
  }) as Server;
  server.maxConnections = mostConnections;
  server.requestTimeout = longestRequestMs;
  async function know(socket: Socket): Promise<Peer> {
    const peer = await peerOf(socket);
    cap(socket, peer);
    return peer;
  }
  if (separateUsers) server.on('connection', (socket: Socket) => peers.set(socket, know(socket)));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? addressInUse(port, error) : error);
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}
