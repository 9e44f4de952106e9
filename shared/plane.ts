import { z } from 'zod';
import { budgetCapSchema, channelSchema, modelTierSchema, planeIdSchema, toolSchema } from './agent.ts';
import { isTimeZone, whenExhausted } from './budget.ts';
import { toProblems, type Problem } from './problem.ts';

export const apiVersion = 'openclaw.dev/v1alpha1';

export const driftModes = ['heal', 'alert', 'ignore'] as const;

const unique = <T extends z.ZodType>(item: T) =>
  z.array(item).refine((list) => new Set(list).size === list.length, { message: 'each entry once' });

/** What a policy layer may say: values win from later layers, limits intersect. */
export const policySpecSchema = z.strictObject({
  agentEnabled: z.boolean().optional(),
  modelTier: modelTierSchema.optional(),
  budgetCap: budgetCapSchema.optional(),
  tools: unique(toolSchema).optional(),
  channels: unique(channelSchema).optional(),
  machineType: z.string().min(1).optional(),
  limits: z
    .strictObject({
      budgetCap: budgetCapSchema.optional(),
      modelTiers: unique(modelTierSchema).optional(),
      tools: unique(toolSchema).optional(),
      channels: unique(channelSchema).optional(),
    })
    .optional(),
});
export type PolicySpec = z.infer<typeof policySpecSchema>;

const ouSchema = z.string().regex(/^\/(?:[^/]+(?:\/[^/]+)*)?$/, 'an org unit path such as /Sales');
export const matchSchema = z.union([
  z.strictObject({ organization: z.literal(true) }),
  z.strictObject({ ou: ouSchema }),
  z.strictObject({ group: z.email() }),
]);

const providerName = z.string().regex(/^[a-z][a-z0-9-]*$/, 'a provider name such as google-workspace');

export const planeSchema = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('AgentsPlane'),
  metadata: z.strictObject({ name: planeIdSchema }),
  spec: z.strictObject({
    identity: z.strictObject({
      provider: providerName,
      domain: z.string().min(1),
      adminEmail: z.email().optional(),
      selector: z.strictObject({ ous: z.array(ouSchema).optional(), groups: z.array(z.email()).optional() }).optional(),
    }),
    infrastructure: z.strictObject({
      provider: providerName,
      project: z.string().optional(),
      region: z.string().default('local'),
      defaults: z
        .strictObject({
          machineType: z.string().min(1).default('e2-medium'),
          diskSizeGb: z.int().min(1).default(20),
          image: z.string().optional(),
        })
        .prefault({}),
    }),
    secrets: z.strictObject({
      provider: providerName,
      project: z.string().optional(),
      /** How old what the plane makes itself may become. */
      rotateAfterDays: z.int().min(1).max(3_650).default(90),
    }),
    networking: z.strictObject({
      provider: providerName,
      egressPolicy: z
        .strictObject({ default: z.enum(['restricted', 'open']).default('restricted'), allowedDomains: z.array(z.string()).default([]) })
        .prefault({}),
    }),
    agents: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(60),
          owner: z.email(),
          machineType: z.string().min(1).optional(),
          modelTier: modelTierSchema.optional(),
          budgetCap: budgetCapSchema.optional(),
          tools: unique(toolSchema).optional(),
          channels: unique(channelSchema).optional(),
        }),
      )
      .default([]),
    policies: z.array(z.strictObject({ match: matchSchema, spec: policySpecSchema })).default([]),
    /** Which model serves a tier, for everybody or an org unit; the deepest unit that names one decides. */
    models: z
      .array(
        z.strictObject({
          match: z.union([z.strictObject({ organization: z.literal(true) }), z.strictObject({ ou: ouSchema })]),
          tiers: z.partialRecord(modelTierSchema, z.string().min(1).max(100)),
        }),
      )
      .default([]),
    /** The version of OpenClaw that new machines get and upgrades go to; the plane\u2019s own unless said. */
    openclaw: z.strictObject({ version: z.string().min(1).max(60).optional() }).prefault({}),
    /** What a change of this definition needs. */
    changes: z
      .strictObject({
        /** Somebody else than who made a plan has to approve it. */
        secondPerson: z.boolean().default(false),
        /** A plan that removes more agents is refused unless its apply says otherwise. */
        maxRemovals: z.int().min(0).default(25),
      })
      .prefault({}),
    /** What is done about a field that was found otherwise; `<part>` or `<part>.<field>` names it, the longer name decides. */
    drift: z
      .strictObject({
        default: z.enum(driftModes).default('heal'),
        fields: z.record(z.string(), z.enum(driftModes)).default({}),
      })
      .prefault({}),
    /** Says when a budget month begins. */
    timeZone: z.string().refine(isTimeZone, 'an IANA time zone such as Europe/Berlin').default('UTC'),
    budget: z.strictObject({ whenExhausted: z.enum(whenExhausted).default('pause') }).prefault({}),
    backup: z
      .strictObject({
        every: z.enum(['daily', 'weekly', 'never']).default('daily'),
        /** For how many days an agent's last backup outlives it; 0 keeps none. The Directory's own undelete window is 20. */
        retentionDays: z.int().min(0).max(3_650).default(20),
      })
      .prefault({}),
  }),
});
export type Plane = z.infer<typeof planeSchema>;
export type Match = z.infer<typeof matchSchema>;

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

export function parseWith<T>(schema: z.ZodType<T>, input: unknown): Parsed<T> {
  const result = schema.safeParse(input);
  return result.success ? { ok: true, value: result.data } : { ok: false, problems: toProblems(result.error, input) };
}

/** Reads a planes.yaml that was already turned into plain values; all problems come at once. */
export const parsePlane = (input: unknown): Parsed<Plane> => parseWith(planeSchema, input);
