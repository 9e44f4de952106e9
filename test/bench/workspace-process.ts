import { fork, type ChildProcess } from 'node:child_process';
import type { Server } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createAdaptorServer } from '@hono/node-server';
import { z } from 'zod';
import type { SinkBody } from '../../scripts/local/workspace/sink.ts';
import { createWorkspace } from '../../scripts/local/workspace/index.ts';

/*
 * The Workspace emulator in a process of its own, so that neither its memory nor its work counts as the plane's. It is told of
 * what admins do by messages, which cost the plane's quota nothing.
 */

/** What an admin writes to one user's page. */
export interface Edit {
  readonly userKey: string;
  readonly body: { readonly suspended?: boolean; readonly customSchemas?: Record<string, Record<string, unknown>> };
}
type Order = { readonly edits: readonly Edit[] } | { readonly sink: SinkBody } | { readonly offsetMs: number } | { readonly report: true };

export interface Report {
  /** The plane's own calls by Google's method ids. */
  readonly byMethod: Readonly<Record<string, number>>;
  readonly refused: number;
  /** The most calls of the Directory API in any sixty seconds. */
  readonly mostInAMinute: number;
}

const settingsSchema = z.object({ file: z.string(), users: z.coerce.number() });

function serveWorkspace({ file, users }: z.infer<typeof settingsSchema>): void {
  let offsetMs = 0;
  let [calls, refused]: [number[], number] = [[], 0];
  const now = () => Date.now() + offsetMs;
  const workspace = createWorkspace({ file, domain: 'acme.test', userCount: users, now, log: (line) => console.error(line) });

  async function serve(request: Request): Promise<Response> {
    const answer = await workspace.fetch(request);
    if (request.headers.get('authorization')?.startsWith('Bearer service-account:')) {
      if (/\/directory\/v1\//.test(request.url)) calls.push(now());
      if (answer.status === 403 || answer.status === 429) refused += 1;
    }
    return answer;
  }

  async function edit({ userKey, body }: Edit): Promise<void> {
    const answer = await workspace.fetch(
      new Request(`http://127.0.0.1/google/admin/directory/v1/users/${userKey}`, {
        method: 'PUT',
        // As somebody each time anew: what admins spend of their quota is no part of this.
        headers: { 'content-type': 'application/json', authorization: `Bearer admin-${Math.trunc(Math.random() * 500)}` },
        body: JSON.stringify(body),
      }),
    );
    if (!answer.ok) throw new Error(`cannot edit ${userKey}: ${answer.status} ${await answer.text()}`);
  }

  function report(): Report {
    let [first, mostInAMinute] = [0, 0];
    for (const [at, time] of calls.entries()) {
      while ((calls[first] ?? time) < time - 60_000) first += 1;
      mostInAMinute = Math.max(mostInAMinute, at - first + 1);
    }
    const { byMethod } = workspace.calls();
    const answer = { byMethod, refused, mostInAMinute };
    workspace.resetCalls();
    [calls, refused] = [[], 0];
    return answer;
  }

  async function obey(order: Order): Promise<Report | undefined> {
    if ('edits' in order) {
      for (const each of order.edits) {
        await edit(each);
        // Pushes leave in between, as they would with an admin elsewhere.
        await setImmediate();
      }
    } else if ('sink' in order) workspace.setSink(order.sink);
    else if ('offsetMs' in order) offsetMs = order.offsetMs;
    else return report();
    return undefined;
  }

  process.on('message', ({ id, order }: { id: number; order: Order }) => {
    obey(order).then(
      (answer) => process.send?.({ id, answer }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    );
  });
  const server = createAdaptorServer({ fetch: serve, overrideGlobalObjects: false }) as Server;
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    process.send?.({ url: typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : '' });
  });
  process.on('disconnect', () => process.exit());
}

export async function startWorkspace(settings: { readonly file: string; readonly users: number }) {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), [settings.file, String(settings.users)], { execArgv: [] });
  const open = new Map<number, PromiseWithResolvers<Report | undefined>>();
  let orders = 0;
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the Workspace emulator ended with ${code}`)));
    child.once('message', (message: { url: string }) => resolve(message.url));
  });
  child.on('message', ({ id, answer, error }: { id: number; answer?: Report; error?: string }) => {
    if (error === undefined) open.get(id)?.resolve(answer);
    else open.get(id)?.reject(new Error(error));
    open.delete(id);
  });
  const tell = (order: Order): Promise<Report | undefined> => {
    const answer = Promise.withResolvers<Report | undefined>();
    orders += 1;
    open.set(orders, answer);
    child.send({ id: orders, order });
    return answer.promise;
  };
  return {
    url,
    tell,
    /** What the plane has called since the last report. */
    async report(): Promise<Report> {
      const answer = await tell({ report: true });
      if (!answer) throw new Error('the emulator reported nothing');
      return answer;
    },
    stop: (): void => child.disconnect(),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , file, users] = process.argv;
  serveWorkspace(settingsSchema.parse({ file, users }));
}
