import type { AgentRecord } from '../../functions/core/records.ts';
import type { World } from '../http/world.ts';
import { leads, type Admin } from './admin.ts';

export type Way = 'push' | 'log' | 'poll' | 'all';

/** Whom a row is about. */
export interface Person {
  readonly email: string;
  /** Empty until they are hired. */
  readonly id: string;
  /** A group of their own, which a row may make. */
  readonly group: string;
}

type Deed = (admin: Admin, person: Person, world: World) => Promise<void>;

export interface EventRow {
  readonly event: string;
  /** Somebody of the sample company, instead of somebody new. */
  readonly who?: string;
  /** Where somebody new works before it happens; without it the event itself brings them. */
  readonly hired?: string;
  /** Their agent is switched on on their own page before it happens. */
  readonly enabled?: boolean;
  readonly before?: Deed;
  /** What happens just before, and no signal ever tells of it. */
  readonly unheard?: Deed;
  readonly cause: Deed;
  readonly renamedTo?: (email: string) => string;
  readonly state: Partial<AgentRecord>;
  readonly policy?: Partial<AgentRecord['policy']>;
  readonly spec?: Partial<AgentRecord['spec']>;
  /** The most calls of the Directory that it may cost by each signal alone, or by all: reads, and our own fields written back. */
  readonly calls: Partial<Record<Way, number>>;
  readonly proves?: string;
}

const one = (push: number, log = push, poll = log) => ({ push, log, poll });
const silent = (log: number, poll = log) => ({ log, poll });
const running = { desired: 'running', incarnation: 1 } as const;
const gone = (reason: string) => ({ desired: 'removed', reason, incarnation: 1 }) as const;
const again = { desired: 'running', incarnation: 2 } as const;

/** Support's policy gives everybody an agent; in Sales whoever's page says so has one. */
const inSupport = { hired: '/Support' };
const inSales = { hired: '/Sales' };
const enabled = { ...inSales, enabled: true };

const after =
  (change: object): Deed =>
  (a, { email }) =>
    a.update(email, change);
const fired: Deed = (a, { email }) => a.fire(email);
const off = 'switched off by default';

const offboarding: readonly EventRow[] = [
  {
    ...{ event: 'users.delete', ...inSupport, cause: fired, state: gone('deleted') },
    ...{ calls: one(3), proves: 'REQ-ID-04, REQ-WS-06' },
  },
  {
    ...{ event: 'users.suspend', ...inSupport, cause: after({ suspended: true }), state: gone('suspended') },
    ...{ calls: { ...one(3), all: 4 }, proves: 'REQ-ID-04, REQ-WS-06, REQ-WSEC-05' },
  },
  { event: 'users.archive', ...inSupport, cause: after({ archived: true }), state: gone('archived'), calls: one(3) },
  {
    ...{ event: 'suspended by Google for abuse', ...inSupport, state: gone('suspended'), calls: one(3), proves: 'REQ-ID-04' },
    cause: (a, { email }) => a.act({ action: 'suspendByGoogle', userKey: email }),
  },
];

const comings: readonly EventRow[] = [
  {
    ...{ event: 'users.create in an enabled OU', cause: (a, { email }) => a.hire(email, '/Support') },
    ...{ state: { ...running, reason: 'enabled by ou:/Support' }, spec: { tools: ['calendar'] } },
    ...{ calls: { ...one(8, 9), all: 13 }, proves: 'REQ-ID-02, REQ-ID-03, REQ-WS-03' },
  },
  {
    ...{ event: 'unsuspend', ...inSupport, before: after({ suspended: true }), cause: after({ suspended: false }) },
    ...{ state: again, calls: one(5, 12) },
  },
  {
    ...{ event: 'unarchive', ...inSupport, before: after({ archived: true }), cause: after({ archived: false }) },
    ...{ state: again, calls: one(5, 12) },
  },
  {
    ...{ event: 'users.undelete', ...inSupport, before: fired, cause: (a, { id }) => a.undelete(id, '/Support') },
    ...{ state: again, calls: one(5, 12) },
  },
  {
    ...{ event: 'users.undelete into an OU that is off', ...inSupport, before: fired, cause: (a, { id }) => a.undelete(id, '/Sales') },
    ...{ state: gone(off), calls: one(4, 6) },
  },
];

