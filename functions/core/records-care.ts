import type { Actor } from './records.ts';

/* What keeps an agent in good order over the years: errands of its sidecar, backups, wishes for more. Milliseconds since 1970, UTC. */

export const commandKinds = ['backup', 'restore', 'reloadSecrets', 'introduce', 'upgrade', 'whatsappLogin'] as const;
export type CommandKind = (typeof commandKinds)[number];

/** Something an agent's sidecar is to do once, and what came of it. */
export interface CommandRecord {
  readonly id: string;
  readonly agentId: string;
  readonly incarnation: number;
  readonly kind: CommandKind;
  /** What the kind needs to know: a backup's id, a version. Never a secret. */
  readonly args: Readonly<Record<string, string>>;
  readonly state: 'waiting' | 'done' | 'failed';
  readonly askedAt: number;
  /** Given up when it is not done by then. */
  readonly until: number;
  readonly endedAt?: number;
  /** A sentence for people, or the kind's own short answer. */
  readonly result?: string;
}

/** An encrypted copy of an agent's workspace and state. */
export interface BackupRecord {
  readonly id: string;
  readonly planeId: string;
  readonly agentId: string;
  readonly ownerId: string;
  readonly incarnation: number;
  readonly reason: 'daily' | 'asked' | 'reprovision' | 'upgrade' | 'removal';
  readonly startedAt: number;
  /** Absent until the whole of it is stored. */
  readonly finishedAt?: number;
  /** Of what is stored. */
  readonly bytes?: number;
  /** SHA-256 of what is stored, lower-case hex. */
  readonly sha256?: string;
  /** When it is destroyed; a living agent's newest one stays until there is a newer one. */
  readonly expiresAt: number;
  /** Every key of the backup store under which bytes of it may lie, each named here before its first byte was sent. */
  readonly attempts?: readonly { readonly key: string; readonly at: number }[];
  /** The one of them that holds the whole. */
  readonly object?: string;
  /** Public half of the key it is encrypted to (`age1…`). */
  readonly recipient?: string;
  readonly openedAt?: number;
  /** Set when it is to be destroyed; nobody reads it from then on. */
  readonly condemned?: { readonly at: number; readonly why: string; readonly by: Actor };
}

/** An owner's wish for more than policy gives, told by the agent and decided by an admin. */
export interface CapabilityRequestRecord {
  readonly id: string;
  readonly planeId: string;
  readonly agentId: string;
  readonly ownerId: string;
  readonly ownerEmail: string;
  readonly tools: readonly string[];
  readonly channels: readonly string[];
  readonly why: string;
  readonly state: 'waiting' | 'approved' | 'denied';
  readonly askedAt: number;
  readonly decidedAt?: number;
  readonly decidedBy?: string;
  readonly reason?: string;
  /** When the agent was told. */
  readonly toldAt?: number;
}

/** What admins granted one user beyond policy; a layer of its own, within limits. */
export interface GrantRecord {
  readonly id: string;
  readonly planeId: string;
  readonly ownerId: string;
  readonly tools: readonly string[];
  readonly channels: readonly string[];
  readonly grantedBy: string;
  readonly grantedAt: number;
}

/** A machine on its way to be replaced by a fresh one with the same memory. */
export interface CareRecord {
  readonly agentId: string;
  readonly incarnation: number;
  readonly step: 'backup' | 'replace' | 'restore' | 'done' | 'failed';
  readonly startedAt: number;
  /** When the present step began. */
  readonly stepAt: number;
  readonly by: string;
  /** An admin would rather have a machine without memory than none. */
  readonly acceptLoss?: boolean;
  readonly backupId?: string;
  /** The command that the present step waits for; empty before it was asked. */
  readonly commandId?: string;
  /** The count of replacements that this one is. */
  readonly replacements?: number;
  readonly failure?: string;
}

/** An agent on its way to another version of OpenClaw, or how the last one came out. */
export interface UpgradeRecord {
  readonly agentId: string;
  readonly incarnation: number;
  readonly step: 'install' | 'backup' | 'swap' | 'gate' | 'done' | 'rolledBack' | 'failed';
  /** The version that was in force before, once its machine said so. */
  readonly from?: string;
  readonly to: string;
  readonly startedAt: number;
  readonly by: string;
  readonly backupId?: string;
  /** The command that it waits for from the step `backup` on. */
  readonly commandId?: string;
  readonly failure?: string;
}
