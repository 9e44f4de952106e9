import type { Actor, AgentRecord } from '../core/records.ts';

export type Outcome = { readonly state: 'running' | 'done' } | { readonly state: 'failed' | 'skipped'; readonly message: string };

/** What is known of an agent's work when it is looked at. */
export interface Claim {
  /** What `before` answered. */
  readonly before: string;
  readonly startedAt: number;
  /** The operation's own. */
  readonly args: Readonly<Record<string, string>>;
}

/** One kind of work on an agent. */
export interface Work {
  /** Given up as failed after so long, in milliseconds. */
  readonly patienceMs: number;
  /** Something that the work moves once it has begun, read before. Changes nothing. */
  before(agent: AgentRecord): Promise<string>;
  /**
   * Begins what has not begun and says how it stands. Called again and again, perhaps by two processes at once and after a crash at any
   * line: the work is done once all the same. Throws what `PlaneError` calls `conflict` where it cannot be done as the agent stands.
   */
  look(agent: AgentRecord, claim: Claim, by: Actor): Promise<Outcome>;
  /** Also where the agent is gone, which ends every other kind of work. */
  readonly outlives?: boolean;
  /** What `undo` needs to bring an agent back, read before the work begins. Only where there is a way back. */
  former?(agent: AgentRecord): Promise<string>;
  /** As `look`, towards what was before; `before` was read again when the way back began. */
  undo?(agent: AgentRecord, claim: Claim, former: string, by: Actor): Promise<Outcome>;
}

export const running: Outcome = { state: 'running' };
export const done: Outcome = { state: 'done' };
export const failed = (message: string): Outcome => ({ state: 'failed', message });
export const skipped = (message: string): Outcome => ({ state: 'skipped', message });
