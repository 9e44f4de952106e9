import { createFormats } from '../../appsscript/formats.ts';
import { toReader } from '../../appsscript/reader.ts';
import type {
  AgentView,
  Answer,
  CostReport,
  ExplanationView,
  OperationView,
  PlannedAgent,
  PlaneView,
  PlanView,
  UserView,
} from '../../shared/contract.ts';

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

export const planeOf = (running: number, working = 0, attention = 0, paused = 0): PlaneView => ({
  planeId: 'acme',
  providers: { identity: 'google-workspace', infrastructure: 'process', secrets: 'file', networking: 'none' },
  agents: { total: running + working + attention + paused, running, working, paused, attention },
  spend: { month: '2026-11', capUsd: 200 * running, spentUsd: 12.5 * running },
});

/** One page of `count` agents as the API gives it. */
export function pageOf(count: number, cursor = '', limit = 20): Answer<'listAgents'> {
  const start = Number(cursor || '0');
  const end = Math.min(start + limit, count);
  return {
    agents: Array.from({ length: Math.max(0, end - start) }, (_, at) => agentOf(start + at)),
    next: end < count ? String(end) : null,
  };
}

export const meOf = (role: 'admin' | 'viewer', ous: string[] | null = null): Answer<'me'> => ({
  email: `${role}@acme.test`,
  roles: role === 'admin' ? ['viewer', 'admin'] : ['viewer'],
  ous,
});

export const formats = createFormats({ locale: 'en-US', timeZone: 'UTC' }, nowMs);
export const admin = toReader(meOf('admin'), formats);
export const viewer = toReader(meOf('viewer'), formats);

export const scopesOf = (count: number): Answer<'listScopes'> => ({
  ous: [
    { path: '/', agents: count },
    ...Array.from({ length: count }, (_, at) => ({ path: `/Unit ${String(at).padStart(4, '0')}`, agents: count - at })),
  ],
  groups: Array.from({ length: count }, (_, at) => ({ email: `group${at}@acme.test`, agents: at })),
});

export const operationOf = (changes: Partial<OperationView> = {}): OperationView => ({
  id: 'op-1',
  planeId: 'acme',
  kind: 'pause',
  args: {},
  state: 'running',
  by: 'admin@acme.test',
  startedAt: '2026-11-22T11:55:00.000Z',
  endedAt: null,
  total: 40,
  waiting: 25,
  running: 2,
  done: 12,
  failed: 1,
  skipped: 0,
  ring: 0,
  rings: [{ name: 'all', total: 40, done: 12, failed: 1 }],
  sentence: '12 of 40 paused, 1 failed',
  failures: [{ agentId: 'abcdefghijklmnop', ownerEmail: 'person3@acme.test', message: 'the machine did not stop' }],
  ...changes,
});

export const plannedOf = (at: number): PlannedAgent => ({
  agentId: agentOf(at).agentId,
  ownerEmail: `person${at}@acme.test`,
  ownerName: `Person ${at}`,
  ouPath: '/Engineering',
  effect: 'change',
  fields: [{ field: 'modelTier', from: 'sonnet', fromOrigin: 'organization', to: 'opus', toOrigin: 'organization' }],
  parts: [],
  budgetDeltaUsd: 0,
  machineDeltaUsd: 0,
  notes: [],
});

export const planOf = (count: number, changes: Partial<PlanView> = {}): PlanView => ({
  id: 'plan-1',
  planeId: 'acme',
  state: 'ready',
  hash: 'f'.repeat(64),
  base: 3,
  kind: 'tier',
  createdAt: '2026-11-22T11:59:00.000Z',
  createdBy: 'admin@acme.test',
  decidedAt: null,
  decidedBy: null,
  reason: null,
  needsApproval: false,
  counts: { agents: count, creates: 0, removes: 0, changes: count },
  budgetDeltaUsd: 0,
  machineDeltaUsd: null,
  definition: [],
  sentences: [`${count} agents change`],
  refusals: [],
  warnings: [],
  agents: Array.from({ length: Math.min(count, 100) }, (_, at) => plannedOf(at)),
  ...changes,
});

export const explanationOf = (changes: Partial<Record<string, Partial<ExplanationView['fields'][number]>>> = {}): ExplanationView => {
  const { agentEnabled, modelTier, budgetCap, tools, channels, machineType } = policy;
  const fields = { agentEnabled, modelTier, budgetCap, tools, channels, machineType };
  const names = ['agentEnabled', 'modelTier', 'budgetCap', 'tools', 'channels', 'machineType'] as const;
  return {
    user: { id: '1007', email: 'person7@acme.test', ouPath: '/Engineering', groups: [] },
    fields: names.map((field) => ({
      ...fields[field],
      field,
      said: [{ origin: fields[field].origin, value: fields[field].value }],
      limits: [],
      locked: null,
      ...changes[field],
    })),
    sentences: names.map((field) => `A sentence about ${field}.`),
  };
};

