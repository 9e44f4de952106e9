import type { Browser, Page } from 'playwright-core';
import { firstRunCard } from '../../appsscript/cards/home.ts';
import { switchOffCard } from '../../appsscript/cards/agent.ts';
import { consoleFiles } from '../../scripts/local/console/serve.ts';
import { admin, planeOf, userOf } from '../appsscript/company.ts';
import { launchBrowser } from '../browser.ts';
import { startConsoleServer } from './console-server.ts';

jest.setTimeout(60_000);

let browser: Browser;
let server: Awaited<ReturnType<typeof startConsoleServer>>;
let page: Page;
let faults: string[];

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
});
beforeEach(async () => {
  server = await startConsoleServer();
  faults = [];
  page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  page.setDefaultTimeout(8_000);
  page.on('pageerror', (error) => faults.push(String(error)));
});
afterEach(async () => {
  await page.close();
  await server.close();
  expect(faults).toEqual([]);
});

const panel = () => page.getByRole('complementary', { name: 'Add-on' });
const directory = () => page.getByRole('main', { name: 'Directory' });
const openAlice = async () => {
  await page.goto(`${server.url}#/users/1001`);
  await directory().getByRole('heading', { name: 'Alice Adams' }).waitFor();
};
const sent = (path: string) => server.asked.filter((one) => one.path === path);

describe('the add-on panel', () => {
  it('draws the home card, opens an agent and goes back', async () => {
    await page.goto(server.url);
    await panel().getByRole('heading', { name: 'Overview' }).waitFor();
    expect(await panel().getByText('Need attention').count()).toBe(2);
    expect(await panel().getByRole('button', { name: 'Back', exact: true }).count()).toBe(0);
    await panel().getByText('Person 3').click();
    await panel().getByRole('switch', { name: 'Agent enabled' }).waitFor();
    await panel().getByRole('button', { name: 'Details' }).click();
    await panel().getByText('Agent ID').waitFor();
    await panel().getByRole('button', { name: 'Back', exact: true }).click();
    await panel().getByRole('heading', { name: 'Overview' }).waitFor();
  });

  it('sends form values and parameters with a click, as who is signed in', async () => {
    await page.goto(server.url);
    await page.getByLabel('Signed in as').selectOption('viewer@acme.test');
    await panel().getByLabel('E-mail address').fill('bob@acme.test');
    await panel().getByRole('button', { name: 'Search', exact: true }).click();
    await panel().getByRole('switch').waitFor();
    expect(sent('/console/addon').at(-1)?.body).toMatchObject({
      functionName: 'onAction',
      user: 'viewer@acme.test',
      event: {
        commonEventObject: { parameters: { do: 'findPeople' }, formInputs: { search: { stringInputs: { value: ['bob@acme.test'] } } } },
      },
    });
  });

  it('opens with the Enter key and keeps the focus in the panel', async () => {
    await page.goto(server.url);
    await panel().getByLabel('E-mail address').fill('bob@acme.test');
    await page.keyboard.press('Enter');
    await panel().getByRole('switch').waitFor();
    expect(await panel().evaluate((host) => host.contains(document.activeElement))).toBe(true);
  });

  it('leaves a switch that was turned off out of the form, and replaces the card in place', async () => {
    const { addon } = server.company;
    server.company.addon = (request) =>
      request.action === 'switchAgent'
        ? { result: { action: { navigations: [{ updateCard: switchOffCard(userOf(1)) }], notification: { text: 'Asking first' } } } }
        : addon(request);
    await page.goto(server.url);
    await panel()
      .getByRole('button', { name: /Person 3/ })
      .click();
    await panel().getByRole('switch').click();
    await panel().getByRole('heading', { name: 'Switch this agent off?' }).waitFor();
    expect(sent('/console/addon').at(-1)?.body).toMatchObject({ event: { commonEventObject: { formInputs: {} } } });
    expect(await page.getByRole('status').textContent()).toBe('Asking first');
    await panel().getByRole('button', { name: 'Back', exact: true }).click();
    await panel().getByRole('heading', { name: 'Overview' }).waitFor();
  });

  it('asks for the home card again after a change', async () => {
    const { addon } = server.company;
    server.company.addon = (request) => {
      if (request.action !== 'doVerb') return addon(request);
      server.company.addon = () => {
        const card = firstRunCard(planeOf(0), undefined, false, admin);
        return { result: { action: { navigations: [{ pushCard: card }] } } };
      };
      return { result: { action: { notification: { text: 'Restarting' } }, stateChanged: true } };
    };
    await page.goto(server.url);
    await panel()
      .getByRole('button', { name: /Person 3/ })
      .click();
    await panel()
      .getByRole('button', { name: /^Restart/ })
      .click();
    await page.getByText('Restarting').waitFor();
    await panel().getByRole('button', { name: 'Back', exact: true }).click();
    await panel().getByRole('heading', { name: 'Give your first person an agent' }).waitFor();
  });

  it('says so when the add-on fails, and runs again', async () => {
    const { addon } = server.company;
    server.company.addon = () => ({ error: 'Exceeded maximum execution time' });
    await page.goto(server.url);
    await panel().getByText('Exceeded maximum execution time').waitFor();
    server.company.addon = addon;
    await panel().getByRole('button', { name: 'Run again' }).click();
    await panel().getByRole('heading', { name: 'Overview' }).waitFor();
  });
});

