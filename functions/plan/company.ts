import type { Plane } from '../../shared/plane.ts';
import type { Grant, ServiceToggle } from '../../shared/policy.ts';
import type { IdentityProvider, UserIdentity } from '../core/providers.ts';
import type { AgentRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Ctx } from '../core/surroundings.ts';
import { toGrant } from '../directory/grants.ts';
import { readMembers } from '../directory/groups.ts';
import { decidingGroups, listServices } from '../directory/services.ts';

export interface CompanyDeps {
  readonly store: Store;
  readonly identity: Pick<IdentityProvider, 'listPage' | 'membersOf'>;
}

/** Everybody, and all that decides on them but planes: read in pages, never user by user. */
export interface Company {
  readonly services: readonly ServiceToggle[];
  readonly grantsOf: (planeId: string, userId: string) => readonly Grant[];
  readonly heldBy: (userId: string) => readonly AgentRecord[];
  /** Groups that are named and that the directory does not know. */
  readonly unknownGroups: readonly string[];
  /** With groups. */
  readonly users: AsyncIterable<UserIdentity>;
}

const atOnce = 500;

/** Every document of an index over one unique field, page by page. */
async function readAll<Row>(query: (from: string) => Promise<readonly Row[]>, keyOf: (row: Row) => string): Promise<Row[]> {
  const rows: Row[] = [];
  let from = '';
  for (;;) {
    const page = await query(from);
    rows.push(...page);
    const last = page.at(-1);
    if (page.length < atOnce || last === undefined) return rows;
    from = `${keyOf(last)}\u0000`;
  }
}

async function* usersOf(
  identity: CompanyDeps['identity'],
  members: ReadonlyMap<string, ReadonlySet<string>>,
  ctx: Ctx,
): AsyncIterable<UserIdentity> {
  let token: string | undefined;
  do {
    const page = await identity.listPage(token === undefined ? {} : { token }, ctx);
    for (const user of page.users) yield { ...user, groups: [...members].flatMap(([group, ids]) => (ids.has(user.id) ? [group] : [])) };
    token = page.next;
  } while (token !== undefined);
}

/** `planes`: all whose groups decide, those of the change included; a group that was never listed is listed now. */
export async function readCompany(planes: readonly Plane[], ctx: Ctx, { store, identity }: CompanyDeps): Promise<Company> {
  const members = new Map<string, ReadonlySet<string>>();
  const unknownGroups: string[] = [];
  for (const group of await decidingGroups(planes, store)) {
    const known = await readMembers(store, group);
    const found = known ?? (await identity.membersOf(group, ctx));
    if (found) members.set(group, new Set(found));
    else unknownGroups.push(group);
  }
  const [services, agents, grants] = await Promise.all([
    listServices(store),
    readAll(
      (from) => store.query('agents', 'byId', { from, limit: atOnce }),
      ({ agentId }) => agentId,
    ),
    readAll(
      (from) => store.query('grants', 'byId', { from, limit: atOnce }),
      ({ id }) => id,
    ),
  ]);
  const byOwner = Map.groupBy(agents, ({ ownerId }) => ownerId);
  const grantsByOwner = Map.groupBy(grants, ({ ownerId }) => ownerId);
  return {
    services,
    grantsOf: (planeId, userId) =>
      (grantsByOwner.get(userId) ?? [])
        .filter((grant) => grant.planeId === planeId)
        .sort((a, b) => a.grantedAt - b.grantedAt)
        .map(toGrant),
    heldBy: (userId) => byOwner.get(userId) ?? [],
    unknownGroups,
    users: usersOf(identity, members, ctx),
  };
}
