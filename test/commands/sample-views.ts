import { toAgentId, type Channel, type ModelTier, type Tool } from '../../shared/agent.ts';
import { parsePlane, type Plane } from '../../shared/plane.ts';
import type { AgentView, OperationView, PlanView, UserView } from '../../shared/contract.ts';
import { nodeHashing } from '../../functions/keys.ts';

/* Answers by the contract, for a plane that is none. */

export const at = '2026-11-22T17:00:00.000Z';

export function samplePlane(name: string): Plane {
  const parsed = parsePlane({
    ...{ apiVersion: 'openclaw.dev/v1alpha1', kind: 'AgentsPlane', metadata: { name } },
    spec: {
      identity: { provider: 'google-workspace', domain: 'acme.test' },
      infrastructure: { provider: 'local' },
      secrets: { provider: 'local' },
      networking: { provider: 'direct' },
      policies: [{ match: { ou: '/Sales' }, spec: { budgetCap: 75, limits: { tools: ['email', 'crm'] } } }],
    },
  });
  if (!parsed.ok) throw new Error('the sample plane is not valid');
  return parsed.value;
}

const says = <T>(value: T) => ({ value, origin: 'default' });
export interface Wishes {
  readonly modelTier?: ModelTier | null | undefined;
  readonly budgetCap?: number | null | undefined;
  readonly tools?: readonly Tool[] | null | undefined;
  readonly channels?: readonly Channel[] | null | undefined;
}

export function sampleAgent(planeId: string, owner: string, ouPath: string, wishes: Wishes = {}): AgentView {
  const name = owner.split('@')[0] ?? owner;
  const capUsd = wishes.budgetCap ?? 50;
  return {
    ...{ agentId: toAgentId(planeId, owner, nodeHashing.sha256), planeId, name, ownerId: `id-${name}`, ownerEmail: owner, ownerName: name },
    ...{ ouPath, phase: 'running', health: 'green', lastHeartbeat: at, detail: null, conditions: [], reprovision: null, paused: null },
    budget: { month: '2026-11', capUsd, spentUsd: 1, reservedUsd: 0, percent: 2, state: 'ok' },
    usage: { calls: 3, inputTokens: 100, outputTokens: 10 },
    policy: {
      ...{ agentEnabled: says(true), modelTier: says(wishes.modelTier ?? 'sonnet'), budgetCap: says(capUsd) },
      ...{ tools: says([...(wishes.tools ?? [])]), channels: says([...(wishes.channels ?? [])]), machineType: says('e2-medium') },
    },
    ...{ labels: {}, openclaw: '2026.9.5', upgrade: null, revision: 1, incarnation: 1, changedAt: at },
  };
}

export const sampleUser = (agent: AgentView): UserView => ({
  ...{ id: agent.ownerId, email: agent.ownerEmail, name: agent.ownerName, ouPath: agent.ouPath, active: true },
  ...{ policy: agent.policy, problems: [], notes: [], agent },
});

export const sampleOperation = (planeId: string, id: string, kind: OperationView['kind'], total: number): OperationView => ({
  ...{ id, planeId, kind, args: {}, state: 'running', by: 'admin@acme.test', startedAt: at, endedAt: null },
  ...{ total, waiting: total, running: 0, done: 0, failed: 0, skipped: 0, ring: 0, rings: [] },
  ...{ sentence: `0 of ${total} done`, failures: [] },
});

export const samplePlan = (planeId: string, id: string, kind: PlanView['kind'], base: number): PlanView => ({
  ...{ id, planeId, state: 'ready', hash: `hash-${id}-${base}`, base, kind, createdAt: at, createdBy: 'admin@acme.test' },
  ...{ decidedAt: null, decidedBy: null, reason: null, needsApproval: false },
  counts: { agents: 0, creates: 0, removes: 0, changes: 0 },
  ...{ budgetDeltaUsd: 0, machineDeltaUsd: null, definition: [], sentences: [], refusals: [], warnings: [], agents: [] },
});
