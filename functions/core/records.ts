import type { AgentSpec, Condition, Phase } from '../../shared/agent.ts';
import type { UserRequests } from '../../shared/directory-schema.ts';
import type { EffectivePolicy } from '../../shared/policy.ts';
import type { SecretReads, Usage, WhatsappState } from '../../shared/sidecar.ts';
import type { AuditPosition } from './records-audit.ts';
import type { NotedReads } from './secret-reads.ts';

/*
 * Every document of the store and who writes it. Nothing is written by two: requests and spec by intake, status by the pass,
 * heartbeats by the sidecar's door, schedule by whoever makes a thing due. Times are milliseconds since 1970, UTC.
 */

/** Written by intake: what the agent should be and why. */
export interface AgentRecord {
  readonly agentId: string;
  readonly planeId: string;
  readonly ownerId: string;
  readonly ownerEmail: string;
  readonly ownerName: string;
  readonly ouPath: string;
  readonly name: string;
  /** Of the owner in the directory: `department`, `costCenter`; what costs are told by. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly desired: 'running' | 'removed';
  /** Why it should be so: `enabled by user`, `suspended`, `deleted`. */
  readonly reason: string;
  /** Grows with every change of anything here. */
  readonly revision: number;
  /** Grows when an agent comes back after it was to be removed. Credentials and receipts belong to one incarnation. */
  readonly incarnation: number;
  readonly spec: AgentSpec;
  readonly policy: EffectivePolicy;
  /** The last valid requests of the directory, kept while the directory holds a typo. */
  readonly requests: UserRequests;
  readonly conditions: readonly Condition[];
  /** How many restarts admins have asked for. */
  readonly restarts: number;
  /** How many fresh machines have been asked for. */
  readonly replacements: number;
  /** The version of the secrets that the plane makes for this agent; grows with each rotation. */
  readonly secretsVersion: number;
  readonly secretsRotatedAt: number;
  /** The version of OpenClaw that its machines come up with, since it was upgraded to it; the plane's unless said. */
  readonly openclaw?: string;
  /** Its machine is off and keeps its disk, and its credentials are refused; grants and network access stay as they are. */
  readonly paused?: { readonly by: string; readonly at: number; readonly reason: string };
  readonly enabledAt: number;
  readonly changedAt: number;
  /** The last time it was to be removed, for the receipt of that removal. */
  readonly removal?: { readonly askedAt: number; readonly reason: string };
}

export const partNames = ['principal', 'secrets', 'access', 'egress', 'machine', 'runtime', 'introduction', 'channels'] as const;
export type PartName = (typeof partNames)[number];

export interface PartStatus {
  readonly state: 'absent' | 'preparing' | 'ready' | 'revoked' | 'failed';
  readonly detail?: string;
}

/** Written by the pass: what was last seen and done. */
export interface StatusRecord {
  readonly agentId: string;
  readonly planeId: string;
  readonly phase: Phase;
  /** The incarnation this status is about; behind the agent's while the former one is still being removed. */
  readonly incarnation: number;
  /** The agent revision that was acted on. */
  readonly revision: number;
  readonly parts: Partial<Record<PartName, PartStatus>>;
  readonly conditions: readonly Condition[];
  /** When the last effect that was started can no longer land. */
  readonly effectsUntil: number;
  readonly restarts: number;
  readonly replacements: number;
  /** The version of the secrets that wait for the machine. */
  readonly secretsVersion: number;
  /** When making this incarnation began. */
  readonly madeFrom?: number;
  readonly removal?: { readonly startedAt: number; readonly revokedAt?: number; readonly reason: string };
  /** Digests of what parts should be that have been so: whatever differs from the same wish later has drifted. */
  readonly settled?: Partial<Record<PartName, string>>;
  /** How many fields have drifted; `drifts` says which. */
  readonly drifted?: number;
  readonly changedAt: number;
}

/** Fences the passes over one agent. */
export interface LeaseRecord {
  readonly agentId: string;
  readonly fence: number;
  readonly holder: string;
  readonly expiresAt: number;
}

/** A thing that is due: the row outlives every lost hint. */
export interface ScheduleRecord {
  /** `pass/<agentId>`, `publish/<agentId>` or `look/<userId>`. */
  readonly key: string;
  readonly dueAt: number;
  readonly attempts: number;
  /** Grows whenever somebody makes it due again, so that a run never overwrites a later wish. */
  readonly stamp: number;
}

