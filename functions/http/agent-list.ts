import { microsPerUsd } from '../../shared/budget.ts';
import type { PlaneView } from '../../shared/contract.ts';
import type { Plane } from '../../shared/plane.ts';
import { toAgentId } from '../../shared/agent.ts';
import { PlaneError } from '../core/errors.ts';
import type { IdentityProvider } from '../core/providers.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Hashing } from '../core/surroundings.ts';
import type { Fleet, FleetAgent } from '../fleet/fleet.ts';
import type { Handlers } from './handlers.ts';
import { isWithin, type Within } from './reach.ts';
import { createAgentRows } from './views.ts';

export interface AgentListDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly fleet: Fleet;
  readonly identity: Pick<IdentityProvider, 'membersOf' | 'searchUsers'>;
  readonly planeOf: (planeId: string) => Plane;
}

/** Whether a name or an address holds these letters, whatever their case. */
function createSearch(q: string): (agent: FleetAgent) => boolean {
  const wanted = q.toLowerCase();
  return ({ words }) => words.includes(wanted);
}

/** Of many agents few stand in different org units. */
function createWithin(within: Within): (agent: FleetAgent) => boolean {
  const known = new Map<string, boolean>();
  return ({ ouPath }) => {
    const found = known.get(ouPath) ?? isWithin(ouPath, within);
    known.set(ouPath, found);
    return found;
  };
}

/** How a plane's agents stand and what they spent; those that are gone are not counted, what they spent is. */
export async function countFleet(
  fleet: Fleet,
  planeId: string,
  month: string,
  within: Within,
): Promise<Pick<PlaneView, 'agents' | 'spend'>> {
  const counts = { total: 0, running: 0, working: 0, paused: 0, attention: 0 };
  let capUsd = 0;
  const [all, spent] = await Promise.all([fleet.agentsOf(planeId), fleet.spendOf(planeId, month)]);
  const agents = within === undefined ? all : all.filter(createWithin(within));
  for (const { phase, attention, capUsd: cap } of agents) {
    if (phase === 'removed') continue;
    counts.total += 1;
    if (phase !== 'removing') capUsd += cap;
    if (attention) counts.attention += 1;
    else if (phase === 'running' || phase === 'paused') counts[phase] += 1;
    else counts.working += 1;
  }
  // Whoever is gone spent as well.
  const micros = within === undefined ? [...spent.values()] : agents.map(({ ownerId }) => spent.get(ownerId) ?? 0);
  return { agents: counts, spend: { month, capUsd, spentUsd: micros.reduce((sum, each) => sum + each, 0) / microsPerUsd } };
}

/** Lists of agents and of people, filtered as asked and to the part of the company that the caller may see. */
export function createAgentListHandlers(deps: AgentListDeps): Pick<Handlers, 'listAgents' | 'listUsers'> {
  const { store, clock, hashing, fleet, identity, planeOf } = deps;
  const readRows = createAgentRows(store, fleet);

  return {
    async listAgents({ params: { planeId }, query, within, ctx }) {
      const { timeZone } = planeOf(planeId).spec;
      const { q, ou, group, phase, health, attention, cursor, limit } = query;
      const members = group === undefined ? undefined : new Set((await identity.membersOf(group, ctx)) ?? []);
      const asked: readonly (((agent: FleetAgent) => boolean) | undefined)[] = [
        members && (({ ownerId }) => members.has(ownerId)),
        (agent) => (phase === undefined ? agent.phase !== 'removed' : agent.phase === phase),
        health && ((agent) => agent.health === health),
        attention === undefined ? undefined : (agent) => agent.attention === attention,
        ou === undefined ? undefined : createWithin([ou]),
        within && createWithin(within),
        q === undefined ? undefined : createSearch(q),
      ];
      const filters = asked.filter((filter) => filter !== undefined);
      // Who is in a group is the directory's to say, anew each time.
      const key = members ? undefined : JSON.stringify([phase, health, attention, ou, within, q].map((each) => each ?? null));
      const page = await fleet.pageOf(planeId, { from: cursor, limit }, { key, filters });
      if (page) return { agents: await readRows(page.agents, clock.now(), timeZone), next: page.next };
      throw new PlaneError('invalid', `cannot go on at ${cursor ?? ''}: the list has moved on; begin again without a cursor`);
    },
    async listUsers({ params: { planeId }, query: { q, limit }, within, ctx }) {
      const agents = new Map((await fleet.agentsOf(planeId)).map((agent) => [agent.agentId, agent]));
      const found = (await identity.searchUsers(q, limit, ctx)).filter(({ ouPath }) => isWithin(ouPath, within));
      const isFound = createSearch(q);
      // The search may not know yet who was just hired or renamed, but we know whoever has an agent.
      const ours = [...agents.values()].filter(
        (agent) =>
          agent.phase !== 'removed' && isFound(agent) && isWithin(agent.ouPath, within) && !found.some(({ id }) => id === agent.ownerId),
      );
      const users = found.map(({ id, email, name, ouPath, active }) => {
        const agent = agents.get(toAgentId(planeId, id, hashing.sha256));
        return { id, email, name, ouPath, active, agentId: agent && agent.phase !== 'removed' ? agent.agentId : null };
      });
      const known = ours.map(({ ownerId: id, ownerEmail: email, ownerName: name, ouPath, agentId }) => ({
        id,
        email,
        name,
        ouPath,
        active: true,
        agentId,
      }));
      return { users: [...users, ...known].slice(0, limit) };
    },
  };
}
