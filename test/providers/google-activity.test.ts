import type { Activity } from '../../functions/core/providers.ts';
import { createDirectory, createReports } from '../../functions/providers/cloud/google.ts';
import { fromLogEntry } from '../../functions/directory/activities.ts';
import { fromReports } from '../../functions/providers/identity/google-activity.ts';
import { createGoogleWorkspace } from '../../functions/providers/identity/google-workspace.ts';
import { minuteMs } from '../local/workspace/open-workspace.ts';
import { createLanes, openCtx, openIdentity, openLoopback } from './open-identity.ts';

const item = (time: string, uniqueQualifier = '-8614641986436885296', more: object = {}) => ({
  kind: 'admin#reports#activity',
  id: { time, uniqueQualifier, applicationName: 'admin', customerId: 'C01' },
  actor: { callerType: 'USER', email: 'admin@example.com', profileId: '1' },
  events: [
    {
      type: 'GROUP_SETTINGS',
      name: 'ADD_GROUP_MEMBER',
      parameters: [
        { name: 'USER_EMAIL', value: 'test-user@example.com' },
        { name: 'GROUP_EMAIL', value: 'admins@example.com' },
      ],
    },
  ],
  ...more,
});

/** From the public rule tests of Panther (GCP.User.Added.To.Privileged.Group), read 2026-11-22. */
const entry = {
  logName: 'organizations/123/logs/cloudaudit.googleapis.com%2Factivity',
  timestamp: '2022-03-22T22:12:58.916Z',
  protoPayload: {
    '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
    serviceName: 'admin.googleapis.com',
    methodName: 'google.admin.AdminService.addGroupMember',
    authenticationInfo: { principalEmail: 'admin@example.com' },
    metadata: {
      '@type': 'type.googleapis.com/ccc_hosted_reporting.ActivityProto',
      activityId: { timeUsec: '1647987178916000', uniqQualifier: '-8614641986436885296' },
      event: [
        {
          eventName: 'ADD_GROUP_MEMBER',
          eventType: 'GROUP_SETTINGS',
          parameter: [
            { label: 'LABEL_OPTIONAL', type: 'TYPE_STRING', name: 'USER_EMAIL', value: 'test-user@example.com' },
            { label: 'LABEL_OPTIONAL', type: 'TYPE_STRING', name: 'GROUP_EMAIL', value: 'admins@example.com' },
          ],
        },
      ],
    },
  },
};

describe('an entry of the audit log', () => {
  it('is the same from the Reports API and from Cloud Logging', () => {
    const reported = fromReports(item('2022-03-22T22:12:58.916Z'), 'admin');
    expect(reported).toEqual({
      id: '1647987178916000/-8614641986436885296',
      at: Date.parse('2022-03-22T22:12:58.916Z'),
      application: 'admin',
      actor: 'admin@example.com',
      events: [{ name: 'ADD_GROUP_MEMBER', parameters: { USER_EMAIL: 'test-user@example.com', GROUP_EMAIL: 'admins@example.com' } }],
    });
    expect(fromLogEntry(entry)).toEqual(reported);
  });

  it.each([
    ['2022-03-22T22:12:58Z', '1647987178000000'],
    ['2022-03-22T22:12:58.9Z', '1647987178900000'],
    ['2022-03-22T22:12:58.916123Z', '1647987178916123'],
    ['2022-03-23T00:12:58.916123+02:00', '1647987178916123'],
  ])('of %s keeps its microseconds', (time, microseconds) => {
    expect(fromReports(item(time, '7'), 'admin')?.id).toBe(`${microseconds}/7`);
  });

  it('gives every kind of value as text', () => {
    const parameters = [
      { name: 'NEW_VALUE', boolValue: false },
      { name: 'COUNT', intValue: '12' },
      { name: 'EMPTY', value: '' },
      { name: 'SEVERAL', multiValue: ['a', 'b'] },
      { name: 'NUMBERS', multiIntValue: ['1', '2'] },
      { name: 'NESTED', messageValue: { parameter: [] } },
    ];
    const found = fromReports(item('2022-03-22T22:12:58Z', '7', { events: [{ name: 'X', parameters }] }), 'admin');
    expect(found?.events[0]?.parameters).toEqual({ NEW_VALUE: 'false', COUNT: '12', EMPTY: '', SEVERAL: 'a,b', NUMBERS: '1,2' });
  });

  it.each([
    ['a foreign service', { ...entry, protoPayload: { ...entry.protoPayload, serviceName: 'compute.googleapis.com' } }],
    ['no activity id', { ...entry, protoPayload: { ...entry.protoPayload, metadata: { event: [] } } }],
    ['no payload', {}],
    ['no object', 'text'],
  ])('in Cloud Logging with %s is not ours', (_, foreign) => {
    expect(fromLogEntry(foreign)).toBeUndefined();
  });
});

