import type { AgentRecord } from '../../functions/core/records.ts';
import type { ConsoleAction } from '../../scripts/local/workspace/console-actions.ts';
import type { World } from '../http/world.ts';
import { inOu, toPlane } from './company.ts';

/** Everybody in /Support has an agent; elsewhere whoever's page says so. */
export const plane = toPlane(
  [
    { match: { organization: true }, spec: { modelTier: 'sonnet', budgetCap: 50, tools: ['email'], limits: { budgetCap: 500 } } },
    inOu('/Engineering', { modelTier: 'opus', tools: ['exec', 'github'] }),
    inOu('/Sales', { tools: ['email', 'crm'] }),
    inOu('/Support', { agentEnabled: true, tools: ['calendar'] }),
    { match: { group: 'engineering-leads@acme.test' }, spec: { budgetCap: 500, tools: ['ssh'] } },
  ],
  { identity: { provider: 'google-workspace', domain: 'acme.test' } },
);

export const leads = 'engineering-leads@acme.test';
const [bob, sue, frank, platform] = ['bob@acme.test', 'sue@acme.test', 'frank@acme.test', 'platform@acme.test'];

/** An admin of the company at work. Their own calls of `users.update` are counted, so that ours can be told from them. */
export function createAdmin({ directory, workspace }: World) {
  let updates = 0;
  const update = async (userKey: string, requestBody: object): Promise<void> => {
    updates += 1;
    await directory.users.update({ userKey, requestBody });
  };
  const requestBody = (email: string) => ({ requestBody: { email } });
  return {
    update,
    updates: () => updates,
    fields: (userKey: string, fields: object) => update(userKey, { customSchemas: { OpenClaw_Agent: fields } }),
    async hire(primaryEmail: string, orgUnitPath: string): Promise<void> {
      const name = { givenName: 'Sue', familyName: 'Sato' };
      await directory.users.insert({ requestBody: { primaryEmail, name, orgUnitPath, password: 'not a secret' } });
    },
    fire: async (userKey: string) => void (await directory.users.delete({ userKey })),
    undelete: async (userKey: string, orgUnitPath: string) =>
      void (await directory.users.undelete({ userKey, requestBody: { orgUnitPath } })),
    createGroup: async (email: string) => void (await directory.groups.insert(requestBody(email))),
    removeGroup: async (groupKey: string) => void (await directory.groups.delete({ groupKey })),
    join: async (groupKey: string, email: string) => void (await directory.members.insert({ groupKey, ...requestBody(email) })),
    leave: async (groupKey: string, memberKey: string) => void (await directory.members.delete({ groupKey, memberKey })),
    changeUnit: async (path: string, change: object) =>
      void (await directory.orgunits.update({ customerId: 'my_customer', orgUnitPath: path.slice(1), requestBody: change })),
    removeUnit: async (path: string) => void (await directory.orgunits.delete({ customerId: 'my_customer', orgUnitPath: path.slice(1) })),
    act: async (action: ConsoleAction) => workspace.act(action),
  };
}
export type Admin = ReturnType<typeof createAdmin>;

export type Way = 'push' | 'log' | 'poll' | 'all';

export interface EventRow {
  readonly event: string;
  /** Whose agent it concerns: the address they have before it happens, or after, where they come by it. */
  readonly who: string;
  readonly before?: (admin: Admin, world: World) => Promise<void>;
  /** Does what the row is about. */
  readonly cause: (admin: Admin, id: string) => Promise<void>;
  readonly state: object;
  readonly policy?: Partial<AgentRecord['policy']>;
  readonly spec?: Partial<AgentRecord['spec']>;
  /** How many reads of the Directory each signal alone may cost, and all together. */
  readonly reads: Partial<Record<Way, number>>;
  /** How often our own fields may be written back, where that is more than four times. */
  readonly writes?: number;
  readonly proves?: string;
}

const user = (push: number, log = push, poll = log, all = 2 * Math.max(push, log)) => ({ push, log, poll, all });
const silent = (log: number, poll = log, all = 2 * log) => ({ log, poll, all });
const running = { desired: 'running', incarnation: 1 };
const gone = (reason: string) => ({ desired: 'removed', reason, incarnation: 1 });
const again = { desired: 'running', incarnation: 2 };

const hireSue = (admin: Admin) => admin.hire(sue, '/Support');
const enableBob = (admin: Admin) => admin.fields(bob, { agentEnabled: true });
const enabled = { who: bob, before: enableBob };
const agentOfSue = { who: sue, before: hireSue };

/** Has an agent made and taken away again before the row begins. */
const after =
  (change: object) =>
  async (admin: Admin, world: World): Promise<void> => {
    await hireSue(admin);
    await world.settle();
    await admin.update(sue, change);
  };
