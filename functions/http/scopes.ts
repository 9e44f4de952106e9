import type { Answer } from '../../shared/contract.ts';
import type { Plane } from '../../shared/plane.ts';
import { PlaneError } from '../core/errors.ts';
import type { IdentityProvider } from '../core/providers.ts';
import type { Store } from '../core/store.ts';
import type { Ctx } from '../core/surroundings.ts';
import { readMembers } from '../directory/groups.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { namedGroups } from '../directory/standing.ts';
import { isWithin, type Within } from './reach.ts';

/** A unit and all above it, the root last. */
function upwards(path: string): string[] {
  const names = path.split('/').filter(Boolean);
  return [...names.map((_name, at) => `/${names.slice(0, names.length - at).join('/')}`), '/'];
}

/** Without the right to list org units, those that policies and agents name are what is known. */
async function directoryUnits(identity: Pick<IdentityProvider, 'listOrgUnits'>, ctx: Ctx): Promise<readonly string[]> {
  try {
    return await identity.listOrgUnits(ctx);
  } catch (error) {
    if (!(error instanceof PlaneError) || error.code !== 'forbidden') throw error;
    ctx.log.warn(`org units are shown as far as policies and agents name them: ${error.message}`);
    return [];
  }
}

export interface ScopesDeps {
  readonly store: Store;
  readonly identity: Pick<IdentityProvider, 'listOrgUnits'>;
  readonly fleet: Pick<Fleet, 'agentsOf'>;
}

/** What policies can name, and how many agents each holds: a unit with all below it, a group with those nested in it. */
export async function readScopes(
  plane: Plane,
  within: Within,
  { store, identity, fleet }: ScopesDeps,
  ctx: Ctx,
): Promise<Answer<'listScopes'>> {
  const { metadata, spec } = plane;
  const named = spec.policies.flatMap(({ match }) => ('ou' in match ? [match.ou] : []));
  const paths = [...(await directoryUnits(identity, ctx)), ...named, ...(spec.identity.selector?.ous ?? [])];
  const units = new Map(['/', ...paths].map((path) => [path, 0]));
  const groups = await Promise.all(
    namedGroups(plane).map(async (email) => ({ email, members: await readMembers(store, email), agents: 0 })),
  );
  for (const { ouPath, ownerId, record } of await fleet.agentsOf(metadata.name)) {
    if (record.desired !== 'running' || !isWithin(ouPath, within)) continue;
    for (const path of upwards(ouPath)) units.set(path, (units.get(path) ?? 0) + 1);
    for (const group of groups) if (group.members?.has(ownerId)) group.agents += 1;
  }
  return {
    ous: [...units]
      .filter(([path]) => isWithin(path, within))
      .map(([path, agents]) => ({ path, agents }))
      .toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    groups: groups.map(({ email, agents }) => ({ email, agents })),
  };
}
