import fc from 'fast-check';
import { channels, modelTiers, toAgentId, tools } from '../../shared/agent.ts';
import type { PolicySpec } from '../../shared/plane.ts';
import type { PlanChange } from '../../shared/views-fleet.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import type { UserIdentity } from '../../functions/core/providers.ts';
import { wishFor } from '../../functions/directory/standing.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { applyChange } from '../../functions/plan/apply-change.ts';
import { planSubject, type Situation } from '../../functions/plan/planned.ts';
import { sumUp } from '../../functions/plan/sentences.ts';
import { toPlane } from '../directory/company.ts';

const group = 'leads@acme.test';
const subset = <T>(all: readonly T[]) => fc.subarray([...all], { minLength: 0 });
const limits = fc.record(
  {
    budgetCap: fc.integer({ min: 0, max: 500 }),
    modelTiers: subset(modelTiers),
    tools: subset(tools),
    channels: subset(channels),
  },
  { requiredKeys: [] },
);
const spec: fc.Arbitrary<PolicySpec> = fc.record(
  {
    agentEnabled: fc.boolean(),
    modelTier: fc.constantFrom(...modelTiers),
    budgetCap: fc.integer({ min: 0, max: 500 }),
    tools: subset(tools),
    channels: subset(channels),
    machineType: fc.constantFrom('e2-medium', 'e2-standard-2'),
    limits,
  },
  { requiredKeys: [] },
);
const match = fc.constantFrom({ organization: true as const }, { ou: '/Sales' }, { ou: '/Sales/EMEA' }, { group });
const policies = fc.uniqueArray(fc.record({ match, spec }), { maxLength: 4, selector: (layer) => JSON.stringify(layer.match) });
const change: fc.Arbitrary<PlanChange> = fc.oneof(
  policies.map((list): PlanChange => ({ kind: 'policies', policies: list })),
  fc.record({ match, spec: fc.option(spec) }).map((said): PlanChange => ({ kind: 'policy', ...said })),
  fc
    .record({ match, to: fc.constantFrom(...modelTiers), from: fc.option(fc.constantFrom(...modelTiers), { nil: undefined }) })
    .map(({ from, ...said }): PlanChange => ({ kind: 'tier', ...said, ...(from === undefined ? {} : { from }) })),
);
const user = fc.record({
  ouPath: fc.constantFrom('/', '/Sales', '/Sales/EMEA', '/Engineering'),
  groups: fc.constantFrom([], [group]),
  active: fc.boolean(),
  fields: fc.record(
    { agentEnabled: fc.boolean(), modelTier: fc.constantFrom('opus', 'Opuss'), budgetCap: fc.constantFrom('75', '9999') },
    { requiredKeys: [] },
  ),
});

const agentIdOf = (planeId: string, userId: string): string => toAgentId(planeId, userId, nodeHashing.sha256);
const toUser = (facts: { ouPath: string; groups: readonly string[]; active: boolean; fields: object }): UserIdentity => ({
  ...{ id: '1001', email: 'u@acme.test', name: 'U One', roles: [], ...facts },
  fields: { ...facts.fields },
});
const toRecord = (wish: ReturnType<typeof wishFor>): AgentRecord | undefined =>
  wish && { ...wish.draft, revision: 1, incarnation: 1, enabledAt: 0, changedAt: 0 };

const none = { services: [], grants: [] } as const;
function openSituation(before: ReturnType<typeof toPlane>, after = before): Situation {
  return { ...{ before: [before], after: [after], planeId: 'acme', services: [], grantsOf: () => [], agentIdOf } };
}

it('says of every user exactly what intake would make of them after the change (REQ-MAINT-06)', () => {
  fc.assert(
    fc.property(policies, change, user, (list, wanted, facts) => {
      const before = toPlane(list);
      const after = applyChange(before, wanted);
      const subject = toUser(facts);
      const id = agentIdOf('acme', subject.id);
      const current = toRecord(wishFor(before, subject, id, undefined, none, [before]));
      const then = wishFor(after, subject, id, current, none, [after])?.draft;
      const { planned } = planSubject({ user: subject, held: current ? [current] : [] }, openSituation(before, after));
      const [was, is] = [current?.desired === 'running', then?.desired === 'running'];
      const [only] = planned;
      expect(planned.length).toBeLessThan(2);
      if (was !== is) expect(only?.agent.effect).toBe(is ? 'create' : 'remove');
      else if (!is) expect(planned).toEqual([]);
      // What the plan tells of, laid over what is, gives what will be; and what it does not tell of stays.
      const said = new Map(only?.agent.fields.map(({ field, to }) => [field, to]));
      for (const field of ['modelTier', 'budgetCap', 'tools', 'channels', 'machineType'] as const) {
        if (is && then) expect(said.has(field) ? said.get(field) : current?.policy[field].value).toEqual(then.policy[field].value);
      }
      if (was && is) expect(only?.agent.budgetDeltaUsd ?? 0).toBe((then?.spec.budgetCap ?? 0) - (current?.spec.budgetCap ?? 0));
      const resized = was && is && current?.spec.machineType !== then?.spec.machineType;
      if (was && is) expect(only?.agent.parts ?? []).toEqual(resized ? [{ part: 'machine', effect: 'change' }] : []);
    }),
    { numRuns: 500 },
  );
});

