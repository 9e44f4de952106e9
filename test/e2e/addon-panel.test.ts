import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { answerHomepage } from '../../appsscript/dispatch.ts';
import { admin } from '../appsscript/company.ts';
import { everyCard } from '../appsscript/every-card.ts';
import { createHost, problem, type Reply } from '../appsscript/sandbox.ts';
import { launchBrowser } from '../browser.ts';
import { startConsoleServer } from '../local/console-server.ts';

jest.setTimeout(120_000);

const screenshots = join(__dirname, '../../dist/screenshots');

/** What is wider than where it stands, so that somebody would have to scroll sideways. */
const sticksOut = (panel: Locator): Promise<string[]> =>
  panel.evaluate((root) =>
    [root, ...root.querySelectorAll('*')]
      .filter(
        (element) =>
          element.scrollWidth > element.clientWidth + 1 && ['auto', 'scroll', 'visible'].includes(getComputedStyle(element).overflowX),
      )
      .filter((element) => element.clientWidth > 0 && getComputedStyle(element).display !== 'inline')
      .map((element) => `${element.tagName}.${element.className}`),
  );

/** What a plane that is not well answers, and the words of the card for it. */
const failures: readonly (readonly [name: string, reply: () => Reply, happened: string, next: string])[] = [
  [
    'down',
    () => {
      throw new Error('Address unavailable: https://plane.acme.test');
    },
    'Agents Plane cannot be reached',
    'Try again in a minute',
  ],
  [
    'slow',
    () => problem(504, 'timeout', 'cannot list agents: it took longer than 20 s; try again'),
    'Agents Plane is slow right now',
    'Wait a minute',
  ],
  ['html', () => ({ status: 200, body: '<!doctype html><title>Sign in</title>' }), 'That was not Agents Plane', 'backendUrl'],
  [
    '401',
    () => problem(401, 'unauthenticated', 'cannot check who you are: the token has ended; open the add-on again'),
    'Your sign-in was not accepted',
    'Reload the page',
  ],
  [
    '403',
    () => problem(403, 'forbidden', 'cannot show agents: you have no role here; ask a super admin'),
    'You do not have permission for this',
    'Agent Admin role',
  ],
  [
    '409',
    () => problem(409, 'conflict', 'cannot change policies: the file of plane acme owns them; edit the file'),
    'Not changed: something else decides this',
    'Refresh',
  ],
  [
    '412',
    () => problem(412, 'preconditionFailed', 'cannot apply plan: the definition went from revision 3 to 4; make it again'),
    'Not changed',
    'Refresh',
  ],
  ['429', () => problem(429, 'tooManyRequests', 'cannot take more calls this minute; wait'), 'Too much at once', 'Wait a minute'],
  ['500', () => problem(500, 'internal', 'cannot finish this; try again'), 'Agents Plane had a problem', 'Request req-7'],
];

describe('the side panel (REQ-WS-04)', () => {
  let server: Awaited<ReturnType<typeof startConsoleServer>>;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    [server, browser] = await Promise.all([startConsoleServer(), launchBrowser()]);
    page = await browser.newPage({ viewport: { width: 1280, height: 1400 } });
    page.setDefaultTimeout(15_000);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  it.each(failures)('a plane that is not well, %s: a card says what happened and what to do', async (name, reply, happened, next) => {
    const { host } = createHost(reply);
    server.company.addon = () => ({ result: { action: { navigations: [{ pushCard: answerHomepage(host, {}) }] } } });
    await page.goto(server.url);
    const panel = page.getByRole('complementary', { name: 'Add-on' });
    await panel.getByText(happened).first().waitFor();
    const text = await panel.innerText();
    expect(text).toContain(next);
    expect(text).not.toMatch(/<!doctype|undefined|\[object|Address unavailable.*stack/);
    expect(await panel.getByRole('button', { name: 'Try again' }).count()).toBe(1);
    expect(await sticksOut(panel)).toEqual([]);
    await panel.screenshot({ path: join(screenshots, `addon-failure-${name}.png`) });
  });

  it.each(Object.keys(everyCard(0, admin)))('every card fits the width of the panel: %s', async (name) => {
    const card = everyCard(20, admin)[name]?.();
    if (!card) throw new Error(`no card is named ${name}`);
    server.company.addon = () => ({ result: { action: { navigations: [{ pushCard: card }] } } });
    await page.goto(server.url);
    const panel = page.getByRole('complementary', { name: 'Add-on' });
    await panel
      .getByText(card.header?.title ?? '')
      .first()
      .waitFor();
    expect(await sticksOut(panel)).toEqual([]);
    await panel.screenshot({ path: join(screenshots, `addon-card-${name.replace(/\W+/g, '-')}.png`) });
  });
});
