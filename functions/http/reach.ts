import type { ContractRow, Role } from '../../shared/contract.ts';
import { isInUnit } from '../../shared/org-unit.ts';
import type { IdentityProvider, RoleGrant } from '../core/providers.ts';
import type { Store } from '../core/store.ts';
import type { Ctx } from '../core/surroundings.ts';

/** Org units with all below them; `undefined` stands for the whole company, none for nothing at all. */
export type Within = readonly string[] | undefined;

/** Where somebody holds a role; an admin is a viewer too. */
export function withinOf(grants: readonly RoleGrant[], needed: Role): Within {
  const fitting = grants.filter(({ role }) => role === 'admin' || role === needed);
  if (fitting.some(({ ou }) => ou === undefined)) return undefined;
  return [...new Set(fitting.flatMap(({ ou }) => ou ?? []))];
}

/** Whether an org unit is one of these or below one. */
export const isWithin = (ouPath: string, within: Within): boolean => within === undefined || within.some((ou) => isInUnit(ouPath, ou));

interface Given {
  readonly params: unknown;
  readonly body?: unknown;
}

export interface ReachDeps {
  readonly store: Pick<Store, 'get'>;
  readonly identity: Pick<IdentityProvider, 'resolveUser'>;
}

const textAt = (from: unknown, name: string): string | undefined => {
  const value: unknown = typeof from === 'object' && from !== null ? Reflect.get(from, name) : undefined;
  return typeof value === 'string' ? value : undefined;
};

/** Decides by the contract's `reach` what admins and viewers of an org unit may call. */
export function createReach({ store, identity }: ReachDeps) {
  const within = (grants: readonly RoleGrant[], { role }: Pick<ContractRow, 'role'>): Within => withinOf(grants, role);

  /** Where the one whom a call is about stands in the directory now; `undefined` of who is not there: that is the handler's to say. */
  async function unitOf({ reach }: ContractRow, { params, body }: Given, ctx: Ctx): Promise<string | undefined> {
    if (reach === 'agent') {
      const agent = await store.get('agents', textAt(params, 'agentId') ?? '');
      return agent && ((await identity.resolveUser(agent.ownerId, ctx))?.ouPath ?? agent.ouPath);
    }
    const userKey = textAt(params, 'userKey') ?? textAt(body, 'ownerEmail');
    return userKey === undefined ? undefined : (await identity.resolveUser(userKey, ctx))?.ouPath;
  }

  return {
    within,
    isNamedInBody: ({ reach, path }: ContractRow): boolean => reach === 'user' && !path.includes('{userKey}'),
    /** Whether somebody holds the role for this kind of call anywhere that counts. */
    holds(grants: readonly RoleGrant[], row: ContractRow): boolean {
      const where = within(grants, row);
      return where === undefined || (where.length > 0 && row.reach !== 'plane');
    },
    /** Whether they hold it where the agent or user stands that the call is about. */
    async covers(grants: readonly RoleGrant[], row: ContractRow, given: Given, ctx: Ctx): Promise<boolean> {
      const where = within(grants, row);
      if (where === undefined || (row.reach !== 'agent' && row.reach !== 'user')) return true;
      const ouPath = await unitOf(row, given, ctx);
      return ouPath === undefined || isWithin(ouPath, where);
    },
  };
}
