import type { Plane } from '../../shared/plane.ts';
import type { PlanChange, PlannedAgent, planStates } from '../../shared/views-fleet.ts';
import type { Json } from './surroundings.ts';

/* What a change would do, before it is done, and what was found otherwise than it should be. Times are milliseconds since 1970, UTC. */

/** Written by whoever makes, applies or decides a plan. */
export interface PlanRecord {
  readonly id: string;
  readonly planeId: string;
  readonly state: (typeof planStates)[number];
  readonly hash: string;
  /** The definition's revision it was made on. */
  readonly base: number;
  readonly change: PlanChange;
  /** The definition as it would be. */
  readonly definition: Plane;
  readonly askedAt: number;
  readonly askedBy: string;
  readonly decidedAt?: number;
  readonly decidedBy?: string;
  readonly reason?: string;
  readonly needsApproval: boolean;
  /** How many removals whoever applied it agreed to, kept while it waits for a second person. */
  readonly maxRemovals?: number;
  /** Who applied it, from when it waits for a second person on. */
  readonly appliedBy?: string;
  /** Set before a user's page is written, so that a crash in between is finished and not taken for a change by others. */
  readonly begun?: boolean;
  readonly counts: { readonly agents: number; readonly creates: number; readonly removes: number; readonly changes: number };
  readonly budgetDeltaUsd: number;
  readonly machineDeltaUsd: number | null;
  readonly changes: readonly { readonly path: string; readonly from: Json; readonly to: Json }[];
  readonly sentences: readonly string[];
  readonly refusals: readonly string[];
  readonly warnings: readonly string[];
}

/** Some of the agents that a plan touches, in the order of the directory. */
export interface PlanChunkRecord {
  readonly planId: string;
  readonly chunk: number;
  readonly agents: readonly PlannedAgent[];
}

/** Written by the pass: what it found otherwise on parts that had been as they should; absent where nothing is. */
export interface DriftRecord {
  readonly agentId: string;
  readonly planeId: string;
  readonly ownerEmail: string;
  readonly ouPath: string;
  readonly fields: readonly {
    readonly part: string;
    /** `present` where the whole part is gone. */
    readonly field: string;
    readonly wanted: Json;
    readonly found: Json;
    readonly mode: 'heal' | 'alert' | 'ignore';
    readonly since: number;
  }[];
}

/** An admin's wish that an agent's drift be healed once, whatever the plane says about such fields; the pass deletes it. */
export interface HealRecord {
  readonly agentId: string;
  readonly askedAt: number;
  readonly by: string;
}
