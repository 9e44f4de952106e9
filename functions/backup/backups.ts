import { PlaneError } from '../core/errors.ts';
import { note } from '../core/notes.ts';
import type { Actor, AgentRecord, BackupRecord } from '../core/records.ts';
import type { Ctx } from '../core/surroundings.ts';
import { createBooks, dayMs, planeActor, times, type BackupsDeps } from './books.ts';
import { createMeter, untilHashed } from './encryption.ts';
import { createRetention } from './retention.ts';
import { receive } from './upload.ts';

export interface Opened {
  readonly record: BackupRecord;
  /**
   * The archive as it was received. Act on it only once it has ended without an error: the last of it is held back until every
   * stored byte was found unchanged.
   */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** How soon a backup may be opened again, so that nobody fills the audit log by reading. */
const pauseMs = 10_000;

/**
 * The backups of agents: encrypted, whole or not there, destroyed on time, each step with an audit row. A record names every key
 * under which bytes may lie before the first of them is sent, so whatever a crash leaves is found from the records. Objects
 * without a record, which only a lost or older store of the plane leaves behind, are destroyed as well: put `expire` off while
 * such a store is being restored.
 */
export function createBackups(deps: BackupsDeps) {
  const { store, backupStore, encryption, clock, random } = deps;
  const books = createBooks(deps);
  const retention = createRetention(deps, books);

  /** Durable before it resolves; takes its bytes within twelve hours. With an `id`, beginning it again answers the same one. */
  async function begin(
    agent: AgentRecord,
    reason: BackupRecord['reason'],
    actor: Actor = planeActor,
    id = random(),
  ): Promise<BackupRecord> {
    const { planeId, agentId, ownerId, incarnation } = agent;
    if (reason === 'removal' && deps.retentionDaysOf(planeId) === 0) {
      throw new PlaneError('preconditionFailed', `cannot back up agent ${agentId}: plane ${planeId} keeps nothing of removed agents`);
    }
    const startedAt = clock.now();
    const expiresAt = startedAt + times.unfinishedMs;
    const record = { id, planeId, agentId, ownerId, incarnation, reason, startedAt, expiresAt, attempts: [] };
    return books.add(record, { actor, action: 'backup.begin', detail: { reason, changes: [{ field: 'state', from: null, to: 'begun' }] } });
  }

  const damaged = (id: string, fact: string): PlaneError =>
    new PlaneError('conflict', `cannot open backup ${id}: ${fact}; restore another one`);

  async function stored({ id, object }: BackupRecord, ctx: Ctx): Promise<AsyncIterable<Uint8Array>> {
    const bytes = object === undefined ? undefined : await backupStore.get(object, ctx);
    if (bytes) return bytes;
    throw damaged(id, 'its bytes are gone');
  }

  /** Reads all that is stored and compares. */
  async function verify(record: BackupRecord, ctx: Ctx): Promise<void> {
    const meter = createMeter();
    for await (const _chunk of meter.through(await stored(record, ctx))) ctx.signal.throwIfAborted();
    if (meter.bytes() !== record.bytes) throw damaged(record.id, `${meter.bytes()} bytes are stored instead of ${record.bytes ?? 'some'}`);
    if (meter.sha256() !== record.sha256) throw damaged(record.id, 'what is stored was changed');
  }

  async function take(id: string, actor: Actor): Promise<BackupRecord> {
    const recipient = await encryption.recipient();
    const found = await store.get('backups', id);
    if (!found || !(await books.readable(found))) throw new PlaneError('notFound', `cannot open backup ${id}: there is no such backup`);
    const taken = await books.change(id, (record) => {
      const now = clock.now();
      if (record.condemned) return undefined;
      if (record.recipient !== recipient) {
        const remedy = 'put back the backup.key it was made with';
        throw new PlaneError(
          'preconditionFailed',
          `cannot open backup ${id}: it is encrypted to ${record.recipient ?? 'nobody'}; ${remedy}`,
        );
      }
      if (record.openedAt !== undefined && record.openedAt + pauseMs > now) {
        throw new PlaneError('tooManyRequests', `cannot open backup ${id}: it was opened just now; try again in ${pauseMs / 1000} s`);
      }
      return { next: { ...record, openedAt: now }, row: { actor, action: 'backup.read' } };
    });
    if (taken) return taken;
    throw new PlaneError('notFound', `cannot open backup ${id}: there is no such backup`);
  }

  /**
   * Reads everything once to compare it with what was stored, then answers it decrypted. Throws `notFound`; `conflict` where a byte was
   * changed or lost, which the audit tells as well; `tooManyRequests` within ten seconds of the last time.
   */
  async function open(id: string, actor: Actor, ctx: Ctx): Promise<Opened> {
    const record = await take(id, actor);
    try {
      await verify(record, ctx);
    } catch (error) {
      if (!(error instanceof PlaneError) || error.code !== 'conflict') throw error;
      const row = { actor: planeActor, action: 'backup.damaged', target: id, detail: error.message } as const;
      await note({ agentId: record.agentId }, row, deps);
      throw error;
    }
    const changed = (): PlaneError => damaged(id, 'what is stored was changed while it was read');
    const whole = untilHashed(await stored(record, ctx), record.sha256 ?? '', changed);
    return { record, bytes: await encryption.decrypt(whole) };
  }

  /** Those that can be opened, newest first. */
  async function latest(agentId: string): Promise<readonly BackupRecord[]> {
    const records = await books.ofAgent(agentId);
    const readable = await Promise.all(records.map((record) => books.readable(record)));
    return records.filter((_, at) => readable[at]);
  }

  return {
    begin,
    receive: (id: string, bytes: AsyncIterable<Uint8Array>, ctx: Ctx, wanted?: { readonly sha256?: string }) =>
      receive(id, bytes, ctx, wanted ?? {}, deps, books),
    open,
    latest,
    ...retention,
    /** Days that the last backup of a removed agent is kept. */
    retentionMsOf: (planeId: string): number => deps.retentionDaysOf(planeId) * dayMs,
  };
}
export type Backups = ReturnType<typeof createBackups>;
