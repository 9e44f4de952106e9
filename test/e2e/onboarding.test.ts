import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { linkMs } from '../../functions/core/credentials.ts';
import type { CommandRecord } from '../../functions/core/records.ts';
import { renderIntroduction } from '../../functions/mail/introduction.ts';
import { channels, tools } from '../../shared/agent.ts';
import { launchBrowser } from '../browser.ts';
import { eventually, openWorld, type World } from '../http/world.ts';

jest.setTimeout(120_000);

const owner = 'alice@acme.test';
const phone = { width: 360, height: 740 };
const screenshots = join(tmpdir(), 'agents-plane-onboarding');
const schemes = ['light', 'dark'] as const;

/** Runs in the page: what is too wide, and text whose contrast with its ground is below AA (4.5 to 1, large text 3 to 1). */
function findFaults(): string[] {
  const toRgb = (text: string): number[] => (text.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (rgb: number[]): number => {
    const [r = 0, g = 0, b = 0] = rgb.map((value) =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element: Element | null): number[] => {
    for (let at = element; at; at = at.parentElement) {
      const rgb = toRgb(getComputedStyle(at).backgroundColor);
      if (rgb.length === 3 || (rgb[3] ?? 1) > 0) return rgb.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const faults: string[] = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) faults.push(`the page is ${scrollWidth - clientWidth} px too wide`);
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim());
    if (!own || ['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const [ink, ground] = [luminance(toRgb(style.color).slice(0, 3)), luminance(groundOf(element))];
    const contrast = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    if (contrast < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5))
      faults.push(`${contrast.toFixed(2)}: ${element.textContent?.trim().slice(0, 40) ?? ''}`);
  }
  for (const control of document.querySelectorAll('button, input, .button, .channels a')) {
    const { height } = control.getBoundingClientRect();
    if (height < 44) faults.push(`${control.textContent?.trim() ?? ''} is ${height} px high`);
  }
  return faults;
}

describe('onboarding on a phone', () => {
  let browser: Browser;
  let world: World;
  let agentId = '';
  const refused: string[] = [];
  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    [world, browser] = await Promise.all([openWorld(), launchBrowser()]);
    agentId = await world.agentIdOf(owner);
    const fields = { agentEnabled: true, channelRestrictions: 'email,slack,whatsapp' };
    await world.directory.users.update({ userKey: owner, requestBody: { customSchemas: { OpenClaw_Agent: fields } } });
    await eventually('a record', () => world.store.get('agents', agentId));
  });
  afterAll(async () => {
    await browser.close();
    await world.close();
  });

  const link = (): string =>
    `${world.url}/me/${world.credentials.mint({ kind: 'link', agentId, incarnation: 1, extra: world.clock.now() + linkMs })}`;
  async function open(
    options: { colorScheme?: 'light' | 'dark'; javaScriptEnabled?: boolean } = {},
  ): Promise<{ page: Page; context: BrowserContext }> {
    const context = await browser.newContext({ viewport: phone, deviceScaleFactor: 2, ...options });
    const page = await context.newPage();
    page.on('console', (message) => void (message.type() === 'error' && refused.push(message.text())));
    page.on('pageerror', (error) => void refused.push(String(error)));
    return { page, context };
  }
  /** Looks at the page in both colour schemes, and keeps a picture of each. */
  async function inspect(page: Page, name: string): Promise<void> {
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      expect([name, colorScheme, await page.evaluate(findFaults)]).toEqual([name, colorScheme, []]);
      await page.screenshot({ path: join(screenshots, `${name}-${colorScheme}.png`), fullPage: true });
    }
  }
  const commandOf = (): Promise<CommandRecord> =>
    eventually(
      'a command',
      async () =>
        (await world.store.query('commands', 'byAgent', { equals: [agentId], limit: 100 })).find(
          ({ kind, state }) => kind === 'whatsappLogin' && state === 'waiting',
        ),
      20_000,
    );
  async function showCode(qr: string): Promise<void> {
    await commandOf();
    await world.store.transact(async (tx) => {
      const beat = await tx.get('heartbeats', agentId);
      const fresh = { agentId, incarnation: 1, revision: 1, live: true, ready: true, secretsVersion: '', restarts: 0, boot: 1 };
      const whatsapp = { state: 'showing', qr, expiresAt: world.clock.now() + 20_000 } as const;
      tx.set('heartbeats', agentId, { ...fresh, ...beat, at: world.clock.now(), whatsapp });
    });
  }
  async function finishLogin(): Promise<void> {
    const command = await commandOf();
    const ended = { ...command, state: 'done', result: 'WhatsApp is linked', endedAt: world.clock.now() } as const;
    await world.store.transact(async (tx) => tx.set('commands', command.id, ended));
  }
  const codeFromMail = () =>
    eventually('the mail with the code', async () => {
      const mails = await world.store.query('mails', 'byRecipient', { equals: [owner], reverse: true, limit: 20 });
      return /code is (\S+)/.exec(mails.find(({ id }) => id.startsWith('code/'))?.text ?? '')?.[1];
    });

  it('begins with a mail that fits the screen and can be read in the dark (REQ-UX-03)', async () => {
    const { page, context } = await open();
    const { html } = renderIntroduction({
      ...{ agentName: "Alice's agent", ownerName: 'Alice Archer', ownerEmail: owner, company: 'Acme', tools, channels, link: link() },
      ...{ from: 'agents@acme.test', id: 'introduction/1', date: 0 },
    });
    await page.setContent(html);
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      const faults = await page.evaluate(findFaults);
      await page.screenshot({ path: join(screenshots, `introduction-${colorScheme}.png`), fullPage: true });
      expect([colorScheme, faults]).toEqual([colorScheme, []]);
    }
    await page.setContent(html.replaceAll(/[^<>"=/ ]{60,}/g, (word) => word));
    expect(await page.getByText('Just reply to this email to start chatting.').isVisible()).toBe(true);
    await context.close();
  });

  it('goes on by links alone: from the mail to WhatsApp connected, with nothing installed and no terminal (REQ-UX-01, REQ-UX-03)', async () => {
    const { page, context } = await open();
    await page.goto(link());
    await page.getByRole('heading', { level: 1 }).waitFor();
    await inspect(page, 'overview');
    await page.getByRole('link', { name: /WhatsApp/ }).click();
    await inspect(page, 'whatsapp-unconfirmed');
    await page.getByRole('button', { name: 'Mail me a code' }).click();
    await page.getByLabel('Code from the mail').fill('WRNG-CODE');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await inspect(page, 'whatsapp-wrong-code');
    await page.getByLabel('Code from the mail').fill((await codeFromMail()).toLowerCase());
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('Getting a code from your agent').waitFor();
    await inspect(page, 'whatsapp-waiting');

    await showCode('2@first'.padEnd(230, 'x'));
    const code = page.getByRole('img', { name: /QR code/ });
    await code.waitFor();
    await inspect(page, 'whatsapp-qr');
    const first = await code.getAttribute('src');
    let loads = 0;
    page.on('load', () => void (loads += 1));
    await world.pass(13_000, /^$/);
    await showCode('2@second'.padEnd(230, 'x'));
    await eventually('another code', async () => (await code.getAttribute('src')) !== first, 15_000);
    await world.pass(13_000, /^$/);
    await finishLogin();
    await page.getByText('WhatsApp is connected.').waitFor();
    expect(loads).toBe(0);
    await inspect(page, 'whatsapp-connected');
    await context.close();
  });

  it('works where no programs run, by fetching the page anew', async () => {
    const { page, context } = await open({ javaScriptEnabled: false });
    const address = link();
    await world.pass(11 * 60_000, /^$/);
    await page.goto(`${address}/whatsapp`);
    await page.getByRole('button', { name: 'Mail me a code' }).click();
    await page.getByLabel('Code from the mail').fill(await codeFromMail());
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('Getting a code from your agent').waitFor();
    await showCode('2@first'.padEnd(230, 'x'));
    await page.getByRole('img', { name: /QR code/ }).waitFor({ timeout: 20_000 });
    await context.close();
  });

  it('can be walked with the keyboard, and shows where one is', async () => {
    const { page, context } = await open();
    await page.goto(link());
    for (const name of ['Email', 'Slack', 'WhatsApp']) {
      await page.keyboard.press('Tab');
      const focus = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement ?? document.body);
        return { text: document.activeElement?.textContent ?? '', outline: `${outlineStyle} ${outlineWidth}` };
      });
      expect(focus).toEqual({ text: expect.stringContaining(name) as string, outline: 'solid 3px' });
    }
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Connect Slack' }).waitFor();
    await inspect(page, 'slack');
    await context.close();
  });

  it('ends kindly where a link has run out, and no page asked for what its policy forbids', async () => {
    const { page, context } = await open();
    await page.goto(`${world.url}/me/nonsense`);
    await inspect(page, 'expired');
    await page.getByRole('button', { name: 'Mail me a new link' }).click();
    await page.getByRole('heading', { name: 'Look into your mailbox' }).waitFor();
    await inspect(page, 'renewed');
    expect(refused.filter((text) => !text.includes('401'))).toEqual([]);
    await context.close();
  });
});
