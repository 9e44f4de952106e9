import { z } from 'zod';
import { agentIdSchema, channelSchema, modelTierSchema, phases, planeIdSchema, toolSchema } from './agent.ts';
import { noteKinds, requestFields } from './directory-schema.ts';

/* What the API answers with: the shapes of the contract's answers. */

const origin = z.string();
const effective = <T extends z.ZodType>(value: T) =>
  z.object({
    value,
    origin,
    added: z.array(z.object({ origin, items: value })).optional(),
    clamped: z.object({ from: value, by: origin }).optional(),
  });

export const policyView = z.object({
  agentEnabled: effective(z.boolean()),
  modelTier: effective(modelTierSchema),
  budgetCap: effective(z.int()),
  tools: effective(z.array(toolSchema)),
  channels: effective(z.array(channelSchema)),
  machineType: effective(z.string()),
});

export const policyFieldSchema = policyView.keyof();

const conditionView = z.object({ type: z.string(), message: z.string() });

export const agentViewSchema = z.object({
  agentId: agentIdSchema,
  planeId: planeIdSchema,
  name: z.string(),
  ownerId: z.string(),
  ownerEmail: z.string(),
  ownerName: z.string(),
  ouPath: z.string(),
  phase: z.enum(phases),
  health: z.enum(['green', 'yellow', 'red', 'unknown']),
  /** ISO 8601, or null before the first. */
  lastHeartbeat: z.iso.datetime().nullable(),
  /** What it is doing or why it is not running, for people. */
  detail: z.string().nullable(),
  conditions: z.array(conditionView),
  /** A fresh machine on its way, or how the last one came out. */
  reprovision: z
    .object({
      step: z.enum(['backup', 'replace', 'restore', 'done', 'failed']),
      startedAt: z.iso.datetime(),
      failure: z.string().nullable(),
    })
    .nullable(),
  /** This month's spend on models against the cap of now; money in US dollars with up to six decimals. */
  budget: z.object({
    month: z.string(),
    capUsd: z.int(),
    spentUsd: z.number(),
    reservedUsd: z.number(),
    percent: z.int(),
    state: z.enum(['ok', 'near', 'exhausted']),
  }),
  /** This month's calls and tokens. */
  usage: z.object({ calls: z.int(), inputTokens: z.int(), outputTokens: z.int() }),
  policy: policyView,
  paused: z.object({ by: z.string(), at: z.iso.datetime(), reason: z.string() }).nullable(),
  /** Of the owner in the directory: `department`, `costCenter`. */
  labels: z.record(z.string(), z.string()),
  /** The version of OpenClaw that its machine last reported. */
  openclaw: z.string().nullable(),
  /** A new version on its way, or how the last one came out. */
  upgrade: z
    .object({
      step: z.enum(['install', 'backup', 'swap', 'gate', 'done', 'rolledBack', 'failed']),
      from: z.string().nullable(),
      to: z.string(),
      startedAt: z.iso.datetime(),
      failure: z.string().nullable(),
    })
    .nullable(),
  revision: z.int(),
  incarnation: z.int(),
  changedAt: z.iso.datetime(),
});
export type AgentView = z.infer<typeof agentViewSchema>;

export const userViewSchema = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  ouPath: z.string(),
  active: z.boolean(),
  policy: policyView,
  /** What is wrong with this user's custom fields, a sentence each. */
  problems: z.array(z.string()),
  /** What an admin should know beside each field of the user page; `field` is the Directory's own name. */
  notes: z.array(z.object({ field: z.enum(requestFields), message: z.string(), kind: z.enum(noteKinds) })),
  /** Channels that policy allows and nobody can use before an admin has set them up; absent where there is none. */
  notSetUp: z.array(channelSchema).optional(),
  agent: agentViewSchema.nullable(),
});
export type UserView = z.infer<typeof userViewSchema>;

