import { z } from 'zod';
import { agentIdSchema, modelTierSchema, planeIdSchema } from './agent.ts';
import { driftModes, matchSchema, planeSchema, policySpecSchema } from './plane.ts';
import { requestsSchema } from './contract-row.ts';
import { fieldValue, policyFieldSchema } from './views.ts';

/* What the API answers with about whole planes: definitions, plans, operations, costs, drift. Money in US dollars. */

const time = z.iso.datetime();

/** Who may change a plane's definition: whoever applies its file, or the API and the cards. */
export const managers = ['file', 'api'] as const;

export const planeDefinitionViewSchema = z.object({
  planeId: planeIdSchema,
  /** Grows with every change; the ETag of the definition. */
  revision: z.int(),
  managedBy: z.enum(managers),
  updatedAt: time,
  updatedBy: z.string(),
  definition: planeSchema,
});
export type PlaneDefinitionView = z.infer<typeof planeDefinitionViewSchema>;

/** What a plan is made for. */
export const planChangeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('definition'), definition: planeSchema }),
  /** Every policy layer, groups in the order in which the later wins. */
  z.strictObject({ kind: z.literal('policies'), policies: planeSchema.shape.spec.shape.policies }),
  /** One policy layer; `null` takes it away. */
  z.strictObject({ kind: z.literal('policy'), match: matchSchema, spec: policySpecSchema.nullable() }),
  /** Moves everybody in a part of the company to a tier, only those of tier `from` where it is given. */
  z.strictObject({ kind: z.literal('tier'), match: matchSchema, from: modelTierSchema.optional(), to: modelTierSchema }),
  z.strictObject({ kind: z.literal('user'), userKey: z.string().min(1).max(320), requests: requestsSchema }),
]);
export type PlanChange = z.infer<typeof planChangeSchema>;

export const planStates = ['ready', 'waiting', 'applied', 'denied', 'stale'] as const;
const planEffects = ['create', 'remove', 'change'] as const;

export const plannedAgentSchema = z.object({
  agentId: agentIdSchema,
  ownerEmail: z.string(),
  ownerName: z.string(),
  ouPath: z.string(),
  effect: z.enum(planEffects),
  fields: z.array(
    z.object({
      field: policyFieldSchema,
      from: fieldValue.nullable(),
      fromOrigin: z.string().nullable(),
      to: fieldValue.nullable(),
      toOrigin: z.string().nullable(),
    }),
  ),
  parts: z.array(z.object({ part: z.string(), effect: z.enum(planEffects) })),
  /** A month, in US dollars: the cap's difference, and the machine's where its price is known. */
  budgetDeltaUsd: z.number(),
  machineDeltaUsd: z.number().nullable(),
  /** What limits take back of what the change asks for, a sentence each. */
  notes: z.array(z.string()),
});
export type PlannedAgent = z.infer<typeof plannedAgentSchema>;

export const planViewSchema = z.object({
  id: z.string(),
  planeId: planeIdSchema,
  state: z.enum(planStates),
  /** SHA-256 over everything the plan was made from and all it would do. */
  hash: z.string(),
  /** The definition's revision it was made on. */
  base: z.int(),
  kind: z.enum(['definition', 'policies', 'policy', 'tier', 'user']),
  createdAt: time,
  createdBy: z.string(),
  decidedAt: time.nullable(),
  decidedBy: z.string().nullable(),
  reason: z.string().nullable(),
  /** Whether a second person has to approve before it is applied. */
  needsApproval: z.boolean(),
  counts: z.object({ agents: z.int(), creates: z.int(), removes: z.int(), changes: z.int() }),
  budgetDeltaUsd: z.number(),
  machineDeltaUsd: z.number().nullable(),
  /** What changes in the definition itself, by path. */
  definition: z.array(z.object({ path: z.string(), from: z.json(), to: z.json() })),
  /** For people: "14 agents change", "+$120 a month at most", "2 lose github". */
  sentences: z.array(z.string()),
  /** Why it cannot be applied as it stands. */
  refusals: z.array(z.string()),
  warnings: z.array(z.string()),
  /** The first hundred; the rest by `listPlanAgents`. */
  agents: z.array(plannedAgentSchema),
});
export type PlanView = z.infer<typeof planViewSchema>;

