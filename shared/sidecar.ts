import { z } from 'zod';
import { agentIdSchema, channelSchema, toolSchema } from './agent.ts';

/*
 * What a sidecar and the plane say to each other. The sidecar calls, the plane answers; every call but join carries
 * `Authorization: Bearer <session token>`. What the plane answers is read by scripts/sidecar/answers.ts.
 */

export { gatewayTokenName, modelKeyName } from './sidecar-names.ts';

/** `POST /agent/join`: trades a one-time join token for a session. */
export const joinRequestSchema = z.strictObject({ token: z.string().min(1).max(512) });
export const joinAnswerSchema = z.object({ token: z.string(), expiresAt: z.int() });

/** An errand for the sidecar. `kind` is a `CommandKind`; one that a sidecar does not know fails. */
const commandSchema = z.object({ id: z.string().max(100), kind: z.string().max(40), args: z.record(z.string(), z.string()) });

/** `GET /agent/assignment?after=<version>`: held open for at most 25 s while nothing is newer; then 204. */
export const assignmentSchema = z.object({
  version: z.string(),
  agentId: agentIdSchema,
  planeId: z.string(),
  incarnation: z.int(),
  boot: z.int(),
  name: z.string(),
  company: z.string(),
  owner: z.object({ name: z.string(), email: z.string() }),
  tools: z.array(toolSchema),
  channels: z.array(channelSchema),
  model: z.object({
    /** OpenClaw's own word for the wire format of the model gateway. */
    api: z.enum(['openai-completions', 'anthropic-messages']),
    baseUrl: z.url(),
    id: z.string(),
    contextWindow: z.int(),
    maxTokens: z.int(),
  }),
  /** False once the owner has an introduction: BOOTSTRAP.md is removed then and never written again. */
  introduce: z.boolean(),
  /** Owner messages that wait for an answer, oldest first. */
  messages: z.array(z.object({ id: z.string(), text: z.string() })),
  /** What is to be done once each, oldest first; listed until its result was taken. */
  commands: z.array(commandSchema).default([]),
  /** What the agent is to be told in its main session once each; listed until a heartbeat says that it was. */
  notices: z.array(z.object({ id: z.string(), text: z.string() })).default([]),
  /** Stands for the values of the agent's secrets: another one says that they changed. */
  secretsVersion: z.string().max(100).default(''),
});

const resultSchema = z.strictObject({
  id: z.string().max(100),
  ok: z.boolean(),
  /** A sentence for people, or the kind's own short answer. */
  result: z.string().max(20_000),
});

/** Linking WhatsApp while it goes on. `qr` is an image as a data URL, of no use after `expiresAt` (milliseconds since 1970). */
const whatsappSchema = z.strictObject({
  state: z.enum(['showing', 'connected', 'failed']),
  qr: z.string().max(60_000).optional(),
  expiresAt: z.int().optional(),
});

const usageSchema = z.strictObject({
  /** The days that the totals span, back from today. */
  days: z.int().min(1).max(366),
  inputTokens: z.int().min(0),
  outputTokens: z.int().min(0),
  totalTokens: z.int().min(0),
});

const countsSchema = z.record(z.string().max(300), z.int().min(0)).refine((counts) => Object.keys(counts).length <= 100);

/** How often each secret was read from the agent's namespace, by name and never with a value; and what the machine refused. */
const secretReadsSchema = z.strictObject({
  /** When counting began, milliseconds since 1970: another one stands for another run of the sidecar. */
  since: z.int(),
  /** For the agent's own process, and for the sidecar itself. */
  agent: countsSchema,
  sidecar: countsSchema,
  /** How often the agent asked for a secret that is not for it, and its OpenClaw refused a change of its config. */
  refused: z.strictObject({ secrets: z.int().min(0), config: z.int().min(0) }),
});

/** `POST /agent/heartbeat`. `live` is the gateway's /healthz, `ready` its /readyz. */
export const heartbeatSchema = z.strictObject({
  /** The assignment that is in force on the machine. */
  version: z.string().max(100),
  live: z.boolean(),
  ready: z.boolean(),
  detail: z.string().max(500).optional(),
  /** The introduction the agent wrote, once it has. */
  introduction: z.string().max(20_000).optional(),
  answers: z
    .array(z.strictObject({ id: z.string(), text: z.string().max(20_000) }))
    .max(20)
    .default([]),
  /** What came of commands, each repeated until the assignment lists its command no more. */
  results: z.array(resultSchema).max(20).default([]),
  /** The notices the agent was told, each repeated until the assignment lists it no more. */
  told: z.array(z.string().max(100)).max(50).default([]),
  /** The `secretsVersion` whose values OpenClaw runs with. */
  secretsVersion: z.string().max(100).default(''),
  /** How often OpenClaw was started again since this sidecar came up. */
  restarts: z.int().min(0).default(0),
  /** The OpenClaw in force. */
  openclaw: z.string().max(50).optional(),
  whatsapp: whatsappSchema.optional(),
  usage: usageSchema.optional(),
  secretReads: secretReadsSchema.optional(),
});
/** A fresh session token comes with the answer when the present one is past half its life. */
export const heartbeatAnswerSchema = z.object({ token: z.string().optional() });

/** `POST /agent/secrets`: the names of the machine's own secrets, and the values of those that it asks for. */
export const secretsAskSchema = z.strictObject({ names: z.array(z.string().min(1).max(100)).max(20).default([]) });
export const secretsAnswerSchema = z.object({ names: z.array(z.string()), values: z.record(z.string(), z.string()) });

/** The longest reason an agent may give, in characters. */
export const longestWhy = 500;

/** `POST /agent/requests`: an agent asks an admin for more than policy gives. */
export const capabilityAskSchema = z.strictObject({
  tools: z.array(toolSchema).max(20).default([]),
  channels: z.array(channelSchema).max(20).default([]),
  why: z.string().trim().min(1).max(longestWhy),
});
export const capabilityAnswerSchema = z.object({ id: z.string(), state: z.literal('waiting') });

export type Assignment = z.infer<typeof assignmentSchema>;
export type CommandOrder = z.infer<typeof commandSchema>;
export type CommandResult = z.infer<typeof resultSchema>;
export type WhatsappState = z.infer<typeof whatsappSchema>;
export type SecretReads = z.infer<typeof secretReadsSchema>;
export type Usage = z.infer<typeof usageSchema>;
export type HeartbeatReport = z.input<typeof heartbeatSchema>;