const susan = (email: string): string => `susan-${email}`;

const moves: readonly EventRow[] = [
  {
    ...{ event: 'rename', ...inSupport, cause: (a, { email }) => a.update(email, { primaryEmail: susan(email) }), renamedTo: susan },
    ...{ state: running, calls: one(5, 12), proves: 'REQ-ID-02' },
  },
  {
    ...{ event: 'OU move into an enabled OU', ...inSales, cause: after({ orgUnitPath: '/Support' }) },
    ...{ state: { ...running, ouPath: '/Support' }, calls: one(5, 12), proves: 'REQ-ID-03, REQ-WS-03' },
  },
  {
    ...{ event: 'OU move out of it', ...inSupport, cause: after({ orgUnitPath: '/Sales' }) },
    ...{ state: gone(off), calls: one(4, 6), proves: 'REQ-ID-03' },
  },
  {
    ...{ event: 'OU move between OUs', ...enabled, cause: after({ orgUnitPath: '/Engineering' }), state: running },
    ...{ policy: { modelTier: { value: 'opus', origin: 'ou:/Engineering' } }, spec: { tools: ['exec', 'github'] } },
    ...{ calls: { ...one(4), all: 6 }, proves: 'REQ-ID-03, REQ-WS-03' },
  },
];

const edited =
  (fields: object): Deed =>
  (a, { email }) =>
    a.fields(email, fields);

const fields: readonly EventRow[] = [
  {
    ...{ event: 'agentEnabled ticked', ...inSales, cause: edited({ agentEnabled: true }) },
    ...{ state: { ...running, reason: 'enabled by user' }, calls: one(5, 12), proves: 'REQ-WS-01' },
  },
  {
    ...{ event: 'agentEnabled unticked', ...enabled, cause: edited({ agentEnabled: false }) },
    ...{ state: gone('switched off by user'), calls: one(4, 6), proves: 'REQ-WS-01' },
  },
  ...(
    [
      ['modelTier', 'haiku', { modelTier: 'haiku' }],
      ['budgetCap', 75, { budgetCap: 75 }],
      ['toolAllowlist', 'email,ssh', { tools: ['email', 'ssh'] }],
      ['channelRestrictions', 'slack', { channels: ['slack'] }],
    ] as const
  ).map(([field, value, spec]): EventRow => ({
    ...{ event: `${field} edited`, ...enabled, cause: edited({ [field]: value }) },
    ...{ state: running, spec, calls: one(4), proves: 'REQ-WS-02' },
  })),
];

export const ofPeople: readonly EventRow[] = [...comings, ...offboarding, ...moves, ...fields];

const led = { budgetCap: { value: 500, origin: `group:${leads}` } };
const notLed = { budgetCap: { value: 50, origin: 'organization' } };
const joined: Deed = (a, { email }) => a.join(leads, email);
const own: Deed = (a, { group }) => a.createGroup(group);
const inOwn: Deed = async (a, person, world) => {
  await own(a, person, world);
  await a.join(person.group, person.email);
};

