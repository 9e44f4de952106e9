import type { OperationWork } from '../../shared/contract-operations.ts';
import type { Call } from './command.ts';
import { list, whole, type Values } from './flags.ts';
import { follow } from './operation-watch.ts';
import { plane, saidOnly, selectionFlags, toSelection } from './said.ts';
import { PlaneError } from '../../functions/core/errors.ts';

/* What every operation on many agents can be told. */

export const fleetFlags = {
  plane,
  ...selectionFlags,
  concurrency: whole('--concurrency <agents>', 'how many at once', 1, 500),
  maxFailurePercent: whole('--max-failure-percent <percent>', 'halt when more of those that were tried failed', 0, 100),
} as const;

export const ringFlags = {
  canaryOu: list('--canary-ou <paths>', 'org units that go first'),
  ring: list('--ring <rings>', 'then these, one after the other: /Sales or 10%; the rest is last'),
} as const;

type Ring = { ou: string } | { percent: number };
const toRing = (text: string): Ring => {
  if (text.startsWith('/')) return { ou: text };
  const percent = Number(/^(\d{1,3})%?$/.exec(text)?.[1]);
  if (percent >= 1 && percent <= 100) return { percent };
  throw new PlaneError('invalid', `cannot take ${text} for a ring; allowed: an org unit such as /Sales, or a share such as 10%`);
};

export const toRings = ({ canaryOu = [], ring = [] }: Values<typeof ringFlags>): Ring[] => [
  ...canaryOu.map((ou) => ({ ou })),
  ...ring.map(toRing),
];

/** Asks the plane for an operation on the agents that were named, and follows it. */
export async function operate(
  call: Call,
  said: Values<typeof fleetFlags>,
  work: { readonly kind: OperationWork['kind'] } & Readonly<Record<string, unknown>>,
  rings: readonly Ring[] = [],
): Promise<number> {
  const planeId = await call.planeOf(said.plane);
  const { concurrency, maxFailurePercent } = said;
  const body = {
    ...{ work, rings, select: toSelection(said), dryRun: call.dryRun },
    ...saidOnly({ concurrency, maxFailurePercent }),
  };
  return follow(call, await call.client('createOperation', { params: { planeId }, body }));
}
