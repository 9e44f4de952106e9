import { Hono } from 'hono';
import type { Activity } from '../../functions/core/providers.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { fromLogEntry } from '../../functions/directory/activities.ts';
import { mountAuditLogPush } from '../../functions/http/audit-log-push.ts';

const parameter = (name: string, value: string) => ({ label: 'LABEL_OPTIONAL', type: 'TYPE_STRING', name, value });

function logEntry(service: string, method: string, metadata: Record<string, unknown>) {
  return {
    logName: 'organizations/123/logs/cloudaudit.googleapis.com%2Factivity',
    severity: 'NOTICE',
    insertId: '285djodxlmu',
    resource: { type: 'audited_resource', labels: { method, service } },
    timestamp: '2022-03-22T22:12:58.916Z',
    receiveTimestamp: '2022-03-22T22:12:59.439766009Z',
    protoPayload: {
      '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
      serviceName: service,
      methodName: method,
      resourceName: 'organizations/123/groupSettings',
      authenticationInfo: { principalEmail: 'admin@acme.test' },
      metadata,
    },
  };
}

const activityId = { timeUsec: '1647987178916000', uniqQualifier: '-8614641986436885296' };
const suspended = logEntry('admin.googleapis.com', 'google.admin.AdminService.suspendUser', {
  '@type': 'type.googleapis.com/ccc_hosted_reporting.ActivityProto',
  activityId,
  event: [{ eventName: 'SUSPEND_USER', eventType: 'USER_SETTINGS', parameter: [parameter('USER_EMAIL', 'alice@acme.test')] }],
});
const at = 1_647_987_178_916;

const updateMembership = 'google.apps.cloudidentity.groups.v1.MembershipsService.UpdateMembership';
const membership = (member: string, action: string, role = 'MEMBER') =>
  logEntry('cloudidentity.googleapis.com', updateMembership, {
    '@type': 'type.googleapis.com/google.cloud.audit.GroupAuditMetadata',
    group: 'group:sales@acme.test',
    membershipDelta: { member, roleDeltas: [{ action, role }] },
  });

describe('an entry of the organisation’s log', () => {
  it('is read as the Reports API would give it, with the same id', () => {
    expect(fromLogEntry(suspended)).toEqual({
      ...{ id: '1647987178916000/-8614641986436885296', at, application: 'admin', actor: 'admin@acme.test' },
      events: [{ name: 'SUSPEND_USER', parameters: { USER_EMAIL: 'alice@acme.test' } }],
    });
  });

  it('tells of a suspension by Google', () => {
    const metadata = {
      activityId,
      event: [{ eventName: 'account_disabled_hijacked', parameter: [parameter('affected_email_address', 'alice@acme.test')] }],
    };
    expect(fromLogEntry(logEntry('login.googleapis.com', 'google.login.LoginService.accountDisabledHijacked', metadata))).toMatchObject({
      application: 'login',
      events: [{ name: 'account_disabled_hijacked', parameters: { affected_email_address: 'alice@acme.test' } }],
    });
  });

  it.each([
    ['user:alice@acme.test', 'ADD', 'add_member', 'user', 'alice@acme.test'],
    ['user:alice@acme.test', 'REMOVE', 'remove_member', 'user', 'alice@acme.test'],
    ['group:emea@acme.test', 'ADD', 'add_member', 'group', 'emea@acme.test'],
    ['serviceAccount:robot@x.iam.gserviceaccount.com', 'ADD', 'add_member', 'service account', 'robot@x.iam.gserviceaccount.com'],
    ['alice@acme.test', 'ADD', 'add_member', 'other', 'alice@acme.test'],
  ])('tells of a membership: %s %s (REQ-ID-03)', (member, action, name, member_type, member_id) => {
    expect(fromLogEntry(membership(member, action))).toMatchObject({
      ...{ id: `${at}000/285djodxlmu`, at, application: 'groups_enterprise', actor: 'admin@acme.test' },
      events: [{ name, parameters: { group_id: 'sales@acme.test', member_id, member_type } }],
    });
  });

  it('tells of nothing where a member only got another role', () => {
    expect(fromLogEntry(membership('user:alice@acme.test', 'ADD', 'MANAGER'))?.events).toEqual([]);
  });

  it('tells of the end of a group', () => {
    const method = 'google.apps.cloudidentity.groups.v1.GroupsService.DeleteGroup';
    expect(fromLogEntry(logEntry('cloudidentity.googleapis.com', method, { group: 'group:sales@acme.test' }))?.events).toEqual([
      { name: 'delete_group', parameters: { group_id: 'sales@acme.test' } },
    ]);
  });

  it.each([
    ['another service', logEntry('compute.googleapis.com', 'v1.compute.instances.insert', { activityId, event: [] })],
    ['an attempt that failed', { ...suspended, protoPayload: { ...suspended.protoPayload, status: { code: 7 } } }],
    ['an entry without an activity', logEntry('admin.googleapis.com', 'google.admin.AdminService.suspendUser', {})],
    ['a time that is none', logEntry('admin.googleapis.com', '', { activityId: { timeUsec: 'soon', uniqQualifier: '1' }, event: [] })],
    ['a membership without a time', { ...membership('user:alice@acme.test', 'ADD'), timestamp: 'soon' }],
    ['text', 'SUSPEND_USER'],
    ['nothing', undefined],
  ])('is nothing to us: %s', (_what, entry) => {
    expect(fromLogEntry(entry)).toBeUndefined();
  });
});

