import { contract, type ContractRow, type Operation } from '../../shared/contract.ts';
import { adminToken, type Doors } from './doors.ts';
import { fill } from './intruder.ts';
import type { Random } from './random.ts';
import type { SecretReaders } from './secret-readers.ts';
import type { Memory } from './store-port.ts';
import { planeId } from './wiring.ts';

export interface AdminReaderDeps {
  readonly documents: Memory;
  readonly doors: () => Promise<Doors>;
  readonly readers: SecretReaders;
  readonly tally: { shown: number };
  readonly fail: (what: string) => void;
}

const readable = (Object.keys(contract) as Operation[]).filter((operation) => contract[operation].method === 'get');
/** Without these they answer that something is missing. */
const queries: Partial<Record<Operation, string>> = { listUsers: '?q=user', costReport: '?period=month' };

/** An admin who asks for everything in turn, and must never be shown a secret that is in force. */
export function createAdminReader({ documents, doors, readers, tally, fail }: AdminReaderDeps) {
  let turn: number | undefined;

  return async function readOnce(agentId: string, random: Random): Promise<void> {
    turn = ((turn ?? random.between(0, readable.length - 1)) + 1) % readable.length;
    const operation = readable[turn] ?? 'me';
    const row: ContractRow = contract[operation];
    const agent = documents.peek('agents', agentId);
    const names = { planeId, agentId, userKey: agent?.ownerId || 'user1' };
    const { status, text } = await (await doors()).call('GET', `${fill(row.path, names)}${queries[operation] ?? ''}`, adminToken);
    if (status >= 500) fail(`6: ${operation} answers an admin with ${status}: ${text}`);
    if (status < 300) tally.shown += 1;
    if (readers.values().some((value) => text.includes(value))) fail(`6: ${operation} shows an admin a secret that is in force`);
  };
}