export const receiptSchema = z.object({
  kind: z.literal('openclaw.dev/removal-receipt'),
  planeId: z.string(),
  agentId: agentIdSchema,
  incarnation: z.int(),
  seq: z.int(),
  ownerId: z.string(),
  ownerEmail: z.string(),
  reason: z.string(),
  /** When making it began. */
  madeFrom: z.iso.datetime().optional(),
  requestedAt: z.iso.datetime(),
  revokedAt: z.iso.datetime(),
  removedAt: z.iso.datetime(),
  backup: z.object({ id: z.string(), expiresAt: z.iso.datetime() }).optional(),
  listings: z.array(z.object({ what: z.string(), provider: z.string(), at: z.iso.datetime(), found: z.literal(0) })),
  audit: z.object({ chain: z.string(), seq: z.int(), hash: z.string() }),
  keyId: z.string(),
  signature: z.string(),
});

export const planeViewSchema = z.object({
  planeId: planeIdSchema,
  providers: z.object({ identity: z.string(), infrastructure: z.string(), secrets: z.string(), networking: z.string() }),
  /** How many agents stand where; each is counted once beside `total`, and those that are gone are not counted. */
  agents: z.object({ total: z.int(), running: z.int(), working: z.int(), paused: z.int(), attention: z.int() }),
  /** This month's spend on models of all its agents against the sum of their caps, in US dollars. */
  spend: z.object({ month: z.string(), capUsd: z.int(), spentUsd: z.number() }),
});
export type PlaneView = z.infer<typeof planeViewSchema>;

export const auditRowSchema = z.object({
  chain: z.string(),
  seq: z.int(),
  at: z.iso.datetime(),
  actor: z.object({
    kind: z.string(),
    id: z.string(),
    via: z.string().optional(),
    from: z.string().optional(),
    requestId: z.string().optional(),
  }),
  action: z.string(),
  target: z.string(),
  /** The agent whose chain it is in, or which it names by its id or its owner's; null where there is none or it is forgotten. */
  about: z
    .object({ agentId: agentIdSchema, name: z.string(), ownerId: z.string(), ownerEmail: z.string(), ownerName: z.string() })
    .nullable(),
  /** `begun` where a later row of the same chain tells how it ended. */
  outcome: z.enum(['done', 'begun', 'failed', 'refused']),
  detail: z.json(),
  hash: z.string(),
});

export const fieldValue = z.union([z.boolean(), z.number(), z.string(), z.array(z.string())]);

export const explanationViewSchema = z.object({
  user: z.object({ id: z.string(), email: z.string(), ouPath: z.string(), groups: z.array(z.string()) }),
  fields: z.array(
    z.object({
      ...effective(fieldValue).shape,
      field: policyView.keyof(),
      said: z.array(z.object({ origin, value: fieldValue })),
      limits: z.array(z.object({ origin, limit: fieldValue })),
      locked: origin.nullable(),
    }),
  ),
  /** One sentence for each field, in the same order. */
  sentences: z.array(z.string()),
});
export type ExplanationView = z.infer<typeof explanationViewSchema>;

export const approvalStates = ['waiting', 'approved', 'denied', 'withdrawn'] as const;

export const approvalViewSchema = z.object({
  id: z.string(),
  planeId: planeIdSchema,
  state: z.enum(approvalStates),
  creates: z.int(),
  removes: z.int(),
  askedAt: z.iso.datetime(),
  decidedAt: z.iso.datetime().nullable(),
  decidedBy: z.string().nullable(),
  reason: z.string().nullable(),
  /** The first hundred that still wait. */
  agents: z.array(z.object({ agentId: agentIdSchema, ownerEmail: z.string(), to: z.enum(['running', 'removed']) })),
});
export type ApprovalView = z.infer<typeof approvalViewSchema>;

export const requestStates = ['waiting', 'approved', 'denied'] as const;

/** What an agent asked for on behalf of its owner; the words of `why` are the agent's. */
export const capabilityRequestViewSchema = z.object({
  id: z.string(),
  planeId: planeIdSchema,
  agentId: agentIdSchema,
  ownerEmail: z.string(),
  tools: z.array(z.string()),
  channels: z.array(z.string()),
  why: z.string(),
  state: z.enum(requestStates),
  askedAt: z.iso.datetime(),
  decidedAt: z.iso.datetime().nullable(),
  decidedBy: z.string().nullable(),
  reason: z.string().nullable(),
});
export type CapabilityRequestView = z.infer<typeof capabilityRequestViewSchema>;
