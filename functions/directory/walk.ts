import { toAgentId } from '../../shared/agent.ts';
import type { ServiceToggle } from '../../shared/policy.ts';
import { toDraft as asDraft, type ChangeDeps } from '../core/agents.ts';
import type { IdentityProvider, UserIdentity } from '../core/providers.ts';
import type { AgentRecord, WalkRecord } from '../core/records.ts';
import { groupKey, lookKey, makeDue, reviewKey } from '../core/schedule.ts';
import type { Ctx, Json, Log } from '../core/surroundings.ts';
import { canonical } from '../core/surroundings.ts';
import type { Planes } from '../planes.ts';
import { createFlips } from './flips.ts';
import { grantsOf } from './grants.ts';
import { readMembers } from './groups.ts';
import { decidingGroups, listServices } from './services.ts';
import { claims, wishFor } from './standing.ts';

export const walkKey = 'plane/walk';

export interface WalkDeps extends ChangeDeps {
  readonly identity: Pick<IdentityProvider, 'listPage'>;
  readonly planes: Planes;
  readonly log: Log;
  /** How many agents one walk or listing may create or remove through policy without asking. */
  readonly mostUnasked?: number;
}

export interface Pace {
  /** How long one run goes on, in milliseconds; 0 for one page, so that the walk is spread over half its period. */
  readonly runMs: number;
  /** The period from one walk to the next, in milliseconds: as short as one call an hour for each running agent pays for. */
  readonly shortestMs: number;
  readonly longestMs: number;
}

interface Company {
  readonly services: readonly ServiceToggle[];
  /** Members by deciding group. */
  readonly groups: ReadonlyMap<string, ReadonlySet<string>>;
  /** Deciding groups that cannot be read: nobody is judged by policy then, but who left is found all the same. */
  readonly unread: readonly string[];
}

/** What a look would decide on, as far as a listing shows it. */
const shown = (draft: ReturnType<typeof asDraft>): string =>
  canonical(JSON.parse(JSON.stringify({ ...draft, conditions: draft.conditions.filter(({ type }) => type !== 'NeedsApproval') })) as Json);

/** Ordered as our store orders addresses. Where Google sorts otherwise, agents are asked for one by one. */
const inOrder = (emails: readonly string[]): boolean => emails.every((email, at) => at === 0 || (emails[at - 1] ?? '') <= email);

/** How soon a walk that has no groups yet looks for them again, in milliseconds. */
const groupsDelayMs = 1_000;

/** How soon a walk that could not judge is repeated, in milliseconds. */
const partialMs = 10 * 60_000;
/** How many owners are asked for at once. */
const atOnce = 50;

/** The first walk of all does not know how long it is. */
const firstDelayMs = 1_000;
/** A company has at least as many agents as this or gets as many calls. */
const fewestAgents = 24;

const toPeriod = ({ pages, running }: WalkRecord, { shortestMs, longestMs }: Pace): number => {
  // With the page of the deleted, a call an hour for each running agent.
  const affordableMs = (3_600_000 * (pages + 1)) / Math.max(fewestAgents, running);
  return Math.round(Math.min(Math.max(affordableMs, shortestMs), longestMs));
};

const toDelay = (walk: WalkRecord, pace: Pace): number => {
  if (pace.runMs > 0) return 0;
  if (walk.lastPages === 0) return firstDelayMs;
  const pages = Math.max(walk.lastPages, walk.pages);
  return Math.ceil(toPeriod({ ...walk, pages, running: walk.lastRunning }, pace) / 2 / pages);
};

/**
 * Goes through the whole directory, page by page, and finds what no signal told of: whoever should have an agent and has none,
 * whoever's agent should be another, and whoever is gone. It only asks for looks; those read the user again and decide. What
 * policy alone would create or remove is counted over the whole walk first (see flips.ts).
 */
