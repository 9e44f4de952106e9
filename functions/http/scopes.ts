import type { Answer } from '../../shared/contract.ts';
import type { Plane } from '../../shared/plane.ts';
import { PlaneError } from '../core/errors.ts';
import type { IdentityProvider } from '../core/providers.ts';
import type { AgentRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Ctx } from '../core/surroundings.ts';
import { readMembers } from '../directory/groups.ts';
import { namedGroups } from '../directory/standing.ts';
import { isWithin, type Within } from './reach.ts';

/** Every agent of a plane that is to run. */
async function* runningAgents(planeId: string, store: Store): AsyncIterable<AgentRecord> {
  let from = '';
  for (;;) {
    const page = await store.query('agents', 'byPlane', { equals: [planeId], from, limit: 500 });
    yield* page.filter(({ desired }) => desired === 'running');
    const last = page.at(-1);
    if (page.length < 500 || !last) return;
    from = `${last.agentId}\u0000`;
  }
}

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

/** What policies can name, and how many agents each holds: a unit with all below it, a group with those nested in it. */
export async function readScopes(
  plane: Plane,
  within: Within,
  { store, identity }: { readonly store: Store; readonly identity: Pick<IdentityProvider, 'listOrgUnits'> },
  ctx: Ctx,
): Promise<Answer<'listScopes'>> {
  const { metadata, spec } = plane;
  const named = spec.policies.flatMap(({ match }) => ('ou' in match ? [match.ou] : []));
  const paths = [...(await directoryUnits(identity, ctx)), ...named, ...(spec.identity.selector?.ous ?? [])];
  const units = new Map(['/', ...paths].map((path) => [path, 0]));
  const groups = await Promise.all(
    namedGroups(plane).map(async (email) => ({ email, members: await readMembers(store, email), agents: 0 })),
  );
  for await (const { ouPath, ownerId } of runningAgents(metadata.name, store)) {
    if (!isWithin(ouPath, within)) continue;
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
