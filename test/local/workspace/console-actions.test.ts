import { door, eventsOf, listActivities } from './open-reports.ts';
import { openReceiver, openWorkspace, type OpenWorkspace } from './open-workspace.ts';

const application = '482910374650';

const license = async ({ origin }: OpenWorkspace, userId: string, applicationId = application) => {
  const response = await fetch(`${origin}/google/appsmarket/v2/userLicense/${applicationId}/${userId}`);
  const { enabled, state } = (await response.json()) as { enabled?: boolean; state?: string };
  return { status: response.status, enabled, state };
};
const on = { status: 200, enabled: true, state: 'ACTIVE' };
const off = { ...on, enabled: false };

const act = async (open: OpenWorkspace, action: object) => (await door(open, 'POST', 'console', action)).status;

test('switches the service for an org unit and what is below it, and logs that', async () => {
  const open = await openWorkspace();
  expect(await license(open, 'alice@acme.test')).toEqual(on);
  expect(await act(open, { action: 'toggleService', enabled: false, orgUnitPath: '/' })).toBe(204);
  expect(await act(open, { action: 'toggleService', enabled: true, orgUnitPath: '/Sales' })).toBe(204);
  expect(await license(open, 'alice@acme.test')).toEqual(off);
  expect(await license(open, 'bob@acme.test')).toEqual(on);
  const toggled = (value: string, unit: string) => [
    'TOGGLE_SERVICE_ENABLED',
    { SERVICE_NAME: 'OpenClaw Agent', NEW_VALUE: value, ORG_UNIT_NAME: unit, DOMAIN_NAME: 'acme.test' },
  ];
  expect(await eventsOf(open)).toEqual([toggled('false', '/'), toggled('true', '/Sales')]);
});

test('lets a group that is on win over the org unit', async () => {
  const open = await openWorkspace();
  open.workspace.act({ action: 'toggleService', enabled: false, orgUnitPath: '/' });
  open.workspace.act({ action: 'toggleService', enabled: true, groupEmail: 'engineering@acme.test' });
  expect(await license(open, 'alice@acme.test')).toEqual(on);
  expect(await license(open, 'bob@acme.test')).toEqual(off);
  expect((await eventsOf(open)).at(-1)?.[1]).toMatchObject({ GROUP_EMAIL: 'engineering@acme.test', NEW_VALUE: 'true' });
});

test('takes the app from the domain and gives it back', async () => {
  const open = await openWorkspace();
  await act(open, { action: 'removeApplication' });
  expect(await license(open, 'alice@acme.test')).toEqual({ status: 200, enabled: false, state: 'UNLICENSED' });
  await act(open, { action: 'addApplication' });
  expect(await license(open, 'alice@acme.test')).toEqual(on);
  expect((await license(open, 'nobody@acme.test')).status).toBe(404);
  const parameters = { APP_ID: application, APPLICATION_NAME: 'OpenClaw Agent' };
  expect(await eventsOf(open)).toEqual([
    ['REMOVE_APPLICATION', parameters],
    ['ADD_APPLICATION', { ...parameters, APPLICATION_ENABLED: 'true' }],
  ]);
});

test('suspends as Google does by itself: in the login log, and not in the admin log', async () => {
  const open = await openWorkspace();
  const { address, count } = await openReceiver();
  const requestBody = { id: 'c1', type: 'web_hook', address };
  await open.client.users.watch({ customer: 'my_customer', requestBody });
  await act(open, { action: 'suspendByGoogle', userKey: 'bob@acme.test', reason: 'hijacked' });
  const { data } = await open.client.users.get({ userKey: 'bob@acme.test' });
  expect(data).toMatchObject({ suspended: true, suspensionReason: 'ABUSE' });
  expect(await eventsOf(open, 'login')).toEqual([['account_disabled_hijacked', { affected_email_address: 'bob@acme.test' }]]);
  expect((await listActivities(open, 'login')).items?.[0]?.actor).toMatchObject({ email: 'bob@acme.test', profileId: data.id });
  expect(await eventsOf(open, 'admin')).toEqual([]);
  expect((await count(2)).at(-1)?.headers['x-goog-resource-state']).toBe('update');
});

test('refuses an action it does not know, and one that names no target or two', async () => {
  const open = await openWorkspace();
  const target = { orgUnitPath: '/', groupEmail: 'engineering@acme.test' };
  const wrong = [{ action: 'dance' }, { action: 'toggleService', enabled: true }, { action: 'toggleService', enabled: true, ...target }];
  for (const action of wrong) expect(await act(open, action)).toBe(400);
  expect(await act(open, { action: 'suspendByGoogle', userKey: 'nobody@acme.test' })).toBe(404);
  expect(await act(open, { action: 'toggleService', enabled: true, groupEmail: 'none@acme.test' })).toBe(404);
  expect(await eventsOf(open)).toEqual([]);
});
