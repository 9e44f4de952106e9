import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { joinRequestSchema, heartbeatSchema, type Assignment } from '../../shared/sidecar.ts';
import type { z } from 'zod';

type Heartbeat = z.output<typeof heartbeatSchema>;

export interface LoopbackPlane {
  readonly url: string;
  /** Join tokens that work once each. */
  readonly joins: Set<string>;
  /** Session tokens that work. */
  readonly sessions: Set<string>;
  readonly heartbeats: Heartbeat[];
  readonly calls: string[];
  assign(change: Partial<Assignment>): void;
  /** Sent with the next heartbeat. */
  freshToken: string | undefined;
  /** What was put as backups, whole ones alone; what is here is given out. */
  readonly backups: Map<string, Buffer>;
  /** What agents asked for. */
  readonly requests: unknown[];
  /** Answers a request of an agent with this problem while it is set. */
  refusal: { status: number; detail: string } | undefined;
  /** Every call is answered with this status while it is set. */
  outage: number | undefined;
  close(): Promise<void>;
}

const read = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
};

/** The plane's side of the sidecar protocol, on a loopback port, with everything it heard. */
export async function openLoopbackPlane(
  first: Omit<Assignment, 'version'>,
  { holdMs = 200, lifeMs = 900_000 } = {},
): Promise<LoopbackPlane> {
  let assignment: Assignment = { ...first, version: 'v1' };
  let count = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://loopback');
    const say = (status: number, body?: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body && JSON.stringify(body));
    };
    plane.calls.push(`${request.method} ${url.pathname}`);
    if (plane.outage !== undefined) return say(plane.outage);
    if (url.pathname === '/agent/join') {
      const { token } = joinRequestSchema.parse(JSON.parse(await read(request)));
      if (!plane.joins.delete(token)) return say(401);
      count += 1;
      plane.sessions.add(`session-${count}`);
      return say(200, { token: `session-${count}`, expiresAt: Date.now() + lifeMs });
    }
    if (!plane.sessions.has((request.headers.authorization ?? '').replace('Bearer ', ''))) return say(401);
    const backupId = /^\/agent\/backups\/(.+)$/.exec(url.pathname)?.[1];
    if (backupId !== undefined && request.method === 'PUT') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      plane.backups.set(backupId, Buffer.concat(chunks));
      return say(204);
    }
    if (backupId !== undefined) {
      const archive = plane.backups.get(backupId);
      return archive ? void response.writeHead(200).end(archive) : say(404);
    }
    if (url.pathname === '/agent/requests') {
      plane.requests.push(JSON.parse(await read(request)));
      return plane.refusal ? say(plane.refusal.status, plane.refusal) : say(200, { id: 'r1', state: 'waiting' });
    }
    if (url.pathname === '/agent/heartbeat') {
      plane.heartbeats.push(heartbeatSchema.parse(JSON.parse(await read(request))));
      const token = plane.freshToken;
      plane.freshToken = undefined;
      return say(200, { version: assignment.version, ...(token === undefined ? {} : { token }) });
    }
    const until = Date.now() + holdMs;
    while (assignment.version === url.searchParams.get('after')) {
      if (Date.now() > until) return say(204);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return say(200, assignment);
  }

  const server = createServer((request, response) => void answer(request, response).catch(() => response.writeHead(500).end()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const plane: LoopbackPlane = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    joins: new Set(),
    sessions: new Set(),
    heartbeats: [],
    calls: [],
    backups: new Map(),
    requests: [],
    refusal: undefined,
    freshToken: undefined,
    outage: undefined,
    assign(change) {
      assignment = { ...assignment, ...change, version: `v${Number(assignment.version.slice(1)) + 1}` };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return plane;
}
