import { createHash } from 'node:crypto';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { AgentRecord, BackupRecord } from '../core/records.ts';
import type { Ctx } from '../core/surroundings.ts';
import { dayMs, planeActor, times, type BackupsDeps, type Books } from './books.ts';
import { createMeter } from './encryption.ts';

const gib = 1024 ** 3;
const mostAttempts = 10;

const refuse = (id: string, fact: string, code: 'conflict' | 'notFound' | 'invalid' = 'conflict'): PlaneError =>
  new PlaneError(code, `cannot receive backup ${id}: ${fact}; begin another one`);

/** The agent a backup was begun for must still be as it was; the last one of an agent outlives it. */
const stillWanted = ({ reason, incarnation }: BackupRecord, agent: AgentRecord | undefined): boolean =>
  reason === 'removal' || (agent?.desired === 'running' && agent.incarnation === incarnation);

function checkOpen(record: BackupRecord, agent: AgentRecord | undefined): void {
  if (record.condemned) throw refuse(record.id, 'it is to be destroyed');
  if (record.finishedAt !== undefined) throw refuse(record.id, 'it is finished');
  if (!stillWanted(record, agent)) throw refuse(record.id, 'its agent is no longer what it was');
}

/** What a sender broke off is no fault of the store's. */
async function* fromSender(id: string, plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* plain;
  } catch (cause) {
    throw new PlaneError('invalid', `cannot receive backup ${id}: its sender broke off; send it again`, { cause });
  }
}

/** Passes the archive on; what is empty, too large or not what its sender hashed ends in an error before its last byte counts. */
async function* checked(id: string, plain: AsyncIterable<Uint8Array>, mostBytes: number, wanted?: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of fromSender(id, plain)) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new PlaneError('invalid', `cannot receive backup ${id}: it is larger than ${mostBytes} bytes; send less`);
    hash.update(chunk);
    yield chunk;
  }
  if (bytes === 0) throw new PlaneError('invalid', `cannot receive backup ${id}: it is empty; send an archive`);
  if (wanted !== undefined && hash.digest('hex') !== wanted) {
    throw new PlaneError('invalid', `cannot receive backup ${id}: what came is not what was sent; send it again`);
  }
}

/**
 * Encrypts and stores an archive. It counts once it is whole, and then one alone does: of two senders at once the second is told
 * `conflict`. Each attempt lies under a key of its own, so that none disturbs another. `sha256` is what the sender says of the archive
 * (lower-case hex), and refused as `invalid` where it is not so.
 */
export async function receive(
  id: string,
  plain: AsyncIterable<Uint8Array>,
  ctx: Ctx,
  wanted: { readonly sha256?: string },
  deps: BackupsDeps,
  books: Books,
): Promise<BackupRecord> {
  const { backupStore, encryption, clock, random, mostBytes = 5 * gib } = deps;
  const at = clock.now();
  const recipient = await encryption.recipient();
  const begun = await books.change(id, (record, agent) => {
    checkOpen(record, agent);
    const { attempts = [], planeId, agentId, startedAt } = record;
    if (startedAt + times.receiveMs <= at) throw refuse(id, 'it was begun too long ago');
    if (attempts.length >= mostAttempts) throw refuse(id, `it was sent ${mostAttempts} times`);
    const key = `${planeId}/${agentId}/${id}/${at}-${random()}.age`;
    return { next: { ...record, attempts: [...attempts, { key, at }] } };
  });
  const key = begun?.attempts?.at(-1)?.key;
  if (key === undefined) throw refuse(id, 'there is no such backup', 'notFound');

  const signal = AbortSignal.any([ctx.signal, clock.deadline(times.uploadMs)]);
  const meter = createMeter();
  const encrypted = await encryption.encrypt(checked(id, plain, mostBytes, wanted.sha256));
  await backupStore.put(key, meter.through(encrypted), { ...ctx, signal });
  const [bytes, sha256] = [meter.bytes(), meter.sha256()];

  try {
    const finished = await books.change(id, (record, agent) => {
      checkOpen(record, agent);
      const finishedAt = clock.now();
      if (at + times.landedMs <= finishedAt) throw refuse(id, 'it took too long');
      const keptMs = record.reason === 'removal' ? deps.retentionDaysOf(record.planeId) * dayMs : times.keptMs;
      const next = { ...record, finishedAt, bytes, sha256, recipient, object: key, expiresAt: finishedAt + keptMs };
      const actor = record.reason === 'removal' ? planeActor : ({ kind: 'agent', id: record.agentId } as const);
      return { next, row: { actor, action: 'backup.finish', detail: { bytes, sha256 } } };
    });
    if (finished) return finished;
    throw refuse(id, 'there is no such backup', 'notFound');
  } catch (error) {
    // A transaction whose answer was lost may have happened all the same: only what was refused is given back.
    if (error instanceof PlaneError && (error.code === 'conflict' || error.code === 'notFound')) await giveBack(key, ctx, deps);
    throw error;
  }
}

async function giveBack(key: string, ctx: Ctx, { backupStore, clock, log }: BackupsDeps): Promise<void> {
  try {
    await backupStore.delete(key, { ...ctx, signal: clock.deadline(60_000) });
  } catch (error) {
    log.warn(`cannot delete a backup that came to nothing: ${toMessage(error)}; it goes with its record`, { key });
  }
}
