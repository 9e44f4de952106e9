import { OAuth2Client } from 'google-auth-library';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { door, eventsOf, listActivities } from './open-reports.ts';
import { onClose, openReceiver, openWorkspace, transport, type OpenWorkspace, type ReceivedPush } from './open-workspace.ts';

const userKey = 'bob@acme.test';

const suspend = ({ client }: OpenWorkspace, suspended = true) => client.users.update({ userKey, requestBody: { suspended } });

interface Envelope {
  readonly message: { data: string; messageId: string; publishTime: string };
  readonly subscription: string;
}
interface Entry {
  readonly protoPayload: { methodName: string; metadata: { activityId: object } };
}

const envelopeOf = ({ body }: ReceivedPush) => JSON.parse(body) as Envelope;
const entryOf = (push: ReceivedPush) => JSON.parse(Buffer.from(envelopeOf(push).message.data, 'base64').toString()) as Entry;
const methodsOf = (pushes: readonly ReceivedPush[]) => pushes.map((push) => entryOf(push).protoPayload.methodName.split('.').at(-1));

test('pushes each activity as a log entry in the envelope of Pub/Sub', async () => {
  const { address, count } = await openReceiver();
  const open = await openWorkspace({ sink: { address } });
  await suspend(open);
  const [push] = await count(1);
  if (!push) throw new Error('no push');
  const [activity] = (await listActivities(open, 'admin')).items ?? [];
  const time = activity?.id?.time ?? '';
  const event = {
    eventName: 'SUSPEND_USER',
    eventType: 'USER_SETTINGS',
    parameter: [{ label: 'LABEL_OPTIONAL', type: 'TYPE_STRING', name: 'USER_EMAIL', value: userKey }],
  };
  expect(entryOf(push)).toMatchObject({
    logName: expect.stringMatching(/^organizations\/\d+\/logs\/cloudaudit\.googleapis\.com%2Factivity$/) as string,
    resource: { type: 'audited_resource', labels: { method: 'google.admin.AdminService.suspendUser', service: 'admin.googleapis.com' } },
    timestamp: time,
    protoPayload: {
      '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
      serviceName: 'admin.googleapis.com',
      resourceName: expect.stringMatching(/^organizations\/\d+\/userSettings$/) as string,
      authenticationInfo: { principalEmail: 'admin@acme.test' },
      metadata: {
        activityId: { timeUsec: String(Date.parse(time) * 1000), uniqQualifier: activity?.id?.uniqueQualifier },
        event: [event],
      },
    },
  });
  const { message, subscription } = envelopeOf(push);
  expect(message.messageId).toMatch(/^\d+$/);
  expect(Date.parse(message.publishTime)).not.toBeNaN();
  expect(subscription).toBe('projects/agents-plane/subscriptions/workspace-audit');
});

test('signs each push as the subscription’s service account, for the audience asked for', async () => {
  const { address, count } = await openReceiver();
  const open = await openWorkspace({ sink: { address, audience: 'plane', serviceAccount: 'push@p.iam.gserviceaccount.com' } });
  await suspend(open);
  const [push] = await count(1);
  const verifier = new OAuth2Client({
    endpoints: { oauth2FederatedSignonPemCertsUrl: `${open.origin}/google/oauth2/v1/certs` },
    transporterOptions: { fetchImplementation: transport.fetchImplementation },
  });
  const idToken = push?.headers.authorization?.replace('Bearer ', '') ?? '';
  const claims = (await verifier.verifyIdToken({ idToken, audience: 'plane' })).getPayload();
  expect(claims).toMatchObject({ email: 'push@p.iam.gserviceaccount.com', email_verified: true, iss: 'https://accounts.google.com' });
});

test('sends the token it is given instead, or none', async () => {
  const { address, count } = await openReceiver();
  const open = await openWorkspace({ sink: { address, token: () => 'forged' } });
  await suspend(open);
  expect((await count(1))[0]?.headers.authorization).toBe('Bearer forged');
  const silent = await openWorkspace({ sink: { address, token: () => undefined } });
  await suspend(silent);
  expect((await count(2))[1]?.headers).not.toHaveProperty('authorization');
});

test('tries again with growing delay until the push is taken, whatever the status was', async () => {
  const { address, statuses, count } = await openReceiver();
  const open = await openWorkspace({ sink: { address }, sinkRetryDelaysMs: [5, 10] });
  statuses.push(500, 429, 404, 302);
  await suspend(open);
  const pushes = await count(5);
  await sleep(40);
  expect(pushes).toHaveLength(5);
  expect(new Set(pushes.map((push) => envelopeOf(push).message.messageId)).size).toBe(1);
});

test('delivers after a restart what nobody had taken before', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'workspace-'));
  onClose(() => rm(folder, { recursive: true }));
  const file = join(folder, 'workspace.sqlite');
  const first = await openWorkspace({ file, sink: { address: 'http://127.0.0.1:9/nobody' } });
  await suspend(first);
  await first.close();
  const { address, count } = await openReceiver();
  await openWorkspace({ file, sink: { address } });
  expect(methodsOf(await count(1))).toEqual(['suspendUser']);
});

test('is set, shown and ended through a door', async () => {
  const { address, count, received } = await openReceiver();
  const open = await openWorkspace();
  await suspend(open);
  expect(await (await door(open, 'POST', 'sink', { address, audience: 'plane' })).json()).toMatchObject({ address, audience: 'plane' });
  await suspend(open, false);
  expect(methodsOf(await count(1))).toEqual(['unsuspendUser']);
  expect((await door(open, 'DELETE', 'sink')).status).toBe(204);
  await suspend(open);
  await sleep(30);
  expect(received).toHaveLength(1);
  expect((await door(open, 'POST', 'sink', { address: 'file:///x' })).status).toBe(400);
  expect(await eventsOf(open)).toHaveLength(3);
});

test('loses, repeats and delays entries when told to', async () => {
  const { address, count, received } = await openReceiver();
  const open = await openWorkspace({ sink: { address } });
  open.workspace.faults.set({ sink: { lost: { next: 1 }, duplicated: { next: 1 }, lateMs: 50 } });
  await suspend(open);
  const start = performance.now();
  await suspend(open, false);
  expect(methodsOf(await count(2))).toEqual(['unsuspendUser', 'unsuspendUser']);
  expect(performance.now() - start).toBeGreaterThanOrEqual(45);
  await sleep(30);
  expect(received).toHaveLength(2);
});
