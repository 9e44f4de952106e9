import fc from 'fast-check';
import { channels, modelTiers, tools } from '../../shared/agent.ts';
import { parsePlane, type Plane } from '../../shared/plane.ts';
import type { Layer } from '../../shared/policy.ts';

/** A plane of which the policies alone matter. */
export function planeWith(policies: readonly unknown[]): Plane {
  const parsed = parsePlane({
    apiVersion: 'openclaw.dev/v1alpha1',
    kind: 'AgentsPlane',
    metadata: { name: 'acme' },
    spec: {
      identity: { provider: 'google-workspace', domain: 'acme.test' },
      infrastructure: { provider: 'local' },
      secrets: { provider: 'local' },
      networking: { provider: 'direct' },
      policies,
    },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value;
}

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const lists = { tools: maybe(fc.subarray([...tools])), channels: maybe(fc.subarray([...channels])) };
const budget = fc.integer({ min: 0, max: 1000 });

export const anyValues: fc.Arbitrary<Layer['values']> = fc.record({
  ...lists,
  agentEnabled: maybe(fc.boolean()),
  modelTier: maybe(fc.constantFrom(...modelTiers)),
  budgetCap: maybe(budget),
  machineType: maybe(fc.constantFrom('e2-small', 'e2-medium', 'e2-standard-4')),
});

export const anyLimits: fc.Arbitrary<NonNullable<Layer['limits']>> = fc.record({
  ...lists,
  agentEnabled: maybe(fc.constant(false as const)),
  modelTiers: maybe(fc.subarray([...modelTiers])),
  budgetCap: maybe(budget),
});

export const anyAdds: fc.Arbitrary<NonNullable<Layer['adds']>> = fc.record(lists);

const parts = (limits: fc.Arbitrary<Layer['limits']>, adds: fc.Arbitrary<Layer['adds']>) =>
  fc
    .array(fc.record({ values: anyValues, limits, adds }), { minLength: 1, maxLength: 6 })
    .map((list): Layer[] => list.map((part, at) => ({ ...part, origin: `layer-${at}` })));

/** Chains of layers that say, add and limit whatever they like. */
export const anyChain = parts(maybe(anyLimits), maybe(anyAdds));
/** Chains that add nothing, so that a stated list is the whole list. */
export const chainWithoutAdds = parts(maybe(anyLimits), fc.constant(undefined));
/** Chains of values alone. */
export const chainOfValues = parts(fc.constant(undefined), fc.constant(undefined));
