import type { PlanChange, PlanView } from '../../shared/contract.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Call } from './command.ts';
import { confirm, confirmName } from './confirm.ts';
import { exitCodes } from './exit-codes.ts';
import { count, show } from './output.ts';
import { isEmpty, toPlanText } from './plan-text.ts';

/** Has the plane work out what a change would do, and shows that alone. */
export async function planOnly({ client, output }: Call, planeId: string, change: PlanChange): Promise<number> {
  const plan = await client('createPlan', { params: { planeId }, body: { change } });
  show(output, plan, () => `${toPlanText(plan)}\nNothing was changed.`);
  return exitCodes.done;
}

export interface ApplyTerms {
  readonly maxRemovals?: number;
  /** Shown already. */
  readonly shown?: boolean;
}

/** Shows a plan, asks, and has it done. */
export async function applyPlan(call: Call, plan: PlanView, { maxRemovals, shown = false }: ApplyTerms): Promise<number> {
  const { client, output, say, dryRun } = call;
  const { planeId, id, counts } = plan;
  if (isEmpty(plan)) {
    show(output, plan, () => `Nothing to do: plane ${planeId} is as this says already.`);
    return exitCodes.done;
  }
  if (dryRun) {
    show(output, plan, () => `${toPlanText(plan)}\nNothing was changed.`);
    return exitCodes.done;
  }
  if (!shown && output.format === 'table') say(toPlanText(plan));
  if (plan.refusals.length > 0) {
    throw new PlaneError('conflict', `cannot apply plan ${id}: ${plan.refusals.join('; ')}; change what it asks for, and plan again`);
  }
  if (maxRemovals !== undefined && counts.removes > maxRemovals) {
    const remove = `it removes ${count(counts.removes, 'agent')}, more than ${maxRemovals}`;
    throw new PlaneError('conflict', `cannot apply plan ${id}: ${remove}; nothing was changed; if that is meant, raise --max-removals`);
  }
  if (counts.removes > 0) await confirmName(call, `remove ${count(counts.removes, 'agent')} of plane ${planeId}`, planeId);
  else await confirm(call, `apply plan ${id} to plane ${planeId}`);
  const body = maxRemovals === undefined ? {} : { maxRemovals };
  const applied = await client('applyPlan', { params: { planeId, planId: id }, body });
  show(output, applied, () =>
    applied.state === 'waiting'
      ? `Plan ${id} waits for somebody else: planes approve ${id} --plane ${planeId}`
      : `Applied: ${counts.creates} to create, ${counts.removes} to remove, ${counts.changes} to change. \`planes status --plane ${planeId}\``,
  );
  return exitCodes.done;
}

export async function applyChange(call: Call, planeId: string, change: PlanChange, terms: ApplyTerms): Promise<number> {
  return applyPlan(call, await call.client('createPlan', { params: { planeId }, body: { change } }), terms);
}