describe('the directory', () => {
  it('lists users and finds them by name', async () => {
    await page.goto(server.url);
    await directory()
      .getByRole('link', { name: /Bob Brown/ })
      .waitFor();
    await page.getByLabel('Search users').fill('carol');
    await directory()
      .getByRole('link', { name: /Bob Brown/ })
      .waitFor({ state: 'detached' });
    await page.getByLabel('Search users').fill('nobody');
    await directory().getByText('Nobody matches').waitFor();
  });

  it('asks in the words of the Directory: each word begins a name or an address', async () => {
    await page.goto(server.url);
    const asked = page.waitForRequest((request) => request.url().includes('query='));
    await page.getByLabel('Search users').fill("Ann O'Neil ann@");
    expect(new URL((await asked).url()).searchParams.get('query')).toBe("'Ann' 'O\\'Neil' email:ann@*");
  });

  it('saves what was changed and no more; a blank field goes back to policy', async () => {
    await openAlice();
    await page.getByLabel('Agent enabled').last().selectOption('As policy says');
    await page.getByLabel('Tools').fill('email, github');
    await page.getByLabel('Budget cap').fill('');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved. The agent follows in a moment.').waitFor();
    expect(sent('/google/admin/directory/v1/users/1001')).toEqual([
      {
        method: 'PUT',
        path: '/google/admin/directory/v1/users/1001',
        body: { customSchemas: { OpenClaw_Agent: { agentEnabled: null, toolAllowlist: 'email, github', budgetCap: null } } },
      },
    ]);
  });

  it('lets an admin save a tier that does not exist: the plane says so, as in the Admin console', async () => {
    await openAlice();
    await page.getByLabel('Model tier').fill('Opuss');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    expect(sent('/google/admin/directory/v1/users/1001')[0]?.body).toMatchObject({
      customSchemas: { OpenClaw_Agent: { modelTier: 'Opuss' } },
    });
  });

  it('refuses a budget that is no number before it is sent', async () => {
    await openAlice();
    await page.getByLabel('Budget cap').fill('a lot');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('whole number of US dollars').waitFor();
    expect(sent('/google/admin/directory/v1/users/1001')).toEqual([]);
  });

  it('shows changes from elsewhere by itself and leaves what is being typed alone', async () => {
    await openAlice();
    await page.getByLabel('Tools').fill('github');
    const alice = server.company.people[0];
    Object.assign(alice?.customSchemas?.OpenClaw_Agent ?? {}, { agentStatus: 'paused', modelTier: 'haiku', toolAllowlist: 'crm' });
    await directory().getByText('paused').waitFor();
    expect(await page.getByLabel('Model tier').inputValue()).toBe('haiku');
    expect(await page.getByLabel('Tools').inputValue()).toBe('github');
  });

  it('suspends after asking, and reactivates', async () => {
    await openAlice();
    await page.getByRole('button', { name: 'Suspend' }).click();
    await page.getByRole('dialog', { name: 'Suspend Alice Adams?' }).getByRole('button', { name: 'Cancel' }).click();
    expect(server.asked.filter(({ method }) => method === 'PUT')).toEqual([]);
    await page.getByRole('button', { name: 'Suspend' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
    await page.getByRole('button', { name: 'Reactivate' }).click();
    await page.getByRole('button', { name: 'Suspend' }).waitFor();
    expect(server.asked.filter(({ method }) => method === 'PUT').map(({ body }) => body)).toEqual([
      { suspended: true },
      { suspended: false },
    ]);
  });

  it('deletes after asking, and restores into the unit the user came from', async () => {
    await openAlice();
    await page.getByRole('button', { name: 'Delete user' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await directory()
      .getByRole('link', { name: /Bob Brown/ })
      .waitFor();
    expect(await directory().getByRole('link', { name: /Alice/ }).count()).toBe(0);
    await page.getByRole('link', { name: 'Recently deleted' }).click();
    await page.getByRole('button', { name: 'Restore Alice Adams' }).click();
    await page.getByText('Nobody was deleted').waitFor();
    expect(sent('/google/admin/directory/v1/users/1001/undelete')[0]?.body).toEqual({ orgUnitPath: '/Engineering' });
  });

  it('says in a sentence that the plane is out of order, and recovers by itself', async () => {
    await openAlice();
    server.company.down = true;
    await page.getByRole('alert').getByText('The plane had a problem. It said: out of order').waitFor();
    expect(await directory().getByRole('heading', { name: 'Alice Adams' }).count()).toBe(1);
    server.company.down = false;
    await page.getByRole('alert').waitFor({ state: 'hidden' });
  });
});

describe('the mailbox', () => {
  it('opens a mail in a frame without scripts and replies', async () => {
    await openAlice();
    await page.getByRole('button', { name: /Hello Alice/ }).click();
    await page.frameLocator('iframe').getByText('I am your new AI agent.').waitFor();
    expect(await page.title()).toBe('Agents Plane');
    await page.getByLabel('Reply').fill('Hello agent');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('Reply sent to alice-agent@acme.test.').waitFor();
    expect(sent('/mail/messages')[0]?.body).toEqual({
      from: 'alice@acme.test',
      to: 'alice-agent@acme.test',
      subject: 'Re: Hello Alice, I am your agent',
      text: 'Hello agent',
      inReplyTo: 'm1',
    });
  });

  it('keeps a reply that is being written while the page refreshes', async () => {
    await openAlice();
    await page.getByRole('button', { name: /Hello Alice/ }).click();
    await page.getByLabel('Reply').fill('half a sen');
    await page.waitForTimeout(2_500);
    expect(await page.getByLabel('Reply').inputValue()).toBe('half a sen');
  });

  it('says that there is no mail yet', async () => {
    await page.goto(`${server.url}#/users/1002`);
    await directory().getByText('No mail yet').waitFor();
  });
});

describe('the page', () => {
  it('does not touch what has not changed', async () => {
    await page.goto(server.url);
    const row = directory().getByRole('link', { name: /Bob Brown/ });
    await row.evaluate((element) => element.setAttribute('data-kept', 'yes'));
    await page.waitForTimeout(2_500);
    expect(await row.getAttribute('data-kept')).toBe('yes');
  });

  it('fits a phone: one part at a time, nothing to scroll sideways', async () => {
    await page.setViewportSize({ width: 400, height: 800 });
    await page.goto(server.url);
    await panel().getByRole('heading', { name: 'Overview' }).waitFor();
    expect(await directory().isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Directory' }).click();
    await directory().getByRole('link', { name: /Alice/ }).click();
    await directory().getByRole('heading', { name: 'Mailbox' }).waitFor();
    expect(await panel().isVisible()).toBe(false);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(400);
  });

  it('is served with a policy that lets no foreign script in', async () => {
    const serve = consoleFiles('scripts/local/console');
    const get = async (path: string) => serve(new Request(`http://127.0.0.1${path}`));
    const index = await get('/');
    expect(index?.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(index?.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self';");
    expect((await get('/console.js'))?.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    for (const path of ['/serve.ts', '/../serve.ts', '/%2e%2e/serve.ts', '/v1/planes', '/healthz', '/gone.js'])
      expect(await get(path)).toBeUndefined();
    expect(await serve(new Request('http://127.0.0.1/', { method: 'POST' }))).toBeUndefined();
  });
});
