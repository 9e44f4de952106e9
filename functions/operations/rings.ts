import { isInUnit } from '../../shared/org-unit.ts';
import { PlaneError } from '../core/errors.ts';
import type { AgentRecord, OperationRing } from '../core/records.ts';

/** As the contract says it: an org unit with all below it, or a share of all that were selected. */
export type RingWish = { readonly ou: string } | { readonly percent: number };

export interface Ring {
  readonly name: string;
  readonly agentIds: readonly string[];
}

/**
 * Parts agents into rings; who fits no ring is in the last. Ids are hashes, so that a share of them is nobody's choice and the same
 * people at each time. Throws `invalid` for an org unit in which nobody was selected: a canary that is skipped proves nothing.
 */
export function partRings(agents: readonly AgentRecord[], wishes: readonly RingWish[]): readonly Ring[] {
  const rings: Ring[] = [];
  let left = agents;
  for (const wish of wishes) {
    const many = 'percent' in wish ? Math.ceil((agents.length * wish.percent) / 100) : 0;
    const fits = (agent: AgentRecord, at: number): boolean => ('ou' in wish ? isInUnit(agent.ouPath, wish.ou) : at < many);
    const inside = left.filter(fits);
    left = left.filter((agent, at) => !fits(agent, at));
    if ('ou' in wish && inside.length === 0)
      throw new PlaneError('invalid', `cannot part agents into rings: none of those selected is left for ${wish.ou}; name another ring`);
    if (inside.length > 0)
      rings.push({ name: 'ou' in wish ? wish.ou : `${wish.percent} %`, agentIds: inside.map(({ agentId }) => agentId) });
  }
  const name = rings.length === 0 ? 'all' : 'the rest';
  return left.length > 0 ? [...rings, { name, agentIds: left.map(({ agentId }) => agentId) }] : rings;
}

export const emptyRing = (name: string, total: number): OperationRing => ({
  ...{ name, total, next: 0, running: 0, done: 0, failed: 0, skipped: 0 },
  ...{ undoing: 0, rolledBack: 0, stuck: 0 },
});

/** Those that have not begun, or are to be begun again. */
export const waitingOf = ({ total, running, done, failed, skipped, undoing, rolledBack, stuck }: OperationRing): number =>
  total - running - done - failed - skipped - undoing - rolledBack - stuck;
