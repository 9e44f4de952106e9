import type { Actor } from './records.ts';
import type { Json } from './surroundings.ts';

/** One link of a hash chain; a chain per agent and one per plane. */
export interface AuditRow {
  readonly chain: string;
  readonly seq: number;
  readonly at: number;
  readonly actor: Actor;
  /** `agent.change`, `effect.start apply`, `effect.end apply`, `agent.removed`, `access.refused`, … */
  readonly action: string;
  readonly target: string;
  readonly detail: Json;
  readonly previous: string;
  /** Covers all but itself and the three below, which follow from the chain, from `actor` and from `action`. */
  readonly hash: string;
  readonly planeId: string;
  readonly actorId: string;
  /** `agent` of `agent.change`. */
  readonly family: string;
}

/** A row of a chain by its place; all rows before it follow from its hash. */
export interface AuditPosition {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string;
}

export interface AuditHead extends AuditPosition {
  readonly planeId: string;
  /** When it moved last, in fifteen digits, and its chain: sorts by time, and no two are alike. */
  readonly moved: string;
}

/**
 * What the plane signs each minute in which a chain moved: the new end of each that did. Each checkpoint follows from the one before,
 * so that the newest tells which chains there must be, and how long each is at least. `signature` covers the canonical JSON of the rest.
 */
export interface CheckpointRecord {
  readonly kind: 'openclaw.dev/audit-checkpoint';
  readonly planeId: string;
  readonly seq: number;
  readonly at: number;
  /** SHA-256 of what the checkpoint before signed. */
  readonly previous: string;
  readonly heads: readonly AuditPosition[];
  readonly keyId: string;
  readonly signature: string;
}

export interface CheckpointHead {
  readonly planeId: string;
  readonly seq: number;
  readonly hash: string;
  /** All that moved before is signed, but for transactions that were still on their way then. */
  readonly scannedAt: number;
}