export const ofGroups: readonly EventRow[] = [
  {
    ...{ event: 'group membership added', ...enabled, cause: joined, state: running, policy: led, spec: { tools: ['ssh'] } },
    ...{ calls: { ...silent(10), all: 10 }, proves: 'REQ-ID-03, REQ-WS-03' },
  },
  {
    ...{ event: 'group membership removed', ...enabled, before: joined, cause: (a, { email }) => a.leave(leads, email) },
    ...{ state: running, policy: notLed, spec: { tools: ['crm', 'email'] }, calls: silent(10) },
  },
  {
    ...{ event: 'nested: a person into the inner group', ...enabled, cause: (a, { group, email }) => a.join(group, email) },
    ...{ state: running, policy: led, calls: silent(10) },
    before: async (a, person, world) => {
      await own(a, person, world);
      await a.join(leads, person.group);
    },
  },
  {
    ...{ event: 'nested: a group into the outer group', ...enabled, before: inOwn, cause: (a, { group }) => a.join(leads, group) },
    ...{ state: running, policy: led, calls: silent(10) },
  },
  {
    ...{ event: 'nested: the inner group taken out', ...enabled, cause: (a, { group }) => a.leave(leads, group) },
    ...{ state: running, policy: notLed, calls: silent(10) },
    before: async (a, person, world) => {
      await inOwn(a, person, world);
      await a.join(leads, person.group);
    },
  },
];

const toggle =
  (on: boolean, where: object): Deed =>
  (a) =>
    a.act({ action: 'toggleService', enabled: on, ...where });
const ofSales = { orgUnitPath: '/Sales' };
const ofLeads = { groupEmail: leads };
const [alice, bob] = ['alice@acme.test', 'bob@acme.test'];
const changeSupport =
  (change: object): Deed =>
  (a) =>
    a.changeUnit('/Support', change);
const removeApplication: Deed = (a) => a.act({ action: 'removeApplication' });

/** What concerns many, who are found by a walk that begins at once or by listing a group. */
export const ofCompany: readonly EventRow[] = [
  {
    ...{ event: 'OU renamed', ...inSupport, cause: changeSupport({ name: 'Help' }) },
    ...{ state: { ...gone(off), ouPath: '/Help' }, calls: silent(7), proves: 'REQ-WS-03' },
  },
  {
    ...{ event: 'OU moved', ...inSupport, cause: changeSupport({ parentOrgUnitPath: '/Sales' }) },
    ...{ state: { ...gone(off), ouPath: '/Sales/Support' }, calls: silent(7) },
  },
  {
    ...{ event: 'OU removed after a move that no signal told of', ...inSupport, unheard: after({ orgUnitPath: '/' }) },
    ...{ cause: (a) => a.removeUnit('/Support'), state: gone(off), calls: { log: 7 } },
  },
  {
    ...{ event: 'group deleted', who: bob, enabled: true, before: joined, cause: (a) => a.removeGroup(leads) },
    ...{ state: running, policy: notLed, calls: silent(10) },
  },
  {
    ...{ event: 'service on for an OU', who: bob, cause: toggle(true, ofSales), proves: 'REQ-WS-01' },
    ...{ state: { ...running, reason: 'enabled by service:ou:/Sales' }, calls: silent(12) },
  },
  {
    ...{ event: 'service off for an OU', who: bob, enabled: true, cause: toggle(false, ofSales), proves: 'REQ-WS-01' },
    ...{ state: gone('switched off by service:ou:/Sales'), calls: silent(7) },
  },
  {
    ...{ event: 'service on for a group', who: alice, cause: toggle(true, ofLeads) },
    ...{ state: { ...running, reason: `enabled by service:group:${leads}` }, calls: silent(8) },
  },
  {
    ...{ event: 'service off for a group', who: alice, enabled: true, cause: toggle(false, ofLeads) },
    ...{ state: gone(`switched off by service:group:${leads}`), calls: silent(7) },
  },
  {
    ...{ event: 'Marketplace app removed', who: bob, enabled: true, cause: removeApplication },
    ...{ state: gone('switched off by service:organization'), calls: silent(7) },
  },
  {
    ...{ event: 'Marketplace app added', who: bob, before: removeApplication, cause: (a) => a.act({ action: 'addApplication' }) },
    ...{ state: { ...running, reason: 'enabled by service:organization' }, calls: silent(44) },
  },
];
