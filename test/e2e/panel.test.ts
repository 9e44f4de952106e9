import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from '../../shared/contract.ts';
import { toBudgetId } from '../../functions/budget/account.ts';
import { eventually } from '../http/world.ts';
import { openMachine } from './panel/machine.ts';
import { fieldsOf, openScene, type Scene } from './panel/scene.ts';

jest.setTimeout(60_000);

const screenshots = join(__dirname, '../../dist/screenshots');
const [alice, bob, carol] = ['alice@acme.test', 'bob@acme.test', 'carol@acme.test'];

/** By clicks alone, in a browser; each line ends in what the Directory, the API and the cloud then say. */
describe('the panel, with a plane behind it', () => {
  let scene: Scene;
  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    scene = await openScene();
  });
  afterAll(() => scene.close());
  afterEach(() => expect(scene.faults).toEqual([]));

  const api = async <T>(path: string, as = 'admin@acme.test'): Promise<T> => (await scene.world.call('GET', path, as)).body as T;
  const userOf = (email: string) => api<Answer<'getUser'>>(`/v1/planes/acme/users/${email}`);
  const agentOf = async (email: string) => (await userOf(email)).agent;
  const machineOf = async (email: string) => scene.world.providersOf()?.infra.status(await scene.world.agentIdOf(email), context());
  const context = () => ({ signal: AbortSignal.timeout(5_000), log: { info: () => undefined, warn: () => undefined } });
  const look = (name: string) => scene.panel.screenshot({ path: join(screenshots, `panel-${name}.png`) });
  const until = (what: string, ask: () => Promise<unknown>) => eventually(what, async () => Boolean(await ask()) || undefined, 8_000);

  async function switchOn(email: string) {
    await scene.start();
    await scene.openPerson(email);
    await scene.flip();
    await scene.world.settle();
    await until('a machine', () => machineOf(email));
    const machine = await openMachine(scene.world, await scene.world.agentIdOf(email));
    await machine.beat();
    await until('running', async () => (await agentOf(email))?.phase === 'running');
    return machine;
  }
  let machines: Record<'alice' | 'bob' | 'carol', Awaited<ReturnType<typeof openMachine>>>;

  it('switches an agent on in three clicks (REQ-WS-01, REQ-UX-01)', async () => {
    machines = { carol: await switchOn(carol), bob: await switchOn(bob), alice: await switchOn(alice) };
    expect(await fieldsOf(scene.world, carol)).toMatchObject({ agentEnabled: true, agentId: await scene.world.agentIdOf(carol) });
    expect(await machineOf(carol)).toMatchObject({ state: 'running' });
    await scene.press('Refresh');
    expect(await scene.text()).toContain('Running, healthy');
  });

  it('sets model, budget, tools and channels of one person (REQ-WS-02)', async () => {
    await scene.start();
    await scene.openPerson(carol);
    await scene.press('Change model');
    await scene.choose('Model', 'Opus');
    await scene.press('Save');
    await scene.press('Change budget');
    await scene.fill('US dollars a month', '$100');
    await scene.press('Save');
    await scene.press('Change tools');
    await scene.tick('Tools', 'Email', 'GitHub');
    await scene.press('Save');
    await scene.press('Change channels');
    await scene.tick('Channels', 'Email', 'Slack');
    await scene.press('Save');
    await look('agent');
    const wished = { modelTier: 'opus', budgetCap: '100', toolAllowlist: 'email,github', channelRestrictions: 'email,slack' };
    expect(await fieldsOf(scene.world, carol)).toMatchObject(wished);
    const spec = { modelTier: { value: 'opus' }, budgetCap: { value: 100 }, tools: { value: ['email', 'github'], origin: 'user' } };
    await until('the agent to follow', async () => (await agentOf(carol))?.policy.channels.value.includes('slack'));
    expect((await agentOf(carol))?.policy).toMatchObject(spec);
  });

  it('changes what an org unit gets, after showing whom it touches (REQ-WS-03)', async () => {
    await scene.start();
    await scene.follow('Policies');
    await scene.follow('/Sales');
    await scene.tick(/^Tools/, 'Email', 'CRM', 'GitHub');
    await scene.press('Preview changes');
    expect(await scene.text()).toMatch(/bob@acme\.test|Bob Baker/);
    await look('plan');
    expect((await userOf(bob)).policy.tools.value).not.toContain('github');
    await scene.press('Apply');
    expect(await scene.text()).toContain('Applied');
    await until('Bob\u2019s agent to follow', async () => (await agentOf(bob))?.policy.tools.value.includes('github'));
    expect((await userOf(bob)).policy.tools).toMatchObject({ origin: 'ou:/Sales' });
    expect((await userOf(alice)).policy.tools.origin).toBe('ou:/Engineering');
    expect((await fieldsOf(scene.world, bob))['toolAllowlist']).toBeUndefined();
  });

  it('shows use and cost, near the cap and at it, and mails an alert (REQ-WS-04, REQ-MAINT-07)', async () => {
    const { think } = machines.carol;
    await think();
    const { world } = scene;
    const id = toBudgetId(await world.idOf(carol), new Date().toISOString().slice(0, 7));
    async function spend(share: number): Promise<void> {
      const record = await world.store.get('budgets', id);
      if (!record) throw new Error('no budget');
      await world.store.transact(async (tx) => tx.set('budgets', id, { ...record, spentMicros: share * 100_000_000 }));
      await think();
      await scene.start();
      await scene.openPerson(carol);
    }
    await spend(0.85);
    expect(await scene.text()).toMatch(/\$85 of \$100 a month\n.*85%\n● Close to the limit/);
    expect(await scene.text()).toMatch(/Model calls\n2\n/);
    await until('the alert', async () => {
      const { messages } = await api<{ messages: { subject: string }[] }>(`/mail/messages?to=${carol}`);
      return messages.some(({ subject }) => subject.includes('80'));
    });
    await spend(1);
    expect(await scene.text()).toMatch(/● Used up/);
    expect((await agentOf(carol))?.budget).toMatchObject({ state: 'exhausted', percent: 100 });
  });

  it('answers what an agent asks for (REQ-UX-05)', async () => {
    await machines.bob.ask({ tools: ['ssh'], why: 'to look at the server' });
    await scene.start();
    await scene.follow('1 request from an agent');
    await scene.follow(bob);
    expect(await scene.text()).toContain('to look at the server');
    await look('request');
    await scene.press('Approve');
    await until('the tool', async () => (await agentOf(bob))?.policy.tools.value.includes('ssh'));
    expect((await agentOf(alice))?.policy.tools.added ?? []).toEqual([]);
    await scene.start();
    await scene.openPerson(bob);
    expect(await scene.text()).toContain('request approved by admin@acme.test adds SSH');
  });

  it('restarts with one click (REQ-WS-07, REQ-MAINT-02)', async () => {
    const restart = jest.spyOn(scene.world.providersOf()?.infra ?? { restart: async () => undefined }, 'restart');
    await scene.start();
    await scene.openPerson(alice);
    await scene.press(/^Restart: /);
    expect(await scene.text()).toContain('is restarting');
    const id = await scene.world.agentIdOf(alice);
    await until('the machine to restart', async () => restart.mock.calls.some(([agentId]) => agentId === id));
    restart.mockRestore();
  });

  it('makes a fresh machine with the memory of the old one (REQ-WS-07, REQ-MAINT-03)', async () => {
    const old = await openMachine(scene.world, await scene.world.agentIdOf(alice), 2);
    await old.beat();
    await until('running', async () => (await agentOf(alice))?.phase === 'running');
    await scene.start();
    await scene.openPerson(alice);
    await scene.unfold('Actions');
    await scene.press(/^Reprovision: /);
    await scene.press('Reprovision');
    const backup = await old.command('backup');
    await old.transfer('PUT', backup.args['backupId'] ?? '', 'all that I remember');
    await old.done(backup);
    await until('another machine', async () => (await agentOf(alice))?.reprovision?.step === 'replace');
    await until('the machine to be replaced', async () => {
      const status = await scene.world.store.get('statuses', await scene.world.agentIdOf(alice));
      return status?.replacements === 1;
    });
    await scene.press('Refresh');
    expect(await scene.text()).toContain('Fresh machine');
    const fresh = await openMachine(scene.world, await scene.world.agentIdOf(alice), 3);
    await fresh.beat();
    const restore = await fresh.command('restore');
    expect(await fresh.transfer('GET', restore.args['backupId'] ?? '')).toBe('all that I remember');
    await fresh.done(restore);
    await until('the end', async () => (await agentOf(alice))?.reprovision?.step === 'done');
    machines = { ...machines, alice: fresh };
  });

  it('moves a whole company to another model, and one org unit alone (REQ-WS-08, REQ-MAINT-05)', async () => {
    await scene.start();
    await scene.follow('Many agents at once');
    await scene.choose('From', 'Any model');
    await scene.choose('To', 'Haiku');
    await scene.choose('For whom', '/Sales');
    await scene.press('Preview changes');
    await scene.press('Apply');
    await until('Bob\u2019s to follow', async () => (await agentOf(bob))?.policy.modelTier.value === 'haiku');
    expect((await agentOf(alice))?.policy.modelTier.value).toBe('opus');
    expect((await agentOf(carol))?.policy.modelTier.value).toBe('opus');
  });

  it('rotates the secrets of everybody, pauses them and gives the costs by department (REQ-WS-05)', async () => {
    const secretsOf = async (email: string) =>
      (await api<Answer<'listSecrets'>>(`/v1/planes/acme/agents/${await scene.world.agentIdOf(email)}/secrets`)).secrets;
    const total = async (email: string) => (await secretsOf(email)).reduce((sum, { version }) => sum + version, 0);
    const before = await total(bob);
    async function work(title: string, meanwhile = async (): Promise<unknown> => undefined): Promise<void> {
      await scene.choose('What', title);
      await scene.choose('Whose agents', 'The whole company');
      await scene.press('Preview');
      expect(await scene.text()).toContain(`${title}: 3 agents?`);
      await scene.press(title);
      await meanwhile();
      await until(`${title} to end`, async () => {
        await scene.press('Refresh');
        return (await scene.text()).includes('\u25cf Done');
      });
      await look(`operation-${title.replace(' ', '-')}`);
      await scene.press('All actions');
    }
    await scene.start();
    await scene.follow('Many agents at once');
    await work('Rotate secrets', () => Promise.all(Object.values(machines).map((machine) => machine.reload())));
    expect(await total(bob)).toBeGreaterThan(before);
    await work('Pause');
    for (const email of [alice, bob, carol]) {
      await until('a machine that stands still', async () => (await machineOf(email))?.state === 'frozen');
      expect((await agentOf(email))?.phase).toBe('paused');
    }
    await scene.follow('Cost report');
    await scene.choose('By', 'Department');
    await scene.press('Show');
    await scene.page.evaluate('window.open = (url) => void (document.title = url)');
    await scene.press('Download this report as a CSV file');
    const csv = await (await fetch(await scene.page.title())).text();
    expect(csv.split('\n')[0]).toContain('Total (USD)');
    expect(csv).toContain('Management');
  });
});
