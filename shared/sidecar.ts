import { z } from 'zod';
import { agentIdSchema, channelSchema, toolSchema } from './agent.ts';

/*
 * What a sidecar and the plane say to each other. The sidecar calls, the plane answers; every call but join carries
 * `Authorization: Bearer <session token>`.
 */

/** `POST /agent/join`: trades a one-time join token for a session. */
export const joinRequestSchema = z.strictObject({ token: z.string().min(1).max(512) });
export const joinAnswerSchema = z.object({ token: z.string(), expiresAt: z.int() });

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
});
/** A fresh session token comes with the answer when the present one is past half its life. */
export const heartbeatAnswerSchema = z.object({ token: z.string().optional() });

export type Assignment = z.infer<typeof assignmentSchema>;
export type HeartbeatReport = z.input<typeof heartbeatSchema>;

/** The names under which a machine finds its own secrets in its namespace; the join token is the one whose name starts with `join/`. */
export const gatewayTokenName = 'gateway/token';
export const modelKeyName = 'model/apiKey';
