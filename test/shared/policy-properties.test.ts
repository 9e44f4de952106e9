import fc from 'fast-check';
import { channels, modelTiers, tools, type ModelTier } from '../../shared/agent.ts';
import { explain } from '../../shared/explain.ts';
import { policyFields, resolvePolicy, saidBy, type EffectivePolicy, type Layer } from '../../shared/policy.ts';
import { anyAdds, anyChain, anyLimits, anyValues, chainOfValues, chainWithoutAdds } from './chains.ts';

const rank = (tier: ModelTier): number => modelTiers.indexOf(tier);
const listFields = ['tools', 'channels'] as const;

const valuesOf = (policy: EffectivePolicy) => Object.fromEntries(policyFields.map((field) => [field, policy[field].value]));
const permittedTiers = (chain: readonly Layer[]) =>
  modelTiers.filter((tier) => chain.every(({ limits }) => limits?.modelTiers?.includes(tier) ?? true));

/** What is left of a value that was asked for once every limit has been kept; of a tier, whether it may stand at all. */
const isInside = (policy: EffectivePolicy, chain: readonly Layer[]): boolean => {
  const permitted = permittedTiers(chain);
  const tier = policy.modelTier.value;
  return (
    chain.every(
      ({ limits }) =>
        policy.budgetCap.value <= (limits?.budgetCap ?? Infinity) &&
        !(policy.agentEnabled.value && limits?.agentEnabled === false) &&
        policy.tools.value.every((tool) => limits?.tools?.includes(tool) ?? true) &&
        policy.channels.value.every((channel) => limits?.channels?.includes(channel) ?? true),
    ) && (permitted.length === 0 ? tier === 'haiku' : permitted.includes(tier))
  );
};

const holdsFor = <T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => void): void =>
  fc.assert(fc.property(arbitrary, check), { numRuns: 300 });

