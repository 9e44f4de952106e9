import { setTimeout as sleep } from 'node:timers/promises';
import { hourMs, minuteMs, openReceiver, openWorkspace, refusal, type OpenWorkspace, type ReceivedPush } from './open-workspace.ts';

const customer = 'my_customer';
const password = 'correct horse';

interface Watch {
  readonly id?: string;
  readonly event?: string;
  readonly token?: string;
  readonly ttl?: string;
  readonly expiration?: string;
}

const watch = async ({ client }: OpenWorkspace, address: string, { id = 'c1', event, token, ttl, expiration }: Watch = {}) =>
  (
    await client.users.watch({
      customer,
      ...(event && { event }),
      requestBody: {
        id,
        type: 'web_hook',
        address,
        ...(token && { token }),
        ...(expiration && { expiration }),
        ...(ttl && { params: { ttl } }),
      },
    })
  ).data;

const suspend = ({ client }: OpenWorkspace, userKey = 'bob@acme.test', suspended = true) =>
  client.users.update({ userKey, requestBody: { suspended } });

const states = (pushes: readonly ReceivedPush[]) => pushes.map(({ headers }) => headers['x-goog-resource-state']);

const until = async (fact: () => boolean) => {
  while (!fact()) await sleep(5);
};

test('says sync first and then each change, in Google’s headers and body', async () => {
  const open = await openWorkspace();
  const { address, count } = await openReceiver();
  const channel = await watch(open, address, { token: 'a secret', ttl: '3600' });
  const [sync] = await count(1);
  expect(sync?.body).toBe('');
  const common = {
    'x-goog-channel-id': 'c1',
    'x-goog-channel-token': 'a secret',
    'x-goog-channel-expiration': new Date(Number(channel.expiration)).toUTCString(),
    'x-goog-resource-id': channel.resourceId,
    'x-goog-resource-uri': 'https://admin.googleapis.com/admin/directory/v1/users?customer=my_customer&alt=json',
  };
  expect(sync?.headers).toMatchObject({ ...common, 'x-goog-resource-state': 'sync', 'x-goog-message-number': '1' });

  const { data: bob } = await suspend(open);
  await suspend(open, 'bob@acme.test', false);
  const [, first, second] = await count(3);
  expect(first?.headers).toMatchObject({ ...common, 'x-goog-resource-state': 'update', 'content-type': 'application/json; utf-8' });
  const body = JSON.parse(first?.body ?? '') as Record<string, string>;
  expect(body).toEqual({ kind: 'admin#directory#user', id: bob.id, etag: expect.any(String) as string, primaryEmail: 'bob@acme.test' });
  expect(body['etag']).not.toBe(bob.etag);
  const numbers = [first, second].map((push) => Number(push?.headers['x-goog-message-number']));
  expect(numbers[0]).toBeGreaterThan(1);
  expect(numbers[1]).not.toBe(numbers[0]);
});

test('leaves token and content out where there is none', async () => {
  const open = await openWorkspace();
  const { address, count } = await openReceiver();
  const channel = await watch(open, address);
  const [sync] = await count(1);
  expect(sync?.headers).not.toHaveProperty('x-goog-channel-token');
  expect(sync?.headers).not.toHaveProperty('content-type');
  expect(channel).not.toHaveProperty('token');
});

test('tells of hiring, changing, moving, making admin, deleting and bringing back', async () => {
  const open = await openWorkspace();
  const { client } = open;
  const { address, count, received } = await openReceiver();
  await watch(open, address);
  const userKey = 'gina@acme.test';
  const name = { givenName: 'Gina', familyName: 'Gray' };
  const steps: (() => PromiseLike<unknown>)[] = [
    () => client.users.insert({ requestBody: { primaryEmail: userKey, name, password } }),
    () => client.users.update({ userKey, requestBody: { customSchemas: { OpenClaw_Agent: { agentEnabled: true } } } }),
    () => client.users.update({ userKey, requestBody: { orgUnitPath: '/Sales' } }),
    () => client.users.makeAdmin({ userKey, requestBody: { status: true } }),
    () => client.users.delete({ userKey }),
  ];
  for (const [index, step] of steps.entries()) {
    await step();
    await count(index + 2);
  }
  const { id } = JSON.parse(received.at(-1)?.body ?? '') as { id: string };
  await client.users.undelete({ userKey: id, requestBody: {} });
  expect(states(await count(7))).toEqual(['sync', 'add', 'update', 'update', 'makeAdmin', 'delete', 'undelete']);
});

test('keeps silent about a write that changes nothing, a refused one, and a read', async () => {
  const open = await openWorkspace();
  const { address, count } = await openReceiver();
  await watch(open, address);
  await count(1);
  await suspend(open, 'bob@acme.test', false);
  await refusal(open.client.users.update({ userKey: 'bob@acme.test', requestBody: { suspended: true, customSchemas: { Nope: {} } } }));
  await open.client.users.get({ userKey: 'bob@acme.test' });
  await suspend(open, 'carol@acme.test');
  const pushes = await count(2);
  expect(pushes).toHaveLength(2);
  expect(pushes[1]?.body).toContain('carol@acme.test');
});

