import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { bundleAddon } from '../../../scripts/build-addon.ts';
import { consoleDoors } from '../../../scripts/local/console-doors.ts';
import { listen } from '../../../scripts/local/server.ts';
import { launchBrowser } from '../../browser.ts';
import { openWorld, type World } from '../../http/world.ts';
import { freePort } from '../embedded.ts';

/** What the plane answers instead of itself: nothing at all, or this. */
export type Trouble = 'down' | { readonly status: number; readonly type?: string; readonly body: string };

const log = { info: () => undefined, warn: () => undefined };

/** The console as `npm start` serves it, before a whole plane whose machines are instant, in a browser. */
export async function openScene() {
  const [world, code, port, browser] = await Promise.all([openWorld(), bundleAddon(), freePort(), launchBrowser()]);
  const url = `http://127.0.0.1:${port}`;
  let trouble: Trouble | undefined;
  const workspace = world.workspace;
  const names = { planeId: 'acme', company: 'Acme', domain: 'acme.test', audience: 'test-audience' };
  const console = consoleDoors({ root: join(__dirname, '../../..'), code, url, ...names, workspace, log });

  async function relay(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    if (trouble !== undefined && trouble !== 'down' && pathname.startsWith('/v1/')) {
      return new Response(trouble.body, {
        status: trouble.status,
        headers: { 'content-type': trouble.type ?? 'application/problem+json' },
      });
    }
    const headers = new Headers(request.headers);
    for (const name of ['host', 'connection', 'content-length']) headers.delete(name);
    const { method } = request;
    const body = method === 'GET' || method === 'HEAD' ? undefined : await request.arrayBuffer();
    const answer = await fetch(world.url + pathname + search, { method, headers, ...(body === undefined ? {} : { body }) });
    const type = answer.headers.get('content-type') ?? 'application/json';
    return new Response(answer.status === 204 ? null : await answer.arrayBuffer(), {
      status: answer.status,
      headers: { 'content-type': type },
    });
  }
  const front = await listen({
    ...{ port, separateUsers: false, log, requestId: () => 'req-front', refused: () => undefined },
    doors: [
      ...console.doors,
      {
        prefix: '/',
        async serve(request, { incoming }) {
          if (trouble === 'down' && new URL(request.url).pathname.startsWith('/v1/')) incoming.socket.destroy();
          return relay(request);
        },
      },
    ],
  });
  const page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
  page.setDefaultTimeout(10_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  return {
    ...{ world, page, url, faults, ...createHands(page, url) },
    /** From now on; without one the plane answers itself. */
    setTrouble(now?: Trouble): void {
      trouble = now;
    },
    async close() {
      await browser.close();
      await console.close();
      front.closeAllConnections();
      await new Promise((resolve) => front.close(resolve));
      await world.close();
    },
  };
}
export type Scene = Awaited<ReturnType<typeof openScene>>;

/** What a person does in the panel. Each waits until the panel has answered. */
function createHands(page: Page, url: string) {
  const panel = page.getByRole('complementary', { name: 'Add-on' });
  const answered = (): Promise<unknown> =>
    page.waitForFunction(() => {
      const stage = document.querySelector<HTMLElement>('.stage');
      return stage !== null && !stage.inert && stage.childElementCount > 0;
    });
  async function press(name: string | RegExp): Promise<void> {
    await panel.getByRole('button', { name, exact: true }).first().click();
    await answered();
  }
  return {
    panel,
    press,
    text: async (): Promise<string> => (await panel.innerText()).replace(/\s*\n+\s*/g, '\n'),
    async start(user = 'admin'): Promise<void> {
      await page.goto('about:blank');
      await page.goto(`${url}/`);
      await page.getByLabel('Signed in as').selectOption(`${user}@acme.test`);
      await answered();
      await panel.getByRole('heading', { name: 'Overview' }).waitFor();
    },
    /** A row that leads on, by its bold words. */
    async follow(title: string): Promise<void> {
      await panel.locator('button.row').filter({ hasText: title }).first().click();
      await answered();
    },
    async openPerson(email: string): Promise<void> {
      await panel.getByLabel('Name or e-mail address').fill(email);
      await press('Search');
      await panel.getByText('Agent enabled').waitFor();
    },
    async flip(): Promise<void> {
      await panel.getByRole('switch', { name: 'Agent enabled' }).click();
      await answered();
    },
    async fill(label: string, value: string): Promise<void> {
      await panel.getByLabel(label, { exact: true }).first().fill(value);
    },
    async choose(label: string, option: string): Promise<void> {
      await panel.getByLabel(label, { exact: true }).first().selectOption({ label: option });
    },
    /** Ticks these of a list of boxes and no others. */
    async tick(legend: string | RegExp, ...wanted: string[]): Promise<void> {
      const boxes = panel.getByRole('group', { name: legend }).getByRole('checkbox');
      for (const box of await boxes.all()) {
        const label = (await box.evaluate((input) => input.parentElement?.textContent)) ?? '';
        await box.setChecked(wanted.includes(label.trim()));
      }
    },
    async unfold(section: string): Promise<void> {
      const toggle = panel.locator(`.toggle[aria-label="${section}"]`).first();
      if ((await toggle.getAttribute('aria-expanded')) === 'false') await toggle.click();
    },
  };
}

/** What the Directory says of a person, by Google's own client. */
export async function fieldsOf({ directory }: World, email: string): Promise<Record<string, unknown>> {
  const { data } = await directory.users.get({ userKey: email, projection: 'full' });
  return { ...data.customSchemas?.['OpenClaw_Agent'] };
}
