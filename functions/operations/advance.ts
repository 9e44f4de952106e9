import type { OperationRecord } from '../core/records.ts';
import type { Decided } from './books.ts';
import { waitingOf } from './rings.ts';

/** So many have to be tried before their failures say anything of the others, unless the ring has no more. */
const handful = 10;

const actor = { kind: 'plane', id: 'operations' } as const;

/** Where an operation goes from how its agents stand; `undefined` where it stays. */
export function advance(
  operation: OperationRecord,
  { reversible, now }: { readonly reversible: boolean; readonly now: number },
): Decided | undefined {
  const { state, rings, maxFailurePercent } = operation;
  const ring = rings[operation.ring];
  const to = (next: OperationRecord['state'], ended: boolean): Decided => ({
    next: { ...operation, state: next, ...(ended ? { endedAt: now } : {}) },
    row: { actor, action: `operation.${next}` },
  });
  if (operation.endedAt !== undefined || operation.retrying) return undefined;
  if (!ring) return to('done', true);
  const busy = rings.some(({ running, undoing }) => running + undoing > 0);
  if (state === 'halted' || state === 'cancelled') return busy ? undefined : { next: { ...operation, endedAt: now } };
  if (state === 'rollingBack') {
    if (busy || ring.done > 0) return undefined;
    return to(ring.stuck > 0 ? 'failed' : 'rolledBack', true);
  }
  if (state !== 'running') return undefined;

  const [tried, over] = [ring.done + ring.failed, waitingOf(ring) + ring.running === 0];
  const tooMany = ring.failed * 100 > maxFailurePercent * tried && (over || tried >= handful);
  const later = rings.findIndex((each, at) => at > operation.ring && waitingOf(each) > 0);
  if (tooMany && reversible) return to('rollingBack', false);
  if (tooMany) return over && later < 0 ? to('failed', !busy) : to('halted', !busy);
  if (!over) return undefined;
  return later < 0 ? to('done', true) : { next: { ...operation, ring: later } };
}
