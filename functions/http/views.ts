import { toHealth, type Channel } from '../../shared/agent.ts';
import { toBudgetDate } from '../../shared/budget.ts';
import type { AgentView, UserView } from '../../shared/contract.ts';
import type { Plane } from '../../shared/plane.ts';
import type { EffectivePolicy } from '../../shared/policy.ts';
import type { UserIdentity } from '../core/providers.ts';
import type { AgentRecord, CareRecord, HeartbeatRecord, StatusRecord, UpgradeRecord } from '../core/records.ts';
import type { Fleet, FleetAgent } from '../fleet/fleet.ts';
import { budgetView, toBudgetCondition, type BudgetUse } from '../budget/view.ts';
import type { Store } from '../core/store.ts';
import type { Hashing } from '../core/surroundings.ts';
import { explainUser } from './explain.ts';

/** A policy is never changed in place, so its view stays good. */
const policyViews = new WeakMap<EffectivePolicy, AgentView['policy']>();
function toPolicyView(policy: EffectivePolicy): AgentView['policy'] {
  const view = policyViews.get(policy) ?? (JSON.parse(JSON.stringify(policy)) as AgentView['policy']);
  policyViews.set(policy, view);
  return view;
}

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

/** What is not said of agents in a list, and is read for each. */
async function readRest({ agentId, ownerId, spec }: AgentRecord, month: string, store: Store) {
  const [heartbeat, care, upgrade, budget] = await Promise.all([
    store.get('heartbeats', agentId),
    store.get('cares', agentId),
    store.get('upgrades', agentId),
    budgetView(store, ownerId, month, spec.budgetCap),
  ]);
  return [heartbeat, budget, care, upgrade] as const;
}

export async function readAgentView(agent: AgentRecord, store: Store, now: number, timeZone = 'UTC'): Promise<AgentView> {
  const { month } = toBudgetDate(now, timeZone);
  const [status, rest] = await Promise.all([store.get('statuses', agent.agentId), readRest(agent, month, store)]);
  return toAgentView(agent, status, ...rest, now);
}

/** The same of agents that are known already; where nothing is said of one without another object of it, once for each. */
export function createAgentRows(store: Store, { renews }: Pick<Fleet, 'renews'>) {
  const rows = new WeakMap<FleetAgent, AgentView>();

  async function readRow(agent: FleetAgent, now: number, month: string): Promise<AgentView> {
    const known = rows.get(agent);
    if (known?.budget.month === month) return known.health === agent.health ? known : { ...known, health: agent.health };
    const row = toAgentView(agent.record, agent.status, ...(await readRest(agent.record, month, store)), now);
    if (renews) rows.set(agent, row);
    return row;
  }
  return async function readRows(agents: readonly FleetAgent[], now: number, timeZone: string): Promise<AgentView[]> {
    const { month } = toBudgetDate(now, timeZone);
    return Promise.all(agents.map((agent) => readRow(agent, now, month)));
  };
}

export async function readUserView(
  plane: Plane,
  user: UserIdentity,
  store: Store,
  hashing: Hashing,
  now: number,
  awaitsAdmin: ((channel: Channel) => boolean) | undefined,
): Promise<UserView> {
  const { agent, policy, problems, notes } = await explainUser(plane, user, store, hashing);
  const notSetUp = policy.channels.value.filter((channel) => awaitsAdmin?.(channel));
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    ouPath: user.ouPath,
    active: user.active,
    policy: toPolicyView(policy),
    problems,
    notes,
    ...(notSetUp.length === 0 ? {} : { notSetUp }),
    agent: agent ? await readAgentView(agent, store, now, plane.spec.timeZone) : null,
  };
}
