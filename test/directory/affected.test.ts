import fc from 'fast-check';
import { activityApplications, type Activity, type ActivityApplication } from '../../functions/core/providers.ts';
import { knownEvents, toAffected, type Affected, type AffectedOptions } from '../../functions/directory/affected.ts';

const options: AffectedOptions = {
  services: ['OpenClaw Agent', '1234567890'],
  ownAccounts: ['openclaw@acme.test'],
  rootNames: ['Acme Inc'],
};
const at = 1_790_000_000_000;
const nothing: Affected = { users: [], groups: [], nested: false, everybody: false, services: [], urgent: false };

function entry(application: ActivityApplication, name: string, parameters: Record<string, string>, actor = 'admin@acme.test'): Activity {
  return { id: `${at}000/1`, at, application, actor, events: [{ name, parameters }] };
}

const alice = { USER_EMAIL: 'Alice@acme.test' };
const looksAtAlice: Partial<Affected> = { users: ['alice@acme.test'] };
const member = { USER_EMAIL: 'alice@acme.test', GROUP_EMAIL: 'Sales@acme.test' };
const toggle = { SERVICE_NAME: 'OpenClaw Agent', NEW_VALUE: 'true' };
const enterprise = { group_id: 'sales@acme.test', member_id: 'alice@acme.test', member_type: 'user' };
const looksAtBoth: Partial<Affected> = { users: ['alice@acme.test'], groups: ['sales@acme.test'] };
const everybody: Partial<Affected> = { everybody: true };
const disabled: Partial<Affected> = { users: ['alice@acme.test'], urgent: true };

type Row = readonly [says: string, application: ActivityApplication, name: string, parameters: Record<string, string>, Partial<Affected>];

