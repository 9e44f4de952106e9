import { z } from 'zod';
import { planeIdSchema } from './agent.ts';
import { nothing, page, planeParams, timeCursor, type ContractRow } from './contract-row.ts';
import { agentWorkViewSchema, costGroups, costReportSchema, operationStates, operationViewSchema, selectionSchema } from './views-fleet.ts';

const operationParams = z.strictObject({ planeId: planeIdSchema, operationId: z.string().min(1).max(200) });

/** The work of an operation on each of its agents. */
const work = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['restart', 'resume', 'rotateSecrets', 'backup']) }),
  z.strictObject({ kind: z.literal('pause'), reason: z.string().min(1).max(200).default('paused by an admin') }),
  z.strictObject({ kind: z.literal('reprovision'), acceptLoss: z.boolean().default(false) }),
  z.strictObject({
    kind: z.literal('upgrade'),
    /** A published version of OpenClaw; the plane\u2019s own unless said. */
    version: z.string().min(1).max(60).optional(),
  }),
]);
export type OperationWork = z.infer<typeof work>;

/** Days up to today, or `month` for this month. */
const period = z
  .string()
  .regex(/^([1-9]\d{0,2}d|month)$/, 'days such as 30d, or month')
  .default('30d');

/** Every call about work on many agents, and what all of them cost. */
export const operationRows = {
  createOperation: {
    method: 'post',
    path: '/v1/planes/{planeId}/operations',
    role: 'admin',
    reach: 'plane',
    summary: 'Do something with many agents',
    params: planeParams,
    query: nothing,
    body: z.strictObject({
      work,
      select: selectionSchema,
      /** How many at once. */
      concurrency: z.int().min(1).max(500).default(10),
      /** Halts when more than this share of the agents that were tried in a ring failed. */
      maxFailurePercent: z.int().min(0).max(100).default(10),
      /** One after the other, each only when the one before came out well; the rest is the last ring. */
      rings: z
        .array(z.union([z.strictObject({ ou: z.string().min(1).max(300) }), z.strictObject({ percent: z.int().min(1).max(100) })]))
        .max(10)
        .default([]),
      /** Answers what it would touch, and touches nothing. */
      dryRun: z.boolean().default(false),
    }),
    status: 202,
    answer: operationViewSchema,
  },
  listOperations: {
    method: 'get',
    path: '/v1/planes/{planeId}/operations',
    role: 'viewer',
    reach: 'plane',
    summary: 'Operations, newest first',
    params: planeParams,
    query: z.strictObject({ ...page, cursor: timeCursor, state: z.enum(operationStates).optional() }),
    status: 200,
    answer: z.object({ operations: z.array(operationViewSchema), next: z.string().nullable() }),
  },
  getOperation: {
    method: 'get',
    path: '/v1/planes/{planeId}/operations/{operationId}',
    role: 'viewer',
    reach: 'plane',
    summary: 'How far an operation has come',
    params: operationParams,
    query: nothing,
    status: 200,
    answer: operationViewSchema,
  },
  listOperationAgents: {
    method: 'get',
    path: '/v1/planes/{planeId}/operations/{operationId}/agents',
    role: 'viewer',
    reach: 'plane',
    summary: 'How an operation came out for each agent',
    params: operationParams,
    query: z.strictObject(page),
    status: 200,
    answer: z.object({ agents: z.array(agentWorkViewSchema), next: z.string().nullable() }),
  },
  cancelOperation: {
    method: 'post',
    path: '/v1/planes/{planeId}/operations/{operationId}/cancel',
    role: 'admin',
    reach: 'plane',
    summary: 'Begin no more agents of an operation; those that have begun go on',
    params: operationParams,
    query: nothing,
    status: 202,
    answer: operationViewSchema,
  },
  resumeOperation: {
    method: 'post',
    path: '/v1/planes/{planeId}/operations/{operationId}/resume',
    role: 'admin',
    reach: 'plane',
    summary: 'Go on with an operation that was halted or cancelled, and try again what failed',
    params: operationParams,
    query: nothing,
    status: 202,
    answer: operationViewSchema,
  },
  costReport: {
    method: 'get',
    path: '/v1/planes/{planeId}/cost-report',
    role: 'viewer',
    reach: 'plane',
    summary: 'Cost report for plane',
    params: planeParams,
    query: z.strictObject({
      period,
      from: z.iso.date().optional(),
      to: z.iso.date().optional(),
      by: z.enum(costGroups).default('agent'),
    }),
    status: 200,
    answer: costReportSchema,
  },
  createDownload: {
    method: 'post',
    path: '/v1/planes/{planeId}/downloads',
    role: 'viewer',
    reach: 'plane',
    summary: 'A link that gives the cost report as a CSV file, once and for five minutes, to whoever opens it',
    params: planeParams,
    query: nothing,
    body: z.strictObject({ report: z.literal('cost'), period, by: z.enum(costGroups).default('department') }),
    status: 201,
    answer: z.object({ url: z.url(), expiresAt: z.iso.datetime() }),
  },
} as const satisfies Readonly<Record<string, ContractRow>>;
