import type { Condition } from '../../shared/agent.ts';
import { readRequests, type ReadRequests, type UserRequests } from '../../shared/directory-schema.ts';
import { isInUnit } from '../../shared/org-unit.ts';
import type { Plane } from '../../shared/plane.ts';
import { layersFor, resolvePolicy, toSpec, type EffectivePolicy, type Grant, type ServiceToggle } from '../../shared/policy.ts';
import { toSentence } from '../../shared/problem.ts';
import type { AgentDraft } from '../core/agents.ts';
import type { UserIdentity } from '../core/providers.ts';
import type { AgentRecord } from '../core/records.ts';

/** Every group that a plane's file names: with those for which a service was switched, membership is asked of these and no others. */
export const namedGroups = ({ spec }: Plane): string[] => [
  ...new Set([...(spec.identity.selector?.groups ?? []), ...spec.policies.flatMap(({ match }) => ('group' in match ? [match.group] : []))]),
];

/** Whether a plane's selector claims a user; without a selector it claims the whole domain. */
export function claims(plane: Plane, user: Pick<UserIdentity, 'ouPath' | 'groups'>): boolean {
  const { selector } = plane.spec.identity;
  if (!selector) return true;
  const inOu = selector.ous?.some((ou) => isInUnit(user.ouPath, ou)) ?? false;
  return inOu || (selector.groups?.some((group) => user.groups.includes(group)) ?? false);
}

/** What decides on a user beside planes and the directory's user record. */
export interface Circumstances {
  readonly services: readonly ServiceToggle[];
  /** Of this user. */
  readonly grants: readonly Grant[];
}

export interface Standing {
  readonly policy: EffectivePolicy;
  readonly requests: UserRequests;
  readonly read: ReadRequests;
}

const listedOf = (plane: Plane, email: string) => plane.spec.agents.find(({ owner }) => owner === email);

/** The layers that decide on a user, with the directory's requests where they can be read and the last good ones where not. */
export function layersOf(plane: Plane, user: UserIdentity, lastGood: UserRequests | undefined, circumstances: Circumstances) {
  const read = readRequests(user.fields);
  const kept = Object.fromEntries(read.unreadable.flatMap((field) => (lastGood?.[field] === undefined ? [] : [[field, lastGood[field]]])));
  const requests: UserRequests = { ...read.requests, ...kept };
  const listed = listedOf(plane, user.email);
  const fromYaml = listed && { agentEnabled: true, ...listed };
  return {
    layers: layersFor(plane, { ...user, services: circumstances.services }, requests, fromYaml, circumstances.grants),
    requests,
    read,
  };
}

/** What a user should have: directory requests where they can be read, the last good ones where they cannot, over policy. */
export function standingOf(plane: Plane, user: UserIdentity, lastGood: UserRequests | undefined, circumstances: Circumstances): Standing {
  const { layers, requests, read } = layersOf(plane, user, lastGood, circumstances);
  return { policy: resolvePolicy(layers), requests, read };
}

export interface Wish {
  readonly draft: AgentDraft;
  /** Where policy alone, and no suspension, deletion or edit of this user's own page, makes the agent come or go. */
  readonly flip?: 'running' | 'removed';
}

const invalidSpec = ({ problems }: ReadRequests): Condition[] =>
  problems.length === 0 ? [] : [{ type: 'InvalidSpec', message: `${problems.map(toSentence).join('; ')}; the last good value stays` }];

const ambiguous = (claiming: readonly Plane[]): Condition[] =>
  claiming.length < 2
    ? []
    : [
        {
          type: 'AmbiguousPlane',
          message: `claimed by ${claiming.map(({ metadata }) => metadata.name).join(' and ')}; narrow their selectors`,
        },
      ];

/** What an agent's record says of its owner as the directory shows them. */
export const toOwner = ({ email, name, ouPath, labels }: UserIdentity) => ({
  ownerEmail: email,
  ownerName: name,
  ouPath,
  ...(labels === undefined ? {} : { labels }),
});

/** Reasons for which an agent went and comes back by the user's own return. */
const ownReasons: readonly string[] = ['suspended', 'archived', 'deleted'];

function flipOf(
  desired: AgentDraft['desired'],
  user: UserIdentity,
  { policy, requests }: Standing,
  current: AgentRecord | undefined,
): Wish['flip'] {
  if (!user.active || desired === (current?.desired ?? 'removed')) return undefined;
  if (requests.agentEnabled !== current?.requests.agentEnabled) return undefined;
  if (desired === 'running' && policy.agentEnabled.origin === 'planes.yaml') return undefined;
  return desired === 'running' && current && ownReasons.includes(current.reason) ? undefined : desired;
}

/** What a claimed user's agent should be; `undefined` where there is none and should be none. Pure. */
export function wishFor(
  plane: Plane,
  user: UserIdentity,
  agentId: string,
  current: AgentRecord | undefined,
  circumstances: Circumstances,
  claiming: readonly Plane[],
): Wish | undefined {
  const standing = standingOf(plane, user, current?.requests, circumstances);
  const { policy, requests, read } = standing;
  const conditions = ambiguous(claiming);
  const running = user.active && policy.agentEnabled.value && conditions.length === 0;
  if (!running && !current) return undefined;
  const off = `switched off by ${policy.agentEnabled.clamped?.by ?? policy.agentEnabled.origin}`;
  const reason = running ? `enabled by ${policy.agentEnabled.origin}` : (user.inactiveBecause ?? conditions[0]?.type ?? off);
  const desired = running ? 'running' : 'removed';
  const flip = flipOf(desired, user, standing, current);
  const draft: AgentDraft = {
    restarts: current?.restarts ?? 0,
    replacements: current?.replacements ?? 0,
    secretsVersion: current?.secretsVersion ?? 1,
    secretsRotatedAt: current?.secretsRotatedAt ?? 0,
    ...(running && current?.paused && current.desired === 'running' ? { paused: current.paused } : {}),
    agentId,
    planeId: plane.metadata.name,
    ownerId: user.id,
    ...toOwner(user),
    name: listedOf(plane, user.email)?.name ?? current?.name ?? `${user.name.split(' ')[0] ?? user.name}'s agent`,
    desired,
    reason,
    spec: toSpec(policy, plane),
    policy,
    requests,
    conditions: [...invalidSpec(read), ...conditions],
  };
  return { draft, ...(flip ? { flip } : {}) };
}