const rows: readonly Row[] = [
  ['a user who was created (REQ-WS-01)', 'admin', 'CREATE_USER', alice, looksAtAlice],
  ['a user who was deleted, urgently (REQ-ID-04, REQ-WS-06)', 'admin', 'DELETE_USER', alice, { ...looksAtAlice, urgent: true }],
  ['a user who was undeleted', 'admin', 'UNDELETE_USER', alice, looksAtAlice],
  ['a user who was suspended, urgently (REQ-ID-04, REQ-WS-06)', 'admin', 'SUSPEND_USER', alice, { ...looksAtAlice, urgent: true }],
  ['a user who was unsuspended', 'admin', 'UNSUSPEND_USER', alice, looksAtAlice],
  ['a user who was archived, urgently (REQ-ID-04)', 'admin', 'ARCHIVE_USER', alice, { ...looksAtAlice, urgent: true }],
  ['a user who was unarchived', 'admin', 'UNARCHIVE_USER', alice, looksAtAlice],
  [
    'a user who moved to another org unit (REQ-ID-03)',
    'admin',
    'MOVE_USER_TO_ORG_UNIT',
    { ...alice, ORG_UNIT_NAME: '/Sales', NEW_VALUE: '/Engineering' },
    looksAtAlice,
  ],
  [
    'a renamed user by both addresses',
    'admin',
    'RENAME_USER',
    { ...alice, NEW_VALUE: 'alice.archer@acme.test' },
    { users: ['alice@acme.test', 'alice.archer@acme.test'] },
  ],
  [
    'a user whose custom field changed, whatever it is called (REQ-WS-02)',
    'admin',
    'CHANGE_USER_CUSTOM_FIELD',
    { ...alice, USER_CUSTOM_FIELD: 'Agent enabled?', OLD_VALUE: '', NEW_VALUE: 'false' },
    looksAtAlice,
  ],
  ['who came into a group, and the group (REQ-ID-03)', 'admin', 'ADD_GROUP_MEMBER', member, looksAtBoth],
  ['who went out of a group, and the group (REQ-ID-03)', 'admin', 'REMOVE_GROUP_MEMBER', member, looksAtBoth],
  ['a member whose standing changed', 'admin', 'UPDATE_GROUP_MEMBER', member, looksAtBoth],
  ['a group that was deleted', 'admin', 'DELETE_GROUP', { GROUP_EMAIL: 'sales@acme.test' }, { groups: ['sales@acme.test'] }],
  ['a member that was added, by any route (REQ-ID-03)', 'groups_enterprise', 'add_member', enterprise, looksAtBoth],
  ['a member that was removed, by any route (REQ-ID-03)', 'groups_enterprise', 'remove_member', enterprise, looksAtBoth],
  ['a join request that was approved', 'groups_enterprise', 'approve_join_request', enterprise, looksAtBoth],
  ['a member that was banned', 'groups_enterprise', 'ban_member_with_moderation', enterprise, looksAtBoth],
  [
    'a group that came into a group as a group',
    'groups_enterprise',
    'add_member',
    { group_id: 'sales@acme.test', member_id: 'emea@acme.test', member_type: 'group' },
    { groups: ['sales@acme.test'], nested: true },
  ],
  [
    'a member whose type Google does not know as either',
    'groups_enterprise',
    'remove_member',
    { ...enterprise, member_type: 'other' },
    { ...looksAtBoth, nested: true },
  ],
  [
    'a service account in a group as nobody',
    'groups_enterprise',
    'add_member',
    { ...enterprise, member_id: 'robot@project.iam.gserviceaccount.com', member_type: 'service account' },
    { groups: ['sales@acme.test'] },
  ],
  [
    'a group that ended',
    'groups_enterprise',
    'delete_group',
    { group_id: 'sales@acme.test' },
    { groups: ['sales@acme.test'], nested: true },
  ],
  [
    'a group that gathers its members by a query',
    'groups_enterprise',
    'change_dynamic_group_query',
    { group_id: 'sales@acme.test' },
    { groups: ['sales@acme.test'], nested: true },
  ],
  [
    'a group whose new query gathers its members',
    'groups_enterprise',
    'add_dynamic_group_query',
    { group_id: 'sales@acme.test' },
    { groups: ['sales@acme.test'], nested: true },
  ],
  [
    'our service switched on for everybody (REQ-WS-01)',
    'admin',
    'TOGGLE_SERVICE_ENABLED',
    toggle,
    { services: [{ scope: 'organization', enabled: true, at }] },
  ],
  [
    'our service switched off for an org unit (REQ-WS-03)',
    'admin',
    'TOGGLE_SERVICE_ENABLED',
    { ...toggle, NEW_VALUE: 'false', ORG_UNIT_NAME: '/Sales/' },
    { services: [{ scope: 'ou:/Sales', enabled: false, at }] },
  ],
  [
    'an org unit that the log gives by its name alone',
    'admin',
    'TOGGLE_SERVICE_ENABLED',
    { ...toggle, ORG_UNIT_NAME: 'Sales' },
    { services: [{ scope: 'ou:/Sales', enabled: true, at }] },
  ],
  [
    'the root org unit as the organisation',
    'admin',
    'TOGGLE_SERVICE_ENABLED',
    { ...toggle, ORG_UNIT_NAME: '/' },
    { services: [{ scope: 'organization', enabled: true, at }] },
  ],
  [
    'the root org unit by the company’s name',
    'admin',
    'TOGGLE_SERVICE_ENABLED',
    { ...toggle, ORG_UNIT_NAME: 'Acme Inc' },
    { services: [{ scope: 'organization', enabled: true, at }] },
  ],
  [
    'our service switched on for a group (REQ-WS-03)',
    'admin',
    'TOGGLE_SERVICE_ENABLED',
    { ...toggle, ORG_UNIT_NAME: '/', GROUP_EMAIL: 'Pilots@acme.test' },
    { services: [{ scope: 'group:pilots@acme.test', enabled: true, at }] },
  ],
  ['no service but ours', 'admin', 'TOGGLE_SERVICE_ENABLED', { ...toggle, SERVICE_NAME: 'Gmail' }, {}],
  ['no switch whose value it cannot read', 'admin', 'TOGGLE_SERVICE_ENABLED', { ...toggle, NEW_VALUE: 'perhaps' }, {}],
  [
    'our Marketplace app that was added',
    'admin',
    'ADD_APPLICATION',
    { APP_ID: '1234567890', APPLICATION_NAME: 'Agents', APPLICATION_ENABLED: 'true' },
    { services: [{ scope: 'application', enabled: true, at }] },
  ],
  [
    'our Marketplace app that was removed',
    'admin',
    'REMOVE_APPLICATION',
    { APP_ID: '1234567890' },
    { services: [{ scope: 'application', enabled: false, at }] },
  ],
  ['no Marketplace app but ours', 'admin', 'REMOVE_APPLICATION', { APP_ID: '1' }, {}],
  ['everybody when an org unit moved', 'admin', 'MOVE_ORG_UNIT', { ORG_UNIT_NAME: '/Sales', NEW_VALUE: '/EMEA' }, everybody],
  ['everybody when an org unit was renamed', 'admin', 'EDIT_ORG_UNIT_NAME', { ORG_UNIT_NAME: '/Sales', NEW_VALUE: 'Sale' }, everybody],
  ['everybody when an org unit was removed', 'admin', 'REMOVE_ORG_UNIT', { ORG_UNIT_NAME: '/Sales' }, everybody],
  ['nobody when a role was given: roles are never kept (REQ-WSEC-02)', 'admin', 'ASSIGN_ROLE', { ...alice, ROLE_NAME: 'Agent Admin' }, {}],
  [
    'nobody when a role was taken: roles are never kept (REQ-WSEC-02)',
    'admin',
    'UNASSIGN_ROLE',
    { ...alice, ROLE_NAME: 'Agent Admin' },
    {},
  ],
  ...['generic', 'hijacked', 'spamming', 'spamming_through_relay', 'password_leak'].map((why): Row => [
    `who was suspended by Google (${why}), urgently (REQ-ID-04)`,
    'login',
    `account_disabled_${why}`,
    { affected_email_address: 'alice@acme.test' },
    disabled,
  ]),
  ['nobody for an event that it does not know', 'admin', 'CHANGE_CALENDAR_SETTING', { ...alice }, {}],
  ['nobody for a login', 'login', 'login_success', { affected_email_address: 'alice@acme.test' }, {}],
  ['nobody for an event that names nobody', 'admin', 'SUSPEND_USER', {}, {}],
  ['nobody for what is no address', 'admin', 'SUSPEND_USER', { USER_EMAIL: '../../schedule' }, {}],
  ['nobody for an event called like a member of every object', 'admin', 'constructor', alice, {}],
];

