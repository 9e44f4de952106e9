import { join } from 'node:path';
import { z } from 'zod';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import { read, readJson } from '../../functions/http/problems.ts';
import { consoleFiles } from './console/serve.ts';
import { createPreview } from './preview/preview.ts';
import type { Door } from './server.ts';
import type { Workspace } from './workspace/index.ts';

export interface ConsoleOptions {
  readonly root: string;
  /** The add-on's bundle, as it goes to Google. */
  readonly code: string;
  readonly url: string;
  readonly planeId: string;
  readonly company: string;
  readonly domain: string;
  readonly audience: string;
  readonly workspace: Workspace;
  readonly log: Log;
}

const runSchema = z.strictObject({ functionName: z.string().max(100), event: z.unknown(), user: z.email() });

/** The console page: its files, who can sign in, and the add-on's bundle run as Apps Script would. */
export function consoleDoors({ root, code, url, planeId, company, domain, audience, workspace, log }: ConsoleOptions) {
  const preview = createPreview({
    code,
    properties: { backendUrl: url, planeId },
    identityToken: (email) => workspace.idToken(email, audience),
    log: (line) => log.info(line),
    async fetch(address, { method, headers, body }) {
      const answer = await fetch(address, { method, headers, ...(body === undefined ? {} : { body }) });
      return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
    },
  });
  const files = consoleFiles(join(root, 'scripts', 'local', 'console'));

  async function serve(request: Request): Promise<Response | undefined> {
    const { pathname } = new URL(request.url);
    if (pathname === '/console/session' && request.method === 'GET') {
      const users = [
        { email: `admin@${domain}`, role: 'admin' },
        { email: `viewer@${domain}`, role: 'viewer' },
        { email: `carol@${domain}`, role: 'none' },
      ];
      return Response.json({ users, company, planeId });
    }
    if (pathname === '/console/addon' && request.method === 'POST') {
      const { functionName, event, user } = read(runSchema, await readJson(request), 'the call of the add-on');
      return Response.json(await preview.run({ functionName, event, user }));
    }
    if (pathname.startsWith('/console/')) throw new PlaneError('notFound', `cannot find ${pathname}`);
    return undefined;
  }

  const doors: Door[] = [
    { prefix: '/console/', serve },
    { prefix: '/', serve: files },
  ];
  return { doors, close: () => preview.close() };
}
