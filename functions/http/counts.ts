import type { PlaneView } from '../../shared/contract.ts';
import type { Store } from '../core/store.ts';

/** How a plane's agents stand; those that are gone are not counted. */
export async function countAgents(store: Store, planeId: string): Promise<PlaneView['agents']> {
  const counts = { total: 0, running: 0, working: 0, attention: 0 };
  let from = '';
  for (;;) {
    const page = await store.query('statuses', 'byPlane', { equals: [planeId], from, limit: 500 });
    const agents = await store.query('agents', 'byPlane', { equals: [planeId], from: page[0]?.agentId ?? from, limit: 500 });
    const wanting = new Set(agents.filter(({ conditions }) => conditions.length > 0).map(({ agentId }) => agentId));
    for (const { agentId, phase, conditions } of page) {
      if (phase === 'removed') continue;
      counts.total += 1;
      if (conditions.length > 0 || wanting.has(agentId)) counts.attention += 1;
      else if (phase === 'running') counts.running += 1;
      else counts.working += 1;
    }
    const last = page.at(-1);
    if (page.length < 500 || !last) return counts;
    from = `${last.agentId}\u0000`;
  }
}
