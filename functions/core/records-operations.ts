import type { operationKinds, operationStates } from '../../shared/views-fleet.ts';
import type { Actor } from './records.ts';

/* Work on many agents. Milliseconds since 1970, UTC. */

/** Agents that are worked on together, and how they stand; the others of `total` wait. */
export interface OperationRing {
  /** `/Canary`, `5 %`, `the rest`. */
  readonly name: string;
  readonly total: number;
  /** How many of its list have begun, or been left out. */
  readonly next: number;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
  /** On their way back to what they were before. */
  readonly undoing: number;
  readonly rolledBack: number;
  /** Those that could not be brought back. */
  readonly stuck: number;
}

/** One thing that is done to many agents. Whoever changes how one of them stands changes its count here in the same transaction. */
export interface OperationRecord {
  readonly id: string;
  readonly planeId: string;
  readonly kind: (typeof operationKinds)[number];
  readonly args: Readonly<Record<string, string>>;
  readonly state: (typeof operationStates)[number];
  readonly by: Actor;
  readonly concurrency: number;
  readonly maxFailurePercent: number;
  readonly rings: readonly OperationRing[];
  /** The ring at work, from 0. */
  readonly ring: number;
  /** Set while those that failed go back among those that wait. */
  readonly retrying?: boolean;
  readonly askedAt: number;
  readonly endedAt?: number;
}

/** A part of a ring's agents as they were chosen, in the order in which they begin. */
export interface OperationListRecord {
  readonly operationId: string;
  readonly ring: number;
  readonly chunk: number;
  readonly agentIds: readonly string[];
}

/** One agent of an operation, from when it began. */
export interface OperationAgentRecord {
  readonly operationId: string;
  readonly agentId: string;
  readonly ownerEmail: string;
  readonly ring: number;
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'skipped' | 'undoing' | 'rolledBack' | 'stuck';
  /** What told, just before it began, whether the work was done: compared with now it says whether it was begun. */
  readonly before: string;
  /** What it goes back to when the operation rolls back. */
  readonly former?: string;
  readonly message?: string;
  readonly startedAt: number;
  readonly endedAt?: number;
}
