import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from '../../shared/contract.ts';
import { eventually } from '../http/world.ts';
import { openMachine } from './panel/machine.ts';
import { fieldsOf, openScene, type Scene, type Trouble } from './panel/scene.ts';

jest.setTimeout(60_000);

const screenshots = join(__dirname, '../../dist/screenshots');
const [bob, carol] = ['bob@acme.test', 'carol@acme.test'];

const problem = (status: number, code: string, detail: string): Trouble => ({
  status,
  body: JSON.stringify({ type: 'about:blank', title: code, status, code, detail, requestId: 'req-7' }),
});

/** What comes instead of the plane, and the card for it. */
const troubles: readonly (readonly [name: string, trouble: Trouble, title: string, next: string])[] = [
  ['nothing', 'down', 'Agents Plane cannot be reached', 'Your agents keep running'],
  ['a timeout', problem(504, 'timeout', 'cannot list agents: it took 20 s; try again'), 'Agents Plane is slow right now', 'Wait a minute'],
  [
    'a page of somebody else',
    { status: 200, type: 'text/html', body: '<!doctype html><title>Sign in</title>' },
    'That was not Agents Plane',
    'backendUrl',
  ],
  ['401', problem(401, 'unauthenticated', 'cannot check who you are: the token has ended'), 'Your sign-in was not accepted', 'Reload'],
  ['403', problem(403, 'forbidden', 'cannot show agents: you have no role'), 'You do not have permission for this', 'Agent Admin role'],
  ['409', problem(409, 'conflict', 'cannot change Carol: a file says so'), 'Not changed: something else decides this', 'Refresh'],
  ['412', problem(412, 'preconditionFailed', 'cannot change it: it is at revision 4'), 'Not changed', 'Refresh'],
  ['429', problem(429, 'tooManyRequests', 'cannot take more calls this minute'), 'Too much at once', 'Wait a minute'],
  ['500', problem(500, 'internal', 'cannot finish this'), 'Agents Plane had a problem', 'Request req-7'],
];

