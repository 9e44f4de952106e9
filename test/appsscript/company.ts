import type { AgentView, Answer, PlaneView, UserView } from '../../shared/contract.ts';

export const nowMs = Date.parse('2026-11-22T12:00:00.000Z');

const policy: UserView['policy'] = {
  agentEnabled: { value: true, origin: 'user' },
  modelTier: { value: 'sonnet', origin: 'organization' },
  budgetCap: { value: 200, origin: 'user', clamped: { from: 1500, by: 'organization' } },
  tools: { value: ['calendar', 'email'], origin: 'ou:/Engineering' },
  channels: { value: ['email', 'googlechat'], origin: 'group:engineering-leads@acme.test' },
  machineType: { value: 'e2-medium', origin: 'default' },
};

const letters = 'abcdefghijklmnopqrstuvwxyz';

export function agentOf(at: number, changes: Partial<AgentView> = {}): AgentView {
  const code = `${letters.charAt(Math.floor(at / 26) % 26)}${letters.charAt(at % 26)}`;
  return {
    agentId: `a${code.padEnd(15, 'x')}`,
    planeId: 'acme',
    name: `person${at}`,
    ownerId: String(1000 + at),
    ownerEmail: `person${at}@acme.test`,
    ownerName: `Person ${at}`,
    ouPath: '/Engineering',
    phase: 'running',
    health: 'green',
    lastHeartbeat: '2026-11-22T11:59:48.000Z',
    detail: null,
    conditions: [],
    reprovision: null,
    budget: { month: '2026-11', capUsd: 200, spentUsd: 3.2, reservedUsd: 0, percent: 1, state: 'ok' },
    usage: { calls: 120, inputTokens: 340_000, outputTokens: 12_000 },
    policy,
    paused: null,
    labels: {},
    openclaw: '2026.11.2',
    upgrade: null,
    revision: 3,
    incarnation: 1,
    changedAt: '2026-11-22T10:00:00.000Z',
    ...changes,
  };
}

export const userOf = (at: number, changes: Partial<UserView> = {}): UserView => ({
  id: String(1000 + at),
  email: `person${at}@acme.test`,
  name: `Person ${at}`,
  ouPath: '/Engineering',
  active: true,
  policy,
  problems: [],
  notes: [],
  agent: agentOf(at),
  ...changes,
});

export const withoutAgent = (at: number): UserView =>
  userOf(at, { agent: null, policy: { ...policy, agentEnabled: { value: false, origin: 'default' } } });

export const planeOf = (running: number, working = 0, attention = 0): PlaneView => ({
  planeId: 'acme',
  providers: { identity: 'google-workspace', infrastructure: 'process', secrets: 'file', networking: 'none' },
  agents: { total: running + working + attention, running, working, attention },
});

/** One page of `count` agents as the API gives it. */
export function pageOf(count: number, cursor = '', limit = 20): Answer<'listAgents'> {
  const start = Number(cursor || '0');
  const end = Math.min(start + limit, count);
  return { agents: Array.from({ length: end - start }, (_, at) => agentOf(start + at)), next: end < count ? String(end) : null };
}
