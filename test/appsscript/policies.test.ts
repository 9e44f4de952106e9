import { planCard } from '../../appsscript/cards/plan.ts';
import { toLayerSpec } from '../../appsscript/layer-form.ts';
import { toLayerWords } from '../../appsscript/layers.ts';
import { admin, formats, meOf, planOf, viewer } from './company.ts';
import { definitionOf, formOf, samplePolicies } from './policy-company.ts';
import { cardsIn, click, createHost, problem, textOf, verbsIn, working } from './sandbox.ts';

const bodyOf = (request: { readonly payload?: string } | undefined): unknown => JSON.parse(request?.payload ?? 'null');
const engineering = samplePolicies[1]?.spec;
const target = { scope: 'ou:/Engineering', revision: '3' };
const asForm = (form: ReturnType<typeof formOf>) => Object.fromEntries(Object.entries(form).map(([name, value]) => [name, [value].flat()]));

describe('the policies card', () => {
  it('shows the organization, the tree of org units and the groups in priority order, each with what it says (REQ-WS-03)', () => {
    const { host } = createHost(working());
    const text = textOf(cardsIn(click(host, 'openPolicies', {})));
    expect(text).toContain('Sonnet; $50 a month; tools: Calendar, Email; channels: Email; at most $500 a month');
    expect(text.indexOf('/Engineering')).toBeLessThan(text.indexOf('/Sales'));
    expect(text.indexOf('interns@')).toBeLessThan(text.indexOf('engineering-leads@'));
    expect(text).toContain('Haiku (locked)');
  });

  it('lets a Viewer look at each layer, and change none', () => {
    const { host } = createHost(working(2, { me: () => meOf('viewer') }));
    expect(new Set(verbsIn(click(host, 'openPolicies', {})))).toEqual(new Set(['openLayer', 'showPolicies']));
    const layer = click(host, 'openLayer', { scope: 'ou:/Sales' });
    expect(verbsIn(layer)).toEqual(['showPolicies']);
    expect(textOf(layer)).toContain('Inherit ($50 a month from the whole organization)');
  });

  it('is read-only where a file has the say, and names the way out', () => {
    const { host } = createHost(working(2, { getPlane: () => definitionOf({ managedBy: 'file' }) }));
    for (const card of [click(host, 'openPolicies', {}), click(host, 'openLayer', { scope: 'all' })]) {
      expect(textOf(card)).toContain('planes apply -f');
      expect(verbsIn(card).filter((verb) => verb.startsWith('plan') || verb.startsWith('choose'))).toEqual([]);
    }
  });
});

describe('the form of a layer', () => {
  it.each(samplePolicies)('says the same as before where nobody touched it: %j', ({ spec }) => {
    expect(toLayerSpec(asForm(formOf(spec)), spec)).toEqual({
      spec: { machineType: undefined, agentEnabled: undefined, ...withAll(spec) },
    });
  });
  const withAll = (spec: (typeof samplePolicies)[number]['spec']) => ({
    ...{ modelTier: undefined, budgetCap: undefined, tools: undefined, channels: undefined },
    ...spec,
    ...(spec.limits
      ? { limits: { budgetCap: undefined, modelTiers: undefined, tools: undefined, channels: undefined, ...spec.limits } }
      : {}),
  });
  const read = (changes: Parameters<typeof formOf>[1], stored = engineering) => {
    const result = toLayerSpec(asForm(formOf(stored, changes)), stored ?? {});
    return JSON.parse(JSON.stringify('spec' in result ? result.spec : result.wrong)) as unknown;
  };

  it('locks a value by a limit equal to it, and limits to something else', () => {
    expect(read({ budgetLimit: 'lock' })).toMatchObject({ budgetCap: 200, limits: { budgetCap: 200 } });
    expect(read({ tierLimit: 'lock' })).toMatchObject({ modelTier: 'opus', limits: { modelTiers: ['opus'] } });
    expect(read({ toolsLimit: 'own', toolsAllowed: ['email', 'ssh'] })).toMatchObject({ limits: { tools: ['email', 'ssh'] } });
    expect(read({ budgetLimit: 'own', budgetMost: '$1,000' })).toMatchObject({ limits: { budgetCap: 1000 } });
  });

  it('inherits again, or says none at all', () => {
    expect(read({ tier: 'inherit', budget: '', tools: ['inherit', 'github'], channels: [] }, { tools: ['github'], budgetCap: 9 })).toEqual({
      channels: [],
    });
    expect(read({ tools: [] })).toMatchObject({ tools: [] });
  });

  it('keeps limits that a host did not send, since they stood in a closed section', () => {
    const closed = { tierLimit: [], budgetLimit: [], budgetMost: [], toolsLimit: [], toolsAllowed: [], channelsLimit: [] };
    const stored = { budgetCap: 50, tools: ['email' as const], limits: { budgetCap: 500, tools: ['email' as const], channels: [] } };
    expect(read(closed, stored)).toEqual(stored);
    expect(read({ ...closed, tools: ['email', 'crm'] }, stored)).toMatchObject({ limits: { tools: ['crm', 'email'], budgetCap: 500 } });
  });

  it('keeps what it does not show', () => {
    expect(read({ agents: 'on' }, { machineType: 'e2-standard-2' })).toEqual({ agentEnabled: true, machineType: 'e2-standard-2' });
  });

  it.each([
    [{ budget: 'lots' }, 'Budget: type whole US dollars'],
    [{ budget: '20000000' }, 'Budget: type whole US dollars'],
    [{ budget: '', budgetLimit: 'lock' }, 'Budget: choose a value to lock'],
    [{ budgetMost: '70' }, 'Budget: choose \u201cOnly those allowed below\u201d'],
    [{ tools: ['inherit', 'crm'] }, 'Tools: uncheck \u201cInherit\u201d'],
    [{ channelsAllowed: ['slack'] }, 'Channels: choose \u201cOnly those allowed below\u201d'],
    [{ tierLimit: 'own' }, 'Model: allow at least one'],
    [{ tier: '' }, 'Choose a model'],
    [{ agents: '' }, 'The form came incomplete'],
  ])('says what is wrong with %j and drops nothing silently', (changes, words) => {
    expect(read(changes)).toEqual([expect.stringContaining(words)]);
  });

  it('puts a layer in one line', () => {
    expect(toLayerWords({}, formats)).toContain('everything is inherited');
    expect(toLayerWords({ agentEnabled: false, limits: { tools: [] } }, formats)).toBe('Agents off; no tools at all');
  });
});