describe('the push of log entries', () => {
  function mount(
    overrides: { verify?: (request: Request) => Promise<void>; signal?: (...activities: readonly Activity[]) => Promise<void> } = {},
  ) {
    const told: Activity[] = [];
    const lines: string[] = [];
    const app = new Hono();
    mountAuditLogPush(app, {
      verify: async () => undefined,
      signal: async (...activities) => void told.push(...activities),
      ...overrides,
      log: { info: (line) => void lines.push(line), warn: (line) => void lines.push(line) },
    });
    const post = async (body: string) => (await app.request('/events/audit-log', { method: 'POST', body })).status;
    return { told, lines, post };
  }
  const envelope = (entry: unknown) =>
    JSON.stringify({
      message: { data: Buffer.from(JSON.stringify(entry)).toString('base64'), messageId: '1', attributes: {} },
      subscription: 'projects/p/subscriptions/s',
    });

  it('passes an entry on and acknowledges it (REQ-ID-04, REQ-WS-06)', async () => {
    const { told, post } = mount();
    expect(await post(envelope(suspended))).toBe(204);
    expect(told).toMatchObject([{ id: '1647987178916000/-8614641986436885296' }]);
  });

  it.each([
    ['unauthenticated', 401],
    ['forbidden', 403],
    ['unavailable', 503],
  ] as const)('refuses a caller who is %s with %i and reads nothing', async (code, status) => {
    const { told, post } = mount({ verify: async () => Promise.reject(new PlaneError(code, 'no')) });
    expect(await post(envelope(suspended))).toBe(status);
    expect(told).toEqual([]);
  });

  it.each([
    ['no JSON', 'hello'],
    ['no envelope', '{"data":"e30="}'],
    ['no base64 of JSON', '{"message":{"data":"!!!!"}}'],
    ['another log', envelope({ protoPayload: { serviceName: 'compute.googleapis.com' } })],
    ['more than an entry can hold', JSON.stringify({ message: { data: 'A'.repeat(600_000) } })],
  ])('acknowledges what can never be read, so that it does not come again: %s', async (_what, body) => {
    const { told, lines, post } = mount();
    expect(await post(body)).toBe(204);
    expect([told.length, lines.length]).toEqual([0, 1]);
  });

  it('acknowledges nothing while it cannot be kept, so that it comes again', async () => {
    const { lines, post } = mount({ signal: async () => Promise.reject(new PlaneError('unavailable', 'cannot commit')) });
    expect(await post(envelope(suspended))).toBe(503);
    expect(lines.join()).toContain('cannot commit');
  });
});
