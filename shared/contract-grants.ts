import { z } from 'zod';
import { nothing, userParams, type ContractRow } from './contract-row.ts';

export const grantViewSchema = z.object({
  id: z.string(),
  tools: z.array(z.string()),
  channels: z.array(z.string()),
  grantedBy: z.string(),
  grantedAt: z.iso.datetime(),
});
export type GrantView = z.infer<typeof grantViewSchema>;

/** What admins granted one user beyond policy. */
export const grantRows = {
  listGrants: {
    method: 'get',
    path: '/v1/planes/{planeId}/users/{userKey}/grants',
    role: 'viewer',
    reach: 'user',
    summary: 'What admins granted a user beyond policy, newest first',
    params: userParams,
    query: nothing,
    status: 200,
    answer: z.object({ grants: z.array(grantViewSchema) }),
  },
  revokeGrant: {
    method: 'delete',
    path: '/v1/planes/{planeId}/users/{userKey}/grants/{grantId}',
    role: 'admin',
    reach: 'user',
    summary: 'Take back what was granted to a user',
    params: userParams.extend({ grantId: z.string().min(1).max(200) }),
    query: nothing,
    status: 200,
    answer: grantViewSchema,
  },
} as const satisfies Readonly<Record<string, ContractRow>>;
