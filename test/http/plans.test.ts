import fc from 'fast-check';
import type { PlanView } from '../../shared/views-fleet.ts';
import { changePlane, toPlaneDraft } from '../../functions/planes.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { eventually, openWorld, type World } from './world.ts';

const admin = 'admin@acme.test';
const plans = '/v1/planes/acme/plans';
let world: World;
beforeEach(async () => (world = await openWorld()));
afterEach(() => world.close());

const call = async (method: string, path: string, body?: unknown, as = admin) => {
  const answer = await world.call(method, path, as, body);
  return { status: answer.status, plan: answer.body as unknown as PlanView & { detail?: string } };
};
const create = async (change: unknown, as = admin): Promise<PlanView> => {
  const { status, plan } = await call('POST', plans, { change }, as);
  expect([status, plan.detail]).toEqual([201, undefined]);
  return plan;
};
const apply = (id: string, body = {}, as = admin) => call('POST', `${plans}/${id}/apply`, body, as);
const decide = (id: string, body: unknown, as: string) => call('POST', `${plans}/${id}/decision`, body, as);

async function enable(...emails: string[]): Promise<void> {
  for (const email of emails)
    expect((await world.call('PATCH', `/v1/planes/acme/users/${email}`, admin, { agentEnabled: true })).status).toBe(202);
  await world.settle();
}
const agentOf = async (email: string) => world.store.get('agents', await world.agentIdOf(email));
const revision = async (): Promise<number> => (await world.store.get('planes', 'acme'))?.revision ?? 0;
const changeSpec = (spec: object) =>
  changePlane(
    'acme',
    { kind: 'user', id: admin },
    (current) =>
      current && { ...toPlaneDraft(current), definition: { ...current.definition, spec: { ...current.definition.spec, ...spec } } },
    { ...world, hashing: nodeHashing },
  );

const salesToOpus = { kind: 'policy', match: { ou: '/Sales' }, spec: { tools: ['email', 'github'], modelTier: 'opus', budgetCap: 80 } };

it('shows every agent that a policy edit touches, and applying gives exactly that (REQ-MAINT-06)', async () => {
  await enable('bob@acme.test', 'alice@acme.test');
  const before = await revision();
  const plan = await create(salesToOpus);
  expect(plan).toMatchObject({ state: 'ready', base: before, counts: { agents: 1, creates: 0, removes: 0, changes: 1 }, refusals: [] });
  expect(plan.agents[0]).toMatchObject({
    ownerEmail: 'bob@acme.test',
    effect: 'change',
    budgetDeltaUsd: 30,
    machineDeltaUsd: 0,
    fields: [
      { field: 'modelTier', from: 'sonnet', fromOrigin: 'organization', to: 'opus', toOrigin: 'ou:/Sales' },
      { field: 'budgetCap', from: 50, to: 80 },
      { field: 'tools', from: ['calendar', 'crm', 'email'], to: ['email', 'github'] },
      { field: 'channels', from: ['email', 'slack'], fromOrigin: 'ou:/Sales', to: ['email'], toOrigin: 'organization' },
    ],
  });
  expect(plan.sentences).toContain('$30 a month more for models at most');
  expect(await revision()).toBe(before);

  const applied = await apply(plan.id);
  expect([applied.status, applied.plan.state]).toEqual([200, 'applied']);
  await world.settle();
  expect((await agentOf('bob@acme.test'))?.spec).toMatchObject({ modelTier: 'opus', budgetCap: 80, tools: ['email', 'github'] });
  expect((await agentOf('alice@acme.test'))?.spec.modelTier).toBe('opus');

  const rows = await world.store.query('audit', 'bySeq', { equals: ['plane/acme'], reverse: true, limit: 5 });
  expect(rows.find(({ action }) => action === 'plane.change')).toMatchObject({ actor: { id: admin, via: plan.id } });
  // Again is as good as once, and changes nothing.
  const now = await revision();
  expect((await apply(plan.id)).plan.state).toBe('applied');
  expect(await revision()).toBe(now);
  expect((await create(salesToOpus)).counts.agents).toBe(0);
});

it('plans nothing for the definition as it is (REQ-MAINT-06)', async () => {
  await enable('bob@acme.test');
  const definition = (await world.store.get('planes', 'acme'))?.definition;
  const plan = await create({ kind: 'definition', definition });
  expect(plan).toMatchObject({ counts: { agents: 0 }, definition: [], sentences: ['no agent changes'], budgetDeltaUsd: 0 });
  expect((await apply(plan.id)).plan.state).toBe('applied');
});

