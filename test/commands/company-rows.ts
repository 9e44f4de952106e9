import type { ApprovalView, BackupView, CapabilityRequestView } from '../../shared/contract.ts';
import { createReceipt } from '../../functions/core/receipt.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import type { Company } from './company.ts';
import type { LoopbackRows } from './loopback-plane.ts';
import { at, sampleAgent, sampleUser } from './sample-views.ts';

const approval: ApprovalView = {
  ...{ id: 'first', planeId: 'acme', state: 'waiting', creates: 40, removes: 1, askedAt: at, decidedAt: null, decidedBy: null },
  ...{ reason: null, agents: [] },
};
const request = (agentId: string): CapabilityRequestView => ({
  ...{ id: 'wish', planeId: 'acme', agentId, ownerEmail: 'bob@acme.test', tools: ['crm'], channels: [], why: 'to look up clients' },
  ...{ state: 'waiting', askedAt: at, decidedAt: null, decidedBy: null, reason: null },
});
const costs = { calls: 3, inputTokens: 100, outputTokens: 10, modelUsd: 1.5, machineUsd: null, totalUsd: 1.5, forecastUsd: 3 };

/** The rows of the contract over a small company. */
export function companyRows(company: Company): LoopbackRows {
  const { planes, agents, operations, plans, planeOf, agentOf, ownerOf, put, change, selected, operate, look, setOperation } = company;
  const { trail, deeds } = company;
  let approvals = [approval];
  let requests = [request(ownerOf('bob@acme.test').agentId)];
  let drift = [
    { agentId: ownerOf('bob@acme.test').agentId, ownerEmail: 'bob@acme.test', part: 'machine', field: 'machineType', wanted: 'e2-medium' },
  ];
  let backups: BackupView[] = [];
  const view = (planeId: string) => {
    const { definition, revision } = planeOf(planeId);
    return { planeId, revision, managedBy: 'api' as const, updatedAt: at, updatedBy: 'admin@acme.test', definition };
  };
  const kept = <T extends { id: string }>(list: readonly T[], id: string): T => {
    const found = list.find((one) => one.id === id);
    if (!found) throw company.missing(id);
    return found;
  };
  const counts = { running: 2, working: 0, paused: 0, attention: 0 };
  const providers = { identity: 'google-workspace', infrastructure: 'local', secrets: 'local', networking: 'direct' };
  const spend = { month: '2026-11', capUsd: 100, spentUsd: 2 };
  return {
    listPlanes: () => ({
      planes: [...planes.keys()].map((planeId) => {
        const total = [...agents.values()].filter((agent) => agent.planeId === planeId && agent.phase !== 'removed').length;
        return { planeId, providers, agents: { ...counts, total }, spend };
      }),
    }),
    createPlane({ body }) {
      company.define(body.metadata.name, body);
      return view(body.metadata.name);
    },
    getPlane: ({ params }) => view(params.planeId),
    deletePlane: ({ params: { planeId }, query }) => {
      deeds.push(`delete ${planeId} force=${query.force}`);
      const mine = [...agents.values()].filter((agent) => agent.planeId === planeId);
      const operation = operate(planeId, 'removePlane', mine, ({ agentId }) => void agents.delete(agentId));
      const { effect, ...rest } = operations.get(operation.id) ?? { ...operation, effect: () => undefined };
      operations.set(operation.id, { ...rest, effect: () => (effect(), void planes.delete(planeId)) });
      return operation;
    },
    listAgents: ({ params, query }) => {
      const mine = [...agents.values()].filter(({ planeId }) => planeId === params.planeId);
      const shown = mine.filter(({ phase }) => (query.phase === undefined ? phase !== 'removed' : phase === query.phase));
      const found = shown.filter(({ agentId, name, ownerEmail }) =>
        [agentId, name, ownerEmail].some((text) => text.includes(query.q ?? '')),
      );
      return { agents: found.slice(0, query.limit), next: null };
    },
    getAgent: ({ params }) => agentOf(params.agentId),
    createAgent: ({ params, body: { ownerEmail, name, ...wishes } }) => {
      const agent = sampleAgent(params.planeId, ownerEmail, '/', wishes);
      return sampleUser(put({ ...agent, name: name ?? agent.name }));
    },
    removeAgent: ({ params }) => sampleUser(change(params.agentId, { phase: 'removed' })),
    restartAgent: ({ params }) => (deeds.push(`restart ${params.agentId}`), agentOf(params.agentId)),
    reprovisionAgent: ({ params, body }) => {
      deeds.push(`reprovision ${params.agentId} acceptLoss=${body.acceptLoss}`);
      return change(params.agentId, { reprovision: { step: 'done', startedAt: at, failure: null } });
    },
    agentLogs: ({ query }) => ({ lines: Array.from({ length: 5 }, (_, line) => `line ${line}`).slice(-query.lines) }),
    agentReceipt: ({ params }) => {
      const { agentId, planeId, ownerEmail, ownerId } = agentOf(params.agentId);
      const times = { requestedAt: 1, revokedAt: 2, removedAt: 3 };
      const listings = [{ what: 'machines', provider: 'local', at: 4 }];
      const position = { chain: `agent/${agentId}`, seq: 7, hash: '0'.repeat(64) };
      const agent = { agentId, planeId, ownerEmail, ownerId } as AgentRecord;
      return {
        ...createReceipt(agent, 1, 'asked', times, listings, position, trail.signer),
        listings: [{ ...listings[0]!, at, found: 0 }],
      };
    },
    getUser: ({ params }) => sampleUser(ownerOf(params.userKey)),
    explainUser: ({ params }) => {
      const { ownerId, ownerEmail, ouPath } = ownerOf(params.userKey);
      return {
        user: { id: ownerId, email: ownerEmail, ouPath, groups: [] },
        fields: [],
        sentences: ['Agent is on: its own page says so.'],
      };
    },
    createOperation: ({ params, body: { work, select, dryRun, rings } }) => {
      deeds.push(`${work.kind} ${JSON.stringify({ select, rings, ...work })}`);
      const paused = { by: 'admin@acme.test', at, reason: 'asked' };
      return operate(
        params.planeId,
        work.kind,
        selected(select),
        ({ agentId }) => {
          if (work.kind === 'pause') change(agentId, { phase: 'paused', paused });
          if (work.kind === 'resume') change(agentId, { phase: 'running', paused: null });
          if (work.kind === 'upgrade') change(agentId, { openclaw: work.version ?? '2026.9.6' });
          if (work.kind === 'rotateSecrets') deeds.push(`rotated ${agentId}`);
        },
        dryRun,
      );
    },
    listOperations: ({ params }) => ({
      operations: [...operations.values()].filter(({ planeId }) => planeId === params.planeId),
      next: null,
    }),
    getOperation: ({ params }) => look(params.operationId),
    listOperationAgents: () => ({ agents: [], next: null }),
    cancelOperation: ({ params }) => setOperation(params.operationId, 'cancelled'),
    resumeOperation: ({ params }) => setOperation(params.operationId, 'running'),
    createPlan: ({ params, body }) => company.planFor(params.planeId, body.change),
    getPlan: ({ params }) => company.planOf(params.planId),
    listPlans: ({ query }) => ({
      plans: [...plans.values()].filter(({ state }) => query.state === undefined || state === query.state),
      next: null,
    }),
    applyPlan: ({ params }) => company.applyPlan(params.planId),
    decidePlan: ({ params, body }) => {
      if (body.decision === 'approve') return company.applyPlan(params.planId, true);
      const denied = { ...company.planOf(params.planId), state: 'denied' as const };
      plans.set(params.planId, denied);
      return denied;
    },
    listDrift: () => ({ drift: drift.map((row) => ({ ...row, found: 'e2-small', mode: 'alert' as const, since: at })), next: null }),
    healDrift: ({ body }) => {
      drift = drift.filter(({ agentId }) => !body.agentIds.includes(agentId));
      return { agents: body.agentIds.length };
    },
    listApprovals: ({ query }) => ({
      approvals: approvals.filter(({ state }) => query.state === undefined || state === query.state),
      next: null,
    }),
    decideApproval: ({ params, body }) => {
      const decided = {
        ...kept(approvals, params.approvalId),
        state: body.decision === 'approve' ? ('approved' as const) : ('denied' as const),
      };
      approvals = approvals.map((one) => (one.id === decided.id ? decided : one));
      return decided;
    },
    listRequests: ({ query }) => ({ requests: requests.filter(({ state }) => state === query.state), next: null }),
    decideRequest: ({ params, body }) => {
      const decided = {
        ...kept(requests, params.requestId),
        state: body.decision === 'approve' ? ('approved' as const) : ('denied' as const),
      };
      requests = requests.map((one) => (one.id === decided.id ? decided : one));
      return decided;
    },
    listBackups: () => ({ backups, errands: [] }),
    createBackup: () => {
      const id = `backup-${backups.length + 1}`;
      const stored = { id, reason: 'asked' as const, startedAt: at, finishedAt: at, bytes: 10, sha256: null, expiresAt: at };
      backups = [stored, ...backups];
      return { id: 'errand', kind: 'backup', state: 'waiting', askedAt: at, endedAt: null, result: null };
    },
    restoreBackup: ({ params }) => {
      deeds.push(`restore ${params.backupId}`);
      return { id: 'errand', kind: 'restore', state: 'waiting', askedAt: at, endedAt: null, result: null };
    },
    costReport: ({ params, query }) => {
      const row = { key: 'k', label: '=SUM(A1)', agents: 1, ...costs };
      return {
        planeId: params.planeId,
        from: '2026-10-24',
        to: '2026-11-22',
        by: query.by,
        currency: 'USD',
        rows: [row],
        total: row,
        notes: [],
      };
    },
    listAudit: ({ query }) => {
      const row = {
        chain: 'plane/acme',
        seq: 1,
        at,
        actor: { kind: 'user', id: query.user ?? 'admin@acme.test' },
        action: query.action ?? 'plane.change',
      };
      const carol = { agentId: 'acarolcarolcarol', name: 'carol', ownerId: '7', ownerEmail: 'carol@acme.test', ownerName: 'Carol Chen' };
      const about = query.action === 'agent.restart' ? carol : null;
      return {
        rows: [{ ...row, target: about?.agentId ?? 'acme', about, detail: { since: query.since ?? null }, hash: 'h', outcome: 'done' }],
        next: null,
      };
    },
    verifyAudit: async () => ({ ...(await trail.verifyStore()), faults: [] }),
    exportAudit: async () => (await trail.exported()).toString(),
    auditKey: () => ({ keyId: trail.signer.keyId, algorithm: 'Ed25519', publicKey: trail.publicKeyPem }),
    me: () => ({ email: 'admin@acme.test', roles: ['viewer', 'admin'], ous: null }),
    diagnose: () => ({
      checks: [
        { name: 'directory', state: deeds.includes('broken') ? ('failed' as const) : ('ok' as const), detail: 'reachable', remedy: null },
      ],
      versions: { plane: '0.1.0', openclaw: [] },
    }),
  };
}