it('plans nothing where nothing changes (REQ-MAINT-06)', () => {
  fc.assert(
    fc.property(policies, user, fc.boolean(), (list, facts, exists) => {
      const plane = toPlane(list);
      const subject = toUser(facts);
      const current = exists ? toRecord(wishFor(plane, subject, agentIdOf('acme', subject.id), undefined, none, [plane])) : undefined;
      expect(planSubject({ user: subject, held: current ? [current] : [] }, openSituation(plane)).planned).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

it('tells what a limit takes back of what the change asks for', () => {
  const before = toPlane([{ match: { organization: true }, spec: { agentEnabled: true, budgetCap: 50, limits: { budgetCap: 200 } } }]);
  const after = applyChange(before, { kind: 'policy', match: { ou: '/Sales' }, spec: { budgetCap: 500 } });
  const subject = toUser({ ouPath: '/Sales', groups: [], active: true, fields: {} });
  const current = toRecord(wishFor(before, subject, agentIdOf('acme', subject.id), undefined, none, [before]));
  const { planned } = planSubject({ user: subject, held: current ? [current] : [] }, openSituation(before, after));
  expect(planned[0]?.agent).toMatchObject({
    fields: [{ field: 'budgetCap', from: 50, fromOrigin: 'organization', to: 200, toOrigin: 'ou:/Sales' }],
    notes: ['budgetCap is asked to be 500; organization allows 200'],
    parts: [],
  });
});

it('sees the egress, the region and the size of machines through the core\u2019s own parts', () => {
  const before = toPlane([{ match: { organization: true }, spec: { agentEnabled: true } }]);
  const infrastructure = { ...before.spec.infrastructure, region: 'r2' };
  const networking = { ...before.spec.networking, egressPolicy: { default: 'open' as const, allowedDomains: [] } };
  const definition = { ...before, spec: { ...before.spec, infrastructure, networking } };
  const after = applyChange(before, { kind: 'definition', definition });
  const subject = toUser({ ouPath: '/', groups: [], active: true, fields: {} });
  const current = toRecord(wishFor(before, subject, agentIdOf('acme', subject.id), undefined, none, [before]));
  const { planned } = planSubject({ user: subject, held: current ? [current] : [] }, openSituation(before, after));
  expect(planned[0]?.agent.parts).toEqual([
    { part: 'egress', effect: 'change' },
    { part: 'machine', effect: 'change' },
  ]);
  expect(planned[0]?.agent.notes).toEqual(['its machine is made anew in r2']);
});

it('moves a tier where layers say it, and says it where none does', () => {
  const before = toPlane([
    { match: { organization: true }, spec: { modelTier: 'sonnet' } },
    { match: { ou: '/Sales/EMEA' }, spec: { modelTier: 'opus' } },
    { match: { ou: '/Engineering' }, spec: { modelTier: 'opus' } },
  ]);
  const tiers = (wanted: PlanChange) =>
    applyChange(before, wanted).spec.policies.map(({ match: scope, spec: said }) => [JSON.stringify(scope), said.modelTier]);
  expect(tiers({ kind: 'tier', match: { ou: '/Sales' }, to: 'haiku' })).toEqual([
    ['{"organization":true}', 'sonnet'],
    ['{"ou":"/Sales/EMEA"}', 'haiku'],
    ['{"ou":"/Engineering"}', 'opus'],
    ['{"ou":"/Sales"}', 'haiku'],
  ]);
  expect(tiers({ kind: 'tier', match: { organization: true }, from: 'opus', to: 'sonnet' })).toEqual([
    ['{"organization":true}', 'sonnet'],
    ['{"ou":"/Sales/EMEA"}', 'sonnet'],
    ['{"ou":"/Engineering"}', 'sonnet'],
  ]);
  expect(tiers({ kind: 'tier', match: { ou: '/Sales' }, from: 'haiku', to: 'opus' })).toEqual(
    tiers({ kind: 'policies', policies: before.spec.policies }),
  );
});

it('sums up in sentences for people', () => {
  const agent = {
    ...{ agentId: 'a', ownerEmail: '', ownerName: '', ouPath: '/', effect: 'change' as const, parts: [], notes: [], machineDeltaUsd: 0 },
    budgetDeltaUsd: 60,
    fields: [{ field: 'tools' as const, from: ['email', 'github'], fromOrigin: 'default', to: ['email'], toOrigin: 'user' }],
  };
  expect(sumUp([agent, agent]).sentences).toEqual(['2 agents change', '$120 a month more for models at most', '2 agents lose GitHub']);
  expect(sumUp([]).sentences).toEqual(['no agent changes']);
});
