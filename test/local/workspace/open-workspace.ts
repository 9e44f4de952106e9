import { createAdaptorServer } from '@hono/node-server';
import { admin, type admin_directory_v1 as directory } from '@googleapis/admin';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createWorkspace, type Workspace, type WorkspaceOptions } from '../../../scripts/local/workspace/index.ts';

export interface OpenWorkspace {
  readonly workspace: Workspace;
  readonly origin: string;
  /** Google's own client, through real HTTP. */
  readonly client: directory.Admin;
  readonly lines: string[];
  readonly advance: (ms: number) => void;
  readonly close: () => Promise<void>;
}

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
export const customer = 'my_customer';

/** gaxios imports its own fetch dynamically, which jest's module loader cannot do. */
export const transport = { fetchImplementation: fetch, retry: false };

const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

export const onClose = (close: () => Promise<void> | void) => void closers.push(close);

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

/** Opens a workspace behind a real port; it closes after the test, or before by hand. */
export async function openWorkspace(options: Partial<WorkspaceOptions> = {}): Promise<OpenWorkspace> {
  let elapsedMs = 0;
  const lines: string[] = [];
  const workspace = createWorkspace({
    file: ':memory:',
    domain: 'acme.test',
    now: () => Date.now() + elapsedMs,
    log: (line) => void lines.push(line),
    pushRetryDelaysMs: [5, 10, 20],
    ...options,
  });
  const server = createAdaptorServer({ fetch: (request) => workspace.fetch(request) }) as Server;
  const origin = await listen(server);
  let open = true;
  const close = async () => {
    if (!open) return;
    open = false;
    await stop(server);
    workspace.close();
  };
  onClose(close);
  const client = admin({ version: 'directory_v1', rootUrl: `${origin}/google/`, ...transport });
  return { workspace, origin, client, lines, close, advance: (ms) => void (elapsedMs += ms) };
}

export interface ReceivedPush {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly address: string;
  readonly received: ReceivedPush[];
  /** Statuses to answer with, one for each push; 200 once they are used up. */
  readonly statuses: number[];
  /** Resolves once this many pushes have come. */
  readonly count: (pushes: number) => Promise<ReceivedPush[]>;
}

/** A webhook receiver on the loopback. */
export async function openReceiver(): Promise<Receiver> {
  const received: ReceivedPush[] = [];
  const statuses: number[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(statuses.shift() ?? 200).end();
      waiting.splice(0).forEach((wake) => wake());
    });
  });
  const address = `${await listen(server)}/directory`;
  onClose(() => stop(server));
  const count = async (pushes: number) => {
    while (received.length < pushes) await new Promise<void>((resolve) => waiting.push(resolve));
    return received;
  };
  return { address, received, statuses, count };
}

export interface Refusal {
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly message: string | undefined;
}

interface GoogleError {
  readonly response?: {
    readonly data?: { readonly error?: { message?: string; errors?: { reason?: string }[] } };
    readonly status?: number;
  };
}

/** What Google's client reports of a call that is refused. */
export async function refusal(call: PromiseLike<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    const { response } = error as GoogleError;
    return { status: response?.status, reason: response?.data?.error?.errors?.[0]?.reason, message: response?.data?.error?.message };
  }
  throw new Error('the call was not refused');
}
