import type { admin_directory_v1 as directory } from '@googleapis/admin';
import type { Aliases } from './aliases.ts';
import { DirectoryError, invalid } from './answers.ts';
import type { Channels } from './channels.ts';
import type { Api, ApiCall } from './gate.ts';
import type { Groups } from './groups.ts';
import type { Members } from './members.ts';
import type { OrgUnits } from './org-units.ts';
import type { RoleAssignments } from './role-assignments.ts';
import type { Roles } from './roles.ts';
import type { Schemas } from './schemas.ts';
import type { Users } from './users.ts';

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
  readonly customerId: string;
  readonly domain: string;
}

/** The Directory API's own paths, as they follow `/admin` (build/directory_v1.js of @googleapis/admin 32). */
export function addDirectoryRoutes({ route }: Api, deps: DirectoryDeps): void {
  const { users, aliases, orgUnits, groups, members, schemas, roles, roleAssignments, channels, customerId, domain } = deps;

  const refuseOtherCustomer = (customer: string | undefined) => {
    if (customer !== 'my_customer' && customer !== customerId) throw invalid('Invalid Customer Id');
  };
  const refuseOtherScope = (query: Record<string, string>, alternative?: string) => {
    if (query['domain'] !== undefined && query['domain'] !== domain) throw new DirectoryError('notFound', 'Domain not found.');
    if (query['customer'] !== undefined) refuseOtherCustomer(query['customer']);
    if (query['domain'] === undefined && query['customer'] === undefined && alternative === undefined)
      throw new DirectoryError('badRequest', 'Bad Request');
  };

  const user = '/directory/v1/users/:userKey';
  route('GET', '/directory/v1/users', 'directory.users.list', ({ query }) => {
    refuseOtherScope(query);
    return deps.listUsers(query);
  });
  route('POST', '/directory/v1/users', 'directory.users.insert', ({ body }) => users.insert(body));
  route('POST', '/directory/v1/users/watch', 'directory.users.watch', ({ query, body }) => {
    refuseOtherScope(query);
    return channels.watch(query, body);
  });
  route('GET', user, 'directory.users.get', ({ of, query }) => users.get(of('userKey'), query));
  route('PUT', user, 'directory.users.update', ({ of, body }) => users.update(of('userKey'), body));
  route('PATCH', user, 'directory.users.patch', ({ of, body }) => users.update(of('userKey'), body));
  route('DELETE', user, 'directory.users.delete', ({ of }) => users.remove(of('userKey')));
  route('POST', `${user}/undelete`, 'directory.users.undelete', ({ of, body }) => users.undelete(of('userKey'), body));
  route('POST', `${user}/makeAdmin`, 'directory.users.makeAdmin', ({ of, body }) => users.makeAdmin(of('userKey'), body));
  route('GET', `${user}/aliases`, 'directory.users.aliases.list', ({ of }) => aliases.list(of('userKey')));
  route('POST', `${user}/aliases`, 'directory.users.aliases.insert', ({ of, body }) => aliases.insert(of('userKey'), body));
  route('DELETE', `${user}/aliases/:alias`, 'directory.users.aliases.delete', ({ of }) => aliases.remove(of('userKey'), of('alias')));
  route('POST', '/directory_v1/channels/stop', 'admin.channels.stop', ({ body }) => channels.stop(body));

  const group = '/directory/v1/groups/:groupKey';
  const member = `${group}/members/:memberKey`;
  const updateGroup = ({ of, body }: ApiCall) => groups.update(of('groupKey'), body);
  const updateMember = ({ of, body }: ApiCall) => members.update(of('groupKey'), of('memberKey'), body);
  route('GET', '/directory/v1/groups', 'directory.groups.list', ({ query }) => {
    refuseOtherScope(query, query['userKey']);
    return groups.list(query);
  });
  route('POST', '/directory/v1/groups', 'directory.groups.insert', ({ body }) => groups.insert(body));
  route('GET', group, 'directory.groups.get', ({ of }) => groups.get(of('groupKey')));
  route('PUT', group, 'directory.groups.update', updateGroup);
  route('PATCH', group, 'directory.groups.patch', updateGroup);
  route('DELETE', group, 'directory.groups.delete', ({ of }) => groups.remove(of('groupKey')));
  route('GET', `${group}/hasMember/:memberKey`, 'directory.members.hasMember', ({ of }) =>
    members.hasMember(of('groupKey'), of('memberKey')),
  );
  route('GET', `${group}/members`, 'directory.members.list', ({ of, query }) => members.list(of('groupKey'), query));
  route('POST', `${group}/members`, 'directory.members.insert', ({ of, body }) => members.insert(of('groupKey'), body));
  route('GET', member, 'directory.members.get', ({ of }) => members.get(of('groupKey'), of('memberKey')));
  route('PUT', member, 'directory.members.update', updateMember);
  route('PATCH', member, 'directory.members.patch', updateMember);
  route('DELETE', member, 'directory.members.delete', ({ of }) => members.remove(of('groupKey'), of('memberKey')));

  /** Routes of a customer, which has to be this one. */
  const own = (verb: Parameters<typeof route>[0], path: string, methodId: string, run: (call: ApiCall) => object | void) =>
    route(verb, `/directory/v1/customer/:customer${path}`, `directory.${methodId}`, (call) => {
      refuseOtherCustomer(call.of('customer'));
      return run(call);
    });
  const unit = '/orgunits/:path{.+}';
  own('GET', '/orgunits', 'orgunits.list', ({ query }) => orgUnits.list(query));
  own('POST', '/orgunits', 'orgunits.insert', ({ body }) => orgUnits.insert(body));
  own('GET', unit, 'orgunits.get', ({ of }) => orgUnits.get(of('path')));
  own('PUT', unit, 'orgunits.update', ({ of, body }) => orgUnits.update(of('path'), body));
  own('PATCH', unit, 'orgunits.patch', ({ of, body }) => orgUnits.update(of('path'), body));
  own('DELETE', unit, 'orgunits.delete', ({ of }) => orgUnits.remove(of('path')));

  own('GET', '/schemas', 'schemas.list', () => schemas.list());
  own('POST', '/schemas', 'schemas.insert', ({ body }) => schemas.insert(body));
  own('GET', '/schemas/:key', 'schemas.get', ({ of }) => schemas.get(of('key')));
  own('PUT', '/schemas/:key', 'schemas.update', ({ of, body }) => schemas.update(of('key'), body));
  own('PATCH', '/schemas/:key', 'schemas.patch', ({ of, body }) => schemas.update(of('key'), body));
  own('DELETE', '/schemas/:key', 'schemas.delete', ({ of }) => schemas.remove(of('key')));

  own('GET', '/roles', 'roles.list', ({ query }) => roles.list(query));
  own('POST', '/roles', 'roles.insert', ({ body }) => roles.insert(body));
  own('GET', '/roles/:id', 'roles.get', ({ of }) => roles.get(of('id')));
  own('DELETE', '/roles/:id', 'roles.delete', ({ of }) => roles.remove(of('id')));
  own('GET', '/roleassignments', 'roleAssignments.list', ({ query }) => roleAssignments.list(query));
  own('POST', '/roleassignments', 'roleAssignments.insert', ({ body }) => roleAssignments.insert(body));
  own('GET', '/roleassignments/:id', 'roleAssignments.get', ({ of }) => roleAssignments.get(of('id')));
  own('DELETE', '/roleassignments/:id', 'roleAssignments.delete', ({ of }) => roleAssignments.remove(of('id')));
}
