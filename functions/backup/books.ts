import { append, agentChain, readHead } from '../core/audit.ts';
import type { AgentRecord, Actor, BackupRecord } from '../core/records.ts';
import type { Store, Transaction } from '../core/store.ts';
import type { Clock, Hashing, Json, Log } from '../core/surroundings.ts';
import type { BackupStore } from './backup-store.ts';
import type { Encryption } from './encryption.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

export const times = {
  /** A backup that was begun takes uploads for so long, each of them for so long at most. */
  receiveMs: 12 * hourMs,
  uploadMs: 2 * hourMs,
  /** After that nothing of an upload can land any more, a request in flight when its deadline passed included. */
  landedMs: 3 * hourMs,
  /** What never became whole is destroyed after so long. */
  unfinishedMs: dayMs,
  keptMs: 7 * dayMs,
} as const;

export interface BackupsDeps {
  readonly store: Store;
  /** Where encrypted bytes lie. */
  readonly backupStore: BackupStore;
  readonly encryption: Encryption;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly log: Log;
  /** A random text of letters, digits and `-`, of 128 bits or more. */
  readonly random: () => string;
  /** For how many days a plane keeps the last backup of an agent that is removed; 0 for none. */
  readonly retentionDaysOf: (planeId: string) => number;
  /** The largest archive that is taken, in bytes before encryption. */
  readonly mostBytes?: number;
}

export const planeActor: Actor = { kind: 'plane', id: 'backups' };

export interface Row {
  readonly actor: Actor;
  readonly action: `backup.${string}`;
  readonly detail?: Json;
}

/** Every change of a backup's record with its row on the agent's chain, in one transaction. */
export function createBooks({ store, clock, hashing }: Pick<BackupsDeps, 'store' | 'clock' | 'hashing'>) {
  /**
   * Puts in a backup's place what `decide` answers, `'gone'` for nothing; no record and no answer change nothing. `decide` may
   * read the agent, may run more than once, and throws to refuse.
   */
  async function change<T extends BackupRecord | 'gone' = BackupRecord>(
    id: string,
    decide: (record: BackupRecord, agent: AgentRecord | undefined) => { readonly next: T; readonly row?: Row } | undefined,
  ): Promise<T | undefined> {
    return store.transact(async (tx) => {
      const record = await tx.get('backups', id);
      if (!record) return undefined;
      const agent = await tx.get('agents', record.agentId);
      const head = await readHead(tx, agentChain(record.agentId), record.planeId);
      const decided = decide(record, agent);
      if (!decided) return undefined;
      const { next, row } = decided;
      if (next === 'gone') tx.delete('backups', id);
      else tx.set('backups', id, next);
      if (row) write(tx, head, id, row);
      return next;
    });
  }

  function write(tx: Transaction, head: Awaited<ReturnType<typeof readHead>>, id: string, row: Row): void {
    append(tx, head, [{ at: clock.now(), target: id, ...row }], hashing);
  }

  /** Answers the record of this id, which may have been there. */
  const add = (record: BackupRecord, row: Row): Promise<BackupRecord> =>
    store.transact(async (tx) => {
      const known = await tx.get('backups', record.id);
      if (known) return known;
      const head = await readHead(tx, agentChain(record.agentId), record.planeId);
      tx.set('backups', record.id, record);
      write(tx, head, record.id, row);
      return record;
    });

  /** All of an agent's, newest first. */
  const ofAgent = (agentId: string): Promise<readonly BackupRecord[]> =>
    store.query('backups', 'byAgent', { equals: [agentId], reverse: true, limit: 500 });

  const newestOf = (records: readonly BackupRecord[]): BackupRecord | undefined =>
    records.find(({ finishedAt, condemned }) => finishedAt !== undefined && !condemned);

  /** Whether it is all that a living agent has: that one outlives its time. */
  async function standing(record: BackupRecord): Promise<boolean> {
    const agent = await store.get('agents', record.agentId);
    if (agent?.desired !== 'running' || agent.incarnation !== record.incarnation || record.finishedAt === undefined) return false;
    return newestOf(await ofAgent(record.agentId))?.id === record.id;
  }

  /** Whole, not to be destroyed, and within its time. */
  async function readable(record: BackupRecord): Promise<boolean> {
    if (record.finishedAt === undefined || record.condemned) return false;
    return record.expiresAt > clock.now() || (await standing(record));
  }

  return { change, add, ofAgent, newestOf, standing, readable };
}
export type Books = ReturnType<typeof createBooks>;
