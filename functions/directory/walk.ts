import { toAgentId } from '../../shared/agent.ts';
import type { ServiceToggle } from '../../shared/policy.ts';
import { toDraft as asDraft, type ChangeDeps } from '../core/agents.ts';
import type { IdentityProvider, UserIdentity } from '../core/providers.ts';
import type { AgentRecord, WalkRecord } from '../core/records.ts';
import { checkKey, groupKey, lookKey, makeDue, refreshKey } from '../core/schedule.ts';
import type { Ctx, Json, Log } from '../core/surroundings.ts';
import { canonical } from '../core/surroundings.ts';
import type { Planes } from '../planes.ts';
import { createFlips } from './flips.ts';
import { grantsOf } from './grants.ts';
import { readMembers } from './groups.ts';
import { createRound, runs, type Pace, type Stretch, type Visitor } from './round.ts';
import { decidingGroups, listServices } from './services.ts';
import { claims, wishFor } from './standing.ts';

export const walkKey = 'plane/walk';

export interface WalkDeps extends ChangeDeps {
  readonly identity: Pick<IdentityProvider, 'listPage'>;
  readonly planes: Planes;
  readonly log: Log;
  /** Lets others have their turn in the middle of a long page. */
  readonly breathe: () => Promise<void>;
  /** How many agents one walk or listing may create or remove through policy without asking. */
  readonly mostUnasked?: number;
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

/** An agent's owner as policy last saw them; of the fields, what decides on whether there is an agent. */
const toLastSeen = ({ ownerId, ownerEmail, ownerName, ouPath, requests: { agentEnabled } }: AgentRecord): UserIdentity => ({
  ...{ id: ownerId, email: ownerEmail, name: ownerName, ouPath, groups: [], roles: [], active: true },
  fields: agentEnabled === undefined ? {} : { agentEnabled },
});

/** How soon a walk that has no groups yet looks for them again, in milliseconds. */
const groupsDelayMs = 1_000;

/** How many users are judged before others have their turn. */
const judgedAtOnce = 20;

/** How soon a walk that could not judge is repeated, in milliseconds. */
const partialMs = 10 * 60_000;

/**
 * Goes through the whole directory, page by page, and finds what no signal told of: whoever should have an agent and has none,
 * whoever's agent should be another, and whoever is gone. It only asks for looks; those read the user again and decide. What
 * policy alone would create or remove is counted over the whole walk first (see flips.ts).
 */
export function createWalk(deps: WalkDeps) {
  const { planes, store, clock, hashing, wake, log, breathe } = deps;
  const flips = createFlips(deps);
  const goOn = createRound(deps);

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

  /** Where a look is due that may do more, it does this as well. */
  async function makeCheckDue(userId: string): Promise<void> {
    const key = await store.transact(async (tx) => {
      const [look, check] = [await tx.get('schedule', lookKey(userId)), await tx.get('schedule', checkKey(userId))];
      const row = look ?? check;
      makeDue(tx, row?.key ?? checkKey(userId), row, look?.dueAt ?? clock.now());
      return row?.key ?? checkKey(userId);
    });
    wake.wake(key);
  }

  /** Counts what policy would do and answers whether anything else is to be looked at. */
  async function judge(user: UserIdentity, held: readonly AgentRecord[], company: Company, walk: WalkRecord): Promise<boolean> {
    if (company.unread.length > 0) return !user.active && runs(held);
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
    return differs;
  }

  /** Renamed, or gone: policy is asked about them as they were last seen, so that what it wants of them is counted with the others. */
  async function judgeMissing(ownerId: string, agents: readonly AgentRecord[], company: Company, walk: WalkRecord): Promise<void> {
    const seen = agents.find(({ desired }) => desired === 'running');
    if (!seen) return;
    for (const { agentId } of agents) await flips.keep(agentId);
    await judge(toLastSeen(seen), agents, company, walk);
    await makeCheckDue(ownerId);
  }

  async function visit({ users, heldBy, missing }: Stretch, company: Company, walk: WalkRecord, { signal }: Ctx): Promise<void> {
    for (const [at, user] of users.entries()) {
      signal.throwIfAborted();
      if (at % judgedAtOnce === 0) await breathe();
      const differs = await judge(user, heldBy(user.id), company, walk);
      if (differs) await (user.active ? makeDueNow(refreshKey(user.id)) : makeCheckDue(user.id));
    }
    for (const [ownerId, agents] of missing) await judgeMissing(ownerId, agents, company, walk);
  }

  /** Runs a walk as far as its pace allows and answers when to go on, in milliseconds. A later wish begins it anew. */
  return async function walkOn(name: string, pace: Pace, ctx: Ctx): Promise<number> {
    const company = await readCompany();
    if (!company) return groupsDelayMs;
    let ended = false;
    const visitor: Visitor = {
      visit: (stretch, walk) => visit(stretch, company, walk, ctx),
      async gone(ownerIds) {
        for (const ownerId of ownerIds) await makeCheckDue(ownerId);
      },
      async end(walk) {
        if (company.unread.length === 0) await flips.decide(walk);
        log.info(`walked through the directory in ${walk.pages} pages`);
        ended = true;
      },
    };
    const nextMs = await goOn(name, pace, visitor, true, ctx);
    if (!ended || company.unread.length === 0) return nextMs;
    log.warn(`cannot judge anybody by policy: the members of ${company.unread.join(', ')} cannot be read; who left is found all the same`);
    return partialMs;
  };
}
