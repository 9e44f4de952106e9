import type { RoleGrant } from '../../core/providers.ts';
import type { Ctx } from '../../core/surroundings.ts';
import { pagesOf, type GoogleCalls } from '../cloud/google-quota.ts';
import type { Directory } from '../cloud/google.ts';

export type PlaneRole = RoleGrant['role'];
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

interface Asked {
  readonly directory: Directory;
  readonly calls: GoogleCalls;
  readonly ctx: Ctx;
}

/** The path of an org unit of now: units move and are renamed, so none is kept. `undefined` where it is gone. */
async function pathOf(orgUnitId: string, { directory, calls, ctx }: Asked): Promise<string | undefined> {
  const request = { customerId: customer, orgUnitPath: `id:${orgUnitId.replace(/^id:/, '')}` };
  const get = () => directory.orgunits.get(request, { signal: ctx.signal });
  return (await calls.orAbsent(`read org unit ${orgUnitId}`, ctx, get))?.data.orgUnitPath ?? undefined;
}

/**
 * The roles that a user holds, directly or through groups, those for the whole company first. An assignment for one org unit
 * counts for that unit and all below it; one whose scope we do not know, or whose unit is gone, counts for nothing.
 */
export async function rolesHeld(userId: string, ids: RoleIds, asked: Asked): Promise<readonly RoleGrant[]> {
  const { directory, calls, ctx } = asked;
  const what = `list roles of ${userId}`;
  const whole = new Set<PlaneRole>();
  const units = new Map<string, Set<PlaneRole>>();
  const pages = pagesOf(what, async (page) => {
    const request = { customer, userKey: userId, includeIndirectRoleAssignments: true, ...page };
    const answer = await calls.orAbsent(what, ctx, () => directory.roleAssignments.list(request, { signal: ctx.signal }));
    return answer?.data ?? {};
  });
  for await (const { items } of pages)
    for (const { roleId, scopeType, orgUnitId } of items ?? []) {
      const role = planeRoles.find((known) => roleId && ids[known] === roleId);
      if (role === undefined) continue;
      if (scopeType === 'CUSTOMER') whole.add(role);
      if (scopeType === 'ORG_UNIT' && orgUnitId) units.set(orgUnitId, (units.get(orgUnitId) ?? new Set()).add(role));
    }
  const grants: RoleGrant[] = planeRoles.filter((role) => whole.has(role)).map((role) => ({ role }));
  for (const [orgUnitId, roles] of units) {
    const needed = planeRoles.filter((role) => roles.has(role) && !whole.has(role) && !whole.has('admin'));
    const ou = needed.length > 0 ? await pathOf(orgUnitId, asked) : undefined;
    if (ou !== undefined) grants.push(...needed.map((role) => ({ role, ou })));
  }
  return grants;
}
