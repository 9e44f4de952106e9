import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackupStore } from '../../functions/backup/backup-store.ts';
import { createBackups } from '../../functions/backup/backups.ts';
import type { BackupsDeps } from '../../functions/backup/books.ts';
import { createEncryption } from '../../functions/backup/encryption.ts';
import { createFolderBackups } from '../../functions/backup/folder.ts';
import { createIdentity } from '../../functions/backup/identity.ts';
import { verifyAll } from '../../functions/core/audit-trail.ts';
import type { AgentRecord, BackupRecord } from '../../functions/core/records.ts';
import type { Store } from '../../functions/core/store.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { createHandClock, createHeardLog } from '../wake/loopback.ts';

export const [alice, bob] = ['aalicealicealice', 'abobbobbobbobbob'] as const;
export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

export function toAgent(agentId: string, more: Partial<AgentRecord> = {}): AgentRecord {
  const nobody = { value: false, origin: 'test' } as const;
  return {
    ...{ agentId, planeId: 'acme', ownerId: `owner of ${agentId}`, ownerEmail: 'a@acme.test', ownerName: 'A', ouPath: '/', name: 'a' },
    ...{
      desired: 'running',
      reason: 'enabled by user',
      revision: 1,
      incarnation: 1,
      requests: {},
      conditions: [],
      restarts: 0,
      replacements: 0,
      secretsVersion: 1,
      secretsRotatedAt: 0,
    },
    ...{ enabledAt: 0, changedAt: 0 },
    spec: { machineType: 'e2-medium', diskSizeGb: 20, region: 'local', modelTier: 'sonnet', budgetCap: 0, tools: [], channels: [] },
    policy: {
      ...{ agentEnabled: nobody, modelTier: { value: 'sonnet', origin: 'test' }, budgetCap: { value: 0, origin: 'test' } },
      ...{ tools: { value: [], origin: 'test' }, channels: { value: [], origin: 'test' }, machineType: { value: '', origin: 'test' } },
    },
    ...more,
  };
}

export interface WorldOptions {
  readonly retentionDays?: number;
  readonly mostBytes?: number;
  /** What stands between the backups and their store, and between them and the plane's. */
  readonly wrap?: (backupStore: BackupStore) => BackupStore;
  readonly wrapStore?: (store: Store) => Store;
}

/** Backups over a folder, a store in memory and a clock that stands still. */
export function openWorld({ retentionDays = 20, mostBytes, wrap = (each) => each, wrapStore = (each) => each }: WorldOptions = {}) {
  const root = mkdtempSync(join(tmpdir(), 'backups-'));
  const dir = join(root, 'backups');
  const [store, clock, log] = [createMemoryStore(), createHandClock(), createHeardLog()];
  const ctx: Ctx = { signal: new AbortController().signal, log };
  const folder = createFolderBackups({ dir });
  const deps: BackupsDeps = {
    ...{ clock, log, hashing: nodeHashing, random: randomUUID, store: wrapStore(store), backupStore: wrap(folder) },
    ...{ encryption: createEncryption(createIdentity()), retentionDaysOf: () => retentionDays },
    ...(mostBytes === undefined ? {} : { mostBytes }),
  };
  const backups = createBackups(deps);

  const put = (agent: AgentRecord): Promise<void> => store.transact(async (tx) => tx.set('agents', agent.agentId, agent));
  async function make(agentId: string, text: string, reason: BackupRecord['reason'] = 'daily'): Promise<BackupRecord> {
    const agent = await store.get('agents', agentId);
    if (!agent) throw new Error('no agent');
    return backups.receive((await backups.begin(agent, reason)).id, toBytes(text), ctx);
  }
  return {
    ...{ root, dir, store, clock, log, ctx, folder, deps, backups, put, make },
    read: async (id: string): Promise<string> => {
      const { bytes } = await backups.open(id, { kind: 'user', id: 'admin@acme.test' }, ctx);
      return toText(bytes);
    },
    files: (): string[] => readdirSync(dir).sort(),
    fileOf: (id: string): string => join(dir, readdirSync(dir).find((name) => name.includes(id)) ?? ''),
    change(id: string, how: (bytes: Buffer) => Uint8Array): void {
      const path = this.fileOf(id);
      writeFileSync(path, how(readFileSync(path)));
    },
    /** `backup.begin daily`, for each row of an agent's chain. */
    rows: async (agentId: string): Promise<string[]> => {
      const found = await store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 500 });
      return found.map(({ action, actor }) => `${action} ${actor.kind}`);
    },
    async close(): Promise<void> {
      const { faults } = await verifyAll(store, nodeHashing);
      rmSync(root, { recursive: true });
      expect(faults).toEqual([]);
    },
  };
}
export type World = ReturnType<typeof openWorld>;

export async function* toBytes(text: string | Uint8Array, end: () => void = () => undefined): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  end();
}

export async function toText(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
