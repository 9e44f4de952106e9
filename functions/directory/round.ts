import type { IdentityProvider, UserIdentity } from '../core/providers.ts';
import type { AgentRecord, WalkRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Ctx } from '../core/surroundings.ts';

export interface RoundDeps {
  readonly identity: Pick<IdentityProvider, 'listPage'>;
  readonly store: Store;
  readonly clock: Clock;
}

/** All in milliseconds. */
export interface Pace {
  /** From the beginning of one round to that of the next. */
  readonly periodMs: number;
  /** How long one run goes on; 0 for one page. */
  readonly runMs: number;
  /** How long it rests between two runs; half the period is spread over its pages unless said. */
  readonly restMs?: number;
  /** A round older than that begins anew instead of going on. */
  readonly oldestMs?: number;
}

/** One page of the directory and the agents of the addresses from the page before up to its last. */
export interface Stretch {
  readonly users: readonly UserIdentity[];
  readonly heldBy: (ownerId: string) => readonly AgentRecord[];
  /** Owners of agents of these addresses who are not on the page: renamed or deleted. */
  readonly missing: ReadonlyMap<string, readonly AgentRecord[]>;
}

/** What a round does with what it reads. Whatever throws is read again. */
export interface Visitor {
  readonly visit: (stretch: Stretch, walk: WalkRecord, ctx: Ctx) => Promise<void>;
  /** Owners of running agents who were deleted within the last twenty days. */
  readonly gone: (ownerIds: readonly string[], ctx: Ctx) => Promise<void>;
  /** The whole directory was read. */
  readonly end: (walk: WalkRecord) => Promise<void>;
}

/** How many owners are asked for at once. */
const atOnce = 50;
/** The first round of all does not know how long it is. */
const firstRestMs = 1_000;

/** Ordered as our store orders addresses. Where Google sorts otherwise, agents are asked for one by one. */
const inOrder = (emails: readonly string[]): boolean => emails.every((email, at) => at === 0 || (emails[at - 1] ?? '') <= email);

export const runs = (agents: readonly AgentRecord[]): boolean => agents.some(({ desired }) => desired === 'running');

