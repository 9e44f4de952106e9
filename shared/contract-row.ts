import { z } from 'zod';
import { agentIdSchema, budgetCapSchema, channelSchema, modelTierSchema, planeIdSchema, toolSchema } from './agent.ts';

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

export const page = { cursor: z.string().max(200).optional(), limit: z.coerce.number().int().min(1).max(100).default(50) };
export const timeCursor = z
  .string()
  .max(300)
  .regex(/^\d{1,15}\../, 'the `next` of the page before')
  .optional();
export const planeParams = z.strictObject({ planeId: planeIdSchema });
export const userParams = z.strictObject({ planeId: planeIdSchema, userKey: z.string().min(1).max(320) });
export const agentParams = z.strictObject({ planeId: planeIdSchema, agentId: agentIdSchema });
export interface ContractRow {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  readonly path: string;
  readonly role: Role;
  readonly summary: string;
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  readonly body?: z.ZodType;
  readonly status: 200 | 201 | 202;
  readonly answer: z.ZodType;
  /**
   * What one call touches, which decides on admins of an org unit: one of `self`, an `agent` or a `user` in their unit, a `list` that
   * shows them their part alone, or a whole `plane`, which is beyond them.
   */
  readonly reach: 'self' | 'agent' | 'user' | 'list' | 'plane';
  /** Answered instead of JSON: what an export is made of. */
  readonly produces?: 'application/x-ndjson';
}

export const nothing = z.strictObject({});