/** What is looked at rather than done; by clicks alone, in a browser. */
describe('what the panel shows of a plane', () => {
  let scene: Scene;
  let machine: Awaited<ReturnType<typeof openMachine>>;
  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    scene = await openScene();
    const { world } = scene;
    for (const email of [bob, carol]) {
      const requestBody = { customSchemas: { OpenClaw_Agent: { agentEnabled: true } } };
      await world.directory.users.update({ userKey: email, requestBody });
    }
    await world.settle();
    machine = await openMachine(world, await world.agentIdOf(carol));
    await machine.beat();
    await eventually('running', async () => (await agentOf(carol))?.phase === 'running');
  });
  afterAll(() => scene.close());
  afterEach(() => expect(scene.faults).toEqual([]));

  const context = () => ({ signal: AbortSignal.timeout(5_000), log: { info: () => undefined, warn: () => undefined } });
  const api = async <T>(path: string): Promise<T> => (await scene.world.call('GET', path, 'admin@acme.test')).body as T;
  const agentOf = async (email: string) => (await api<Answer<'getUser'>>(`/v1/planes/acme/users/${email}`)).agent;
  const look = (name: string) => scene.panel.screenshot({ path: join(screenshots, `panel-${name}.png`) });

  it.each(troubles)(
    'when %s comes instead of an answer, says what happened and what to do, and goes on after it',
    async (name, trouble, title, next) => {
      await scene.start();
      await scene.openPerson(carol);
      scene.setTrouble(trouble);
      await scene.press('Refresh');
      const text = await scene.text();
      await look(`trouble-${name.replaceAll(' ', '-')}`);
      scene.setTrouble();
      expect(text).toContain(title);
      expect(text).toContain(next);
      await scene.press('Try again');
      expect(await scene.text()).toContain('Running');
    },
  );

  it('shows no value of a secret on any card (REQ-WSEC-06)', async () => {
    const agentId = await scene.world.agentIdOf(carol);
    const secrets = scene.world.providersOf()?.secrets;
    const names = (await secrets?.list(agentId, context())) ?? [];
    const values = await Promise.all(names.map(async (name) => (await secrets?.get(name, agentId, context())) ?? ''));
    expect(values.filter((value) => value.length > 8).length).toBeGreaterThan(1);
    await scene.start();
    await scene.openPerson(carol);
    const pages = [await scene.page.content()];
    for (const title of ['Secrets', 'Backups', 'History']) {
      await scene.follow(title);
      pages.push(await scene.page.content());
      if (title === 'Secrets') expect(await scene.text()).toContain('Version 1');
      if (title === 'Secrets') await look('secrets');
      await scene.press('Back');
    }
    for (const value of values) expect(pages.some((html) => html.includes(value) && value.length > 8)).toBe(false);
  });

  it('shows a Viewer everything and lets them change nothing (REQ-WSEC-02)', async () => {
    await scene.start('viewer');
    await scene.openPerson(carol);
    const text = await scene.text();
    expect(text).toContain('Running, healthy');
    expect(await scene.panel.getByRole('switch').count()).toBe(0);
    for (const verb of [/^Restart/, /^Pause/, /^Change/, /^Reprovision/])
      expect(await scene.panel.getByRole('button', { name: verb }).count()).toBe(0);
    await look('viewer');
    await scene.press('Back');
    await scene.follow('Policies');
    expect(await scene.text()).toContain('You can look at policies here');
    const path = `/v1/planes/acme/agents/${await scene.world.agentIdOf(carol)}/restart`;
    expect((await scene.world.call('POST', path, 'viewer@acme.test')).status).toBe(403);
  });

  it('tells a Viewer why somebody has no tool (REQ-WS-03)', async () => {
    await scene.start('viewer');
    await scene.openPerson(bob);
    await scene.press('Why: tools');
    const text = await scene.text();
    expect(text).toMatch(/Not included\n.*GitHub/);
    expect(text).toContain('organizational unit /Sales');
    expect(await scene.panel.getByRole('button', { name: 'Save' }).count()).toBe(0);
    await look('why');
  });

  it('finds rows of the audit log by who, whose agent and what, and verifies it (REQ-WS-09)', async () => {
    await scene.start();
    await scene.openPerson(carol);
    await scene.press(/^Restart: /);
    await scene.press('Back');
    await scene.follow('Audit log');
    await scene.unfold('Filter');
    await scene.fill('Who did it', 'admin@acme.test');
    await scene.fill('Whose agent', carol);
    await scene.choose('What', 'Restarts only');
    await scene.press('Show');
    const rows = await scene.text();
    await look('audit');
    expect(rows).toContain('By admin@acme.test');
    expect(rows).not.toMatch(/By (directory|plane|the agent)/);
    await scene.press('Show all');
    await scene.unfold('Filter');
    await scene.fill('Whose agent', bob);
    await scene.press('Show');
    expect(await scene.text()).not.toContain(await scene.world.agentIdOf(carol));
    await scene.press('Verify the log');
    expect(await scene.text()).toContain('Verified: nothing was changed or cut out');
  });

  it('ends an agent with its owner, deleted on the directory\u2019s page (REQ-WS-06)', async () => {
    const { world, page } = scene;
    const [agentId, id] = [await world.agentIdOf(bob), await world.idOf(bob)];
    await page.goto(`${scene.url}/#/users/${id}`);
    await page.getByRole('button', { name: 'Delete user' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    const { infra, secrets } = world.providersOf() ?? {};
    await eventually('nothing left', async () => {
      const found = [
        await infra?.status(agentId, context()),
        await secrets?.namespace(agentId, context()),
        await infra?.principal(agentId, context()),
      ];
      return found.every((one) => one === undefined);
    });
    const receipt = await eventually('a receipt', async () => {
      const { status, body } = await world.call('GET', `/v1/planes/acme/agents/${agentId}/receipt`, 'admin@acme.test');
      return status === 200 && body;
    });
    expect(JSON.stringify(receipt)).toContain(agentId);
    await expect(fieldsOf(world, bob)).rejects.toThrow();
    await scene.start();
    expect(await scene.text()).not.toContain('Bob Baker');
    await scene.press('Removed');
    expect(await scene.text()).toMatch(/Bob Baker\n● Removed/);
    await scene.follow('Bob Baker');
    const proof = await scene.text();
    await look('receipt');
    for (const words of ['Removed: nothing is left', 'The person was deleted', 'None found', 'no longer in the directory'])
      expect(proof).toContain(words);
  });

  it('turns yellow and then red as heartbeats stay away (REQ-WS-04, REQ-MAINT-01)', async () => {
    await machine.beat();
    const words = async (): Promise<string> => {
      await scene.press('Refresh');
      return scene.text();
    };
    await scene.start();
    expect(await words()).toMatch(/Carol Chen\n● Running, healthy/);
    await look('home');
    await scene.world.pass(2 * 60_000, /^$/);
    expect(await words()).toMatch(/Carol Chen\n● Running, (?!healthy)/);
    await look('home-yellow');
    // A token of more than five minutes ahead is refused, and red begins there: the rest passes by itself.
    await scene.world.pass(179_000, /^$/);
    const red = async () => /Carol Chen\n● (?!Running, (healthy|late))[^\n]+/.exec(await words())?.[0];
    const said = await eventually('red', async () => ((await agentOf(carol))?.health === 'red' ? red() : undefined), 8_000);
    expect(said).toMatch(/not responding/);
    await look('home-red');
  });
});
