import { isInUnit } from '../../shared/org-unit.ts';
import type { Selection } from '../../shared/views-fleet.ts';
import { PlaneError } from '../core/errors.ts';
import type { AgentRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';

export interface SelectionDeps {
  readonly store: Store;
  /** Ids of the users in a group; `undefined` where there is no such group. */
  readonly membersOf: (group: string) => Promise<ReadonlySet<string> | undefined>;
}

/** How many unknown names a refusal shows. */
const mostNamed = 20;

/** Every agent that was ever in a plane, in the order of ids. */
export async function readAgents(store: Store, planeId: string): Promise<readonly AgentRecord[]> {
  const agents: AgentRecord[] = [];
  let from = '';
  for (;;) {
    const page = await store.query('agents', 'byPlane', { equals: [planeId], from, limit: 500 });
    agents.push(...page);
    const last = page.at(-1);
    if (page.length < 500 || !last) return agents;
    from = `${last.agentId}\u0000`;
  }
}

const refuse = (code: 'invalid' | 'notFound', fact: string): PlaneError => new PlaneError(code, `cannot select agents: ${fact}`);

/** The ids of those that are named, by id, owner's address or name; refuses names that nobody or more than one has. */
function findNamed(agents: readonly AgentRecord[], names: readonly string[]): ReadonlySet<string> {
  const byName = new Map<string, AgentRecord[]>();
  for (const agent of agents) {
    for (const name of new Set([agent.agentId, agent.ownerEmail.toLowerCase(), agent.name.toLowerCase()])) {
      const found = byName.get(name);
      if (found) found.push(agent);
      else byName.set(name, [agent]);
    }
  }
  const found = names.map((name) => ({ name, agents: byName.get(name.toLowerCase()) ?? [] }));
  const unknown = found.filter((each) => each.agents.length === 0).map(({ name }) => name);
  if (unknown.length > 0) {
    const more = unknown.length > mostNamed ? ` and ${unknown.length - mostNamed} more` : '';
    throw refuse(
      'notFound',
      `there is no agent ${unknown.slice(0, mostNamed).join(', ')}${more} here; give ids, names or owners\u2019 addresses`,
    );
  }
  const double = found.find((each) => each.agents.length > 1);
  if (double) {
    throw refuse(
      'invalid',
      `${double.agents.length} agents are called ${double.name}; give the id or the owner\u2019s address of the one you mean`,
    );
  }
  return new Set(found.flatMap((each) => each.agents.map(({ agentId }) => agentId)));
}

/**
 * Every agent that should run and fits all that is named, in the order of ids. Throws `notFound` for what does not exist, `invalid` for
 * what is not clear, `conflict` for nobody.
 */
export async function select(planeId: string, selection: Selection, deps: SelectionDeps): Promise<readonly AgentRecord[]> {
  const { ou, group, label, agents: names } = selection;
  const running = (await readAgents(deps.store, planeId)).filter(({ desired }) => desired === 'running');
  const named = names && findNamed(running, names);
  const members = group === undefined ? undefined : await deps.membersOf(group);
  if (group !== undefined && !members) throw refuse('notFound', `the directory knows no group ${group}; check its address`);
  const equals = label?.indexOf('=') ?? 0;
  const [key, value] = [label?.slice(0, equals) ?? '', label?.slice(equals + 1)];
  const chosen = running.filter(
    (agent) =>
      (ou === undefined || isInUnit(agent.ouPath, ou)) &&
      (members === undefined || members.has(agent.ownerId)) &&
      (value === undefined || agent.labels?.[key] === value) &&
      (named === undefined || named.has(agent.agentId)),
  );
  if (chosen.length > 0) return chosen;
  throw new PlaneError(
    'conflict',
    `cannot select agents of plane ${planeId}: none of its ${running.length} running agents fits ${JSON.stringify(selection)}; choose others`,
  );
}