describe('changing a layer', () => {
  it('makes a plan, shows what it changes, and applies that very plan', () => {
    const plan = planOf(14, {
      kind: 'policy',
      budgetDeltaUsd: 120,
      sentences: ['14 agents change', '$120 a month more for models at most', '2 agents lose GitHub'],
    });
    const { host, sent } = createHost(working(2, { createPlan: () => plan }));
    const shown = click(host, 'planLayer', target, formOf(engineering, { budget: '300' }));
    expect(bodyOf(sent.at(-1))).toMatchObject({
      change: { kind: 'policy', match: { ou: '/Engineering' }, spec: { budgetCap: 300, modelTier: 'opus' } },
    });
    for (const words of ['14 agents change.', '$120 a month more', '2 agents lose GitHub.']) expect(textOf(shown)).toContain(words);
    expect(verbsIn(shown)).toEqual(['applyPlan', 'showPolicies']);
    click(host, 'applyPlan', { id: 'plan-1', removals: '0' });
    expect(sent.at(-2)?.url).toContain('/plans/plan-1/apply');
    expect(bodyOf(sent.at(-2))).toEqual({});
  });

  it('plans nothing when the form is wrong, and keeps the form', () => {
    const { host, sent } = createHost(working());
    const answer = click(host, 'planLayer', target, formOf(engineering, { budget: 'x' }));
    expect(answer.action.navigations).toBeUndefined();
    expect(answer.action.notification?.text).toContain('Budget');
    expect(sent.some(({ method }) => method === 'post')).toBe(false);
  });

  it('plans nothing on policies that somebody has changed meanwhile', () => {
    const { host, sent } = createHost(working(2, { getPlane: () => definitionOf({ revision: 4 }) }));
    expect(textOf(click(host, 'planLayer', target, formOf(engineering)))).toContain('Somebody else changed the policies');
    expect(sent.some(({ method }) => method === 'post')).toBe(false);
  });

  it('takes a layer away and moves a group, both by plan', () => {
    const { host, sent } = createHost(working());
    click(host, 'planNoLayer', target);
    expect(bodyOf(sent.at(-1))).toEqual({ change: { kind: 'policy', match: { ou: '/Engineering' }, spec: null } });
    click(host, 'planMove', { scope: 'group:interns@acme.test', by: '1', revision: '3' });
    const { change } = bodyOf(sent.at(-1)) as { change: { kind: string; policies: { match: unknown }[] } };
    expect(change.kind).toBe('policies');
    expect(change.policies.map(({ match }) => match).slice(3)).toEqual([
      { group: 'engineering-leads@acme.test' },
      { group: 'interns@acme.test' },
    ]);
    const posts = sent.length;
    expect(click(host, 'planMove', { scope: 'group:interns@acme.test', by: '-1', revision: '3' }).action.notification?.text).toContain(
      'cannot be done',
    );
    expect(sent.length).toBe(posts + 2);
  });

  it('asks again, by name, before agents are removed, and allows that many alone', () => {
    const removing = planOf(30, { kind: 'policy', counts: { agents: 30, creates: 0, removes: 30, changes: 0 } });
    const { host, sent } = createHost(working(2, { getPlan: () => removing }));
    expect(verbsIn(planCard(removing, admin))).toEqual(['askApply', 'showPolicies']);
    const question = click(host, 'askApply', { id: 'plan-1' });
    expect(textOf(question)).toContain('30 agents');
    expect(verbsIn(question)).toEqual(['applyPlan', 'showPlan']);
    click(host, 'applyPlan', { id: 'plan-1', removals: '30' });
    expect(bodyOf(sent.at(-2))).toEqual({ maxRemovals: 30 });
  });

  it('shows the plan as it stands when it was refused', () => {
    const { host, trips } = createHost((request) =>
      request.method === 'post' ? problem(412, 'preconditionFailed', 'the definition went from revision 3 to 4') : working()(request),
    );
    const answer = click(host, 'applyPlan', { id: 'plan-1', removals: '0' });
    expect(textOf(answer)).toContain('from revision 3 to 4');
    expect(trips).toHaveLength(2);
  });

  it('gives no way to apply to a Viewer or to an admin of some org units', () => {
    for (const reader of [viewer, { ...admin, wholeCompany: false }]) expect(verbsIn(planCard(planOf(3), reader))).toEqual(['showBulk']);
  });
});
