/* What agents may spend and have spent. Money in micro-dollars. */

/** One owner's spend of one budget month; written by the model gateway alone. Money in micro-dollars. */
export interface BudgetRecord {
  readonly planeId: string;
  readonly ownerId: string;
  readonly agentId: string;
  /** `2026-11`, in the plane's time zone. */
  readonly month: string;
  /** The owner as of the last call, for ledger rows and alerts of calls that are settled later. */
  readonly ownerEmail: string;
  readonly ouPath: string;
  readonly agentName: string;
  /** Of the owner: `department`, `costCenter`. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly capUsd: number;
  readonly spentMicros: number;
  /** What was settled this month. */
  readonly calls?: number;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** What calls under way may cost at most, by reservation. */
  readonly open: Readonly<
    Record<string, { readonly micros: number; readonly until: number; readonly day: string; readonly model: string }>
  >;
  /** When the first of these is given up; absent where none is open. */
  readonly openUntil?: number;
  /** The highest alert that was raised this month, in per cent of the cap of that moment. A larger cap does not take it back. */
  readonly alerted: 0 | 80 | 95 | 100;
}

/** What one owner's agent used of one model on one day; survives the agent. */
export interface LedgerRecord {
  readonly planeId: string;
  readonly ownerId: string;
  readonly agentId: string;
  readonly ownerEmail: string;
  readonly ouPath: string;
  readonly agentName?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** `2026-11-22`, in the plane's time zone. */
  readonly day: string;
  readonly model: string;
  readonly calls: number;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly micros: number;
  /** Of these calls, how many were settled at their whole reservation because no final usage came. */
  readonly unsettled: number;
}

/** An alert that still has to be mailed. */
export interface AlertRecord {
  /** `<ownerId>/<month>/<level>`: each is raised once. */
  readonly id: string;
  readonly planeId: string;
  readonly agentId: string;
  readonly agentName: string;
  readonly ownerEmail: string;
  readonly level: 80 | 95 | 100;
  readonly month: string;
  readonly spentMicros: number;
  readonly capUsd: number;
  readonly at: number;
}
