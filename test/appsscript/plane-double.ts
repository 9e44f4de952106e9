import { z } from 'zod';
import { contract, type Answer, type Operation } from '../../shared/contract.ts';
import {
  agentOf,
  auditOf,
  backupsOf,
  checksOf,
  costsOf,
  explanationOf,
  meOf,
  operationOf,
  pageOf,
  planeOf,
  planOf,
  receiptOf,
  scopesOf,
  secretsOf,
  userOf,
} from './company.ts';
import { definitionOf, flipsOf, modelsOf, requestOf, verificationOf } from './policy-company.ts';

export interface SentRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly payload?: string;
}
export interface Reply {
  readonly status: number;
  readonly body: string;
}
export const json = (status: number, value: unknown): Reply => ({ status, body: JSON.stringify(value) });
export const problem = (status: number, code: string, detail: string): Reply =>
  json(status, { type: 'about:blank', title: code, status, code, detail, requestId: 'req-7' });

type Asked = Readonly<Record<string, string>>;
export type Answers = { readonly [O in Operation]?: (query: Asked, body: unknown) => Answer<O> };

const errand = {
  id: 'errand-2',
  kind: 'backup',
  state: 'waiting',
  askedAt: '2026-11-22T12:00:00.000Z',
  endedAt: null,
  result: null,
} as const;

/** What a plane with `count` agents answers; person 7 has one of them. */
const answersOf = (count: number): Answers => ({
  me: () => meOf('admin'),
  listPlanes: () => ({ planes: [planeOf(count)] }),
  listAgents: ({ cursor, limit, q, phase }) =>
    phase === 'removed'
      ? { agents: [], next: null }
      : q === undefined
        ? pageOf(count, cursor, Number(limit))
        : { agents: q === 'nobody' ? [] : [agentOf(7)], next: null },
  listUsers: ({ q }) => ({
    users:
      q === 'nobody'
        ? []
        : [{ id: '1007', email: 'person7@acme.test', name: 'Person 7', ouPath: '/', active: true, agentId: agentOf(7).agentId }],
  }),
  listScopes: () => scopesOf(3),
  diagnose: () => checksOf(),
  listApprovals: () => ({ approvals: [], next: null }),
  listRequests: () => ({ requests: [], next: null }),
  listPlans: () => ({ plans: [], next: null }),
  listOperations: () => ({ operations: [], next: null }),
  getUser: () => userOf(7),
  updateUser: () => userOf(7),
  explainUser: () => explanationOf(),
  restartAgent: () => agentOf(7),
  pauseAgent: () => agentOf(7),
  resumeAgent: () => agentOf(7),
  reprovisionAgent: () => agentOf(7),
  upgradeAgent: () => agentOf(7),
  rotateSecrets: () => operationOf({ kind: 'rotateSecrets' }),
  createBackup: () => errand,
  restoreBackup: () => errand,
  listBackups: () => backupsOf(3),
  listSecrets: () => secretsOf(3),
  agentReceipt: () => receiptOf(7),
  listAudit: ({ cursor, limit }) => auditOf(50, cursor, Number(limit)),
  createOperation: () => operationOf(),
  getOperation: () => operationOf(),
  cancelOperation: () => operationOf({ state: 'cancelled' }),
  resumeOperation: () => operationOf(),
  getPlane: () => definitionOf(),
  createPlan: () => planOf(14),
  getPlan: () => planOf(14),
  decidePlan: () => planOf(14, { state: 'applied', decidedBy: 'admin@acme.test', decidedAt: '2026-11-22T12:00:00.000Z' }),
  decideRequest: () => requestOf(1, { state: 'approved' }),
  decideApproval: () => flipsOf(3, { state: 'approved' }),
  verifyAudit: () => verificationOf(),
  listModels: () => modelsOf(),
  applyPlan: () => planOf(14, { state: 'applied' }),
  costReport: () => costsOf(3),
  createDownload: () => ({ url: 'https://plane.acme.test/downloads/x', expiresAt: '2026-11-22T12:05:00.000Z' }),
});

const rows = Object.entries(contract).map(([operation, row]) => ({
  operation: z.enum(Object.keys(contract) as [Operation, ...Operation[]]).parse(operation),
  row,
  path: new RegExp(`^${row.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
}));

/** Which row of the contract a request is for, with everything in it read by that row: what the contract does not know throws. */
export function readRequest({ url, method, payload }: SentRequest) {
  const { pathname, searchParams } = new URL(url);
  for (const { operation, row, path } of rows) {
    const match = path.exec(pathname);
    if (!match || row.method !== method) continue;
    const params = Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]));
    const query = Object.fromEntries(searchParams);
    row.params.parse(params);
    row.query.parse(query);
    const body: unknown = payload === undefined ? undefined : JSON.parse(payload);
    if ('body' in row) row.body.parse(body);
    return { operation, row, query, body };
  }
  return undefined;
}

/** A backend that works, and is as strict as the contract in what it takes and what it gives. */
export const working =
  (count = 2, changes: Answers = {}) =>
  (request: SentRequest): Reply => {
    const asked = readRequest(request);
    const answer = asked && { ...answersOf(count), ...changes }[asked.operation];
    if (!asked || !answer) return problem(404, 'notFound', `nothing at ${request.url}`);
    const { row, query, body } = asked;
    return json(row.status, row.answer.parse(answer(query, body)));
  };
