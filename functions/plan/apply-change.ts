import type { ModelTier } from '../../shared/agent.ts';
import { isInUnit, isSameUnit } from '../../shared/org-unit.ts';
import type { Match, Plane, PolicySpec } from '../../shared/plane.ts';
import type { PlanChange } from '../../shared/views-fleet.ts';

type Policies = Plane['spec']['policies'];

export const matchKey = (match: Match): string =>
  'organization' in match ? 'organization' : 'ou' in match ? `ou:${match.ou}` : `group:${match.group}`;
export const sameMatch = (a: Match, b: Match): boolean => ('ou' in a && 'ou' in b ? isSameUnit(a.ou, b.ou) : matchKey(a) === matchKey(b));

export const isWithin = (match: Match, scope: Match): boolean => {
  if ('organization' in scope) return true;
  if ('ou' in scope) return 'ou' in match && isInUnit(match.ou, scope.ou);
  return sameMatch(match, scope);
};

/** One layer said anew: in its place, behind all others where it is new, gone where `spec` is null or says nothing. */
function withLayer(policies: Policies, match: Match, spec: PolicySpec | null): Policies {
  const says = spec !== null && Object.values(spec).some((value) => value !== undefined);
  const at = policies.findIndex((layer) => sameMatch(layer.match, match));
  const former = policies[at];
  if (!says) return policies.filter((layer) => !sameMatch(layer.match, match));
  if (!former) return [...policies, { match, spec }];
  return policies.flatMap((layer) => (layer === former ? [{ match, spec }] : sameMatch(layer.match, match) ? [] : [layer]));
}

/** The tier that an org unit or the organisation has from above; unknown of a group, whose members come from anywhere. */
function inheritedTier(policies: Policies, scope: Match): ModelTier | undefined {
  if ('group' in scope) return undefined;
  const above = policies.filter(({ match }) => !('group' in match) && !sameMatch(match, scope) && isWithin(scope, match));
  const depth = (match: Match): number => ('ou' in match ? match.ou.split('/').filter(Boolean).length + 1 : 0);
  const nearest = above.filter(({ spec }) => spec.modelTier !== undefined).sort((a, b) => depth(b.match) - depth(a.match))[0];
  return nearest?.spec.modelTier ?? 'sonnet';
}

/**
 * Moves the tier of every layer within a scope that says one, and says it in the scope's own layer where that says none. With
 * `from`, only layers of that tier move, and a scope that inherits it.
 */
function withTier(policies: Policies, scope: Match, from: ModelTier | undefined, to: ModelTier): Policies {
  const moved = policies.map((layer) => {
    const { modelTier } = layer.spec;
    const moves = modelTier !== undefined && isWithin(layer.match, scope) && (from === undefined || modelTier === from);
    return moves ? { ...layer, spec: { ...layer.spec, modelTier: to } } : layer;
  });
  const own = moved.find(({ match }) => sameMatch(match, scope));
  if (own?.spec.modelTier !== undefined) return moved;
  if (from !== undefined && inheritedTier(policies, scope) !== from) return moved;
  return withLayer(moved, scope, { ...own?.spec, modelTier: to });
}

/** The definition as it would be after a change; a user's own page is no part of it. Pure. */
export function applyChange(definition: Plane, change: PlanChange): Plane {
  const withPolicies = (policies: Policies): Plane => ({ ...definition, spec: { ...definition.spec, policies } });
  switch (change.kind) {
    case 'definition':
      return change.definition;
    case 'policies':
      return withPolicies(change.policies);
    case 'policy':
      return withPolicies(withLayer(definition.spec.policies, change.match, change.spec));
    case 'tier':
      return withPolicies(withTier(definition.spec.policies, change.match, change.from, change.to));
    case 'user':
      return definition;
  }
}
