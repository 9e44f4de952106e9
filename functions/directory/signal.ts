import type { Activity } from '../core/providers.ts';
import type { AgentRecord, ServiceRecord } from '../core/records.ts';
import { groupKey, lookKey, makeDue, type Wake } from '../core/schedule.ts';
import type { Store, Transaction } from '../core/store.ts';
import type { Clock, Log } from '../core/surroundings.ts';
import { toAffected, type Affected, type AffectedOptions } from './affected.ts';
import { readLater, writeServices } from './services.ts';

/** Lists a deciding group once more when nested membership has settled. */
export const regroupKey = (group: string): string => `regroup/${group}`;

const walkName = 'walk';
const walkKey = `plane/${walkName}`;

/** What was read this long after an event, in milliseconds, has seen it: for reads that lag behind and clocks that differ. */
const slackMs = 10_000;
/** How long changes of groups that decide nothing themselves are gathered before all deciding groups are listed, in milliseconds. */
const gatherMs = 60_000;
/** Nested membership lags up to ten minutes (Directory API limits, read 2026-11-22). */
const regroupMs = 11 * 60_000;
/** Firestore takes 500 writes in one transaction. */
const keysAtOnce = 100;

export interface SignalDeps extends AffectedOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly wake: Wake;
  /** Every group that decides anything now, in any plane. */
  readonly decidingGroups: () => Promise<readonly string[]>;
  readonly log: Log;
}

/** Makes due what entries of the audit log affect; resolves when that is durable. Doubled and late entries are harmless. */
export type Signal = (...activities: readonly Activity[]) => Promise<void>;

type News = Affected & { readonly at: number };
/** What a batch tells of one address: when it last happened, and whether all of it can only end access. */
interface OfUser {
  readonly at: number;
  readonly leaving: boolean;
}
type Due = readonly [key: string, dueAt: number];

/** When to read for an event, given when the latest read began: twice at most, however often and by whatever way it is told. */
function dueFor(at: number, beganAt: number | undefined, now: number): number | undefined {
  if (beganAt === undefined || beganAt < at) return now;
  return beganAt >= at + slackMs ? undefined : Math.max(now, at + slackMs);
}

const latestOf = (news: readonly News[]): number | undefined => (news.length === 0 ? undefined : Math.max(...news.map(({ at }) => at)));