const inPlatform =
  (...joins: readonly (readonly [group: string, member: string])[]) =>
  async (admin: Admin): Promise<void> => {
    await enableBob(admin);
    await admin.createGroup(platform);
    for (const [group, member] of joins) await admin.join(group, member);
  };
const led = { budgetCap: { value: 500, origin: `group:${leads}` } };
const notLed = { budgetCap: { value: 50, origin: 'organization' } };
const off = 'switched off by default';

const offboarding: readonly EventRow[] = [
  {
    event: 'users.delete',
    ...agentOfSue,
    cause: (a) => a.fire(sue),
    state: gone('deleted'),
    reads: user(1, 1, 2, 2),
    proves: 'REQ-ID-04, REQ-WS-06',
  },
  {
    ...{ event: 'users.suspend', ...agentOfSue, cause: (a) => a.update(sue, { suspended: true }) },
    ...{ state: gone('suspended'), reads: user(1), proves: 'REQ-ID-04, REQ-WS-06, REQ-WSEC-05' },
  },
  { event: 'users.archive', ...agentOfSue, cause: (a) => a.update(sue, { archived: true }), state: gone('archived'), reads: user(1) },
  {
    ...{ event: 'suspended by Google for abuse', ...agentOfSue, cause: (a) => a.act({ action: 'suspendByGoogle', userKey: sue }) },
    ...{ state: gone('suspended'), reads: user(1), proves: 'REQ-ID-04' },
  },
];

const comings: readonly EventRow[] = [
  {
    ...{ event: 'users.create in an enabled OU', who: sue, cause: hireSue, state: { ...running, reason: 'enabled by ou:/Support' } },
    ...{ spec: { tools: ['calendar'] }, reads: user(2, 6, 6, 8), proves: 'REQ-ID-02, REQ-ID-03, REQ-WS-03' },
  },
  {
    ...{ event: 'unsuspend', who: sue, before: after({ suspended: true }), cause: (a) => a.update(sue, { suspended: false }) },
    ...{ state: again, reads: user(2, 4) },
  },
  {
    ...{ event: 'unarchive', who: sue, before: after({ archived: true }), cause: (a) => a.update(sue, { archived: false }) },
    ...{ state: again, reads: user(2, 6, 6, 12) },
  },
  {
    ...{ event: 'users.undelete', who: sue, cause: (a, id) => a.undelete(id, '/Support'), state: again, reads: user(2, 4) },
    before: async (a, world) => {
      await hireSue(a);
      await world.settle();
      await a.fire(sue);
    },
  },
  {
    ...{ event: 'users.undelete into an OU that is off', who: sue, cause: (a, id) => a.undelete(id, '/Sales') },
    ...{ state: gone(off), reads: user(2, 4) },
    before: async (a, world) => {
      await hireSue(a);
      await world.settle();
      await a.fire(sue);
    },
  },
];

const moves: readonly EventRow[] = [
  {
    ...{ event: 'rename', ...agentOfSue, cause: (a) => a.update(sue, { primaryEmail: 'susan@acme.test' }) },
    ...{ state: { ...running, ownerEmail: 'susan@acme.test' }, reads: user(2, 6, 6, 10), proves: 'REQ-ID-02' },
  },
  {
    ...{ event: 'OU move into an enabled OU', who: frank, cause: (a) => a.update(frank, { orgUnitPath: '/Support' }) },
    ...{ state: { ...running, ouPath: '/Support' }, reads: user(2, 4), proves: 'REQ-ID-03, REQ-WS-03' },
  },
  {
    ...{ event: 'OU move out of it', ...agentOfSue, cause: (a) => a.update(sue, { orgUnitPath: '/Sales' }) },
    ...{ state: gone(off), reads: user(2), proves: 'REQ-ID-03' },
  },
  {
    ...{ event: 'OU move between OUs', ...enabled, cause: (a) => a.update(bob, { orgUnitPath: '/Engineering' }), state: running },
    ...{ policy: { modelTier: { value: 'opus', origin: 'ou:/Engineering' } }, spec: { tools: ['exec', 'github'] } },
    ...{ reads: user(4, 4, 4, 4), proves: 'REQ-ID-03, REQ-WS-03' },
  },
  {
    ...{ event: 'OU renamed', ...agentOfSue, cause: (a) => a.changeUnit('/Support', { name: 'Help' }) },
    ...{ state: { ...gone(off), ouPath: '/Help' }, reads: silent(4), proves: 'REQ-WS-03' },
  },
  {
    ...{ event: 'OU moved', ...agentOfSue, cause: (a) => a.changeUnit('/Support', { parentOrgUnitPath: '/Sales' }) },
    ...{ state: { ...gone(off), ouPath: '/Sales/Support' }, reads: silent(4) },
  },
  {
    ...{ event: 'OU removed after a move that no signal told of', ...agentOfSue, state: gone(off), reads: { log: 4 } },
    cause: async (a) => a.removeUnit('/Support'),
  },
];

