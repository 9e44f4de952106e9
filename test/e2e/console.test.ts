import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../browser.ts';
import { capture, chat, createTestPlane, processesOf, readFields, readMail, runCli, habitatOf, until, type TestPlane } from './embedded.ts';

jest.setTimeout(240_000);

const carol = 'carol@acme.test';
const screenshots = join(__dirname, '../../dist/screenshots');

describe('the console, with a real plane behind it', () => {
  let plane: TestPlane;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    [plane, browser] = await Promise.all([createTestPlane(), launchBrowser()]);
    await plane.start();
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => faults.push(String(error)));
  });
  afterAll(async () => {
    await browser.close();
    await plane.destroy();
  });

  const panel = () => page.getByRole('complementary', { name: 'Add-on' });
  const directory = () => page.getByRole('main', { name: 'Directory' });
  const agentSwitch = () => panel().getByRole('switch', { name: 'Agent enabled' });

  async function openCarol(): Promise<void> {
    await page.goto(`${plane.url}/`);
    await panel()
      .getByLabel(/E-mail address/i)
      .fill(carol);
    await page.keyboard.press('Enter');
    await agentSwitch().waitFor();
  }

  it('shows a viewer everything but the switch (REQ-WSEC-02)', async () => {
    await page.goto(`${plane.url}/`);
    await page.getByLabel('Signed in as').selectOption('viewer@acme.test');
    await panel()
      .getByLabel(/E-mail address/i)
      .fill(carol);
    await page.keyboard.press('Enter');
    await panel().getByText('What an agent would get').waitFor();
    expect(await agentSwitch().count()).toBe(0);
    expect((await readFields(plane, carol)).agentEnabled).toBeUndefined();
  });

  it('switches an agent on with one click, through a power cut in the middle of it (REQ-WS-01, REQ-UX-01)', async () => {
    await openCarol();
    await agentSwitch().click();
    await until('the Directory to hold the wish', 10_000, async () => (await readFields(plane, carol)).agentEnabled === true);
    await until('a machine to be there', 20_000, async () => {
      const { stdout } = await runCli(plane, ['status', '--json']);
      return stdout.includes('"provisioning"');
    });
    await plane.kill();
    await plane.start();
    await until('agentStatus running', 150_000, async () => (await readFields(plane, carol)).agentStatus === 'running');
    expect(readdirSync(join(plane.data, 'machines'))).toHaveLength(1);
  });

  it('shows the agent running, the published fields and the introduction (REQ-WS-04, REQ-MAINT-01)', async () => {
    await until('the introduction', 60_000, async () => (await readMail(plane, carol)).length > 0);
    await openCarol();
    await panel().getByText('Running').first().waitFor();
    const { id = '' } = (await plane.directory.users.get({ userKey: carol })).data;
    await page.goto(`${plane.url}/#/users/${id}`);
    await directory().getByRole('heading', { name: 'Carol Chen' }).waitFor();
    await directory().getByText("I'm Carol's agent").first().waitFor();
    await page.screenshot({ path: join(screenshots, 'console.png') });
    await page.setViewportSize({ width: 400, height: 860 });
    await page.screenshot({ path: join(screenshots, 'console-400.png') });
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it('restarts the agent with one click (REQ-WS-07, REQ-MAINT-02)', async () => {
    await openCarol();
    const { agentId = '' } = await readFields(plane, carol);
    const habitat = habitatOf(plane, agentId);
    const before = processesOf(habitat);
    await panel()
      .getByRole('button', { name: /^Restart/ })
      .click();
    await until('none of the old processes', 10_000, async () => !processesOf(habitat).some((pid) => before.includes(pid)));
    const { gatewayPort, gatewayToken } = await capture(plane, agentId, carol);
    const answer = await until('a gateway that answers again', 90_000, async () => {
      const response = await chat(gatewayPort, gatewayToken, agentId, 30_000).catch(() => undefined);
      return response?.ok && response.text();
    });
    expect(answer).toContain('Are you there?');
  });

  it('keeps the last good value through a typo and says so on the card and in the Directory (REQ-WS-02)', async () => {
    const requestBody = { customSchemas: { OpenClaw_Agent: { modelTier: 'Opuss' } } };
    await plane.directory.users.update({ userKey: carol, requestBody });
    const { agentStatus } = await until('InvalidSpec in agentStatus', 10_000, async () => {
      const fields = await readFields(plane, carol);
      return fields.agentStatus?.includes('InvalidSpec') && fields;
    });
    expect(agentStatus).toContain('"Opuss"');
    expect(agentStatus).toContain('haiku, sonnet or opus');
    await openCarol();
    await panel().getByText(/Opuss/).first().waitFor();
    await page.screenshot({ path: join(screenshots, 'typo.png') });
  });

  it('switches the agent off after a warning, and no page error happened on the way', async () => {
    await openCarol();
    await agentSwitch().click();
    await panel().getByRole('button', { name: 'Switch off' }).click();
    await until('agentStatus removed', 20_000, async () => (await readFields(plane, carol)).agentStatus?.startsWith('removed'));
    expect(readdirSync(join(plane.data, 'machines'))).toEqual([]);
    expect(faults).toEqual([]);
  });
});