it('refuses a plan when anything moved since, and says what (REQ-MAINT-06)', async () => {
  await enable('bob@acme.test');
  const [first, second] = [await create(salesToOpus), await create(salesToOpus)];
  const people = await world.directory.users.list({ customer: 'my_customer', maxResults: 500 });
  const inSales = people.data.users?.filter(({ orgUnitPath }) => orgUnitPath === '/Sales').map(({ primaryEmail }) => primaryEmail ?? '');
  const other = inSales?.find((email) => email !== 'bob@acme.test') ?? '';
  await enable(other);
  const moved = await apply(first.id);
  expect([moved.status, moved.plan.detail]).toEqual([412, expect.stringContaining(other)]);
  expect((await call('GET', `${plans}/${first.id}`)).plan.state).toBe('stale');
  await changeSpec({ timeZone: 'Europe/Berlin' });
  const edited = await apply(second.id);
  expect([edited.status, edited.plan.detail]).toEqual([412, expect.stringMatching(/revision \d+ to \d+/)]);
  expect((await agentOf('bob@acme.test'))?.spec.modelTier).toBe('sonnet');
});

it('stops a plan that removes more than may go (REQ-MAINT-06)', async () => {
  await enable('bob@acme.test', 'alice@acme.test');
  await changeSpec({ changes: { secondPerson: false, maxRemovals: 1 } });
  await world.settle();
  const definition = (await world.store.get('planes', 'acme'))?.definition;
  const identity = { ...definition?.spec.identity, selector: { ous: ['/Nobody'] } };
  const plan = await create({ kind: 'definition', definition: { ...definition, spec: { ...definition?.spec, identity } } });
  expect(plan.counts).toMatchObject({ removes: 2 });
  const stopped = await apply(plan.id);
  expect([stopped.status, stopped.plan.detail]).toEqual([409, expect.stringContaining('--max-removals 2')]);
  expect((await agentOf('bob@acme.test'))?.desired).toBe('running');
  expect((await apply(plan.id, { maxRemovals: 2 })).plan.state).toBe('applied');
  await eventually('nobody left', async () => (await agentOf('bob@acme.test'))?.desired === 'removed');
});

it('waits for a second person where the plane asks for one (REQ-MAINT-06)', async () => {
  await enable('bob@acme.test');
  await changeSpec({ changes: { secondPerson: true, maxRemovals: 25 } });
  await world.settle();
  const plan = await create(salesToOpus);
  expect(plan.needsApproval).toBe(true);
  expect((await apply(plan.id)).plan.state).toBe('waiting');
  expect((await agentOf('bob@acme.test'))?.spec.modelTier).toBe('sonnet');
  expect((await decide(plan.id, { decision: 'approve' }, admin)).status).toBe(403);
  const denied = await create({ ...salesToOpus, match: { ou: '/Engineering' } });
  await apply(denied.id);
  expect((await decide(denied.id, { decision: 'deny', reason: 'too dear' }, admin)).plan).toMatchObject({
    state: 'denied',
    reason: 'too dear',
  });
  expect((await apply(denied.id)).status).toBe(409);
  const second = await createPlanAs('other@acme.test', plan.id);
  expect(second).toMatchObject({ state: 'applied', decidedBy: 'other@acme.test' });
});

/** Another admin, by the role that the directory gives them. */
async function createPlanAs(email: string, planId: string): Promise<PlanView> {
  await world.directory.users.insert({
    requestBody: { primaryEmail: email, name: { givenName: 'Other', familyName: 'Admin' }, password: 'not-used-here', isAdmin: true },
  });
  await world.directory.users.makeAdmin({ userKey: email, requestBody: { status: true } });
  const answer = await decide(planId, { decision: 'approve' }, email);
  expect([answer.status, answer.plan.detail]).toEqual([200, undefined]);
  return answer.plan;
}

it('plans an edit of one user\u2019s page and writes it through the directory (REQ-MAINT-06)', async () => {
  const plan = await create({ kind: 'user', userKey: 'bob@acme.test', requests: { agentEnabled: true, budgetCap: 9_000 } });
  expect(plan.agents[0]).toMatchObject({
    effect: 'create',
    budgetDeltaUsd: 500,
    notes: ['budgetCap is asked to be 9000; organization allows 500'],
  });
  expect(plan.agents[0]?.parts.map(({ part }) => part)).toEqual(['principal', 'secrets', 'access', 'egress', 'machine', 'runtime']);
  expect((await apply(plan.id)).plan.state).toBe('applied');
  await world.settle();
  expect((await agentOf('bob@acme.test'))?.spec.budgetCap).toBe(500);
  const none = await create({ kind: 'user', userKey: 'bob@acme.test', requests: { agentEnabled: true } });
  expect(none.counts.agents).toBe(0);
});

