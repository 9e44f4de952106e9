import type { AgentView } from '../../shared/contract.ts';
import { agentIdSchema } from '../../shared/agent.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Client } from '../client.ts';
import { readAll } from './paging.ts';

type Filters = Readonly<Record<string, string | number | undefined>>;

/** Agents of a plane that fit all filters. */
export const readAgents = (client: Client, planeId: string, filters: Filters = {}, most = Infinity): Promise<AgentView[]> =>
  readAll(async (cursor) => {
    const query = { ...filters, cursor, limit: Math.min(500, most) };
    const { agents, next } = await client('listAgents', { params: { planeId }, query });
    return { items: agents, next };
  }, most);

/** Finds an agent by its id, its name or its owner's address. */
export async function findAgent({ client }: { client: Client }, planeId: string, key: string): Promise<AgentView> {
  if (agentIdSchema.safeParse(key).success) return client('getAgent', { params: { planeId, agentId: key } });
  const named = ({ name, ownerEmail }: AgentView): boolean => name === key || ownerEmail === key.toLowerCase();
  const found = (await readAgents(client, planeId, { q: key.slice(0, 100) })).filter(named);
  // The search knows owners; an agent's own name may be another.
  const matching = found.length > 0 || key.includes('@') ? found : (await readAgents(client, planeId)).filter(named);
  // Who left and came back has an agent that is gone and one that lives.
  const living = matching.length > 1 ? matching.filter(({ phase }) => phase !== 'removed') : matching;
  const [only] = living;
  if (only && living.length === 1) return only;
  const fact = living.length === 0 ? 'no agent has that name, id or owner' : 'several agents have that name: give the id or the owner';
  throw new PlaneError('notFound', `cannot find agent ${key} in plane ${planeId}: ${fact}; \`planes status\` lists them`);
}
