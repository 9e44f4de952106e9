import type { AgentView } from '../../shared/contract.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Client } from '../client.ts';
import { show, toAge, toTable, type Output } from './output.ts';

/** Every agent of a plane, page by page. */
async function readAgents(client: Client, planeId: string): Promise<AgentView[]> {
  const agents: AgentView[] = [];
  let cursor: string | undefined;
  do {
    const page = await client('listAgents', { params: { planeId }, query: { cursor, limit: 100 } });
    agents.push(...page.agents);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return agents;
}

export async function list(client: Client, output: Output): Promise<void> {
  const { planes } = await client('listPlanes');
  show(output, { planes }, () =>
    toTable(
      ['PLANE', 'IDENTITY', 'MACHINES', 'AGENTS', 'RUNNING', 'ATTENTION'],
      planes.map(({ planeId, providers, agents }) => [
        planeId,
        providers.identity,
        providers.infrastructure,
        String(agents.total),
        String(agents.running),
        String(agents.attention),
      ]),
    ),
  );
}

export async function status(client: Client, output: Output, { plane, now }: { plane?: string; now: number }): Promise<void> {
  const { planes } = await client('listPlanes');
  const chosen = planes.filter(({ planeId }) => plane === undefined || planeId === plane);
  if (chosen.length === 0) throw new PlaneError('notFound', `cannot find plane ${plane ?? ''}; \`planes list\` shows the planes here`);
  const answer = await Promise.all(chosen.map(async (view) => ({ ...view, list: await readAgents(client, view.planeId) })));
  show(output, { planes: answer }, () =>
    answer
      .map(({ planeId, agents, list: views }) => {
        const title = `${planeId}: ${agents.running} running, ${agents.working} on the way, ${agents.attention} need attention`;
        if (views.length === 0) return `${title}\nNo agents yet. Switch one on for a user: tick "Agent enabled" on the console page.`;
        const rows = views.map((view) => [
          view.agentId,
          view.ownerEmail,
          view.phase,
          view.health,
          toAge(view.lastHeartbeat, now),
          [view.detail, ...view.conditions.map(({ type, message }) => `${type}: ${message}`)].filter(Boolean).join('; '),
        ]);
        return `${title}\n${toTable(['AGENT', 'OWNER', 'PHASE', 'HEALTH', 'HEARTBEAT', 'NOTE'], rows)}`;
      })
      .join('\n\n'),
  );
}

/** Finds an agent by its id, its name or its owner's address. */
async function find(client: Client, planeId: string, key: string): Promise<AgentView> {
  const agents = await readAgents(client, planeId);
  const matching = agents.filter(({ agentId, name, ownerEmail }) => [agentId, name, ownerEmail].includes(key));
  const [only] = matching;
  if (only && matching.length === 1) return only;
  const fact = matching.length === 0 ? 'no agent has that name, id or owner' : 'several agents have that name';
  throw new PlaneError('notFound', `cannot find agent ${key} in plane ${planeId}: ${fact}; \`planes status\` lists them`);
}

export async function logs(
  client: Client,
  output: Output,
  { plane, name, lines }: { plane: string; name: string; lines: number },
): Promise<void> {
  const { agentId, planeId } = await find(client, plane, name);
  const answer = await client('agentLogs', { params: { planeId, agentId }, query: { lines } });
  show(output, answer, () => answer.lines.join('\n') || 'The agent has written nothing yet.');
}

export async function receipt(client: Client, output: Output, { plane, name }: { plane: string; name: string }): Promise<void> {
  const { agentId, planeId } = await find(client, plane, name);
  const answer = await client('agentReceipt', { params: { planeId, agentId } });
  show(output, answer, () =>
    [
      `${answer.agentId} of ${answer.ownerEmail}: removed at ${answer.removedAt} (${answer.reason})`,
      ...answer.listings.map(({ what, provider, at }) => `  ${what} at ${provider}: none left, listed ${at}`),
      `  signed by key ${answer.keyId}`,
    ].join('\n'),
  );
}
