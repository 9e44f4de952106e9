import { PlaneError } from '../core/errors.ts';
import type { AgentRecord, CareRecord, UpgradeRecord } from '../core/records.ts';
import type { Reads } from '../core/store.ts';

const isOver = (step: CareRecord['step'] | UpgradeRecord['step']): boolean => step === 'done' || step === 'failed' || step === 'rolledBack';

/** What is being done to an agent, for people; `undefined` where nothing is. */
export async function underWay({ agentId, incarnation }: AgentRecord, reads: Reads): Promise<string | undefined> {
  const [care, upgrade] = [await reads.get('cares', agentId), await reads.get('upgrades', agentId)];
  if (care?.incarnation === incarnation && !isOver(care.step)) return `its reprovision is under way, at the step ${care.step}`;
  if (upgrade?.incarnation === incarnation && !isOver(upgrade.step))
    return `its upgrade to ${upgrade.to} is under way, at the step ${upgrade.step}`;
  return undefined;
}

/** The agent as it is now. Throws `conflict` where it is not to run, is paused, or something else is being done to it. */
export async function readIdle(verb: string, { agentId, incarnation }: AgentRecord, reads: Reads): Promise<AgentRecord> {
  const current = await reads.get('agents', agentId);
  const refuse = (fact: string): PlaneError => new PlaneError('conflict', `cannot ${verb} agent ${agentId}: ${fact}`);
  if (current?.desired !== 'running' || current.incarnation !== incarnation) throw refuse('it is not to run; switch it on first');
  if (current.paused) throw refuse(`it is paused (${current.paused.reason}); resume it first`);
  const busy = await underWay(current, reads);
  if (busy !== undefined) throw refuse(`${busy}; wait until that has come to an end`);
  return current;
}
