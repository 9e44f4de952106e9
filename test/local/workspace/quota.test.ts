import { minuteMs, openWorkspace, refusal } from './open-workspace.ts';

const userKey = 'bob@acme.test';

test('refuses a caller beyond its queries per minute and lets it go on as the minute passes', async () => {
  const { client, advance } = await openWorkspace({ queriesPerMinute: 6 });
  for (let query = 0; query < 6; query += 1) await client.users.get({ userKey });
  expect(await refusal(client.users.get({ userKey }))).toEqual({
    status: 403,
    reason: 'userRateLimitExceeded',
    message: 'User Rate Limit Exceeded',
  });
  advance(minuteMs / 6);
  await client.users.get({ userKey });
  expect(await refusal(client.users.get({ userKey }))).toMatchObject({ reason: 'userRateLimitExceeded' });
});

test('counts each caller’s token for itself and sign-in not at all', async () => {
  const { client, origin } = await openWorkspace({ queriesPerMinute: 1 });
  const as = (token: string) => client.users.get({ userKey }, { headers: { authorization: `Bearer ${token}` } });
  await as('one');
  await as('two');
  expect(await refusal(as('one'))).toMatchObject({ reason: 'userRateLimitExceeded' });
  for (let time = 0; time < 3; time += 1) expect((await fetch(`${origin}/google/oauth2/v1/certs`)).status).toBe(200);
});

test('allows 2,400 queries a minute by default', async () => {
  const { workspace } = await openWorkspace({ now: () => 1_700_000_000_000 });
  const get = async () => (await workspace.fetch(new Request('http://x/google/admin/directory/v1/users/bob@acme.test'))).status;
  const statuses = new Map<number, number>();
  for (let query = 0; query < 2_410; query += 1) {
    const status = await get();
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  expect(Object.fromEntries(statuses)).toEqual({ 200: 2_400, 403: 10 });
});