const row = (label: string, usd: number): CostReport['total'] => ({
  key: label,
  label,
  agents: 3,
  calls: 1200,
  inputTokens: 3_400_000,
  outputTokens: 120_000,
  modelUsd: usd,
  machineUsd: 24.46,
  totalUsd: usd + 24.46,
  forecastUsd: usd * 1.4 + 24.46,
});

export const costsOf = (count: number, by: CostReport['by'] = 'department'): CostReport => ({
  planeId: 'acme',
  from: '2026-11-01',
  to: '2026-11-22',
  by,
  currency: 'USD',
  rows: Array.from({ length: count }, (_, at) => row(`Department ${at}`, at * 1.25)),
  total: row('all', count * 1.25),
  notes: [],
});

export const backupsOf = (count: number): Answer<'listBackups'> => ({
  backups: Array.from({ length: count }, (_, at) => ({
    id: `backup-${at}`,
    reason: 'daily' as const,
    startedAt: new Date(nowMs - (at + 1) * 86_400_000).toISOString(),
    finishedAt: new Date(nowMs - (at + 1) * 86_400_000 + 20_000).toISOString(),
    bytes: 4_200_000,
    sha256: 'a'.repeat(64),
    expiresAt: new Date(nowMs + 20 * 86_400_000).toISOString(),
  })),
  errands: [{ id: 'errand-1', kind: 'backup', state: 'waiting', askedAt: '2026-11-22T11:59:30.000Z', endedAt: null, result: null }],
});

export const secretsOf = (count: number): Answer<'listSecrets'> => ({
  secrets: Array.from({ length: count }, (_, at) => ({
    name: `gateway-token-${at}`,
    version: at + 1,
    rotatedAt: '2026-10-01T08:00:00.000Z',
    dueAt: '2026-12-30T08:00:00.000Z',
    takenUp: at % 2 === 0,
  })),
});

export const receiptOf = (at: number, changes: Partial<Answer<'agentReceipt'>> = {}): Answer<'agentReceipt'> => ({
  kind: 'openclaw.dev/removal-receipt',
  planeId: 'acme',
  agentId: agentOf(at).agentId,
  incarnation: 1,
  seq: 1,
  ownerId: String(1000 + at),
  ownerEmail: `person${at}@acme.test`,
  reason: 'suspended',
  requestedAt: '2026-11-22T11:30:00.000Z',
  revokedAt: '2026-11-22T11:30:01.000Z',
  removedAt: '2026-11-22T11:30:12.000Z',
  backup: { id: 'backup-1', expiresAt: '2026-12-12T11:30:12.000Z' },
  listings: ['machines', 'principals', 'secrets', 'network'].map((what) => ({
    ...{ what, provider: 'local', at: '2026-11-22T11:30:12.000Z', found: 0 },
  })),
  audit: { chain: `agent/${agentOf(at).agentId}`, seq: 41, hash: 'b'.repeat(64) },
  keyId: '0123456789abcdef',
  signature: 'c'.repeat(86),
  ...changes,
});

export const auditOf = (count: number, cursor = '', limit = 20): Answer<'listAudit'> => {
  const start = Number(cursor.split('.')[1] ?? '0');
  const end = Math.min(start + limit, count);
  return {
    rows: Array.from({ length: Math.max(0, end - start) }, (_, at) => ({
      chain: 'agent/abcdefghijklmnop',
      seq: count - start - at,
      at: new Date(nowMs - (start + at) * 60_000).toISOString(),
      actor: { kind: 'user', id: 'admin@acme.test' },
      action: 'agent.change',
      target: 'abcdefghijklmnop',
      about: {
        ...{ agentId: 'abcdefghijklmnop', name: 'person7', ownerId: '1007', ownerEmail: 'person7@acme.test', ownerName: 'Person 7' },
      },
      outcome: 'done',
      detail: { budgetCap: { from: 50, to: 200 }, seat: start + at },
      hash: 'b'.repeat(64),
    })),
    next: end < count ? `1.${end}` : null,
  };
};

export const checksOf = (...wrong: string[]): Answer<'diagnose'> => ({
  checks: ['Directory', 'Custom schema', 'Roles'].map((name) =>
    wrong.includes(name)
      ? { name, state: 'failed', detail: `${name} is not there.`, remedy: `Set up ${name}.` }
      : { name, state: 'ok', detail: 'Fine.', remedy: null },
  ),
  versions: { plane: '1.0.0', openclaw: [] },
});
