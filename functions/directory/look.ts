import { toAgentId, type Condition } from '../../shared/agent.ts';
import { readRequests, type ReadRequests, type UserRequests } from '../../shared/directory-schema.ts';
import type { Plane } from '../../shared/plane.ts';
import { layersFor, resolvePolicy, toSpec, type EffectivePolicy } from '../../shared/policy.ts';
import { toSentence } from '../../shared/problem.ts';
import { changeAgent, toDraft as asDraft, type AgentDraft, type ChangeDeps } from '../core/agents.ts';
import type { IdentityProvider, UserIdentity } from '../core/providers.ts';
import type { Actor, AgentRecord } from '../core/records.ts';
import { makeDue, publishKey } from '../core/schedule.ts';
import type { Reads } from '../core/store.ts';
import type { Ctx } from '../core/surroundings.ts';

export interface LookDeps extends ChangeDeps {
  readonly identity: Pick<IdentityProvider, 'resolveUser'>;
  readonly planes: readonly Plane[];
}

const actor: Actor = { kind: 'directory', id: 'look' };

/** Every group that decides anything: membership of these is asked, and of no others. */
export const decidingGroups = ({ spec }: Plane): string[] => [
  ...new Set([...(spec.identity.selector?.groups ?? []), ...spec.policies.flatMap(({ match }) => ('group' in match ? [match.group] : []))]),
];

/** Whether a plane's selector claims a user; without a selector it claims the whole domain. */
export function claims(plane: Plane, user: Pick<UserIdentity, 'ouPath' | 'groups'>): boolean {
  const { selector } = plane.spec.identity;
  if (!selector) return true;
  const inOu = selector.ous?.some((ou) => ou === '/' || user.ouPath === ou || user.ouPath.startsWith(`${ou}/`)) ?? false;
  return inOu || (selector.groups?.some((group) => user.groups.includes(group)) ?? false);
}

export interface Standing {
  readonly policy: EffectivePolicy;
  readonly requests: UserRequests;
  readonly read: ReadRequests;
}

/** What a user should have: directory requests where they can be read, the last good ones where they cannot, over policy. */
export function standingOf(plane: Plane, user: UserIdentity, lastGood: UserRequests | undefined): Standing {
  const read = readRequests(user.fields);
  const kept = Object.fromEntries(read.unreadable.flatMap((field) => (lastGood?.[field] === undefined ? [] : [[field, lastGood[field]]])));
  const requests: UserRequests = { ...read.requests, ...kept };
  const listed = plane.spec.agents.find(({ owner }) => owner === user.email);
  const fromYaml = listed && { agentEnabled: true, ...listed };
  return { policy: resolvePolicy(layersFor(plane, user, requests, fromYaml)), requests, read };
}

const invalidSpec = ({ problems }: ReadRequests): Condition[] =>
  problems.length === 0 ? [] : [{ type: 'InvalidSpec', message: `${problems.map(toSentence).join('; ')}; the last good value stays` }];

function toDraft(
  plane: Plane,
  user: UserIdentity,
  agentId: string,
  current: AgentRecord | undefined,
  extra: readonly Condition[],
): AgentDraft | undefined {
  const { policy, requests, read } = standingOf(plane, user, current?.requests);
  const running = user.active && policy.agentEnabled.value && extra.length === 0;
  if (!running && !current) return undefined;
  const off = `switched off by ${policy.agentEnabled.origin}`;
  const reason = running ? `enabled by ${policy.agentEnabled.origin}` : (user.inactiveBecause ?? extra[0]?.type ?? off);
  const listed = plane.spec.agents.find(({ owner }) => owner === user.email);
  return {
    restarts: current?.restarts ?? 0,
    agentId,
    planeId: plane.metadata.name,
    ownerId: user.id,
    ownerEmail: user.email,
    ownerName: user.name,
    ouPath: user.ouPath,
    name: listed?.name ?? current?.name ?? `${user.name.split(' ')[0] ?? user.name}'s agent`,
    desired: running ? 'running' : 'removed',
    reason,
    spec: toSpec(policy, plane),
    policy,
    requests,
    conditions: [...invalidSpec(read), ...extra],
  };
}

/** Level-triggered intake: reads one user again and brings the wishes for their agents in line. Events only name the user. */
export function createLook(deps: LookDeps) {
  const { identity, planes, store, hashing } = deps;

  /** Our published fields were edited by somebody else: the next publication overwrites them. */
  async function healDrift(user: UserIdentity, agentId: string): Promise<void> {
    const published = await store.get('published', agentId);
    if (!published) return;
    const { agentId: id, agentStatus } = user.fields;
    if (id === published.agentId && agentStatus === published.agentStatus) return;
    await store.transact(async (tx) => {
      const due = await tx.get('schedule', publishKey(agentId));
      tx.delete('published', agentId);
      makeDue(tx, publishKey(agentId), due, deps.clock.now());
    });
    deps.wake.wake(publishKey(agentId));
  }

  /** Looks at one user may overlap. What a look saw counts only while no later look has begun: that one decides. */
  async function beginLook(userId: string): Promise<(tx: Reads) => Promise<boolean>> {
    const seq = await store.transact(async (tx) => {
      const next = ((await tx.get('looks', userId))?.seq ?? 0) + 1;
      tx.set('looks', userId, { userId, seq: next });
      return next;
    });
    return async (tx) => (await tx.get('looks', userId))?.seq === seq;
  }

  return async function look(userId: string, ctx: Ctx): Promise<void> {
    const isLatest = await beginLook(userId);
    const leave = (agent: AgentRecord, reason: string) => {
      const decide = async (current: AgentRecord | undefined, tx: Reads) =>
        current && (await isLatest(tx)) ? { ...asDraft(current), desired: 'removed' as const, reason } : undefined;
      return changeAgent(agent.agentId, actor, decide, deps);
    };
    const user = await identity.resolveUser(userId, ctx);
    const held = await store.query('agents', 'byOwner', { equals: [], from: userId, before: `${userId}\u0000`, limit: 100 });
    if (!user) {
      for (const agent of held) await leave(agent, 'deleted');
      return;
    }
    const claiming = planes.filter((plane) => claims(plane, user));
    const several = claiming.length > 1;
    const ambiguous: Condition[] = several
      ? [
          {
            type: 'AmbiguousPlane',
            message: `claimed by ${claiming.map(({ metadata }) => metadata.name).join(' and ')}; narrow their selectors`,
          },
        ]
      : [];
    for (const agent of held) {
      if (!claiming.some(({ metadata }) => metadata.name === agent.planeId)) await leave(agent, 'no plane claims this user');
    }
    for (const plane of claiming) {
      const agentId = toAgentId(plane.metadata.name, user.id, hashing.sha256);
      const decide = async (current: AgentRecord | undefined, tx: Reads) =>
        (await isLatest(tx)) ? toDraft(plane, user, agentId, current, ambiguous) : undefined;
      await changeAgent(agentId, actor, decide, deps);
      await healDrift(user, agentId);
    }
  };
}
