import { z } from 'zod';
import { invalid, notFound } from './answers.ts';
import type { Changes } from './changes.ts';
import type { Database } from './database.ts';
import type { Groups } from './groups.ts';
import { orgEvent, type OrgUnits } from './org-units.ts';
import { findUser } from './user-records.ts';

/** The app as the sample company installed it; its number is that of the Cloud project behind the listing. */
export const agentApplication = { id: '482910374650', name: 'OpenClaw Agent' } as const;

export const toggleSchema = z
  .strictObject({
    enabled: z.boolean(),
    service: z.string().min(1).default(agentApplication.name),
    orgUnitPath: z.string().startsWith('/').optional(),
    groupEmail: z.email().optional(),
  })
  .refine(({ orgUnitPath, groupEmail }) => (orgUnitPath === undefined) !== (groupEmail === undefined), {
    error: 'give either orgUnitPath or groupEmail',
  });
export const applicationSchema = z.strictObject({
  applicationId: z.string().min(1).default(agentApplication.id),
  name: z.string().min(1).default(agentApplication.name),
});

export interface License {
  readonly kind: string;
  readonly enabled: boolean;
  readonly state: 'ACTIVE' | 'UNLICENSED';
  readonly applicationId: string;
  readonly customerId: string;
}

export interface Marketplace {
  /** Switches a service for an org unit and what is below it, or for a group. */
  toggle(body: z.output<typeof toggleSchema>): void;
  add(body: z.output<typeof applicationSchema>): void;
  remove(body: z.output<typeof applicationSchema>): void;
  userLicense(applicationId: string, userKey: string): License & { userId: string };
  customerLicense(applicationId: string, customerId: string): License;
}

export interface MarketplaceDeps {
  readonly database: Database;
  readonly changes: Changes;
  readonly orgUnits: OrgUnits;
  readonly groups: Groups;
  readonly customerId: string;
  readonly domain: string;
}

export function createMarketplace({ database, changes, orgUnits, groups, customerId, domain }: MarketplaceDeps): Marketplace {
  const nameOf = (applicationId: string) =>
    database.one<{ name: string }>('SELECT name FROM applications WHERE id = ?', applicationId)?.name;
  const stateOf = (service: string, targetId: string): boolean | undefined => {
    const row = database.one<{ enabled: number }>('SELECT enabled FROM services WHERE name = ? AND targetId = ?', service, targetId);
    return row && row.enabled === 1;
  };

  /** A group that is on wins over the org unit (support.google.com/a/answer/9050643); else the nearest unit says, and at first all are on. */
  const isOnFor = (service: string, user: { id: string; orgUnitId: string }): boolean =>
    groups.containing(user.id).some((groupId) => stateOf(service, groupId) === true) ||
    (orgUnits
      .lineOf(user.orgUnitId)
      .map((id) => stateOf(service, id))
      .find((state) => state !== undefined) ??
      true);

  return {
    toggle: ({ enabled, service, orgUnitPath, groupEmail }) =>
      changes.commit(({ record }) => {
        const parameters = { SERVICE_NAME: service, NEW_VALUE: String(enabled) };
        const group = groupEmail === undefined ? undefined : groups.find(groupEmail);
        if (groupEmail !== undefined && !group) throw notFound('groupKey');
        const targetId = group?.id ?? orgUnits.toId(orgUnitPath ?? '/');
        if (stateOf(service, targetId) === enabled) return;
        database.run('INSERT OR REPLACE INTO services (name, targetId, enabled) VALUES (?, ?, ?)', service, targetId, enabled ? 1 : 0);
        const target = group ? { GROUP_EMAIL: group.email } : { ORG_UNIT_NAME: orgUnitPath };
        record(orgEvent('TOGGLE_SERVICE_ENABLED', { ...parameters, ...target, DOMAIN_NAME: domain }));
      }),
    add: ({ applicationId, name }) =>
      changes.commit(({ record }) => {
        const added = database.run('INSERT OR IGNORE INTO applications (id, name) VALUES (?, ?)', applicationId, name);
        if (added === 0) throw invalid(`Invalid Input: ${name} is installed already`);
        record(domainEvent('ADD_APPLICATION', { APP_ID: applicationId, APPLICATION_NAME: name, APPLICATION_ENABLED: 'true' }));
      }),
    remove: ({ applicationId }) =>
      changes.commit(({ record }) => {
        const name = nameOf(applicationId);
        if (name === undefined) throw notFound('applicationId');
        database.run('DELETE FROM applications WHERE id = ?', applicationId);
        record(domainEvent('REMOVE_APPLICATION', { APP_ID: applicationId, APPLICATION_NAME: name }));
      }),
    userLicense(applicationId, userKey) {
      const user = findUser(database, userKey);
      if (!user) throw notFound('userId');
      const name = nameOf(applicationId);
      return {
        kind: 'appsmarket#userLicense',
        enabled: name !== undefined && isOnFor(name, user),
        state: name === undefined ? 'UNLICENSED' : 'ACTIVE',
        ...{ applicationId, customerId, userId: user.id },
      };
    },
    customerLicense(applicationId, customer) {
      if (customer !== customerId && customer !== domain) throw notFound('customerId');
      const installed = nameOf(applicationId) !== undefined;
      return {
        kind: 'appsmarket#customerLicense',
        enabled: installed,
        state: installed ? 'ACTIVE' : 'UNLICENSED',
        ...{ applicationId, customerId },
      };
    },
  };
}

const domainEvent = (name: string, parameters: Record<string, string>) => ({
  ...orgEvent(name, parameters),
  type: 'DOMAIN_SETTINGS',
});