const groups: readonly EventRow[] = [
  {
    ...{ event: 'group membership added', ...enabled, cause: (a) => a.join(leads, bob), state: running, policy: led },
    ...{ spec: { tools: ['ssh'] }, reads: silent(7, 7, 10), proves: 'REQ-ID-03, REQ-WS-03' },
  },
  {
    ...{ event: 'group membership removed', who: bob, cause: (a) => a.leave(leads, bob), state: running, policy: notLed },
    ...{ before: inPlatform([leads, bob]), spec: { tools: ['crm', 'email'] }, reads: silent(7, 7, 10) },
  },
  {
    ...{ event: 'nested: a person into the inner group', who: bob, cause: (a) => a.join(platform, bob) },
    ...{ before: inPlatform([leads, platform]), state: running, policy: led, reads: silent(8) },
  },
  {
    ...{ event: 'nested: a group into the outer group', who: bob, cause: (a) => a.join(leads, platform) },
    ...{ before: inPlatform([platform, bob]), state: running, policy: led, reads: silent(6) },
  },
  {
    ...{ event: 'nested: the inner group taken out', who: bob, cause: (a) => a.leave(leads, platform) },
    ...{ before: inPlatform([platform, bob], [leads, platform]), state: running, policy: notLed, reads: silent(6) },
  },
  {
    ...{ event: 'group deleted', who: bob, cause: (a) => a.removeGroup(leads), before: inPlatform([leads, bob]) },
    ...{ state: running, policy: notLed, reads: silent(7, 7, 10) },
  },
];

const fields: readonly EventRow[] = [
  {
    ...{ event: 'agentEnabled ticked', who: bob, cause: (a) => a.fields(bob, { agentEnabled: true }) },
    ...{ state: { ...running, reason: 'enabled by user' }, reads: user(2, 4), proves: 'REQ-WS-01' },
  },
  {
    ...{ event: 'agentEnabled unticked', ...enabled, cause: (a) => a.fields(bob, { agentEnabled: false }) },
    ...{ state: gone('switched off by user'), reads: user(2), proves: 'REQ-WS-01' },
  },
  ...(
    [
      ['modelTier', 'haiku', { modelTier: 'haiku' }],
      ['budgetCap', 75, { budgetCap: 75 }],
      ['toolAllowlist', 'email,ssh', { tools: ['email', 'ssh'] }],
      ['channelRestrictions', 'slack', { channels: ['slack'] }],
    ] as const
  ).map(([field, value, spec]): EventRow => ({
    ...{ event: `${field} edited`, ...enabled, cause: (a) => a.fields(bob, { [field]: value }) },
    ...{ state: running, spec, reads: user(2), proves: 'REQ-WS-02' },
  })),
];

const toggle = (on: boolean, where: object): ConsoleAction => ({ action: 'toggleService', enabled: on, ...where });
const ofSales = { orgUnitPath: '/Sales' };
const ofLeads = { groupEmail: leads };

const services: readonly EventRow[] = [
  {
    ...{ event: 'service on for an OU', who: bob, cause: (a) => a.act(toggle(true, ofSales)) },
    ...{ state: { ...running, reason: 'enabled by service:ou:/Sales' }, reads: silent(6), proves: 'REQ-WS-01' },
  },
  {
    ...{ event: 'service off for an OU', ...enabled, cause: (a) => a.act(toggle(false, ofSales)) },
    ...{ state: gone('switched off by service:ou:/Sales'), reads: silent(6), proves: 'REQ-WS-01' },
  },
  {
    ...{ event: 'service on for a group', who: 'alice@acme.test', cause: (a) => a.act(toggle(true, ofLeads)) },
    ...{ state: { ...running, reason: `enabled by service:group:${leads}` }, reads: silent(4) },
  },
  {
    ...{ event: 'service off for a group', who: 'alice@acme.test', cause: (a) => a.act(toggle(false, ofLeads)) },
    ...{ before: (a) => a.fields('alice@acme.test', { agentEnabled: true }), reads: silent(4) },
    state: gone(`switched off by service:group:${leads}`),
  },
  {
    ...{ event: 'Marketplace app removed', ...enabled, cause: (a) => a.act({ action: 'removeApplication' }) },
    ...{ state: gone('switched off by service:organization'), reads: silent(4) },
  },
  {
    ...{ event: 'Marketplace app added', who: bob, cause: (a) => a.act({ action: 'addApplication' }) },
    ...{ before: (a) => a.act({ action: 'removeApplication' }), reads: silent(20), writes: 18 },
    state: { ...running, reason: 'enabled by service:organization' },
  },
];

export const rows: readonly EventRow[] = [...comings, ...offboarding, ...moves, ...groups, ...fields, ...services];