export const operationKinds = ['restart', 'pause', 'resume', 'rotateSecrets', 'backup', 'reprovision', 'upgrade', 'removePlane'] as const;
export const operationStates = ['running', 'halted', 'rollingBack', 'done', 'failed', 'cancelled', 'rolledBack'] as const;
const agentWorkStates = ['waiting', 'running', 'done', 'failed', 'skipped', 'rolledBack'] as const;

/** Which agents: all, or those that fit everything that is named. */
export const selectionSchema = z
  .strictObject({
    all: z.literal(true).optional(),
    ou: z.string().min(1).max(300).optional(),
    group: z.email().optional(),
    /** `department=Sales`. */
    label: z
      .string()
      .max(200)
      .regex(/^[^=]+=.*$/, 'a label such as department=Sales')
      .optional(),
    /** Ids, names or owners' addresses. */
    agents: z.array(z.string().min(1).max(320)).min(1).max(1_000).optional(),
  })
  .refine(
    (selection) => Object.values(selection).some((value) => value !== undefined),
    'say which agents: all, ou, group, label or agents',
  );
export type Selection = z.infer<typeof selectionSchema>;

export const operationViewSchema = z.object({
  id: z.string(),
  planeId: planeIdSchema,
  kind: z.enum(operationKinds),
  args: z.record(z.string(), z.string()),
  state: z.enum(operationStates),
  by: z.string(),
  startedAt: time,
  endedAt: time.nullable(),
  total: z.int(),
  waiting: z.int(),
  running: z.int(),
  done: z.int(),
  failed: z.int(),
  skipped: z.int(),
  /** Which ring is at work, from 0. */
  ring: z.int(),
  rings: z.array(z.object({ name: z.string(), total: z.int(), done: z.int(), failed: z.int() })),
  /** For people: "12 of 40 restarted, 1 failed". */
  sentence: z.string(),
  /** The first twenty. */
  failures: z.array(z.object({ agentId: agentIdSchema, ownerEmail: z.string(), message: z.string() })),
});
export type OperationView = z.infer<typeof operationViewSchema>;

export const agentWorkViewSchema = z.object({
  agentId: agentIdSchema,
  ownerEmail: z.string(),
  ring: z.int(),
  state: z.enum(agentWorkStates),
  message: z.string().nullable(),
  startedAt: time.nullable(),
  endedAt: time.nullable(),
});

export const costGroups = ['agent', 'ou', 'department', 'costCenter'] as const;
const costRow = z.object({
  key: z.string(),
  label: z.string(),
  agents: z.int(),
  calls: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  modelUsd: z.number(),
  /** `null` where no price of the machine is known. */
  machineUsd: z.number().nullable(),
  totalUsd: z.number(),
  /** Model spend and machines at the end of this month at the pace so far; `null` for a period without today. */
  forecastUsd: z.number().nullable(),
});
export const costReportSchema = z.object({
  planeId: planeIdSchema,
  /** Days, both included, in the plane's time zone. */
  from: z.iso.date(),
  to: z.iso.date(),
  by: z.enum(costGroups),
  currency: z.literal('USD'),
  rows: z.array(costRow),
  total: costRow,
  notes: z.array(z.string()),
});
export type CostReport = z.infer<typeof costReportSchema>;

export const driftViewSchema = z.object({
  agentId: agentIdSchema,
  ownerEmail: z.string(),
  part: z.string(),
  field: z.string(),
  wanted: z.json(),
  found: z.json(),
  mode: z.enum(driftModes),
  since: time,
});

export const checkViewSchema = z.object({
  name: z.string(),
  state: z.enum(['ok', 'warning', 'failed']),
  detail: z.string(),
  /** What to do next, where something is wrong. */
  remedy: z.string().nullable(),
});

export const modelViewSchema = z.object({
  tier: modelTierSchema,
  /** `organization`, `ou:/Sales`, or `default` where the plane says nothing. */
  origin: z.string(),
  model: z.string(),
  inputUsdPerMillion: z.number().nullable(),
  outputUsdPerMillion: z.number().nullable(),
  /** The day the price was read. */
  pricedOn: z.string().nullable(),
});
