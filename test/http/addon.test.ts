import { bundleAddon } from '../../scripts/build-addon.ts';
import { createPreview, type Preview } from '../../scripts/local/preview/preview.ts';
import type { ActionName, Actions } from '../../appsscript/actions.ts';
import { cardsIn, eventOf, textOf, verbsIn, type FormValues } from '../appsscript/sandbox.ts';
import { openWorld } from './world.ts';

jest.setTimeout(120_000);

/** The very bundle that goes to Google, against a whole plane over HTTP. */
describe('the add-on with a plane behind it', () => {
  let world: Awaited<ReturnType<typeof openWorld>>;
  let preview: Preview;
  beforeAll(async () => {
    world = await openWorld();
    preview = createPreview({
      code: await bundleAddon(),
      properties: { backendUrl: world.url, planeId: 'acme' },
      identityToken: (email) => world.idToken(email),
      async fetch(url, { method, headers, body }) {
        const answer = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
        return { status: answer.status, headers: {}, body: await answer.text() };
      },
    });
  });
  afterAll(async () => {
    await preview.close();
    await world.close();
  });

  async function run(functionName: string, event: object, user: string) {
    const answer = await preview.run({ functionName, event, user: `${user}@acme.test` });
    if ('error' in answer) throw new Error(answer.error);
    return answer.result;
  }
  const open = (user: string) => run('onHomepage', {}, user);
  const click = <K extends ActionName>(user: string, name: K, parameters: Actions[K], form?: FormValues) =>
    run('onAction', eventOf(name, parameters, form), user);
  const faulty = /cannot be reached|Not found|stumbled|had a problem|may not do this|Not accepted|Not changed/;

  it('leads from an empty plane to a running agent in two clicks (REQ-WS-01)', async () => {
    expect(textOf(await open('admin'))).toContain('Give your first person an agent');
    await click('admin', 'openUser', { user: 'admin@acme.test' });
    const answer = await click('admin', 'switchAgent', { user: await world.idOf('admin@acme.test') }, { enabled: 'on' });
    expect(textOf(answer)).toContain('gets an agent');
    await world.settle();
    expect(textOf(await open('admin'))).toContain('Plane acme, 1 agent');
  });

  it('changes a value on the person\u2019s page and takes it back (REQ-WS-02, REQ-WS-03)', async () => {
    const user = await world.idOf('admin@acme.test');
    expect(textOf(await click('admin', 'editField', { user, field: 'budgetCap' }))).toContain('Budget of');
    const saved = await click('admin', 'saveField', { user, field: 'budgetCap', was: '[]' }, { value: '20' });
    expect(textOf(saved)).toContain('$20 a month');
    expect(textOf(saved)).toContain('From this person\u2019s page');
    expect(textOf(await click('admin', 'inheritField', { user, field: 'budgetCap' }))).not.toContain('$20 a month');
  });

  it.each(['openBackups', 'openSecrets', 'openHistory'] as const)('looks up: %s', async (name) => {
    const agentId = await world.agentIdOf('admin@acme.test');
    const text = textOf(cardsIn(await click('viewer', name, { agentId, name: 'Admin' })));
    expect(text).not.toMatch(faulty);
  });

  it.each(['openBulk', 'openCosts'] as const)('opens the area %s', async (name) => {
    expect(textOf(cardsIn(await click('admin', name, {})))).not.toMatch(faulty);
  });

  it('finds people by the beginning of a name, and filters agents', async () => {
    expect(textOf(await click('admin', 'findPeople', {}, { search: 'ali' }))).toContain('alice@acme.test');
    const filtered = await click(
      'admin',
      'applyFilter',
      {},
      { ou: '/Sales', group: 'any', phase: 'running', health: 'any', attention: 'any' },
    );
    expect(textOf(filtered)).toContain('Showing only: in /Sales, running.');
    expect(textOf(await click('admin', 'openFilter', { filter: '{}' }))).toContain('/Engineering');
  });

  it('counts, begins and follows work on many agents (REQ-WS-05)', async () => {
    expect(textOf(await click('admin', 'planWork', {}, { work: 'pause', scope: 'all' }))).toContain('Pause: 1 agent?');
    const begun = await click('admin', 'startWork', { work: 'pause', scope: 'all' });
    expect(textOf(begun)).not.toMatch(faulty);
    expect(verbsIn(begun)).toContain('showOperation');
    expect(textOf(cardsIn(await click('admin', 'showBulk', {})))).toContain('Pause');
  });

  it('moves a model tier after showing whom it touches (REQ-WS-08)', async () => {
    const plan = await click('admin', 'planTier', {}, { from: 'any', to: 'haiku', tierScope: 'all' });
    expect(textOf(plan)).not.toMatch(faulty);
    expect(textOf(plan)).toMatch(/What would change/);
  });

  it('shows a Viewer the same without the verbs, and the plane refuses them too (REQ-WSEC-02)', async () => {
    const user = await world.idOf('admin@acme.test');
    expect(textOf(await open('viewer'))).toContain('Plane acme, 1 agent');
    expect(verbsIn(await click('viewer', 'showUser', { user }))).not.toContain('switchAgent');
    const refused = await click('viewer', 'switchOff', { user });
    expect(textOf(refused)).toContain('You do not have permission for this');
    expect((await world.store.get('agents', await world.agentIdOf('admin@acme.test')))?.desired).toBe('running');
    expect(textOf(await click('viewer', 'startWork', { work: 'pause', scope: 'all' }))).toContain('You do not have permission for this');
  });

  it('shows an admin of one org unit their part, and nothing of the whole company', async () => {
    const customer = 'my_customer';
    const { items = [] } = (await world.directory.roles.list({ customer })).data;
    const roleId = items.find(({ roleName }) => roleName === 'OpenClaw Agent Admin')?.roleId;
    const orgUnitId = (await world.directory.orgunits.get({ customerId: customer, orgUnitPath: 'Sales' })).data.orgUnitId;
    const requestBody = {
      roleId: roleId ?? '',
      assignedTo: await world.idOf('erin@acme.test'),
      scopeType: 'ORG_UNIT',
      orgUnitId: orgUnitId ?? '',
    };
    await world.directory.roleAssignments.insert({ customer, requestBody });
    const home = await open('erin');
    expect(textOf(home)).not.toMatch(faulty);
    expect(verbsIn(home)).not.toContain('openBulk');
  });

  it('tells a stranger what is missing', async () => {
    expect(textOf(await open('alice'))).toContain('You do not have permission for this');
  });
});