/** Reads the whole directory, page by page and as many runs as that takes; a crash loses at most the page it is at. */
export function createRound({ identity, store, clock }: RoundDeps) {
  /** Agents whose owners' addresses lie after `last` and up to `until`; all of the rest without `until`. */
  async function agentsUpTo(last: string, until: string | undefined): Promise<AgentRecord[]> {
    const found: AgentRecord[] = [];
    const before = until === undefined ? {} : { before: `${until}\u0000` };
    let from = last === '' ? '' : `${last}\u0000`;
    for (;;) {
      const page = await store.query('agents', 'byEmail', { from, ...before, limit: 500 });
      found.push(...page);
      const end = page.at(-1);
      if (page.length < 500 || !end) return found;
      from = `${end.ownerEmail}\u0000`;
    }
  }

  const agentsOf = (ownerId: string): Promise<readonly AgentRecord[]> =>
    store.query('agents', 'byOwner', { from: ownerId, before: `${ownerId}\u0000`, limit: 100 });

  async function readOnePage(walk: WalkRecord, visit: Visitor['visit'], ctx: Ctx): Promise<WalkRecord> {
    const page = await identity.listPage(walk.token === undefined ? {} : { token: walk.token }, ctx);
    const { users } = page;
    const emails = users.map(({ email }) => email);
    const ordered = inOrder([walk.last, ...emails]);
    const until = page.next === undefined ? undefined : (emails.at(-1) ?? walk.last);
    const held = ordered ? await agentsUpTo(walk.last, until) : (await Promise.all(users.map(({ id }) => agentsOf(id)))).flat();
    const byOwner = Map.groupBy(held, ({ ownerId }) => ownerId);
    const present = new Set(users.map(({ id }) => id));
    const missing = new Map([...byOwner].filter(([ownerId]) => ownerId !== '' && !present.has(ownerId)));
    await visit({ users, heldBy: (ownerId) => byOwner.get(ownerId) ?? [], missing }, walk, ctx);
    const { token: _token, ...rest } = walk;
    return {
      ...rest,
      ...{ pages: walk.pages + 1, last: until ?? '' },
      ...(ordered ? {} : { unordered: true }),
      ...(page.next === undefined ? { ending: {} } : { token: page.next }),
    };
  }

  /** Goes on after a run that ended in the middle. */
  async function readDeleted(from: WalkRecord, gone: Visitor['gone'], ctx: Ctx): Promise<void> {
    let walk = from;
    for (;;) {
      const page = await identity.listPage({ deleted: true, ...walk.ending }, ctx);
      for (let first = 0; first < page.users.length; first += atOnce) {
        const some = page.users.slice(first, first + atOnce);
        const running = await Promise.all(some.map(async ({ id }) => runs(await agentsOf(id))));
        await gone(
          some.flatMap(({ id }, at) => (running[at] ? [id] : [])),
          ctx,
        );
      }
      walk = { ...walk, ending: page.next === undefined ? {} : { token: page.next } };
      await save(walk);
      if (page.next === undefined) return;
    }
  }

  function begin(name: string, stamp: number, former: WalkRecord | undefined): WalkRecord {
    const ended = former?.token === undefined && former?.ending === undefined;
    const lastPages = (ended ? former?.pages : former.lastPages) ?? 0;
    const readAt = former?.readAt === undefined ? {} : { readAt: former.readAt };
    return { name, stamp, startedAt: clock.now(), last: '', pages: 0, lastPages, ...readAt };
  }

  /** When a round was read through is never forgotten for one that began before it. */
  const save = (walk: WalkRecord): Promise<void> =>
    store.transact(async (tx) => {
      const known = Math.max((await tx.get('walks', walk.name))?.readAt ?? 0, walk.readAt ?? 0);
      tx.set('walks', walk.name, { ...walk, ...(known > 0 ? { readAt: known } : {}) });
    });

  const mayGoOn = (walk: WalkRecord | undefined, stamp: number, { oldestMs = Infinity }: Pace): walk is WalkRecord =>
    walk !== undefined &&
    walk.stamp === stamp &&
    (walk.token !== undefined || walk.ending !== undefined) &&
    clock.now() - walk.startedAt <= oldestMs;

  function toRest({ pages, lastPages }: WalkRecord, { restMs, periodMs }: Pace): number {
    if (restMs !== undefined) return restMs;
    return lastPages === 0 ? firstRestMs : Math.ceil(periodMs / 2 / Math.max(lastPages, pages));
  }

  /**
   * Goes on as far as the pace allows and answers when to go on, in milliseconds. A later wish begins the round anew. Those who were
   * deleted are read at the end, where asked for and where addresses came in an order in which nobody could be missed.
   */
  return async function goOn(name: string, pace: Pace, visitor: Visitor, asksDeleted: boolean, ctx: Ctx): Promise<number> {
    const stamp = (await store.get('schedule', `plane/${name}`))?.stamp ?? 0;
    const former = await store.get('walks', name);
    let walk = mayGoOn(former, stamp, pace) ? former : begin(name, stamp, former);
    const beganAt = clock.now();
    while (!walk.ending) {
      walk = await readOnePage(walk, visitor.visit, ctx);
      await save(walk);
      if (!walk.ending && clock.now() - beganAt >= pace.runMs) return toRest(walk, pace);
    }
    if (asksDeleted || walk.unordered) await readDeleted(walk, visitor.gone, ctx);
    await visitor.end(walk);
    const { ending: _ending, ...ended } = walk;
    await save({ ...ended, readAt: walk.startedAt });
    return Math.max(0, walk.startedAt + pace.periodMs - clock.now());
  };
}
