import { setTimeout as sleep } from 'node:timers/promises';
import { door, eventsOf } from './open-reports.ts';
import { customer, minuteMs, openReceiver, openWorkspace, refusal, type OpenWorkspace, type Refusal } from './open-workspace.ts';

const userKey = 'bob@acme.test';

const suspend = ({ client }: OpenWorkspace, suspended = true, key = userKey) =>
  client.users.update({ userKey: key, requestBody: { suspended } });
const get = ({ client }: OpenWorkspace, key = userKey) => client.users.get({ userKey: key });
const isSuspended = async (open: OpenWorkspace) => (await get(open)).data.suspended;
const outcome = async (call: PromiseLike<unknown>): Promise<Refusal | 'fine'> =>
  Promise.resolve(call).then(
    () => 'fine' as const,
    () => refusal(call),
  );
const watch = ({ client }: OpenWorkspace, address: string, id = 'c1') =>
  client.users.watch({ customer, requestBody: { id, type: 'web_hook', address } });

test('shows a search the state of a while ago, and a read the state of now', async () => {
  const open = await openWorkspace();
  const found = async () =>
    (await open.client.users.list({ customer, query: 'isSuspended=true' })).data.users?.map(({ primaryEmail }) => primaryEmail) ?? [];
  open.workspace.faults.set({ searchLagMs: 10 * minuteMs });
  await suspend(open);
  open.advance(6 * minuteMs);
  await suspend(open, true, 'carol@acme.test');
  expect(await found()).toEqual([]);
  expect(await isSuspended(open)).toBe(true);
  open.advance(5 * minuteMs);
  expect(await found()).toEqual([userKey]);
  open.advance(5 * minuteMs);
  expect(await found()).toEqual([userKey, 'carol@acme.test']);
});

test('shows a user as it was before a write for a while: changed, hired, deleted and renamed', async () => {
  const open = await openWorkspace();
  open.workspace.faults.set({ readLagMs: minuteMs });
  const name = { givenName: 'Gina', familyName: 'Gray' };
  const addresses = async () => (await open.client.users.list({ customer })).data.users?.map(({ primaryEmail }) => primaryEmail);
  const before = await addresses();
  await suspend(open);
  await open.client.users.insert({ requestBody: { primaryEmail: 'gina@acme.test', name, password: 'correct horse' } });
  await open.client.users.delete({ userKey: 'carol@acme.test' });
  await open.client.users.update({ userKey: 'dave@acme.test', requestBody: { primaryEmail: 'david@acme.test' } });
  expect(await isSuspended(open)).toBe(false);
  expect((await refusal(get(open, 'gina@acme.test'))).status).toBe(404);
  expect((await get(open, 'carol@acme.test')).data.primaryEmail).toBe('carol@acme.test');
  expect((await get(open, 'dave@acme.test')).data.primaryEmail).toBe('dave@acme.test');
  expect(await addresses()).toEqual(before);
  open.advance(minuteMs + 1);
  expect(await isSuspended(open)).toBe(true);
  expect((await get(open, 'gina@acme.test')).data.name?.fullName).toBe('Gina Gray');
  expect((await refusal(get(open, 'carol@acme.test'))).status).toBe(404);
  expect(await addresses()).toContain('david@acme.test');
});

test('writes on top of what is, not of what is shown, and forgets the past once cleared', async () => {
  const open = await openWorkspace();
  open.workspace.faults.set({ readLagMs: minuteMs });
  await suspend(open);
  await open.client.users.update({ userKey, requestBody: { name: { familyName: 'Builder' } } });
  expect((await get(open)).data).toMatchObject({ suspended: false, name: { familyName: 'Baker' } });
  open.workspace.faults.clear();
  expect((await get(open)).data).toMatchObject({ suspended: true, name: { familyName: 'Builder' } });
});

test.each([
  ['userRateLimitExceeded', 403],
  ['quotaExceeded', 403],
  ['rateLimitExceeded', 429],
  ['internalError', 500],
  ['backendError', 503],
] as const)('refuses the next calls with %s as %i, on the path and method asked for alone', async (reason, status) => {
  const open = await openWorkspace();
  open.workspace.faults.set({ refusals: [{ reason, next: 2, method: 'GET', pathPrefix: '/admin/directory/v1/users' }] });
  await open.client.groups.list({ customer });
  await suspend(open);
  expect(await refusal(get(open))).toMatchObject({ status, reason });
  expect(open.workspace.faults.inForce().refusals[0]?.next).toBe(1);
  expect(await refusal(get(open))).toMatchObject({ status, reason });
  await get(open);
});

