import { Hono, type Context } from 'hono';
import type { Aliases } from './aliases.ts';
import { DirectoryError, invalid, toResponse } from './answers.ts';
import type { Channels } from './channels.ts';
import type { Groups } from './groups.ts';
import type { Members } from './members.ts';
import type { OrgUnits } from './org-units.ts';
import { selectFields } from './partial-response.ts';
import type { Quota } from './quota.ts';
import type { RoleAssignments } from './role-assignments.ts';
import type { Roles } from './roles.ts';
import type { Schemas } from './schemas.ts';
import type { Users } from './users.ts';
import type { admin_directory_v1 as directory } from '@googleapis/admin';

export interface DirectoryDeps {
  readonly users: Users;
  readonly listUsers: (query: Record<string, string>) => directory.Schema$Users;
  readonly aliases: Aliases;
  readonly orgUnits: OrgUnits;
  readonly groups: Groups;
  readonly members: Members;
  readonly schemas: Schemas;
  readonly roles: Roles;
  readonly roleAssignments: RoleAssignments;
  readonly channels: Channels;
  readonly quota: Quota;
  readonly customerId: string;
  readonly domain: string;
  readonly log: (line: string) => void;
}

/** The Directory API's own paths, as they follow `/admin` (build/directory_v1.js of @googleapis/admin 32). */
export function createDirectoryRoutes(deps: DirectoryDeps): Hono {
  const { users, aliases, orgUnits, groups, members, schemas, roles, roleAssignments, channels, quota, customerId, domain, log } = deps;
  const app = new Hono();

  app.use(async (c, next) => {
    if (!quota.take(c.req.header('authorization') ?? 'anonymous'))
      throw new DirectoryError('userRateLimitExceeded', 'User Rate Limit Exceeded');
    await next();
  });
  app.notFound((c) => toResponse({ reason: 'badRequest', message: `the Workspace emulator does not know ${c.req.method} ${c.req.path}` }));
  app.onError((error, c) => {
    if (error instanceof DirectoryError) return toResponse(error);
    log(`workspace: ${c.req.method} ${c.req.path} failed: ${error.stack ?? error.message}`);
    return toResponse({ reason: 'backendError', message: 'Backend Error' });
  });

  const refuseOtherCustomer = (customer: string | undefined) => {
    if (customer !== 'my_customer' && customer !== customerId) throw invalid('Invalid Customer Id');
  };
  const refuseOtherScope = (query: Record<string, string>, alternative?: string) => {
    if (query['domain'] !== undefined && query['domain'] !== domain) throw new DirectoryError('notFound', 'Domain not found.');
    if (query['customer'] !== undefined) refuseOtherCustomer(query['customer']);
    if (query['domain'] === undefined && query['customer'] === undefined && alternative === undefined)
      throw new DirectoryError('badRequest', 'Bad Request');
  };
  app.use('/directory/v1/customer/:customer/*', async (c, next) => {
    refuseOtherCustomer(c.req.param('customer'));
    await next();
  });

  const v1 = app.basePath('/directory/v1');
  v1.get('/users', (c) => {
    refuseOtherScope(c.req.query());
    return answer(c, deps.listUsers(c.req.query()));
  });
  v1.post('/users', async (c) => answer(c, users.insert(await readJson(c))));
  v1.post('/users/watch', async (c) => {
    refuseOtherScope(c.req.query());
    return answer(c, channels.watch(c.req.query(), await readJson(c)));
  });
  v1.get('/users/:userKey', (c) => answer(c, users.get(c.req.param('userKey'), c.req.query())));
  v1.on(['PUT', 'PATCH'], '/users/:userKey', async (c) => answer(c, users.update(c.req.param('userKey'), await readJson(c))));
  v1.delete('/users/:userKey', (c) => answer(c, users.remove(c.req.param('userKey'))));
  v1.post('/users/:userKey/undelete', async (c) => answer(c, users.undelete(c.req.param('userKey'), await readJson(c))));
  v1.post('/users/:userKey/makeAdmin', async (c) => answer(c, users.makeAdmin(c.req.param('userKey'), await readJson(c))));
  v1.get('/users/:userKey/aliases', (c) => answer(c, aliases.list(c.req.param('userKey'))));
  v1.post('/users/:userKey/aliases', async (c) => answer(c, aliases.insert(c.req.param('userKey'), await readJson(c))));
  v1.delete('/users/:userKey/aliases/:alias', (c) => answer(c, aliases.remove(c.req.param('userKey'), c.req.param('alias'))));
  app.post('/directory_v1/channels/stop', async (c) => answer(c, channels.stop(await readJson(c))));

  v1.get('/groups', (c) => {
    refuseOtherScope(c.req.query(), c.req.query('userKey'));
    return answer(c, groups.list(c.req.query()));
  });
  v1.post('/groups', async (c) => answer(c, groups.insert(await readJson(c))));
  v1.get('/groups/:groupKey', (c) => answer(c, groups.get(c.req.param('groupKey'))));
  v1.delete('/groups/:groupKey', (c) => answer(c, groups.remove(c.req.param('groupKey'))));
  v1.get('/groups/:groupKey/hasMember/:memberKey', (c) => answer(c, members.hasMember(c.req.param('groupKey'), c.req.param('memberKey'))));
  v1.get('/groups/:groupKey/members', (c) => answer(c, members.list(c.req.param('groupKey'), c.req.query())));
  v1.post('/groups/:groupKey/members', async (c) => answer(c, members.insert(c.req.param('groupKey'), await readJson(c))));
  v1.get('/groups/:groupKey/members/:memberKey', (c) => answer(c, members.get(c.req.param('groupKey'), c.req.param('memberKey'))));
  v1.delete('/groups/:groupKey/members/:memberKey', (c) => answer(c, members.remove(c.req.param('groupKey'), c.req.param('memberKey'))));

  const customer = v1.basePath('/customer/:customer');
  customer.get('/orgunits', (c) => answer(c, orgUnits.list(c.req.query())));
  customer.post('/orgunits', async (c) => answer(c, orgUnits.insert(await readJson(c))));
  customer.get('/orgunits/:path{.+}', (c) => answer(c, orgUnits.get(c.req.param('path'))));
  customer.on(['PUT', 'PATCH'], '/orgunits/:path{.+}', async (c) => answer(c, orgUnits.update(c.req.param('path'), await readJson(c))));
  customer.delete('/orgunits/:path{.+}', (c) => answer(c, orgUnits.remove(c.req.param('path'))));

  customer.get('/schemas', (c) => answer(c, schemas.list()));
  customer.post('/schemas', async (c) => answer(c, schemas.insert(await readJson(c))));
  customer.get('/schemas/:key', (c) => answer(c, schemas.get(c.req.param('key'))));
  customer.on(['PUT', 'PATCH'], '/schemas/:key', async (c) => answer(c, schemas.update(c.req.param('key'), await readJson(c))));
  customer.delete('/schemas/:key', (c) => answer(c, schemas.remove(c.req.param('key'))));

  customer.get('/roles', (c) => answer(c, roles.list(c.req.query())));
  customer.post('/roles', async (c) => answer(c, roles.insert(await readJson(c))));
  customer.get('/roles/:id', (c) => answer(c, roles.get(c.req.param('id'))));
  customer.delete('/roles/:id', (c) => answer(c, roles.remove(c.req.param('id'))));
  customer.get('/roleassignments', (c) => answer(c, roleAssignments.list(c.req.query())));
  customer.post('/roleassignments', async (c) => answer(c, roleAssignments.insert(await readJson(c))));
  customer.get('/roleassignments/:id', (c) => answer(c, roleAssignments.get(c.req.param('id'))));
  customer.delete('/roleassignments/:id', (c) => answer(c, roleAssignments.remove(c.req.param('id'))));
  return app;
}

function answer(c: Context, body: object | void): Response {
  if (body === undefined) return c.body(null, 204);
  const fields = c.req.query('fields');
  return c.json(fields === undefined ? body : selectFields(body, fields));
}

async function readJson(c: Context): Promise<unknown> {
  const text = await c.req.text();
  try {
    return text === '' ? {} : (JSON.parse(text) as unknown);
  } catch (error) {
    throw new DirectoryError('parseError', 'Parse Error', { cause: error });
  }
}
