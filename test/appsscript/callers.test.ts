import type { ActionName, Actions } from '../../appsscript/actions.ts';
import type { RenderedAction } from '../../appsscript/card.ts';
import { bundleAddon } from '../../scripts/build-addon.ts';
import { createPreview, type Preview } from '../../scripts/local/preview/preview.ts';
import { openWorld, type World } from '../http/world.ts';
import { formOf } from './policy-company.ts';
import { actionsIn, eventOf, textOf, verbsIn, type FormValues } from './sandbox.ts';

const customer = 'my_customer';
const people = { stranger: 'carol@acme.test', viewer: 'viewer@acme.test', scoped: 'erin@acme.test', admin: 'admin@acme.test' } as const;
type Caller = keyof typeof people;
const everybody: readonly Caller[] = ['stranger', 'viewer', 'scoped', 'admin'];

type Click = { readonly [K in ActionName]: readonly [K, Actions[K], FormValues?] }[ActionName];
/** Each click, and for whom it is answered with what was asked for. Bob is in /Sales, where the scoped admin is one; Alice is not. */
const clicks: readonly (readonly [...Click, readonly Caller[]])[] = [
  ['home', { filter: '{}', cursor: '', back: '[]' }, {}, ['viewer', 'scoped', 'admin']],
  ['openPolicies', {}, {}, ['viewer', 'scoped', 'admin']],
  ['openLayer', { scope: 'ou:/Sales' }, {}, ['viewer', 'scoped', 'admin']],
  ['openSettings', {}, {}, ['viewer', 'scoped', 'admin']],
  ['openUser', { user: 'bob@acme.test' }, {}, ['viewer', 'scoped', 'admin']],
  ['openUser', { user: 'alice@acme.test' }, {}, ['viewer', 'admin']],
  ['openApprovals', {}, {}, ['viewer', 'admin']],
  ['openAudit', {}, {}, ['viewer', 'admin']],
  ['verifyAudit', { filter: '{}' }, {}, ['viewer', 'admin']],
  ['openBulk', {}, {}, ['viewer', 'admin']],
  ['openCosts', {}, {}, ['viewer', 'admin']],
  ['planLayer', { scope: 'ou:/Sales', revision: '1' }, formOf({ budgetCap: 60 }), ['admin']],
  ['planTier', {}, { from: 'sonnet', to: 'opus', tierScope: 'ou:/Sales' }, ['admin']],
  ['planWork', {}, { work: 'pause', scope: 'ou:/Sales' }, ['admin']],
  ['saveField', { user: 'bob@acme.test', field: 'budgetCap', was: '[]' }, { value: '40' }, ['scoped', 'admin']],
  ['saveField', { user: 'alice@acme.test', field: 'budgetCap', was: '[]' }, { value: '40' }, ['admin']],
];
const changing = [
  'switchAgent',
  'saveField',
  'planLayer',
  'planNoLayer',
  'planMove',
  'planWork',
  'planTier',
  'chooseUnit',
  'chooseGroup',
  'doVerb',
  'editField',
  'applyPlan',
];

describe('the bundle before a whole plane', () => {
  let world: World;
  let preview: Preview;

  beforeAll(async () => {
    world = await openWorld();
    const { data } = await world.directory.roles.list({ customer });
    const roleId = data.items?.find(({ roleName }) => roleName === 'OpenClaw Agent Admin')?.roleId ?? '';
    const { orgUnitId } = (await world.directory.orgunits.get({ customerId: customer, orgUnitPath: 'Sales' })).data;
    const scope = { scopeType: 'ORG_UNIT', ...(orgUnitId ? { orgUnitId } : {}) };
    await world.directory.roleAssignments.insert({
      customer,
      requestBody: { roleId, assignedTo: await world.idOf(people.scoped), ...scope },
    });
    preview = createPreview({
      code: await bundleAddon(),
      properties: { backendUrl: world.url, planeId: 'acme' },
      identityToken: (email) => world.idToken(email),
      fetch: async (url, { method, headers, body }) => {
        const answer = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
        return { status: answer.status, headers: {}, body: await answer.text() };
      },
    });
  }, 60_000);
  afterAll(async () => {
    await preview.close();
    await world.close();
  });

  async function run(caller: Caller, [name, parameters, form]: Click): Promise<RenderedAction> {
    const event = eventOf(name, parameters as Actions['openUser'], form);
    const answer = await preview.run({ functionName: 'onAction', event, user: people[caller] });
    if ('error' in answer) throw new Error(answer.error);
    return answer.result;
  }

  const cases = clicks.flatMap(([name, parameters, form, allowed]) =>
    everybody.map((caller) => ({
      what: `${name} ${JSON.stringify(parameters)}`,
      click: [name, parameters, form] as Click,
      caller,
      may: allowed.includes(caller),
    })),
  );
  it.each(cases)(
    '$what of $caller is let in: $may, and refused by the plane itself otherwise (REQ-WSEC-02)',
    async ({ click, caller, may }) => {
      const answer = await run(caller, click);
      const text = textOf(answer);
      expect(text).not.toMatch(/stumbled|had a problem|Not accepted|Not found/);
      expect(text.includes('You do not have permission for this')).toBe(!may);
      if (caller === 'viewer') expect(verbsIn(answer).filter((verb) => changing.includes(verb))).toEqual([]);
      if (caller === 'stranger') expect(text).not.toMatch(/\$\d|Sonnet/);
      if (!may && answer.action.navigations) expect(textOf(answer.action.navigations)).toContain('You do not have permission for this');
    },
  );

  it('shows no stranger anything but why (REQ-WSEC-02)', async () => {
    const answer = await preview.run({ functionName: 'onHomepage', event: {}, user: people.stranger });
    expect(textOf(answer)).toContain('You do not have permission for this');
    expect(textOf(answer)).not.toContain('@acme.test\n');
  });

  it('changes a layer by the plan that was shown and no other (REQ-WS-03, REQ-MAINT-06)', async () => {
    const revision = async (): Promise<number> => Number((await world.call('GET', '/v1/planes/acme', people.admin)).body['revision']);
    const before = await revision();
    const shown = await run('admin', [
      'planLayer',
      { scope: 'ou:/Sales', revision: String(before) },
      formOf({ tools: ['crm', 'email'] }, { toolsLimit: 'lock', budget: '60' }),
    ]);
    expect(await revision()).toBe(before);
    const apply = actionsIn(shown).find(({ parameters }) => parameters['do'] === 'applyPlan');
    expect(textOf(await run('viewer', ['applyPlan', { id: apply?.parameters['id'] ?? '', removals: '0' }]))).toContain(
      'You do not have permission for this',
    );
    const done = await run('admin', ['applyPlan', { id: apply?.parameters['id'] ?? '', removals: '0' }]);
    expect(done.action.notification?.text).toContain('Applied');
    expect(await revision()).toBe(before + 1);
    expect(textOf(await run('viewer', ['openPolicies', {}]))).toContain('$60 a month; tools: CRM, Email (locked)');
    // Who did it stands in the log, from where and through what.
    expect(textOf(await run('admin', ['filterAudit', {}, { who: people.admin, action: 'plane.' }]))).toMatch(
      /By admin@acme\.test from \S+ through a plan/,
    );
    const verified = textOf(await run('admin', ['verifyAudit', { filter: '{}' }]));
    expect(verified).toContain('Verified: nothing was changed or cut out');
  });
});
