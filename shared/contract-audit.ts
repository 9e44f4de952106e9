import { z } from 'zod';
import { agentIdSchema } from './agent.ts';
import { nothing, page, planeParams, timeCursor, type ContractRow } from './contract-row.ts';
import { auditRowSchema } from './views.ts';

const filters = {
  agentId: agentIdSchema.optional(),
  /** Who did it: an address, or an id. */
  user: z.string().min(1).max(320).optional(),
  /** An action, or how it begins: `agent.`. `budget.` finds whoever changed a budget as well. */
  action: z
    .string()
    .regex(/^[a-zA-Z][a-zA-Z. -]{0,60}$/, 'an action such as agent.change, or how it begins')
    .optional(),
  /** From then on. */
  since: z.iso.datetime().optional(),
  /** Before then. */
  until: z.iso.datetime().optional(),
};

/** Every call about the audit log. */
export const auditRows = {
  listAudit: {
    method: 'get',
    path: '/v1/planes/{planeId}/audit',
    role: 'viewer',
    reach: 'plane',
    summary: 'The audit log, newest first',
    params: planeParams,
    query: z.strictObject({ ...page, cursor: timeCursor, ...filters }),
    status: 200,
    answer: z.object({ rows: z.array(auditRowSchema), next: z.string().nullable() }),
  },
  exportAudit: {
    method: 'get',
    path: '/v1/planes/{planeId}/audit/export',
    role: 'viewer',
    reach: 'plane',
    summary: 'Every chain with its signed checkpoints, as JSON lines that `planes audit verify` checks offline',
    params: planeParams,
    query: nothing,
    status: 200,
    answer: z.string(),
    produces: 'application/x-ndjson',
  },
  verifyAudit: {
    method: 'get',
    path: '/v1/planes/{planeId}/audit/verify',
    role: 'viewer',
    reach: 'plane',
    summary: 'Check every hash chain of the audit log and its signed checkpoints',
    params: planeParams,
    query: nothing,
    status: 200,
    answer: z.object({
      chains: z.int(),
      rows: z.int(),
      checkpoints: z.int(),
      faults: z.array(z.object({ chain: z.string(), seq: z.int(), fault: z.string() })),
    }),
  },
  auditKey: {
    method: 'get',
    path: '/v1/audit/key',
    role: 'viewer',
    reach: 'self',
    summary: 'The public half of the key that signs receipts and checkpoints',
    params: nothing,
    query: nothing,
    status: 200,
    answer: z.object({ keyId: z.string(), algorithm: z.literal('Ed25519'), publicKey: z.string() }),
  },
} as const satisfies Readonly<Record<string, ContractRow>>;
