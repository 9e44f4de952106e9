import type { UserIdentity } from '../../functions/core/providers.ts';
import type { ServiceRecord } from '../../functions/core/records.ts';
import type { Plane } from '../../shared/plane.ts';

/*
 * What the directory says, in the plainest words and from none of the code under test: should this user have an agent?
 */

type Switches = ReadonlyMap<string, boolean>;
type Asked = Pick<UserIdentity, 'active' | 'ouPath' | 'groups' | 'fields' | 'email'>;

const holds = (ou: string, path: string): boolean => ou === '/' || path === ou || path.startsWith(`${ou}/`);

/** Groups come before org units, on before off, the nearest unit before the farther ones. */
function switchFor({ ouPath, groups }: Asked, switches: Switches): boolean | undefined {
  const ofGroups = groups.flatMap((group) => switches.get(`group:${group}`) ?? []);
  if (ofGroups.length > 0) return ofGroups.includes(true);
  for (let path = ouPath; path.length > 1; path = path.slice(0, path.lastIndexOf('/'))) {
    const enabled = switches.get(`ou:${path}`);
    if (enabled !== undefined) return enabled;
  }
  return switches.get('ou:/') ?? switches.get('organization');
}

function policyFor({ ouPath, groups }: Asked, { spec }: Plane): boolean {
  let [organization, ofGroup]: (boolean | undefined)[] = [];
  let nearest: { readonly ou: string; readonly enabled: boolean } | undefined;
  for (const { match, spec: said } of spec.policies) {
    const enabled = said.agentEnabled;
    if (enabled === undefined) continue;
    if ('organization' in match) organization = enabled;
    else if ('group' in match) ofGroup = groups.includes(match.group) ? enabled : ofGroup;
    else if (holds(match.ou, ouPath) && match.ou.length >= (nearest?.ou.length ?? 0)) nearest = { ou: match.ou, enabled };
  }
  return ofGroup ?? nearest?.enabled ?? organization ?? false;
}

const claimed = ({ ouPath, groups }: Asked, { spec }: Plane): boolean => {
  const { selector } = spec.identity;
  if (!selector) return true;
  return (selector.ous ?? []).some((ou) => holds(ou, ouPath)) || (selector.groups ?? []).some((group) => groups.includes(group));
};

export function shouldRun(user: Asked | undefined, plane: Plane, switches: Switches): boolean {
  if (!user?.active || !claimed(user, plane)) return false;
  const switched = switchFor(user, switches);
  if (switched === false) return false;
  const own = user.fields['agentEnabled'];
  if (typeof own === 'boolean') return own;
  return plane.spec.agents.some(({ owner }) => owner === user.email) || (switched ?? policyFor(user, plane));
}

/** Switches as the plane knows them: nobody can read them back. */
export function switchesKnown(records: Iterable<readonly [string, ServiceRecord]>): Switches {
  const all = [...records].map(([, record]) => record);
  const whole = all.find(({ scope }) => scope === 'application');
  const known = new Map<string, boolean>(whole ? [['organization', whole.enabled]] : []);
  for (const { scope, enabled, at } of all) if (scope !== 'application' && at > (whole?.at ?? -Infinity)) known.set(scope, enabled);
  return known;
}
