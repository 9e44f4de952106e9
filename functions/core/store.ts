import type {
  AgentRecord,
  AlertRecord,
  ApprovalRecord,
  AssignmentRecord,
  AuditHead,
  AuditRow,
  BackupRecord,
  BudgetRecord,
  CapabilityRequestRecord,
  CareRecord,
  ChannelRecord,
  CheckpointHead,
  CheckpointRecord,
  CommandRecord,
  DriftRecord,
  GrantRecord,
  GroupRecord,
  HealRecord,
  HeartbeatRecord,
  HoldRecord,
  IdempotencyRecord,
  IntroductionRecord,
  JoinRecord,
  LeaseRecord,
  LedgerRecord,
  LookRecord,
  MailRecord,
  MessageRecord,
  OperationAgentRecord,
  OperationListRecord,
  OperationRecord,
  PlaneRecord,
  PlanChunkRecord,
  PlanRecord,
  PollRecord,
  PublishedRecord,
  QuotaRecord,
  Receipt,
  ScheduleRecord,
  ServiceRecord,
  StatusRecord,
  UpgradeRecord,
  WalkRecord,
  WishRecord,
} from './records.ts';

export interface Documents {
  agents: AgentRecord;
  statuses: StatusRecord;
  leases: LeaseRecord;
  schedule: ScheduleRecord;
  looks: LookRecord;
  heartbeats: HeartbeatRecord;
  joins: JoinRecord;
  assignments: AssignmentRecord;
  introductions: IntroductionRecord;
  published: PublishedRecord;
  channels: ChannelRecord;
  audit: AuditRow;
  auditHeads: AuditHead;
  checkpoints: CheckpointRecord;
  checkpointHeads: CheckpointHead;
  receipts: Receipt;
  messages: MessageRecord;
  mails: MailRecord;
  services: ServiceRecord;
  groups: GroupRecord;
  walks: WalkRecord;
  approvals: ApprovalRecord;
  holds: HoldRecord;
  quotas: QuotaRecord;
  polls: PollRecord;
  budgets: BudgetRecord;
  ledger: LedgerRecord;
  alerts: AlertRecord;
  commands: CommandRecord;
  backups: BackupRecord;
  requests: CapabilityRequestRecord;
  grants: GrantRecord;
  plans: PlanRecord;
  planChunks: PlanChunkRecord;
  drifts: DriftRecord;
  heals: HealRecord;
  cares: CareRecord;
  upgrades: UpgradeRecord;
  operations: OperationRecord;
  operationLists: OperationListRecord;
  operationAgents: OperationAgentRecord;
  planes: PlaneRecord;
  idempotency: IdempotencyRecord;
  wishes: WishRecord;
}
export type Collection = keyof Documents;

