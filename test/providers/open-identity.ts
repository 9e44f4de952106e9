import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Ctx } from '../../functions/core/surroundings.ts';
import type { Lane, Quota } from '../../functions/providers/cloud/google-quota.ts';
import { createDirectory, createReports } from '../../functions/providers/cloud/google.ts';
import { createGoogleWorkspace, type GoogleWorkspaceOptions } from '../../functions/providers/identity/google-workspace.ts';
import { onClose, openWorkspace } from '../local/workspace/open-workspace.ts';
import type { WorkspaceOptions } from '../../scripts/local/workspace/index.ts';

export interface Received {
  readonly method: string;
  /** With the query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A server on the loopback that answers in JSON and remembers what it was asked; it closes after the test. */
export async function openLoopback(answer: (request: Received) => Answer): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const asked = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      received.push(asked);
      const { status = 200, headers = {}, body: said } = answer(asked);
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(said));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onClose(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, received };
}

export const openCtx = (more: Partial<Ctx> = {}): Ctx & { readonly warnings: string[] } => {
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (line: string) => void warnings.push(line) };
  return { signal: AbortSignal.timeout(15_000), log, warnings, ...more };
};

/** A quota that remembers every lane that was asked; lanes in `empty` have nothing. */
export function createLanes(empty: Partial<Record<Lane, number>> = {}) {
  const taken: Lane[] = [];
  const penalized: Lane[] = [];
  const quota: Quota = {
    take: async (lane) => void taken.push(lane),
    async tryTake(lane) {
      if (empty[lane] !== undefined) return empty[lane];
      taken.push(lane);
      return undefined;
    },
    async penalize(lane) {
      penalized.push(lane);
      return 2_000;
    },
  };
  return { quota, taken, penalized };
}

export const audience = 'test-audience';

/** The identity provider on Google's own clients against the Workspace emulator behind real HTTP. */
export async function openIdentity(options: Partial<GoogleWorkspaceOptions> = {}, company: Partial<WorkspaceOptions> = {}) {
  const workspace = await openWorkspace(company);
  const paths: string[] = [];
  const tapped: typeof fetch = (input, init) => {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    paths.push(`${init?.method ?? 'GET'} ${decodeURIComponent(pathname.replace('/admin/directory/v1/', ''))}${search}`);
    return fetch(input, init);
  };
  const client = { rootUrl: `${workspace.origin}/google/`, fetchImplementation: tapped };
  const directory = createDirectory(client);
  const identity = createGoogleWorkspace({
    directory,
    reports: createReports(client),
    domain: 'acme.test',
    policyGroups: async () => ['engineering@acme.test', 'engineering-leads@acme.test'],
    audiences: [audience],
    certsUrl: `${workspace.origin}/google/oauth2/v1/certs`,
    fetch,
    ...options,
  });
  const idOf = async (userKey: string): Promise<string> => (await workspace.client.users.get({ userKey })).data.id ?? '';
  /** The requests that the provider makes while it does something. */
  const pathsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
    paths.length = 0;
    await work();
    return [...paths];
  };
  return { ...workspace, directory, identity, idOf, pathsOf };
}
