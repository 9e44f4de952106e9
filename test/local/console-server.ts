import { createServer } from 'node:http';
import { once } from 'node:events';
import { admin, pageOf, planeOf, userOf } from '../appsscript/company.ts';
import { agentCard } from '../../appsscript/cards/agent.ts';
import { homeCard } from '../../appsscript/cards/home.ts';
import type { RenderedAction } from '../../appsscript/card.ts';
import { consoleFiles } from '../../scripts/local/console/serve.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

interface Person {
  id: string;
  primaryEmail: string;
  name: { fullName: string };
  suspended: boolean;
  orgUnitPath: string;
  isAdmin?: boolean;
  deletionTime?: string;
  customSchemas?: { OpenClaw_Agent: Record<string, unknown> };
}

const person = (at: number, name: string, orgUnitPath: string): Person => ({
  id: String(1000 + at),
  primaryEmail: `${name.split(' ')[0]?.toLowerCase()}@acme.test`,
  name: { fullName: name },
  suspended: false,
  orgUnitPath,
});

/** The console page over canned answers: what it shows can be changed through `company`, what it asked is in `asked`. */
export async function startConsoleServer() {
  const asked: Asked[] = [];
  const company = {
    people: [person(1, 'Alice Adams', '/Engineering'), person(2, 'Bob Brown', '/Sales'), person(3, 'Carol Clark', '/')],
    mail: [
      {
        id: 'm1',
        date: new Date(Date.now() - 120_000).toISOString(),
        from: 'alice-agent@acme.test',
        to: 'alice@acme.test',
        subject: 'Hello Alice, I am your agent',
        text: 'Hey, I am your new AI agent. Just reply to this mail.',
        html: '<h2 style="color:#0b57d0">Hey Alice</h2><p>I am your new AI agent. <script>document.title="broken"</script>Just reply to this mail.</p>',
      },
    ],
    /** What the add-on answers, by function and action. */
    addon: (request: {
      functionName: string;
      user: string;
      action: string | undefined;
      form: object;
    }): { result: RenderedAction } | { error: string } =>
      request.functionName === 'onHomepage'
        ? {
            result: {
              action: {
                navigations: [
                  {
                    pushCard: homeCard(
                      { plane: planeOf(4, 1, 1), page: pageOf(6), filter: {}, cursor: '', back: [], operations: [], standIn: false },
                      admin,
                    ),
                  },
                ],
              },
            },
          }
        : { result: { action: { navigations: [{ pushCard: agentCard(userOf(1), admin) }] } } },
    down: false,
  };
  const alice = company.people[0];
  if (alice) {
    alice.isAdmin = true;
    alice.customSchemas = {
      OpenClaw_Agent: {
        agentEnabled: true,
        modelTier: 'opus',
        budgetCap: '200',
        agentId: 'abcdefghijklmnop',
        agentStatus: 'running',
        lastHeartbeat: new Date(Date.now() - 30_000).toISOString(),
      },
    };
  }
  const serveFile = consoleFiles('scripts/local/console');
  const find = (key: string) => company.people.find(({ id, primaryEmail }) => id === key || primaryEmail === key);

  function answer(method: string, url: URL, body: Record<string, unknown>): unknown {
    const [, key = '', verb] = /^\/google\/admin\/directory\/v1\/users(?:\/([^/]+)(?:\/(undelete))?)?$/.exec(url.pathname) ?? [];
    const user = find(decodeURIComponent(key));
    if (url.pathname === '/console/session') {
      const users = [
        { email: 'admin@acme.test', role: 'admin' },
        { email: 'viewer@acme.test', role: 'viewer' },
      ];
      return { users, company: 'acme.test', planeId: 'acme' };
    }
    if (url.pathname === '/console/addon') {
      const { commonEventObject = {} } = body['event'] as { commonEventObject?: { parameters?: { do?: string }; formInputs?: object } };
      const { functionName, user: signedIn } = body as { functionName: string; user: string };
      return company.addon({
        functionName,
        user: signedIn,
        action: commonEventObject.parameters?.do,
        form: commonEventObject.formInputs ?? {},
      });
    }
    if (url.pathname === '/mail/messages') {
      return method === 'POST' ? { id: 'm2' } : { messages: company.mail.filter(({ to }) => to === url.searchParams.get('to')) };
    }
    if (key === '') {
      const query = url.searchParams.get('query')?.replaceAll("'", '').toLowerCase() ?? '';
      const deleted = url.searchParams.get('showDeleted') === 'true';
      const users = company.people.filter(
        (one) => (one.deletionTime !== undefined) === deleted && one.name.fullName.toLowerCase().includes(query),
      );
      return { users };
    }
    if (!user) return undefined;
    if (verb === 'undelete') delete user.deletionTime;
    else if (user.deletionTime !== undefined) return undefined;
    else if (method === 'DELETE') user.deletionTime = new Date().toISOString();
    else if (method === 'PUT') {
      const { customSchemas, ...rest } = body as Partial<Person>;
      Object.assign(user, rest);
      if (customSchemas)
        user.customSchemas = { OpenClaw_Agent: { ...user.customSchemas?.OpenClaw_Agent, ...customSchemas.OpenClaw_Agent } };
    }
    return user;
  }

  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://127.0.0.1');
      const { method = 'GET' } = request;
      const file = await serveFile(new Request(url, { method }));
      if (file) {
        response.writeHead(file.status, Object.fromEntries(file.headers)).end(Buffer.from(await file.arrayBuffer()));
        return;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
      if (method !== 'GET') asked.push({ method, path: url.pathname, body });
      const found = company.down ? { error: { message: 'out of order' } } : answer(method, url, body);
      const status = company.down ? 503 : found === undefined ? 404 : 200;
      response
        .writeHead(status, { 'Content-Type': 'application/json' })
        .end(JSON.stringify(found ?? { error: { message: 'Resource Not Found: userKey' } }));
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    asked,
    company,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
