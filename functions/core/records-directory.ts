/* What the plane knows of the directory, and what it makes of it. Times are milliseconds since 1970, UTC. */

/** How many looks at a user have begun, and when the latest did. */
export interface LookRecord {
  readonly userId: string;
  readonly seq: number;
  readonly beganAt: number;
}

/** A service or Marketplace app switched on or off for a part of the company; the event with the latest time counts. */
export interface ServiceRecord {
  /** `organization`, `ou:/Sales` or `group:x@acme.test`. */
  readonly scope: string;
  readonly enabled: boolean;
  readonly at: number;
}

/** Who was in a group when its members were last listed; large groups take several chunks. */
export interface GroupRecord {
  readonly group: string;
  readonly chunk: number;
  readonly members: readonly string[];
  readonly readAt: number;
}

/** How far a round through the whole directory has come. */
export interface WalkRecord {
  readonly name: string;
  /** The wish it answers: a later one begins it anew. */
  readonly stamp: number;
  readonly startedAt: number;
  /** Asks for the next page; absent before the first. */
  readonly token?: string;
  /** The last address that was seen: whoever has an agent and an address up to the next page's last is seen there, or is gone. */
  readonly last: string;
  readonly pages: number;
  /** Addresses came in another order than the store's, so that somebody who was deleted may have been passed over. */
  readonly unordered?: true;
  /** Past the last page: those who were deleted are read from here on, and then it is decided. */
  readonly ending?: { readonly token?: string };
  /** How many pages the round before this one took. */
  readonly lastPages: number;
  /** When the latest round that was read through to its end began. */
  readonly readAt?: number;
}

/**
 * Agents that one look at the directory would create or remove through policy alone, more than may go unasked. `counting`
 * while the look still goes on, `withdrawn` when policy no longer wants it.
 */
export interface ApprovalRecord {
  readonly id: string;
  readonly planeId: string;
  readonly state: 'counting' | 'waiting' | 'approved' | 'denied' | 'withdrawn';
  readonly creates: number;
  readonly removes: number;
  readonly askedAt: number;
  readonly decidedAt?: number;
  readonly decidedBy?: string;
  readonly reason?: string;
}

/** Keeps one agent, or its absence, as it is until its approval is decided. */
export interface HoldRecord {
  readonly agentId: string;
  readonly planeId: string;
  readonly approvalId: string;
  readonly userId: string;
  readonly ownerEmail: string;
  readonly to: 'running' | 'removed';
  /** When a walk last saw that policy wants it. */
  readonly seenAt: number;
}

/** What is left of a share of a quota, as of a time; processes take it in portions. */
export interface QuotaRecord {
  readonly lane: string;
  readonly left: number;
  readonly at: number;
}

/** Up to when the directory's audit log has been read. */
export interface PollRecord {
  readonly application: string;
  readonly readUntil: number;
}

/** What was last written to the directory for an agent. */
export interface PublishedRecord {
  readonly agentId: string;
  readonly agentStatus: string;
  readonly lastHeartbeat: string;
  readonly at: number;
  /** Pushes still expected that only tell of our own writing, each good for one push until `echoUntil`. */
  readonly echoes: number;
  readonly echoUntil: number;
}

export interface ChannelRecord {
  readonly id: string;
  readonly token: string;
  readonly resourceId: string;
  readonly expiresAt: number;
}