test('can lose the answer of a change that it made', async () => {
  const open = await openWorkspace();
  open.workspace.faults.set({ refusals: [{ reason: 'backendError', next: 1, afterEffect: true }] });
  expect(await refusal(suspend(open))).toMatchObject({ status: 503 });
  expect(await isSuspended(open)).toBe(true);
});

test('strikes the same way for the same seed', async () => {
  const strikes = async (seed: number) => {
    const open = await openWorkspace();
    open.workspace.faults.set({ seed, refusals: [{ reason: 'internalError', probability: 0.5 }] });
    const struck: boolean[] = [];
    for (let call = 0; call < 24; call += 1) struck.push((await outcome(get(open))) !== 'fine');
    return struck;
  };
  const first = await strikes(7);
  expect(await strikes(7)).toEqual(first);
  expect(await strikes(8)).not.toEqual(first);
  expect(first).toContain(true);
  expect(first).toContain(false);
});

test('loses, repeats, delays and reorders pushes', async () => {
  const open = await openWorkspace();
  const { address, count, received } = await openReceiver();
  await watch(open, address);
  await count(1);
  open.workspace.faults.set({ pushes: { lost: { next: 1 }, duplicated: { next: 1 }, lateMs: 50 } });
  await suspend(open);
  const start = performance.now();
  await suspend(open, false);
  await count(3);
  expect(performance.now() - start).toBeGreaterThanOrEqual(45);
  const numbers = () => received.map(({ headers }) => Number(headers['x-goog-message-number']));
  expect(numbers()[1]).toBe(numbers()[2]);

  open.workspace.faults.set({ seed: 1, pushes: { outOfOrderMs: 300 } });
  for (let change = 0; change < 8; change += 1) await suspend(open, change % 2 === 0);
  const shown = (await count(11)).slice(3).map(({ headers }) => Number(headers['x-goog-message-number']));
  expect(shown).not.toEqual([...shown].sort((a, b) => a - b));
});

test('ends all channels at once, and lets none live longer than told', async () => {
  const open = await openWorkspace();
  const { address, count, received } = await openReceiver();
  await watch(open, address);
  await count(1);
  open.workspace.faults.set({ expireChannels: true, channelLifetimeMs: minuteMs });
  await suspend(open);
  await sleep(30);
  expect(received).toHaveLength(1);
  const { data } = await watch(open, address, 'c2');
  expect(Number(data.expiration)).toBeLessThanOrEqual(Date.now() + minuteMs);
  await suspend(open, false);
  await count(3);
});

test('shows activities late and under a clock of Google’s own', async () => {
  const open = await openWorkspace();
  open.workspace.faults.set({ reportsLateMs: 10 * minuteMs });
  await suspend(open);
  expect(await eventsOf(open)).toEqual([]);
  open.advance(10 * minuteMs);
  expect(await eventsOf(open)).toHaveLength(1);
  open.workspace.faults.set({ clockSkewMs: -60 * minuteMs });
  await suspend(open, false);
  expect(Date.parse((await get(open)).data.creationTime ?? '')).toBeLessThan(Date.now());
  expect(await eventsOf(open)).toEqual([['UNSUSPEND_USER', { USER_EMAIL: userKey }]]);
  open.workspace.faults.clear();
  expect(await eventsOf(open)).toEqual([
    ['UNSUSPEND_USER', { USER_EMAIL: userKey }],
    ['SUSPEND_USER', { USER_EMAIL: userKey }],
  ]);
});

test('is told through a door, which answers what is in force and refuses what it does not know', async () => {
  const open = await openWorkspace();
  const set = await door(open, 'POST', 'faults', { readLagMs: 5, refusals: [{ reason: 'quotaExceeded', next: 1 }] });
  expect(await set.json()).toMatchObject({
    readLagMs: 5,
    searchLagMs: 0,
    refusals: [{ reason: 'quotaExceeded', next: 1, probability: 1 }],
  });
  expect(await refusal(get(open))).toMatchObject({ reason: 'quotaExceeded' });
  expect(await (await door(open, 'GET', 'faults')).json()).toMatchObject({ refusals: [{ next: 0 }] });
  expect(await (await door(open, 'DELETE', 'faults')).json()).toMatchObject({ readLagMs: 0, refusals: [] });
  expect((await door(open, 'POST', 'faults', { lag: 1 })).status).toBe(400);
  expect((await door(open, 'POST', 'faults', { refusals: [{ reason: 'bored' }] })).status).toBe(400);
});
