import { serve } from '@hono/node-server';
import { OAuth2Client } from 'google-auth-library';
import type { Clock, Log } from '../../functions/core/surroundings.ts';
import type { GoogleRequest } from '../../functions/wake/hints.ts';

const open: { close(): Promise<void> }[] = [];

/** Ends every server of this test; for `afterEach`. */
export async function closeServers(): Promise<void> {
  await Promise.all(open.splice(0).map((server) => server.close()));
}

/** Serves a handler on a port of its own; answers the origin. */
export async function listen(handle: (request: Request) => Promise<Response>): Promise<string> {
  const port = await new Promise<number>((resolve) => {
    const server = serve({ fetch: handle, port: 0, hostname: '127.0.0.1' }, (info) => resolve(info.port));
    open.push({
      close: () =>
        new Promise((closed) => {
          server.close(() => closed());
          if ('closeAllConnections' in server) server.closeAllConnections();
        }),
    });
  });
  return `http://127.0.0.1:${port}`;
}

export const accessToken = 'ya29.the-secret-of-the-plane';

/** The client that the plane itself uses, with a token that needs no one to fetch it. */
export function createRequest(): GoogleRequest {
  const client = new OAuth2Client({ transporterOptions: { fetchImplementation: fetch } });
  client.setCredentials({ access_token: accessToken, expiry_date: Date.now() + 3_600_000 });
  return (options) => client.request(options);
}

export interface HandClock extends Clock {
  /** Lets so many milliseconds pass. */
  pass(ms: number): void;
}

/** Time that stands still until it is told to pass; deadlines are real, so that a call that hangs still ends. */
export function createHandClock(start = Date.UTC(2026, 0, 1)): HandClock {
  let now = start;
  return { now: () => now, deadline: (ms) => AbortSignal.timeout(ms), pass: (ms) => void (now += ms) };
}

export function createHeardLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const hear: Log['warn'] = (message, fields) => void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  return { lines, info: hear, warn: hear };
}
