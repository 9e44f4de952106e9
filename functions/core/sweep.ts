import { changeAgent, type AgentDraft, type ChangeDeps } from './agents.ts';
import type { Listing } from './part.ts';
import { makeDue, passKey } from './schedule.ts';
import type { Ctx } from './surroundings.ts';

export interface SweepDeps extends ChangeDeps {
  readonly planeId: string;
  readonly listings: readonly Listing[];
  /** The record of an agent of which nothing is known but its id, so that a pass can remove what is left of it. */
  readonly tombstone: (agentId: string) => AgentDraft;
}

/** Finds what providers hold for agents that should not exist, and makes the pass of each due. Answers their ids. */
export async function sweepOrphans(ctx: Ctx, deps: SweepDeps): Promise<readonly string[]> {
  const { store, clock, planeId, listings, tombstone, wake } = deps;
  const found = new Set<string>();
  for (const { list } of listings) {
    for (const owner of await list(ctx)) if (owner.planeId === planeId) found.add(owner.agentId);
  }
  const orphans: string[] = [];
  for (const agentId of found) {
    const agent = await store.get('agents', agentId);
    if (!agent) {
      await changeAgent(agentId, { kind: 'plane', id: 'sweep' }, (current) => (current ? undefined : tombstone(agentId)), deps);
      orphans.push(agentId);
    } else if (agent.desired === 'removed' && (await store.get('statuses', agentId))?.phase === 'removed') {
      await store.transact(async (tx) => makeDue(tx, passKey(agentId), await tx.get('schedule', passKey(agentId)), clock.now()));
      wake.wake(passKey(agentId));
      orphans.push(agentId);
    }
  }
  return orphans;
}
