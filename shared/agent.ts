import { z } from 'zod';

export const modelTiers = ['haiku', 'sonnet', 'opus'] as const;
export const tools = ['calendar', 'crm', 'email', 'exec', 'github', 'ssh'] as const;
export const channels = ['email', 'googlechat', 'slack', 'telegram', 'whatsapp'] as const;
export const phases = ['pending', 'provisioning', 'running', 'paused', 'removing', 'removed'] as const;

/** The largest monthly budget any layer may name, in whole US dollars. */
export const largestBudgetUsd = 1_000_000;

export const modelTierSchema = z.enum(modelTiers);
export const toolSchema = z.enum(tools);
export const channelSchema = z.enum(channels);
export const budgetCapSchema = z.int().min(0).max(largestBudgetUsd);

export type ModelTier = (typeof modelTiers)[number];
export type Tool = (typeof tools)[number];
export type Channel = (typeof channels)[number];
export type Phase = (typeof phases)[number];
export type Health = 'green' | 'yellow' | 'red' | 'unknown';

/** What an agent should be. Money in whole US dollars a month, disk in GiB as REQUIREMENTS §1.2.2 names it. */
export interface AgentSpec {
  readonly modelTier: ModelTier;
  readonly budgetCap: number;
  readonly tools: readonly Tool[];
  readonly channels: readonly Channel[];
  readonly machineType: string;
  readonly diskSizeGb: number;
  readonly region: string;
  readonly image?: string;
}

/** A named fact about an agent with the reason for it. */
export interface Condition {
  readonly type:
    | 'InvalidSpec'
    | 'AmbiguousPlane'
    | 'OwnedByAnother'
    | 'ProviderFailed'
    | 'NoHeartbeat'
    | 'ChannelNotReady'
    | 'NeedsApproval'
    | 'BudgetExhausted'
    | 'Drifted';
  readonly message: string;
}

/** Health by heartbeat age: green up to two intervals, yellow up to five minutes, red beyond. Ages in milliseconds. */
export function toHealth(heartbeatAgeMs: number | undefined, intervalMs = 30_000): Health {
  if (heartbeatAgeMs === undefined) return 'unknown';
  if (heartbeatAgeMs <= 2 * intervalMs) return 'green';
  return heartbeatAgeMs <= 300_000 ? 'yellow' : 'red';
}

const base32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** `a` and fifteen characters of lower-case base32 of SHA-256(planeId, ownerId): with the prefix `oc-` it fits every cloud's limits. */
export function toAgentId(planeId: string, ownerId: string, sha256Hex: (text: string) => string): string {
  const hex = sha256Hex(`${planeId}\n${ownerId}`);
  let bits = '';
  for (const digit of hex.slice(0, 20)) bits += Number.parseInt(digit, 16).toString(2).padStart(4, '0');
  let id = 'a';
  for (let at = 0; at < 75; at += 5) id += base32.charAt(Number.parseInt(bits.slice(at, at + 5), 2));
  return id;
}

export const agentIdSchema = z.string().regex(/^a[a-z2-7]{15}$/);
export const planeIdSchema = z.string().regex(/^[a-z](?:[a-z0-9-]{0,18}[a-z0-9])?$/, 'a DNS label of at most 20 characters');