describe('every chain of policy layers (REQ-WS-03)', () => {
  it('lets the last layer that says something win, and names it', () => {
    holdsFor(fc.tuple(chainOfValues, anyValues), ([chain, values]) => {
      const last: Layer = { origin: 'last', values };
      const [before, after] = [resolvePolicy(chain), resolvePolicy([...chain, last])];
      for (const field of policyFields) {
        const said = saidBy(last)[field];
        expect(after[field]).toEqual(said === undefined ? before[field] : { value: said, origin: 'last' });
      }
    });
  });

  it('takes a layer without a word on a field for no layer at all', () => {
    holdsFor(fc.tuple(anyChain, fc.nat(6)), ([chain, at]) => {
      const silent: Layer = { origin: 'silent', values: {}, limits: {}, adds: {} };
      expect(resolvePolicy(chain.toSpliced(at, 0, silent))).toEqual(resolvePolicy(chain));
    });
  });

  it('names as origin a layer that said the value, or the default', () => {
    holdsFor(anyChain, (chain) => {
      const policy = resolvePolicy(chain);
      for (const field of policyFields) {
        const { origin, value, added = [], clamped } = policy[field];
        const asked = clamped ? clamped.from : value;
        const additions = added.flatMap(({ items }) => items);
        const layer = chain.find((one) => one.origin === origin);
        const said = layer && saidBy(layer)[field];
        if (!layer) expect([origin, chain.some((one) => saidBy(one)[field] !== undefined)]).toEqual(['default', false]);
        else if (typeof asked === 'object') {
          expect(asked.filter((item) => !additions.includes(item as never))).toEqual(said);
        } else expect(asked).toEqual(said);
      }
    });
  });

  it('keeps every value inside the intersection of all limits', () => {
    holdsFor(anyChain, (chain) => {
      expect(isInside(resolvePolicy(chain), chain)).toBe(true);
    });
  });

  it('clamps to the same whatever the order of the limits, and says so only when something was taken', () => {
    holdsFor(anyChain, (chain) => {
      const limits = chain.map((layer) => layer.limits).toReversed();
      const turned = chain.map((layer, at) => ({ ...layer, limits: limits[at] }));
      const [policy, other] = [resolvePolicy(chain), resolvePolicy(turned)];
      expect(valuesOf(other)).toEqual(valuesOf(policy));
      for (const field of policyFields) {
        const { clamped, value } = policy[field];
        if (!clamped) continue;
        expect(clamped.from).not.toEqual(value);
        expect(chain.find(({ origin }) => origin === clamped.by)?.limits).toBeDefined();
      }
    });
  });

  it('changes nothing more when the clamped values are asked for', () => {
    holdsFor(chainWithoutAdds, (chain) => {
      const policy = resolvePolicy(chain);
      const again = resolvePolicy([...chain, { origin: 'again', values: valuesOf(policy) }]);
      expect(valuesOf(again)).toEqual(valuesOf(policy));
      // Where no tier is permitted at all, the cheapest stands and every tier is clamped to it.
      const fields = permittedTiers(chain).length === 0 ? policyFields.filter((field) => field !== 'modelTier') : policyFields;
      for (const field of fields) expect(again[field].clamped).toBeUndefined();
    });
  });

  it('never gives more than was asked for and added', () => {
    holdsFor(anyChain, (chain) => {
      const { agentEnabled, budgetCap, modelTier, ...policy } = resolvePolicy(chain);
      expect(agentEnabled.clamped?.from ?? agentEnabled.value).toBe(agentEnabled.clamped ? true : agentEnabled.value);
      expect(budgetCap.value).toBeLessThanOrEqual(budgetCap.clamped?.from ?? budgetCap.value);
      for (const field of listFields) {
        const { value, clamped } = policy[field];
        expect(clamped?.from ?? value).toEqual(expect.arrayContaining([...value]));
      }
      const from = modelTier.clamped?.from ?? modelTier.value;
      const cheaper = permittedTiers(chain).filter((tier) => rank(tier) <= rank(from));
      // A tier rises only where none as cheap is permitted: that is how a lock holds one up.
      if (rank(modelTier.value) > rank(from)) expect(cheaper).toEqual([]);
      else if (cheaper.length > 0) expect(modelTier.value).toBe(cheaper.at(-1));
    });
  });

  it('enlarges nothing when a limit is added anywhere', () => {
    holdsFor(fc.tuple(anyChain, fc.nat(6), anyLimits), ([chain, at, limits]) => {
      const more = chain.toSpliced(at, 0, { origin: 'more', values: {}, limits });
      const [before, after] = [resolvePolicy(chain), resolvePolicy(more)];
      expect(Number(after.agentEnabled.value)).toBeLessThanOrEqual(Number(before.agentEnabled.value));
      expect(after.budgetCap.value).toBeLessThanOrEqual(before.budgetCap.value);
      for (const field of listFields) expect(before[field].value).toEqual(expect.arrayContaining([...after[field].value]));
      if (permittedTiers(more).includes(before.modelTier.value)) expect(after.modelTier.value).toBe(before.modelTier.value);
    });
  });

  it('holds a lock, a limit equal to the value, against every later layer, and names who locked', () => {
    const stated = fc.record({
      modelTier: fc.constantFrom(...modelTiers),
      budgetCap: fc.integer({ min: 0, max: 1000 }),
      tools: fc.subarray([...tools]),
      channels: fc.subarray([...channels]),
    });
    holdsFor(fc.tuple(chainOfValues, stated, chainOfValues), ([below, values, above]) => {
      const { modelTier, ...limits } = values;
      const lock: Layer = { origin: 'lock', values, limits: { ...limits, modelTiers: [modelTier] } };
      const locked = resolvePolicy([...below, lock]);
      for (const { field, locked: by } of explain([...below, lock])) {
        expect([field, by]).toEqual([field, field === 'agentEnabled' || field === 'machineType' ? null : 'lock']);
      }
      const policy = resolvePolicy([...below, lock, ...above]);
      expect(policy.modelTier.value).toBe(modelTier);
      expect(policy.budgetCap.value).toBeLessThanOrEqual(locked.budgetCap.value);
      for (const field of listFields) expect(locked[field].value).toEqual(expect.arrayContaining([...policy[field].value]));
    });
  });

  it('adds grants to whatever list won, within limits, and takes nothing away by them', () => {
    holdsFor(fc.tuple(chainWithoutAdds, fc.nat(6), anyAdds), ([chain, at, adds]) => {
      const [before, after] = [resolvePolicy(chain), resolvePolicy(chain.toSpliced(at, 0, { origin: 'grant', values: {}, adds }))];
      for (const field of listFields) {
        const allowed = (adds[field] ?? []).filter((item) =>
          chain.every(({ limits }) => (limits?.[field] as readonly string[] | undefined)?.includes(item) ?? true),
        );
        expect(new Set(after[field].value)).toEqual(new Set([...before[field].value, ...allowed]));
        expect(after[field].origin).toBe(before[field].origin);
      }
      for (const field of ['agentEnabled', 'modelTier', 'budgetCap', 'machineType'] as const) expect(after[field]).toEqual(before[field]);
    });
  });

  it('explains every field with the very values that count, and names everybody who spoke or limited', () => {
    const limitKey = {
      agentEnabled: 'agentEnabled',
      modelTier: 'modelTiers',
      budgetCap: 'budgetCap',
      tools: 'tools',
      channels: 'channels',
    };
    holdsFor(anyChain, (chain) => {
      const policy = resolvePolicy(chain);
      const explanation = explain(chain);
      expect(explanation.map(({ field }) => field)).toEqual(policyFields);
      for (const { field, said, limits, locked, ...effective } of explanation) {
        expect(effective).toEqual(policy[field]);
        expect(said.map(({ origin }) => origin)).toEqual(
          chain.filter(({ values }) => values[field] !== undefined).map(({ origin }) => origin),
        );
        expect(effective.origin).toBe(said.at(-1)?.origin ?? 'default');
        const key = field === 'machineType' ? undefined : (limitKey[field] as keyof NonNullable<Layer['limits']>);
        const limiting = chain.filter((layer) => key && layer.limits?.[key] !== undefined).map(({ origin }) => origin);
        expect(limits.map(({ origin }) => origin)).toEqual(limiting);
        if (locked !== null) expect(limiting).toContain(locked);
      }
    });
  });
});