it('refuses what cannot be, and warns of what should be thought of (REQ-MAINT-06)', async () => {
  const definition = (await world.store.get('planes', 'acme'))?.definition;
  const infrastructure = { provider: 'mars', region: 'crater', defaults: { machineType: 'e2-small' } };
  const plan = await create({ kind: 'definition', definition: { ...definition, spec: { ...definition?.spec, infrastructure } } });
  expect(plan.refusals).toEqual([expect.stringContaining('spec.infrastructure.provider cannot go from local to mars')]);
  expect(plan.warnings).toEqual(expect.arrayContaining([expect.stringContaining('e2-small has too little memory')]));
  expect((await apply(plan.id)).status).toBe(409);
  const locked = await create({ kind: 'policy', match: { ou: '/Sales' }, spec: { modelTier: 'opus', limits: { modelTiers: ['haiku'] } } });
  expect(locked.warnings).toEqual(['ou:/Sales contradicts itself: it says Opus and permits Haiku']);
  expect((await world.call('POST', plans, 'viewer@acme.test', { change: salesToOpus })).status).toBe(403);
});

it('lets what an applied plan creates pass the guard, and nothing else (REQ-MAINT-06)', async () => {
  await world.close();
  world = await openWorld({ users: 300 });
  const plan = await create({ kind: 'policy', match: { ou: '/Sales' }, spec: { agentEnabled: true } });
  const { creates } = plan.counts;
  // More than one walk may create unasked.
  expect(creates).toBeGreaterThan(25);
  expect((await apply(plan.id)).plan.state).toBe('applied');
  const running = async () => {
    const agents = await world.store.query('agents', 'byPlane', { equals: ['acme'], limit: 500 });
    return agents.filter(({ desired }) => desired === 'running').length;
  };
  await eventually('every planned agent', async () => (await running()) === creates, 30_000).catch(async (error: unknown) => {
    const held = await world.store.query('approvals', 'byPlane', { equals: ['acme'], limit: 10 });
    throw new Error(`${await running()} of ${creates}; ${JSON.stringify(held)}`, { cause: error });
  });
  expect(await world.store.query('approvals', 'byState', { equals: ['acme', 'waiting'], limit: 10 })).toEqual([]);
  const listed = await world.call('GET', `${plans}?state=applied`, admin);
  expect(listed.body['plans']).toHaveLength(1);
  const page = await world.call('GET', `${plans}/${plan.id}/agents?limit=2`, admin);
  expect(page.body).toMatchObject({ agents: plan.agents.slice(0, 2), next: creates > 2 ? '2' : null });
}, 60_000);

const spec = fc.record(
  {
    agentEnabled: fc.boolean(),
    modelTier: fc.constantFrom('haiku', 'sonnet', 'opus'),
    budgetCap: fc.integer({ min: 0, max: 600 }),
    tools: fc.subarray(['email', 'crm', 'github']),
    limits: fc.record({ budgetCap: fc.integer({ min: 0, max: 400 }) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);
const match = fc.constantFrom({ organization: true }, { ou: '/Sales' }, { ou: '/Engineering' }, { group: 'engineering-leads@acme.test' });

it('gives every agent exactly what the plan said, whatever the policies (REQ-MAINT-06)', async () => {
  const facts = async () => {
    const agents = await world.store.query('agents', 'byPlane', { equals: ['acme'], limit: 500 });
    return new Map(agents.filter(({ desired }) => desired === 'running').map(({ agentId, policy }) => [agentId, policy]));
  };
  const policies = fc.uniqueArray(fc.record({ match, spec }), { maxLength: 4, selector: (layer) => JSON.stringify(layer.match) });
  await fc.assert(
    fc.asyncProperty(policies, async (list) => {
      const before = await facts();
      const plan = await create({ kind: 'policies', policies: list });
      expect((await apply(plan.id, { maxRemovals: 500 })).plan.state).toBe('applied');
      await world.settle();
      const after = await facts();
      const of = (effect: string) => plan.agents.filter((agent) => agent.effect === effect).map(({ agentId }) => agentId);
      expect(new Set(after.keys())).toEqual(new Set([...before.keys(), ...of('create')].filter((id) => !of('remove').includes(id))));
      for (const [agentId, policy] of after) {
        const said = new Map(plan.agents.find((agent) => agent.agentId === agentId)?.fields.map(({ field, to }) => [field, to]));
        for (const field of ['modelTier', 'budgetCap', 'tools', 'channels', 'machineType'] as const)
          expect([field, policy[field].value]).toEqual([field, said.has(field) ? said.get(field) : before.get(agentId)?.[field].value]);
      }
    }),
    { numRuns: 6 },
  );
}, 60_000);