describe('reading the audit log', () => {
  it('tells who was suspended, and only from the time asked for', async () => {
    const open = await openIdentity();
    const since = Date.now() - 1_000;
    await open.client.users.update({ userKey: 'bob@acme.test', requestBody: { suspended: true } });
    open.advance(10 * minuteMs);
    const read = async (from: number) => {
      const found: Activity[] = [];
      for await (const activity of open.identity.activities('admin', from, openCtx())) found.push(activity);
      return found;
    };
    const suspension = (await read(since)).find(({ events }) => events.some(({ name }) => name === 'SUSPEND_USER'));
    expect(suspension?.events[0]?.parameters['USER_EMAIL']).toBe('bob@acme.test');
    expect(suspension?.at).toBeGreaterThanOrEqual(since);
    expect(await read(Date.now() + minuteMs)).toEqual([]);
  });

  const read = async (answer: Parameters<typeof openLoopback>[0]) => {
    const { url, received } = await openLoopback(answer);
    const { quota, taken } = createLanes();
    const client = { rootUrl: `${url}/`, fetchImplementation: fetch };
    const identity = createGoogleWorkspace({
      ...{ directory: createDirectory(client), reports: createReports(client), domain: 'acme.test' },
      ...{ policyGroups: async () => [], audiences: ['a'], quota },
    });
    const ctx = openCtx();
    const all = async () => {
      const found: Activity[] = [];
      for await (const activity of identity.activities('login', Date.parse('2022-03-22T22:00:00.000Z'), ctx)) found.push(activity);
      return found;
    };
    return { all, received, taken, ctx };
  };

  it('asks for everybody without a filter, a thousand at a time, page by page, from a quota of its own', async () => {
    const open = await read(({ url }) =>
      url.includes('pageToken=second')
        ? { body: { items: [item('2022-03-22T22:12:58Z', '1')] } }
        : { body: { items: [item('2022-03-22T22:12:59Z', '2')], nextPageToken: 'second' } },
    );
    expect((await open.all()).map(({ id }) => id)).toEqual(['1647987179000000/2', '1647987178000000/1']);
    const asked = open.received.map(({ url }) => new URL(url, 'http://x'));
    expect(asked.map(({ pathname }) => pathname)).toEqual(Array(2).fill('/admin/reports/v1/activity/users/all/applications/login'));
    const first = Object.fromEntries(asked[0]?.searchParams ?? []);
    expect(first).toEqual({ startTime: '2022-03-22T22:00:00.000Z', maxResults: '1000' });
    expect(Object.fromEntries(asked[1]?.searchParams ?? [])).toEqual({ ...first, pageToken: 'second' });
    expect(open.taken).toEqual(['reports', 'reports']);
  });

  it('is empty where there is nothing, and leaves out with a warning what has no id', async () => {
    expect(await (await read(() => ({ body: { kind: 'admin#reports#activities' } }))).all()).toEqual([]);
    const open = await read(() => ({ body: { items: [{ events: [] }] } }));
    expect(await open.all()).toEqual([]);
    expect(open.ctx.warnings).toHaveLength(1);
  });

  it('throws when a page fails', async () => {
    const open = await read(({ url }) =>
      url.includes('pageToken') ? { status: 503, body: {} } : { body: { items: [], nextPageToken: 'second' } },
    );
    await expect(open.all()).rejects.toMatchObject({ code: 'unavailable' });
  });
});
