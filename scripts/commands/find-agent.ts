import type { AgentView } from '../../shared/contract.ts';
import { agentIdSchema } from '../../shared/agent.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Client } from '../client.ts';
import { readAll } from './paging.ts';

type Filters = Readonly<Record<string, string | number | undefined>>;

/** Agents of a plane that fit all filters; those that are removed only where `phase` asks for them. */
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
  async function look(filters: Filters): Promise<AgentView[]> {
    const found = (await readAgents(client, planeId, { ...filters, q: key.slice(0, 100) })).filter(named);
    // The search knows owners; an agent's own name may be another.
    return found.length > 0 || key.includes('@') ? found : (await readAgents(client, planeId, filters)).filter(named);
  }
  // Who left and came back has an agent that is gone and one that lives.
  const living = await look({});
  const matching = living.length > 0 ? living : await look({ phase: 'removed' });
  const [only] = matching;
  if (only && matching.length === 1) return only;
  const fact = matching.length === 0 ? 'no agent has that name, id or owner' : 'several agents have that name: give the id or the owner';
  throw new PlaneError('notFound', `cannot find agent ${key} in plane ${planeId}: ${fact}; \`planes status\` lists them`);
}