test('pushes only the event that the channel asked for', async () => {
  const open = await openWorkspace();
  const { address, count } = await openReceiver();
  const channel = await watch(open, address, { event: 'delete' });
  expect(channel.resourceUri).toContain('&event=delete&');
  await suspend(open);
  await open.client.users.delete({ userKey: 'bob@acme.test' });
  await sleep(30);
  expect(states(await count(2))).toEqual(['sync', 'delete']);
  expect(await refusal(watch(open, address, { id: 'c2', event: 'suspend' }))).toMatchObject({ reason: 'invalidParameter' });
});

test('grants what is asked up to six hours, and two where nothing is asked', async () => {
  const open = await openWorkspace();
  const { address } = await openReceiver();
  const lifetime = async (id: string, asked: Watch) => {
    const before = Date.now();
    return Math.round((Number((await watch(open, address, { id, ...asked })).expiration) - before) / minuteMs);
  };
  expect(await lifetime('a', { ttl: '1800' })).toBe(30);
  expect(await lifetime('b', { ttl: '172800' })).toBe(6 * 60);
  expect(await lifetime('c', { expiration: String(Date.now() + hourMs) })).toBe(60);
  expect(await lifetime('d', {})).toBe(2 * 60);
  expect(await refusal(watch(open, address, { id: 'e', expiration: String(Date.now() - 1) }))).toMatchObject({ status: 400 });
});

test('falls silent when the channel expires or is stopped', async () => {
  const open = await openWorkspace();
  const [short, long] = [await openReceiver(), await openReceiver()];
  await watch(open, short.address, { id: 'short', ttl: '60' });
  const channel = await watch(open, long.address, { id: 'long' });
  await short.count(1);
  open.advance(61_000);
  await suspend(open);
  await long.count(2);
  expect(short.received).toHaveLength(1);

  const stop = (requestBody: object) => open.client.channels.stop({ requestBody });
  expect(await refusal(stop({ id: 'long', resourceId: 'another' }))).toMatchObject({ status: 404, reason: 'notFound' });
  expect((await stop({ id: 'long', resourceId: channel.resourceId })).status).toBe(204);
  await suspend(open, 'bob@acme.test', false);
  await sleep(30);
  expect(long.received).toHaveLength(2);
  expect(await refusal(stop({ id: 'long', resourceId: channel.resourceId }))).toMatchObject({ status: 404 });
});

test('serves overlapping channels for the same users and gives them the same resource id', async () => {
  const open = await openWorkspace();
  const { address, count } = await openReceiver();
  const [first, second] = [await watch(open, address), await watch(open, address, { id: 'c2' })];
  expect(first.resourceId).toBe(second.resourceId);
  await suspend(open);
  const pushes = await count(4);
  expect(pushes.map(({ headers }) => headers['x-goog-channel-id']).sort()).toEqual(['c1', 'c1', 'c2', 'c2']);
  expect(await refusal(watch(open, address))).toMatchObject({ status: 400, reason: 'channelIdNotUnique' });
});

test('tries again on 500, 502, 503 and 504 and on a broken connection, a bounded number of times', async () => {
  const open = await openWorkspace();
  const { address, statuses, count } = await openReceiver();
  statuses.push(503, 500, 504);
  await watch(open, address);
  expect(states(await count(4))).toEqual(['sync', 'sync', 'sync', 'sync']);
  expect(open.lines).toEqual([]);

  await watch(open, 'http://127.0.0.1:9/nobody', { id: 'deaf' });
  statuses.push(502, 502, 502, 502);
  await suspend(open);
  const pushes = await count(8);
  await until(() => open.lines.length === 3);
  expect(pushes).toHaveLength(8);
  expect(open.lines.filter((line) => line.includes('lost a push on channel deaf'))).toHaveLength(2);
  expect(open.lines.filter((line) => line.includes('lost a push on channel c1'))).toEqual([expect.stringContaining(': 502')]);
});

test.each([400, 404, 429, 302])('loses the message on %i', async (status) => {
  const open = await openWorkspace();
  const { address, statuses, count, received } = await openReceiver();
  await watch(open, address);
  await count(1);
  statuses.push(status);
  await suspend(open);
  await count(2);
  await until(() => open.lines.length > 0);
  await sleep(30);
  expect(received).toHaveLength(2);
  expect(open.lines.join('\n')).toContain(`: ${status}`);
});

test('does not hold up a change while the receiver hangs', async () => {
  const hanging = ((_address: unknown, init?: RequestInit) =>
    new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('aborted'))))) as typeof fetch;
  const open = await openWorkspace({ deliver: hanging });
  await watch(open, 'https://hooks.acme.test/directory');
  expect((await suspend(open)).data.suspended).toBe(true);
});

test('refuses an address that is neither https nor on this machine', async () => {
  const open = await openWorkspace();
  expect(await refusal(watch(open, 'http://hooks.acme.test/'))).toMatchObject({ status: 400, reason: 'push.webhookUrlNotHttps' });
  expect(await refusal(watch(open, 'file:///etc/passwd'))).toMatchObject({ status: 400 });
  expect(await refusal(watch(open, 'https://x.test/', { id: 'x'.repeat(65) }))).toMatchObject({ status: 400 });
});