/** Every query that exists: an index is a list of top-level fields, equal on all but the last, in the order of the last. */
export const indexes = {
  agents: {
    byId: ['agentId'],
    byPlane: ['planeId', 'agentId'],
    byChange: ['planeId', 'changedAt'],
    byOwner: ['ownerId'],
    byEmail: ['ownerEmail'],
  },
  statuses: { byPlane: ['planeId', 'agentId'], byChange: ['planeId', 'changedAt'] },
  leases: { byExpiry: ['expiresAt'] },
  schedule: { byDue: ['dueAt'] },
  looks: {},
  heartbeats: {},
  joins: {},
  assignments: {},
  introductions: {},
  published: {},
  channels: { byExpiry: ['expiresAt'] },
  audit: {
    bySeq: ['chain', 'seq'],
    byChain: ['chain', 'at'],
    byPlane: ['planeId', 'at'],
    byActor: ['planeId', 'actorId', 'at'],
    byFamily: ['planeId', 'family', 'at'],
  },
  auditHeads: { byChain: ['chain'], byPlane: ['planeId', 'chain'], byMoved: ['planeId', 'moved'] },
  checkpoints: { bySeq: ['planeId', 'seq'], byTime: ['planeId', 'at'] },
  checkpointHeads: {},
  receipts: { byAgent: ['agentId', 'seq'], byPlane: ['planeId', 'removedAt'] },
  messages: { byState: ['agentId', 'incarnation', 'state', 'at'], byAgent: ['agentId', 'at'] },
  mails: { byDate: ['box', 'date'], byRecipient: ['recipient', 'date'] },
  services: { byScope: ['scope'] },
  groups: { byGroup: ['group', 'chunk'] },
  walks: {},
  approvals: { byState: ['planeId', 'state', 'askedAt'], byPlane: ['planeId', 'askedAt'] },
  holds: { byApproval: ['approvalId', 'agentId'] },
  quotas: {},
  polls: {},
  budgets: { byMonth: ['planeId', 'month', 'ownerId'], byOpenUntil: ['openUntil'] },
  ledger: { byOwner: ['ownerId', 'day'], byDay: ['planeId', 'day', 'ownerId'] },
  alerts: { byPlane: ['planeId', 'at'] },
  commands: { byState: ['agentId', 'incarnation', 'state', 'askedAt'], byAgent: ['agentId', 'askedAt'] },
  backups: { byAgent: ['agentId', 'startedAt'], byExpiry: ['expiresAt'] },
  requests: { byState: ['planeId', 'state', 'askedAt'], byAgent: ['agentId', 'askedAt'] },
  grants: { byOwner: ['ownerId', 'grantedAt'], byId: ['id'] },
  plans: { byState: ['planeId', 'state', 'askedAt'], byPlane: ['planeId', 'askedAt'] },
  planChunks: { byPlan: ['planId', 'chunk'] },
  drifts: { byPlane: ['planeId', 'agentId'] },
  heals: {},
  cares: {},
  upgrades: {},
  operations: { byPlane: ['planeId', 'askedAt'], byState: ['planeId', 'state', 'askedAt'] },
  operationLists: {},
  operationAgents: { byState: ['operationId', 'state', 'ring', 'agentId'] },
  planes: { byId: ['planeId'] },
  idempotency: { byExpiry: ['expiresAt'] },
  wishes: {},
} as const satisfies { [C in Collection]: Readonly<Record<string, readonly (keyof Documents[C] & string)[]>> };

export type Scalar = string | number;

export interface Query {
  /** Values for all index fields but the last. */
  readonly equals?: readonly Scalar[];
  /** Bounds on the last index field: `from` inclusive, `before` exclusive. */
  readonly from?: Scalar;
  readonly before?: Scalar;
  readonly reverse?: boolean;
  /** At most this many documents, 1 to 500. */
  readonly limit: number;
}

export interface Transaction {
  /** All reads come before the first write. */
  get<C extends Collection>(collection: C, id: string): Promise<Documents[C] | undefined>;
  /** Replaces the whole document. */
  set<C extends Collection>(collection: C, id: string, document: Documents[C]): void;
  delete(collection: Collection, id: string): void;
}

/** The reading half of a transaction. */
export type Reads = Pick<Transaction, 'get'>;

/**
 * Documents by id, with queries by declared index only, so that Firestore and SQLite can both serve it.
 * `transact` is serializable and durable when it resolves: the work may run more than once, must touch nothing but the
 * transaction, and throws to change nothing. Documents are plain JSON; `undefined` members are dropped.
 */
export interface Store {
  get<C extends Collection>(collection: C, id: string): Promise<Documents[C] | undefined>;
  query<C extends Collection>(collection: C, index: keyof (typeof indexes)[C] & string, query: Query): Promise<readonly Documents[C][]>;
  transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Waits until a document is another than the caller knows (`undefined`: absent): at once when it is so already, else as
   * soon as such a change is committed by anybody. Resolves as well, without a word, when the signal
   * aborts; rejects when the store cannot tell, or is closed meanwhile. Nothing is held once it has settled.
   */
  changed<C extends Collection>(collection: C, id: string, known: Documents[C] | undefined, signal: AbortSignal): Promise<void>;
  /** Where this process alone writes: tells of each document that is committed, before anybody hears that their transaction is done. */
  hear?(told: (collection: Collection, id: string) => void): void;
  close(): Promise<void>;
}
