import { z } from 'zod';
import { agentIdSchema, planeIdSchema } from './agent.ts';
import { agentRows } from './contract-agents.ts';
import { auditRows } from './contract-audit.ts';
import { careRows } from './contract-care.ts';
import { grantRows } from './contract-grants.ts';
import { operationRows } from './contract-operations.ts';
import { planeRows } from './contract-planes.ts';
import { nothing, page, planeParams, requestsSchema, timeCursor, userParams, type ContractRow } from './contract-row.ts';
import {
  approvalStates,
  approvalViewSchema,
  capabilityRequestViewSchema,
  explanationViewSchema,
  requestStates,
  userViewSchema,
} from './views.ts';

export { requestsSchema, type ContractRow, type Role } from './contract-row.ts';
export type { GrantView } from './contract-grants.ts';
export type { BackupView, ErrandView } from './contract-care.ts';
export type { CostReport, OperationView, PlanChange, PlanView, PlannedAgent, PlaneDefinitionView, Selection } from './views-fleet.ts';
export type { AgentView, ApprovalView, CapabilityRequestView, ExplanationView, PlaneView, UserView } from './views.ts';

/** Every call of the REST API: routes, validation, roles and clients follow from this table. */
export const contract = {
  ...planeRows,
  ...agentRows,
  ...careRows,
  ...operationRows,
  me: {
    method: 'get',
    path: '/v1/me',
    role: 'viewer',
    reach: 'self',
    summary: 'Who is calling, and what they may do',
    params: nothing,
    query: nothing,
    status: 200,
    answer: z.object({
      email: z.string(),
      roles: z.array(z.enum(['viewer', 'admin'])),
      /** The org units that these roles are for; `null` for the whole company. */
      ous: z.array(z.string()).nullable(),
    }),
  },
  listUsers: {
    method: 'get',
    path: '/v1/planes/{planeId}/users',
    role: 'viewer',
    reach: 'list',
    summary: 'People of the directory whose name or address begins so, with or without an agent',
    params: planeParams,
    query: z.strictObject({ q: z.string().min(1).max(100), limit: page.limit.prefault(20) }),
    status: 200,
    answer: z.object({
      users: z.array(
        z.object({
          id: z.string(),
          email: z.string(),
          name: z.string(),
          ouPath: z.string(),
          active: z.boolean(),
          agentId: agentIdSchema.nullable(),
        }),
      ),
    }),
  },
  getUser: {
    method: 'get',
    path: '/v1/planes/{planeId}/users/{userKey}',
    role: 'viewer',
    reach: 'user',
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
    reach: 'user',
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
    reach: 'user',
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
    reach: 'plane',
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
    reach: 'plane',
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
    reach: 'plane',
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
    reach: 'plane',
    summary: 'Approve or deny what an agent asked for',
    params: z.strictObject({ planeId: planeIdSchema, requestId: z.string().min(1).max(200) }),
    query: nothing,
    body: z.strictObject({ decision: z.enum(['approve', 'deny']), reason: z.string().min(1).max(500).optional() }),
    status: 200,
    answer: capabilityRequestViewSchema,
  },
  ...grantRows,
  ...auditRows,
} as const satisfies Readonly<Record<string, ContractRow>>;

export type Contract = typeof contract;
export type Operation = keyof Contract;
export type Answer<O extends Operation> = z.infer<Contract[O]['answer']>;
/** What a caller sends. */
export type Body<O extends Operation> = Contract[O] extends { readonly body: infer B extends z.ZodType } ? z.input<B> : undefined;

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
