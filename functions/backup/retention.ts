import { PlaneError, toMessage } from '../core/errors.ts';
import { note } from '../core/notes.ts';
import type { Actor, AgentRecord, BackupRecord } from '../core/records.ts';
import type { Ctx } from '../core/surroundings.ts';
import { dayMs, hourMs, planeActor, times, type BackupsDeps, type Books } from './books.ts';

export interface Expired {
  readonly destroyed: number;
  /** Objects without a record. */
  readonly orphans: number;
  /** Whether more is due than was done. */
  readonly more: boolean;
}

const mostDue = 500;
const mostLooks = 5_000;
/** What follows the `a` of an agent id: lower-case base32. */
const slices = 'abcdefghijklmnopqrstuvwxyz234567';
const keyForm = /^[a-z0-9-]+\/[a-z0-9]+\/([\w-]+)\/(\d+)-[\w-]+\.age$/;

/** The end of backups. */
export function createRetention(deps: BackupsDeps, books: Books) {
  const { store, backupStore, clock, log } = deps;

  /** When the last upload that is not known to be whole can no longer land. */
  const flyingUntil = ({ attempts = [], object }: BackupRecord): number =>
    Math.max(0, ...attempts.filter(({ key }) => key !== object).map(({ at }) => at + times.landedMs));

  /**
   * Nobody reads it from here on; its bytes go at once, its record once no upload of it can land any more. May be called again; absent
   * is fine. Answers whether nothing is left.
   */
  async function destroy(id: string, why: string, actor: Actor, ctx: Ctx): Promise<boolean> {
    const record = await books.change(id, (current) => {
      const at = clock.now();
      if (current.condemned) return { next: current };
      return { next: { ...current, condemned: { at, why, by: actor }, expiresAt: Math.min(current.expiresAt, at) } };
    });
    if (!record) return true;
    for (const { key } of record.attempts ?? []) await backupStore.delete(key, ctx);
    const until = flyingUntil(record);
    const left = await books.change<BackupRecord | 'gone'>(id, (current) => {
      if (until > clock.now()) return { next: { ...current, expiresAt: until } };
      const { condemned, reason, bytes } = current;
      const detail = { reason, why: condemned?.why ?? why, ...(bytes === undefined ? {} : { bytes }) };
      return { next: 'gone', row: { actor: condemned?.by ?? actor, action: 'backup.destroy', detail } };
    });
    return left === undefined || left === 'gone';
  }

  /**
   * What stays of an agent that is to be removed, once its last backup has finished or was given up: the newest one, until the
   * plane's retention after the removal was asked for; all others are destroyed. May be called again. Answers the one that stays.
   */
  async function conclude(agent: AgentRecord, ctx: Ctx): Promise<BackupRecord | undefined> {
    const records = await books.ofAgent(agent.agentId);
    const keptMs = deps.retentionDaysOf(agent.planeId) * dayMs;
    const until = (agent.removal?.askedAt ?? agent.changedAt) + keptMs;
    const newest = books.newestOf(records);
    // One of an earlier life has its term from then.
    const expiresAt = newest?.incarnation === agent.incarnation ? until : (newest?.expiresAt ?? 0);
    const stays = keptMs > 0 && expiresAt > clock.now() ? newest : undefined;
    for (const { id } of records) if (id !== stays?.id) await destroy(id, 'its agent was removed', planeActor, ctx);
    if (!stays || stays.expiresAt === expiresAt) return stays;
    return books.change(stays.id, (record) => {
      if (record.condemned) return undefined;
      const detail = { until: new Date(expiresAt).toISOString() };
      return { next: { ...record, expiresAt }, row: { actor: planeActor, action: 'backup.keep', detail } };
    });
  }

  async function expireOne(record: BackupRecord, ctx: Ctx): Promise<boolean> {
    if (record.condemned || !(await books.standing(record))) return destroy(record.id, 'its time had come', planeActor, ctx);
    await books.change(record.id, (current) => (current.condemned ? undefined : { next: { ...current, expiresAt: clock.now() + dayMs } }));
    return false;
  }

  /** Each hour another slice of the agents, all of them within two days, also when it runs once a day within 32. */
  function sliceAt(now: number): string {
    const turn = Math.floor(now / hourMs) + Math.floor(now / dayMs);
    return `a${slices[turn % slices.length] ?? ''}`;
  }

  async function destroyOrphans(planeId: string, ctx: Ctx): Promise<number> {
    const now = clock.now();
    let [looks, orphans] = [0, 0];
    for await (const { key, bytes } of backupStore.list(`${planeId}/${sliceAt(now)}`, ctx)) {
      const [, id, at] = keyForm.exec(key) ?? [];
      if (id === undefined || Number(at) + dayMs > now) continue;
      looks += 1;
      if (looks > mostLooks) break;
      const record = await store.get('backups', id);
      if (record?.attempts?.some((attempt) => attempt.key === key)) continue;
      await backupStore.delete(key, ctx);
      await note({ planeId }, { actor: planeActor, action: 'backup.orphan', target: key, detail: { bytes } }, deps);
      orphans += 1;
    }
    return orphans;
  }

  /** Destroys what is due of all planes, and what crashed writers left of these ones; to be run once an hour. One that fails stops no other. */
  async function expire(planeIds: readonly string[], ctx: Ctx): Promise<Expired> {
    const now = clock.now();
    const due = await store.query('backups', 'byExpiry', { before: now + 1, limit: mostDue });
    const failures: unknown[] = [];
    let [destroyed, orphans] = [0, 0];
    async function attempt(what: string, act: () => Promise<void>): Promise<void> {
      try {
        ctx.signal.throwIfAborted();
        await act();
      } catch (error) {
        failures.push(error);
        if (failures.length <= 20) log.warn(`cannot ${what}: ${toMessage(error)}; it is tried again`);
      }
    }
    for (const record of due) {
      await attempt(`destroy backup ${record.id}`, async () => {
        if (await expireOne(record, ctx)) destroyed += 1;
      });
    }
    for (const planeId of planeIds) {
      await attempt(`look for backups without a record of plane ${planeId}`, async () => {
        orphans += await destroyOrphans(planeId, ctx);
      });
    }
    await attempt('clear what cut uploads left', async () => void (await backupStore.clear(now - dayMs, ctx)));
    if (failures.length === 0) return { destroyed, orphans, more: due.length === mostDue };
    const message = `cannot destroy all backups that are due: ${failures.length} failed, the first: ${toMessage(failures[0])}; it is tried again`;
    throw new PlaneError('unavailable', message, { cause: failures[0] });
  }

  return { destroy, conclude, expire };
}