/** A mail in the mailbox that the plane itself keeps. */
export interface MailRecord {
  readonly id: string;
  /** ISO 8601, UTC, with milliseconds. */
  readonly date: string;
  readonly from: string;
  /** One bare address. */
  readonly to: string;
  /** `all`, so that a query may ask for everybody's. */
  readonly box: 'all';
  /** `to` in lower case. */
  readonly recipient: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The id of the message that this one answers. */
  readonly inReplyTo?: string;
  /** The ids of the thread up to here, oldest first. */
  readonly references?: readonly string[];
}

/** Written by the sidecar's door. */
export interface HeartbeatRecord {
  readonly agentId: string;
  readonly incarnation: number;
  readonly at: number;
  readonly revision: number;
  readonly live: boolean;
  readonly ready: boolean;
  readonly detail?: string;
  /** The introduction the agent wrote, once it has. */
  readonly introduction?: string;
  /** The version of its secrets that is in force on the machine, `<incarnation>.<version>`. */
  readonly secretsVersion?: string;
  /** How often OpenClaw was started again since the sidecar came up. */
  readonly restarts?: number;
  /** The version of OpenClaw in force. */
  readonly openclaw?: string | undefined;
  readonly whatsapp?: WhatsappState | undefined;
  readonly usage?: Usage | undefined;
  /** What the machine counted last, and what of it the audit trail knows. */
  readonly secretReads?: SecretReads | undefined;
  readonly notedReads?: NotedReads;
  /** The number of the join this boot of the machine came in by. */
  readonly boot: number;
}

/** How many join tokens of this incarnation were traded, so that each is traded once. */
export interface JoinRecord {
  readonly agentId: string;
  readonly incarnation: number;
  readonly count: number;
  readonly joinedAt: number;
}

/** Moves in every transaction that changes what an agent's machine is told, so that one document tells of them all. */
export interface AssignmentRecord {
  readonly agentId: string;
  /** Only ever grows, also over a removal. */
  readonly stamp: number;
}

export interface IntroductionRecord {
  readonly agentId: string;
  readonly incarnation: number;
  readonly sentAt: number;
  readonly by: 'agent' | 'plane';
}

export interface Actor {
  readonly kind: 'user' | 'directory' | 'plane' | 'agent';
  readonly id: string;
  /** The network address that a call came from, and the id of the call. */
  readonly from?: string;
  readonly requestId?: string;
  /** The operation on many agents that this was a part of, or the address of whoever's word the directory's look took in. */
  readonly via?: string;
}

/** Proof of removal; `signature` covers the canonical JSON of all the rest. */
export interface Receipt {
  readonly kind: 'openclaw.dev/removal-receipt';
  readonly planeId: string;
  readonly agentId: string;
  readonly incarnation: number;
  /** The row of the agent's audit chain that says so. */
  readonly seq: number;
  readonly ownerId: string;
  readonly ownerEmail: string;
  readonly reason: string;
  /** When making it began; machines cost from then on. */
  readonly madeFrom?: string;
  readonly requestedAt: string;
  readonly revokedAt: string;
  readonly removedAt: string;
  /** The one thing that is left for a while: the last backup, encrypted, and when it is destroyed. */
  readonly backup?: { readonly id: string; readonly expiresAt: string };
  /** Each listing that was made after the last effect could no longer land, and how much of this agent it still showed: nothing. */
  readonly listings: readonly { readonly what: string; readonly provider: string; readonly at: string; readonly found: 0 }[];
  readonly audit: AuditPosition;
  readonly keyId: string;
  readonly signature: string;
}

/** An owner's message on its way to the agent, and the answer on its way back. */
export interface MessageRecord {
  readonly id: string;
  readonly agentId: string;
  readonly incarnation: number;
  readonly at: number;
  readonly text: string;
  readonly subject: string;
  readonly state: 'waiting' | 'answered';
  readonly answer?: string;
}

export type * from './records-audit.ts';
export type * from './records-directory.ts';
export type * from './records-api.ts';
export type * from './records-care.ts';
export type * from './records-money.ts';
export type * from './records-operations.ts';
export type * from './records-planes.ts';
export type * from './records-plans.ts';