export function createWalk(deps: WalkDeps) {
  const { identity, planes, store, clock, hashing, wake, log } = deps;
  const flips = createFlips(deps);

  /** Asks for the members of a group that were never read; false where that was tried in vain. */
  async function awaitGroup(group: string): Promise<boolean> {
    const key = groupKey(group);
    const row = await store.get('schedule', key);
    if (!row) await makeDueNow(key);
    return (row?.attempts ?? 0) === 0;
  }

  /** `undefined` while the members of a deciding group are on their way for the first time, which it sees to. */
  async function readCompany(): Promise<Company | undefined> {
    const groups = new Map<string, ReadonlySet<string>>();
    const unread: string[] = [];
    await planes.refresh();
    for (const group of await decidingGroups(planes.active(), store)) {
      const members = await readMembers(store, group);
      if (!members) unread.push(group);
      else groups.set(group, members);
    }
    for (const group of unread) if (await awaitGroup(group)) return undefined;
    return { services: await listServices(store), groups, unread };
  }

  async function makeDueNow(key: string): Promise<void> {
    await store.transact(async (tx) => makeDue(tx, key, await tx.get('schedule', key), clock.now()));
    wake.wake(key);
  }

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

  async function judge(user: UserIdentity, held: readonly AgentRecord[], company: Company, walk: WalkRecord): Promise<void> {
    if (company.unread.length > 0) {
      if (!user.active && held.some(({ desired }) => desired === 'running')) await makeDueNow(lookKey(user.id));
      return;
    }
    const groups = [...company.groups].flatMap(([group, members]) => (members.has(user.id) ? [group] : []));
    const known = { ...user, groups };
    const active = planes.active();
    const claiming = active.filter((plane) => claims(plane, known));
    let differs = false;
    const flip = (planeId: string, agentId: string, to: 'running' | 'removed') =>
      flips.count(walk, { planeId, agentId, userId: user.id, ownerEmail: user.email, to });
    for (const agent of held) {
      if (claiming.some(({ metadata }) => metadata.name === agent.planeId) || agent.desired === 'removed') continue;
      const stands = active.some(({ metadata }) => metadata.name === agent.planeId);
      if (user.active && stands) await flip(agent.planeId, agent.agentId, 'removed');
      else differs = true;
    }
    for (const plane of claiming) {
      const agentId = toAgentId(plane.metadata.name, user.id, hashing.sha256);
      let current = held.find((agent) => agent.agentId === agentId);
      // Grants come on top of an agent: nobody without one is asked for theirs.
      const grants = current ? await grantsOf(store, plane.metadata.name, user.id) : [];
      const circumstances = { services: company.services, grants };
      let wish = wishFor(plane, known, agentId, current, circumstances, claiming);
      if (wish && !current) {
        current = await store.get('agents', agentId);
        wish = current ? wishFor(plane, known, agentId, current, circumstances, claiming) : wish;
      }
      if (wish?.flip) await flip(plane.metadata.name, agentId, wish.flip);
      else if (wish && (!current || shown(wish.draft) !== shown(asDraft(current)))) differs = true;
    }
    if (differs) await makeDueNow(user.active ? reviewKey(user.id) : lookKey(user.id));
  }

  async function readOnePage(walk: WalkRecord, company: Company, ctx: Ctx): Promise<{ walk: WalkRecord; ended: boolean }> {
    const page = await identity.listPage(walk.token === undefined ? {} : { token: walk.token }, ctx);
    const emails = page.users.map(({ email }) => email);
    const ordered = inOrder([walk.last, ...emails]);
    const until = page.next === undefined ? undefined : (emails.at(-1) ?? walk.last);
    const held = ordered
      ? await agentsUpTo(walk.last, until)
      : (
          await Promise.all(page.users.map(({ id }) => store.query('agents', 'byOwner', { from: id, before: `${id}\u0000`, limit: 100 })))
        ).flat();
    const byOwner = Map.groupBy(held, ({ ownerId }) => ownerId);
    for (const user of page.users) {
      ctx.signal.throwIfAborted();
      await judge(user, byOwner.get(user.id) ?? [], company, walk);
      byOwner.delete(user.id);
    }
    // An agent of somebody who is not on the page of their address: renamed or deleted.
    for (const [ownerId, agents] of byOwner) {
      if (ownerId === '' || agents.every(({ desired }) => desired === 'removed')) continue;
      for (const { agentId } of agents) await flips.keep(agentId);
      await makeDueNow(lookKey(ownerId));
    }
    const { token: _token, ...rest } = walk;
    const running = walk.running + held.filter(({ desired }) => desired === 'running').length;
    const next = { ...rest, running, pages: walk.pages + 1, last: until ?? '', ...(page.next === undefined ? {} : { token: page.next }) };
    return { walk: next, ended: page.next === undefined };
  }

  async function hasAgent(ownerId: string): Promise<boolean> {
    const held = await store.query('agents', 'byOwner', { from: ownerId, before: `${ownerId}\u0000`, limit: 100 });
    return held.some(({ desired }) => desired === 'running');
  }

  /** Users of the last twenty days' deletions whose agents still run; goes on after a run that ended in the middle. */
  async function readDeleted(from: WalkRecord, ctx: Ctx): Promise<void> {
    let walk: WalkRecord = { ...from, ending: from.ending ?? {} };
    for (;;) {
      const page = await identity.listPage({ deleted: true, ...walk.ending }, ctx);
      for (let first = 0; first < page.users.length; first += atOnce) {
        const some = page.users.slice(first, first + atOnce);
        const running = await Promise.all(some.map(({ id }) => hasAgent(id)));
        for (const [at, { id }] of some.entries()) if (running[at]) await makeDueNow(lookKey(id));
      }
      walk = { ...walk, ending: page.next === undefined ? {} : { token: page.next } };
      await save(walk);
      if (page.next === undefined) return;
    }
  }

  function begin(name: string, stamp: number, former: WalkRecord | undefined): WalkRecord {
    const ended = former?.token === undefined && former?.ending === undefined;
    const lastPages = (ended ? former?.pages : former.lastPages) ?? 0;
    const lastRunning = (ended ? former?.running : former.lastRunning) ?? 0;
    return { name, stamp, startedAt: clock.now(), last: '', pages: 0, running: 0, lastPages, lastRunning };
  }

  const save = (walk: WalkRecord): Promise<void> => store.transact(async (tx) => void tx.set('walks', walk.name, walk));

  /** Runs a walk as far as its pace allows and answers when to go on, in milliseconds. A later wish begins it anew. */
  return async function goOn(name: string, pace: Pace, ctx: Ctx): Promise<number> {
    const stamp = (await store.get('schedule', `plane/${name}`))?.stamp ?? 0;
    const former = await store.get('walks', name);
    const goesOn = former !== undefined && former.stamp === stamp && (former.token !== undefined || former.ending !== undefined);
    let walk = goesOn ? former : begin(name, stamp, former);
    const company = await readCompany();
    if (!company) return groupsDelayMs;
    const startedAt = clock.now();
    while (!walk.ending) {
      const read = await readOnePage(walk, company, ctx);
      walk = read.ended ? { ...read.walk, ending: {} } : read.walk;
      await save(walk);
      if (read.ended) break;
      if (clock.now() - startedAt >= pace.runMs) return toDelay(walk, pace);
    }
    await readDeleted(walk, ctx);
    if (company.unread.length === 0) await flips.decide(walk);
    const { ending: _ending, ...ended } = walk;
    await save(ended);
    log.info(`walked through the directory in ${walk.pages} pages`);
    if (company.unread.length > 0) {
      log.warn(
        `cannot judge anybody by policy: the members of ${company.unread.join(', ')} cannot be read; who left is found all the same`,
      );
      return partialMs;
    }
    // A walk that is spread takes the other half of its period itself.
    return pace.runMs > 0 ? toPeriod(walk, pace) : Math.ceil(toPeriod(walk, pace) / 2);
  };
}
