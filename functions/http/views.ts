import { toHealth } from '../../shared/agent.ts';
import { toBudgetDate } from '../../shared/budget.ts';
import type { AgentView, UserView } from '../../shared/contract.ts';
import type { Plane } from '../../shared/plane.ts';
import type { EffectivePolicy } from '../../shared/policy.ts';
import type { UserIdentity } from '../core/providers.ts';
import type { AgentRecord, CareRecord, HeartbeatRecord, StatusRecord, UpgradeRecord } from '../core/records.ts';
import { budgetView, toBudgetCondition, type BudgetUse } from '../budget/view.ts';
import type { Store } from '../core/store.ts';
import type { Hashing } from '../core/surroundings.ts';
import { explainUser } from './explain.ts';

const toPolicyView = (policy: EffectivePolicy): AgentView['policy'] => JSON.parse(JSON.stringify(policy)) as AgentView['policy'];

function toDetail(agent: AgentRecord, status: StatusRecord | undefined): string | null {
  if (!status) return agent.reason;
  if (status.phase === 'running') return null;
  if (status.phase === 'removing' || status.phase === 'removed') return agent.reason;
  const working = Object.entries(status.parts).find(([, part]) => part.state !== 'ready' && part.state !== 'revoked');
  return working ? [working[0], working[1].detail ?? working[1].state].join(': ') : null;
}

function toUpgradeView(agent: AgentRecord, upgrade: UpgradeRecord | undefined): AgentView['upgrade'] {
  if (upgrade?.incarnation !== agent.incarnation) return null;
  const { step, from, to, startedAt, failure } = upgrade;
  return { step, from: from ?? null, to, startedAt: new Date(startedAt).toISOString(), failure: failure ?? null };
}

export function toAgentView(
  agent: AgentRecord,
  status: StatusRecord | undefined,
  heartbeat: HeartbeatRecord | undefined,
  { budget, usage }: BudgetUse,
  care: CareRecord | undefined,
  upgrade: UpgradeRecord | undefined,
  now: number,
): AgentView {
  const beating = heartbeat?.incarnation === agent.incarnation ? heartbeat : undefined;
  const current = status?.incarnation === agent.incarnation ? status : undefined;
  const exhausted = agent.desired === 'removed' ? undefined : toBudgetCondition(budget);
  const phase = current?.phase ?? (status && status.phase !== 'removed' ? 'removing' : 'pending');
  return {
    agentId: agent.agentId,
    planeId: agent.planeId,
    name: agent.name,
    ownerId: agent.ownerId,
    ownerEmail: agent.ownerEmail,
    ownerName: agent.ownerName,
    ouPath: agent.ouPath,
    phase,
    health: toHealth(beating && phase !== 'removed' ? now - beating.at : undefined),
    lastHeartbeat: beating ? new Date(beating.at).toISOString() : null,
    detail: toDetail(agent, current),
    conditions: [...agent.conditions, ...(current?.conditions ?? []), ...(exhausted ? [exhausted] : [])],
    budget,
    reprovision:
      care?.incarnation === agent.incarnation
        ? { step: care.step, startedAt: new Date(care.startedAt).toISOString(), failure: care.failure ?? null }
        : null,
    usage,
    policy: toPolicyView(agent.policy),
    paused: agent.paused ? { ...agent.paused, at: new Date(agent.paused.at).toISOString() } : null,
    labels: { ...agent.labels },
    openclaw: beating?.openclaw ?? null,
    upgrade: toUpgradeView(agent, upgrade),
    revision: agent.revision,
    incarnation: agent.incarnation,
    changedAt: new Date(Math.max(agent.changedAt, current?.changedAt ?? 0)).toISOString(),
  };
}

export async function readAgentView(agent: AgentRecord, store: Store, now: number, timeZone = 'UTC'): Promise<AgentView> {
  const [status, heartbeat, care, upgrade, budget] = await Promise.all([
    store.get('statuses', agent.agentId),
    store.get('heartbeats', agent.agentId),
    store.get('cares', agent.agentId),
    store.get('upgrades', agent.agentId),
    budgetView(store, agent.ownerId, toBudgetDate(now, timeZone).month, agent.spec.budgetCap),
  ]);
  return toAgentView(agent, status, heartbeat, budget, care, upgrade, now);
}

export async function readUserView(plane: Plane, user: UserIdentity, store: Store, hashing: Hashing, now: number): Promise<UserView> {
  const { agent, policy, problems, notes } = await explainUser(plane, user, store, hashing);
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    ouPath: user.ouPath,
    active: user.active,
    policy: toPolicyView(policy),
    problems,
    notes,
    agent: agent ? await readAgentView(agent, store, now, plane.spec.timeZone) : null,
  };
}
