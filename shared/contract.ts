import { z } from 'zod';
import { agentIdSchema, budgetCapSchema, channelSchema, modelTierSchema, planeIdSchema, toolSchema } from './agent.ts';
import {
  agentViewSchema,
  approvalStates,
  approvalViewSchema,
  capabilityRequestViewSchema,
  auditRowSchema,
  explanationViewSchema,
  planeViewSchema,
  requestStates,
  receiptSchema,
  userViewSchema,
} from './views.ts';

export type { AgentView, ApprovalView, CapabilityRequestView, ExplanationView, PlaneView, UserView } from './views.ts';

/** Who may call: a viewer reads, an admin does everything. */
export type Role = 'viewer' | 'admin';

/** An admin's wishes for one user; null goes back to what policy says. */
export const requestsSchema = z.strictObject({
  agentEnabled: z.boolean().nullable().optional(),
  modelTier: modelTierSchema.nullable().optional(),
  budgetCap: budgetCapSchema.nullable().optional(),
  tools: z.array(toolSchema).nullable().optional(),
  channels: z.array(channelSchema).nullable().optional(),
});

const page = { cursor: z.string().max(200).optional(), limit: z.coerce.number().int().min(1).max(100).default(50) };
const timeCursor = z
  .string()
  .regex(/^\d{1,15}$/, 'the `next` of the page before')
  .optional();
const planeParams = z.strictObject({ planeId: planeIdSchema });
const userParams = z.strictObject({ planeId: planeIdSchema, userKey: z.string().min(1).max(320) });
const agentParams = z.strictObject({ planeId: planeIdSchema, agentId: agentIdSchema });

export interface ContractRow {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  readonly path: string;
  readonly role: Role;
  readonly summary: string;
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  readonly body?: z.ZodType;
  readonly status: 200 | 202;
  readonly answer: z.ZodType;
}

const nothing = z.strictObject({});