export function createSignal(deps: SignalDeps): Signal {
  const { store, clock, wake, decidingGroups, log } = deps;

  /** Under which keys the user of an address is looked at; the address may belong to somebody new once its agents are gone. */
  async function userKeys(email: string, { at, leaving }: OfUser): Promise<string[]> {
    const agents = await store.query('agents', 'byEmail', { from: email, before: `${email}\u0000`, limit: 100 });
    // Whoever was seen to be gone after the event needs no second read for it: in a burst, quota for a thousand others.
    const gone = ({ desired, removal }: AgentRecord): boolean => desired === 'removed' && removal !== undefined && removal.askedAt >= at;
    if (leaving && agents.length > 0 && agents.every(gone)) return [];
    const owners = [...new Set(agents.map(({ ownerId }) => ownerId))];
    return agents.some(({ desired }) => desired === 'running') ? owners : [...owners, email];
  }

  async function looksFor(news: readonly News[], now: number): Promise<Due[]> {
    const byEmail = new Map<string, OfUser>();
    for (const { users, at, urgent } of news)
      for (const email of users) {
        const known = byEmail.get(email);
        byEmail.set(email, { at: Math.max(at, known?.at ?? at), leaving: urgent && (known?.leaving ?? true) });
      }
    const looks = await Promise.all(
      [...byEmail].map(async ([email, ofUser]) =>
        Promise.all(
          (await userKeys(email, ofUser)).map(async (userKey): Promise<Due[]> => {
            const dueAt = dueFor(ofUser.at, (await store.get('looks', userKey))?.beganAt, now);
            return dueAt === undefined ? [] : [[lookKey(userKey), dueAt]];
          }),
        ),
      ),
    );
    return looks.flat(2);
  }

  async function commit(work: (tx: Transaction) => Promise<readonly Due[]>): Promise<void> {
    const due = await store.transact(work);
    for (const [key, dueAt] of due) wake.wake(key, dueAt);
  }

  async function makeLooksDue(looks: readonly Due[]): Promise<void> {
    for (let first = 0; first < looks.length; first += keysAtOnce) {
      const some = looks.slice(first, first + keysAtOnce);
      await commit(async (tx) => {
        const rows = await Promise.all(some.map(([key]) => tx.get('schedule', key)));
        for (const [at, [key, dueAt]] of some.entries()) makeDue(tx, key, rows[at], dueAt);
        return some;
      });
    }
  }

  /** The events that one deciding group is listed for: at once for those that name it, in a while for what may be nested in it. */
  function concerning(group: string, news: readonly News[]) {
    const named = news.filter(({ groups }) => groups.includes(group));
    // A person in another group is looked at by themselves, and listed again in eleven minutes; only a group moves others with it.
    const around = news.filter(({ nested }) => nested);
    return { named: latestOf(named), around: latestOf(around) };
  }

  /**
   * An event that is not later than one the group was made due for is left to that listing and to the one after eleven minutes.
   * Any deciding group may hold the one that changed, so all are listed then.
   */
  async function makeGroupDue(lower: string, deciding: ReadonlyMap<string, string>, news: readonly News[], now: number): Promise<void> {
    const { named, around } = concerning(lower, news);
    const group = deciding.get(lower) ?? lower;
    const settledAt = (latestOf(news) ?? now) + regroupMs;
    await commit(async (tx) => {
      const key = groupKey(group);
      const [row, again, mark] = [await tx.get('schedule', key), await tx.get('schedule', regroupKey(group)), await tx.get('polls', key)];
      const done = mark?.readUntil ?? -Infinity;
      const latest = Math.max(named ?? -Infinity, around ?? -Infinity);
      let dueAt: number | undefined;
      if (around !== undefined && around > done) dueAt = Math.max(now, around + gatherMs);
      if (named !== undefined && named > done) dueAt = now;
      if (dueAt !== undefined) {
        makeDue(tx, key, row, dueAt);
        tx.set('polls', key, { application: key, readUntil: latest });
      }
      // Put off, not brought forward: each change has its own eleven minutes, and the changes between are listed at once.
      if (settledAt > now && settledAt > (again?.dueAt ?? -Infinity)) {
        makeDue(tx, regroupKey(group), again && { ...again, dueAt: settledAt }, settledAt);
      }
      return dueAt === undefined ? [] : [[key, dueAt]];
    });
  }

  /** Switches, and the walk that they make necessary, become durable together. */
  async function makeWalkDue(records: readonly ServiceRecord[], everybodyAt: number | undefined, now: number): Promise<void> {
    await commit(async (tx) => {
      const { later, changed } = await readLater(tx, records);
      const beganAt = (await tx.get('walks', walkName))?.startedAt;
      const row = await tx.get('schedule', walkKey);
      const dueAt = changed || everybodyAt === undefined ? undefined : dueFor(everybodyAt, beganAt, now);
      writeServices(tx, later);
      const wanted = changed ? now : dueAt;
      if (wanted === undefined) return [];
      makeDue(tx, walkKey, row, wanted);
      return [[walkKey, wanted]];
    });
  }

  return async function signal(...activities) {
    const now = clock.now();
    // A clock of Google's that is ahead of ours must not put a read off; switches are compared by Google's times alone.
    const news = activities.map((activity): News => ({ ...toAffected(activity, deps), at: Math.min(activity.at, now) }));
    const looks = await looksFor(news, now);
    const urgent = news.filter((each) => each.urgent);
    if (urgent.length > 0 && looks.length > 0) {
      const oldest = Math.min(...urgent.map(({ at }) => at));
      log.info('the audit log tells that access may have ended; its users are read again', { events: urgent.length, lagMs: now - oldest });
    }
    await makeLooksDue(looks);
    const ofGroups = news.filter(({ groups, nested }) => groups.length > 0 || nested);
    if (ofGroups.length > 0) {
      const deciding = new Map((await decidingGroups()).map((group) => [group.toLowerCase(), group]));
      for (const lower of deciding.keys()) await makeGroupDue(lower, deciding, ofGroups, now);
    }
    const records = news.flatMap(({ services }) => services);
    const everybodyAt = latestOf(news.filter(({ everybody }) => everybody));
    if (records.length > 0 || everybodyAt !== undefined) await makeWalkDue(records, everybodyAt, now);
  };
}
