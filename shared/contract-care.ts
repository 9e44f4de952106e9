import { z } from 'zod';
import { agentParams, nothing, type ContractRow } from './contract-row.ts';
import { agentViewSchema } from './views.ts';

const backupView = z.object({
  id: z.string(),
  reason: z.enum(['daily', 'asked', 'reprovision', 'upgrade', 'removal']),
  startedAt: z.iso.datetime(),
  /** `null` until the whole of it is stored. */
  finishedAt: z.iso.datetime().nullable(),
  bytes: z.int().nullable(),
  sha256: z.string().nullable(),
  expiresAt: z.iso.datetime(),
});
export type BackupView = z.infer<typeof backupView>;

/** An errand of an agent\u2019s sidecar. */
const errandView = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.enum(['waiting', 'done', 'failed']),
  askedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  result: z.string().nullable(),
});
export type ErrandView = z.infer<typeof errandView>;

/** Every call that keeps one agent in good order over the years. */
export const careRows = {
  upgradeAgent: {
    method: 'post',
    path: '/v1/planes/{planeId}/agents/{agentId}/upgrade',
    role: 'admin',
    reach: 'agent',
    summary: 'Bring an agent to another version of OpenClaw, and back where that fails',
    params: agentParams,
    query: nothing,
    /** `version`: a published one; the plane\u2019s own unless said. */
    body: z.strictObject({ version: z.string().min(1).max(60).optional() }).prefault({}),
    status: 202,
    answer: agentViewSchema,
  },
  listBackups: {
    method: 'get',
    path: '/v1/planes/{planeId}/agents/{agentId}/backups',
    role: 'viewer',
    reach: 'agent',
    summary: 'Backups of an agent, newest first',
    params: agentParams,
    query: nothing,
    status: 200,
    answer: z.object({ backups: z.array(backupView), errands: z.array(errandView) }),
  },
  createBackup: {
    method: 'post',
    path: '/v1/planes/{planeId}/agents/{agentId}/backups',
    role: 'admin',
    reach: 'agent',
    summary: 'Back up an agent now',
    params: agentParams,
    query: nothing,
    status: 202,
    answer: errandView,
  },
  restoreBackup: {
    method: 'post',
    path: '/v1/planes/{planeId}/agents/{agentId}/backups/{backupId}/restore',
    role: 'admin',
    reach: 'agent',
    summary: 'Bring back what an agent knew at the time of a backup',
    params: agentParams.extend({ backupId: z.string().min(1).max(200) }),
    query: nothing,
    status: 202,
    answer: errandView,
  },
  listSecrets: {
    method: 'get',
    path: '/v1/planes/{planeId}/agents/{agentId}/secrets',
    role: 'viewer',
    reach: 'agent',
    summary: 'Names and ages of an agent\u2019s secrets, never a value',
    params: agentParams,
    query: nothing,
    status: 200,
    answer: z.object({
      secrets: z.array(
        z.object({
          name: z.string(),
          version: z.int(),
          rotatedAt: z.iso.datetime(),
          /** When it is rotated by itself. */
          dueAt: z.iso.datetime(),
          /** Whether its machine runs with the newest version. */
          takenUp: z.boolean(),
        }),
      ),
    }),
  },
} as const satisfies Readonly<Record<string, ContractRow>>;