describe('an entry of the audit log', () => {
  it.each(rows)('affects %s', (_says, application, name, parameters, expected) => {
    expect(toAffected(entry(application, name, parameters), options)).toEqual({ ...nothing, ...expected });
  });

  it.each(['join', 'accept_invitation'])('affects who did it by %s: no parameter names them (REQ-ID-03)', (name) => {
    const activity = entry('groups_enterprise', name, { group_id: 'sales@acme.test' }, 'Bob@acme.test');
    expect(toAffected(activity, options)).toEqual({ ...nothing, users: ['bob@acme.test'], groups: ['sales@acme.test'] });
  });

  it('has a row here for every event that is known', () => {
    const tested = new Set([...rows.map(([, application, name]) => `${application} ${name}`)]);
    for (const application of activityApplications) {
      const missing = knownEvents(application).filter((name) => !tested.has(`${application} ${name}`));
      expect(missing).toEqual(application === 'groups_enterprise' ? ['join', 'accept_invitation'] : []);
    }
  });

  it('affects nothing when it is the echo of our own write-back', () => {
    const echo = entry('admin', 'CHANGE_USER_CUSTOM_FIELD', alice, 'OpenClaw@acme.test');
    expect(toAffected(echo, options)).toEqual(nothing);
    const more = { ...echo, events: [...echo.events, { name: 'SUSPEND_USER', parameters: alice }] };
    expect(toAffected(more, options)).toEqual({ ...nothing, users: ['alice@acme.test'], urgent: true });
  });

  it('never throws and names nothing but addresses, whatever it says', () => {
    const names = activityApplications.flatMap(knownEvents);
    const parameter = fc.constantFrom('USER_EMAIL', 'GROUP_EMAIL', 'NEW_VALUE', 'member_id', 'group_id', 'ORG_UNIT_NAME', '__proto__');
    const activities = fc.record({
      ...{ id: fc.string(), at: fc.integer(), actor: fc.string(), application: fc.constantFrom(...activityApplications) },
      events: fc.array(
        fc.record({
          name: fc.oneof(fc.constantFrom(...names), fc.string()),
          parameters: fc.dictionary(fc.oneof(parameter, fc.string()), fc.oneof(fc.string(), fc.emailAddress(), fc.constant('true'))),
        }),
      ),
    });
    fc.assert(
      fc.property(activities, (activity) => {
        const { users } = toAffected(activity, options);
        for (const user of users) expect(user).toMatch(/^[^\s@]+@[^\s@]+$/);
      }),
    );
  });
});