/** Every call of the REST API: routes, validation, roles and clients follow from this table. */
export const contract = {
  listPlanes: {
    method: 'get',
    path: '/v1/planes',
    role: 'viewer',
    summary: 'List planes',
    params: nothing,
    query: nothing,
    status: 200,
    answer: z.object({ planes: z.array(planeViewSchema) }),
  },
  listAgents: {
    method: 'get',
    path: '/v1/planes/{planeId}/agents',
    role: 'viewer',
    summary: 'List agents in plane',
    params: planeParams,
    query: z.strictObject(page),
    status: 200,
    answer: z.object({ agents: z.array(agentViewSchema), next: z.string().nullable() }),
  },
  createAgent: {
    method: 'post',
    path: '/v1/planes/{planeId}/agents',
    role: 'admin',
    summary: 'Provision a new agent',
    params: planeParams,
    query: nothing,
    body: z.strictObject({
      name: z.string().min(1).max(60).optional(),
      ownerEmail: z.email(),
      modelTier: modelTierSchema.optional(),
      budgetCap: budgetCapSchema.optional(),
      tools: z.array(toolSchema).optional(),
      channels: z.array(channelSchema).optional(),
    }),
    status: 202,
    answer: userViewSchema,
  },
  getAgent: {
    method: 'get',
    path: '/v1/planes/{planeId}/agents/{agentId}',
    role: 'viewer',
    summary: 'Agent status + health',
    params: agentParams,
    query: nothing,
    status: 200,
    answer: agentViewSchema,
  },
  updateAgent: {
    method: 'patch',
    path: '/v1/planes/{planeId}/agents/{agentId}',
    role: 'admin',
    summary: 'Update agent config',
    params: agentParams,
    query: nothing,
    body: requestsSchema,
    status: 202,
    answer: userViewSchema,
  },
  removeAgent: {
    method: 'delete',
    path: '/v1/planes/{planeId}/agents/{agentId}',
    role: 'admin',
    summary: 'Teardown agent',
    params: agentParams,
    query: nothing,
    status: 202,
    answer: userViewSchema,
  },
  restartAgent: {
    method: 'post',
    path: '/v1/planes/{planeId}/agents/{agentId}/restart',
    role: 'admin',
    summary: 'Restart agent',
    params: agentParams,
    query: nothing,
    status: 202,
    answer: agentViewSchema,
  },
  agentLogs: {
    method: 'get',
    path: '/v1/planes/{planeId}/agents/{agentId}/logs',
    role: 'admin',
    summary: 'The last lines an agent wrote',
    params: agentParams,
    query: z.strictObject({ lines: z.coerce.number().int().min(1).max(1000).default(100) }),
    status: 200,
    answer: z.object({ lines: z.array(z.string()) }),
  },
  agentReceipt: {
    method: 'get',
    path: '/v1/planes/{planeId}/agents/{agentId}/receipt',
    role: 'viewer',
    summary: 'Signed proof of the latest removal',
    params: agentParams,
    query: nothing,
    status: 200,
    answer: receiptSchema,
  },
  getUser: {
    method: 'get',
    path: '/v1/planes/{planeId}/users/{userKey}',
    role: 'viewer',
    summary: 'A directory user with policy and agent; userKey is an id or an e-mail address',
    params: userParams,
    query: nothing,
    status: 200,
    answer: userViewSchema,
  },
  updateUser: {
    method: 'patch',
    path: '/v1/planes/{planeId}/users/{userKey}',
    role: 'admin',
    summary: 'Write an admin\u2019s wishes for a user into the directory',
    params: userParams,
    query: nothing,
    body: requestsSchema,
    status: 202,
    answer: userViewSchema,
  },
  explainUser: {
    method: 'get',
    path: '/v1/planes/{planeId}/users/{userKey}/explain',
    role: 'viewer',
    summary: 'Why a user\u2019s agent has the policy it has: every value, who said it and what limits it',
    params: userParams,
    query: nothing,
    status: 200,
    answer: explanationViewSchema,
  },
  listApprovals: {
    method: 'get',
    path: '/v1/planes/{planeId}/approvals',
    role: 'viewer',
    summary: 'Changes of policy that would create or remove many agents at once, newest first',
    params: planeParams,
    query: z.strictObject({
      ...page,
      cursor: timeCursor,
      state: z.enum(approvalStates).optional(),
    }),
    status: 200,
    answer: z.object({ approvals: z.array(approvalViewSchema), next: z.string().nullable() }),
  },
  decideApproval: {
    method: 'post',
    path: '/v1/planes/{planeId}/approvals/{approvalId}',
    role: 'admin',
    summary: 'Let a change of policy create or remove its agents, or deny it',
    params: z.strictObject({ planeId: planeIdSchema, approvalId: z.string().min(1).max(200) }),
    query: nothing,
    body: z.strictObject({ decision: z.enum(['approve', 'deny']), reason: z.string().max(500).optional() }),
    status: 200,
    answer: approvalViewSchema,
  },
  listRequests: {
    method: 'get',
    path: '/v1/planes/{planeId}/requests',
    role: 'viewer',
    summary: 'What agents asked for on behalf of their owners, newest first',
    params: planeParams,
    query: z.strictObject({ ...page, cursor: timeCursor, state: z.enum(requestStates).default('waiting') }),
    status: 200,
    answer: z.object({ requests: z.array(capabilityRequestViewSchema), next: z.string().nullable() }),
  },
  decideRequest: {
    method: 'post',
    path: '/v1/planes/{planeId}/requests/{requestId}',
    role: 'admin',
    summary: 'Approve or deny what an agent asked for',
    params: z.strictObject({ planeId: planeIdSchema, requestId: z.string().min(1).max(200) }),
    query: nothing,
    body: z.strictObject({ decision: z.enum(['approve', 'deny']), reason: z.string().min(1).max(500).optional() }),
    status: 200,
    answer: capabilityRequestViewSchema,
  },
  listAudit: {
    method: 'get',
    path: '/v1/planes/{planeId}/audit',
    role: 'viewer',
    summary: 'The audit log, newest first',
    params: planeParams,
    query: z.strictObject({
      ...page,
      cursor: z
        .string()
        .regex(/^\d{1,12}$/, 'the `next` of the page before')
        .optional(),
      agentId: agentIdSchema.optional(),
    }),
    status: 200,
    answer: z.object({ rows: z.array(auditRowSchema), next: z.string().nullable() }),
  },
  verifyAudit: {
    method: 'get',
    path: '/v1/planes/{planeId}/audit/verify',
    role: 'viewer',
    summary: 'Check every hash chain of the audit log',
    params: planeParams,
    query: nothing,
    status: 200,
    answer: z.object({
      chains: z.int(),
      rows: z.int(),
      faults: z.array(z.object({ chain: z.string(), seq: z.int(), fault: z.string() })),
    }),
  },
} as const satisfies Readonly<Record<string, ContractRow>>;

export type Contract = typeof contract;
export type Operation = keyof Contract;
export type Answer<O extends Operation> = z.infer<Contract[O]['answer']>;

/** RFC 9457 problem details, as every refusal answers. */
export const problemAnswerSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  requestId: z.string(),
  problems: z.array(z.object({ path: z.string(), found: z.string(), allowed: z.string() })).optional(),
});
export type ProblemAnswer = z.infer<typeof problemAnswerSchema>;
