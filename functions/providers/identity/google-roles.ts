import type { UserIdentity } from '../../core/providers.ts';
import type { Ctx } from '../../core/surroundings.ts';
import { pagesOf, type GoogleCalls } from '../cloud/google-quota.ts';
import type { Directory } from '../cloud/google.ts';

export type PlaneRole = UserIdentity['roles'][number];
export type RoleIds = { readonly [Role in PlaneRole]?: string };

/** The custom roles that carry our two admin roles (REQ-WSEC-02); super admins are always admins. */
export const roleNames = { admin: 'OpenClaw Agent Admin', viewer: 'OpenClaw Agent Viewer' } as const satisfies Record<PlaneRole, string>;
export const planeRoles = ['admin', 'viewer'] as const satisfies readonly PlaneRole[];

const customer = 'my_customer';

/** The ids of our custom roles, found by name on every page: a customer may have 750 roles. */
export async function findRoleIds(directory: Directory, calls: GoogleCalls, ctx: Ctx): Promise<RoleIds> {
  const what = 'list admin roles';
  const found: { [Role in PlaneRole]?: string } = {};
  const pages = pagesOf(what, async (page) => {
    const list = () => directory.roles.list({ customer, maxResults: 100, ...page }, { signal: ctx.signal });
    return (await calls.orThrow(what, ctx, list)).data;
  });
  for await (const { items } of pages) {
    for (const { roleId, roleName } of items ?? [])
      for (const role of planeRoles) if (roleId && roleName === roleNames[role]) found[role] = roleId;
  }
  return found;
}

/**
 * The roles that a user holds for the whole company, directly or through groups. An assignment for one org unit counts for
 * nothing here: taken for the company's it would give power over everybody.
 */
export async function rolesHeld(
  userId: string,
  ids: RoleIds,
  { directory, calls, ctx }: { readonly directory: Directory; readonly calls: GoogleCalls; readonly ctx: Ctx },
): Promise<readonly PlaneRole[]> {
  const what = `list roles of ${userId}`;
  const held = new Set<string>();
  const pages = pagesOf(what, async (page) => {
    const request = { customer, userKey: userId, includeIndirectRoleAssignments: true, ...page };
    const answer = await calls.orAbsent(what, ctx, () => directory.roleAssignments.list(request, { signal: ctx.signal }));
    return answer?.data ?? {};
  });
  for await (const { items } of pages)
    for (const { roleId, scopeType } of items ?? []) if (roleId && scopeType === 'CUSTOMER') held.add(roleId);
  return planeRoles.filter((role) => {
    const id = ids[role];
    return id !== undefined && held.has(id);
  });
}
