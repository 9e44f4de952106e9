import type { admin_directory_v1 } from '@googleapis/admin';
import { OAuth2Client } from 'google-auth-library';
import { z } from 'zod';
import { directorySchemaName, type UserRequests } from '../../../shared/directory-schema.ts';
import { isInUnit } from '../../../shared/org-unit.ts';
import { PlaneError, toMessage } from '../../core/errors.ts';
import type { IdentityProvider, UserIdentity } from '../../core/providers.ts';
import type { Ctx } from '../../core/surroundings.ts';
import { createGoogleCalls, pagesOf, type Quota } from '../cloud/google-quota.ts';
import type { Directory, Reports } from '../cloud/google.ts';
import { fromReports } from './google-activity.ts';
import { createExamination } from './google-examination.ts';
import { findRoleIds, rolesHeld, type RoleIds } from './google-roles.ts';

export interface GoogleWorkspaceOptions {
  readonly directory: Directory;
  readonly reports: Reports;
  readonly domain: string;
  /** Groups that decide anything now; membership is asked for these alone, nested membership included. */
  readonly policyGroups: () => Promise<readonly string[]>;
  /** OAuth client ids whose ID tokens are accepted; never empty. */
  readonly audiences: readonly string[];
  /** The ids of our two custom roles as the installer stored them. Where it stored none, the roles are found by name each time. */
  readonly roleIds?: () => Promise<RoleIds>;
  /** Counts every call; without it nothing is counted. */
  readonly quota?: Quota;
  /** Where Google's signing certificates are, when not at Google. */
  readonly certsUrl?: string;
  readonly fetch?: typeof fetch;
}

const customer = 'my_customer';
const unreachable = 'Failed to retrieve verification certificates';
const projection = { projection: 'custom', customFieldMask: directorySchemaName } as const;

type User = admin_directory_v1.Schema$User;

const organizationSchema = z.object({
  department: z.string().optional(),
  costCenter: z.string().optional(),
  primary: z.boolean().optional(),
});

const longestLabel = 200;

/** From the user's primary organization, else the first: Google types these entries as anything. */
function toLabels({ organizations }: User): Record<string, string> {
  const entries = z.array(organizationSchema).safeParse(organizations).data ?? [];
  const { department, costCenter } = entries.find(({ primary }) => primary) ?? entries[0] ?? {};
  const labels = { department, costCenter };
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim().slice(0, longestLabel)]] : [])),
  );
}

function toIdentity(user: User, deleted = false): UserIdentity {
  const fields = (user.customSchemas?.[directorySchemaName] ?? {}) as Record<string, unknown>;
  const inactiveBecause = deleted ? 'deleted' : user.suspended ? 'suspended' : user.archived ? 'archived' : undefined;
  return {
    id: user.id ?? '',
    email: user.primaryEmail ?? '',
    name: user.name?.fullName ?? user.primaryEmail ?? '',
    ouPath: user.orgUnitPath ?? '/',
    labels: toLabels(user),
    groups: [],
    active: inactiveBecause === undefined,
    ...(inactiveBecause === undefined ? {} : { inactiveBecause }),
    roles: [],
    fields,
  };
}

type CustomFields = Record<string, string | number | boolean | null>;

function toCustomFields(requests: { readonly [K in keyof UserRequests]: UserRequests[K] | null }): CustomFields {
  const list = (value: readonly string[] | null): string | null => (value === null ? null : value.join(','));
  const { agentEnabled, modelTier, budgetCap, tools, channels } = requests;
  return {
    ...(agentEnabled === undefined ? {} : { agentEnabled }),
    ...(modelTier === undefined ? {} : { modelTier }),
    ...(budgetCap === undefined ? {} : { budgetCap }),
    ...(tools === undefined ? {} : { toolAllowlist: list(tools) }),
    ...(channels === undefined ? {} : { channelRestrictions: list(channels) }),
  };
}

/** Google Workspace as identity provider, over the Directory API and the Reports API. */
export function createGoogleWorkspace({
  directory,
  reports,
  domain,
  policyGroups,
  audiences,
  roleIds = async () => ({}),
  quota,
  certsUrl,
  fetch: fetchImplementation,
}: GoogleWorkspaceOptions): IdentityProvider {
  if (audiences.length === 0) {
    throw new PlaneError(
      'invalid',
      'cannot use google-workspace: no OAuth audience is configured; without one, any Google token would pass',
    );
  }
  const endpoints = certsUrl === undefined ? {} : { endpoints: { oauth2FederatedSignonPemCertsUrl: certsUrl } };
  const transport = fetchImplementation === undefined ? {} : { transporterOptions: { fetchImplementation } };
  const verifier = new OAuth2Client({ ...endpoints, ...transport });
  const calls = createGoogleCalls(quota);

  async function groupsOf(userId: string, ctx: Ctx): Promise<string[]> {
    const member = await Promise.all(
      (await policyGroups()).map(async (group) => {
        const answer = await calls.orAbsent(`ask whether ${userId} is in ${group}`, ctx, () =>
          directory.members.hasMember({ groupKey: group, memberKey: userId }, { signal: ctx.signal }),
        );
        return answer?.data.isMember ? [group] : [];
      }),
    );
    return member.flat();
  }

  async function rolesOf(user: User, ctx: Ctx): Promise<UserIdentity['roles']> {
    if (!user.id || !toIdentity(user).active) return [];
    if (user.isAdmin) return [{ role: 'admin' }];
    const stored = await roleIds();
    const known = stored.admin === undefined && stored.viewer === undefined ? await findRoleIds(directory, calls, ctx) : stored;
    return rolesHeld(user.id, known, { directory, calls, ctx });
  }

  async function getUser(key: string, ctx: Ctx): Promise<User | undefined> {
    const get = () => directory.users.get({ userKey: key, ...projection }, { signal: ctx.signal });
    return (await calls.orAbsent(`read user ${key}`, ctx, get))?.data;
  }

  const listPage: IdentityProvider['listPage'] = async ({ token, deleted = false }, ctx) => {
    const filter = deleted ? { showDeleted: 'true' } : {};
    const request = { customer, maxResults: 500, ...projection, ...filter, ...(token === undefined ? {} : { pageToken: token }) };
    const { data } = await calls.orThrow('list users', ctx, () => directory.users.list(request, { signal: ctx.signal }));
    const users = (data.users ?? []).map((user) => toIdentity(user, deleted));
    return { users, ...(data.nextPageToken ? { next: data.nextPageToken } : {}) };
  };

  const listPages = (ctx: Ctx) =>
    pagesOf('list users', async ({ pageToken: token }) => {
      const { users, next } = await listPage(token === undefined ? {} : { token }, ctx);
      return { users, ...(next === undefined ? {} : { nextPageToken: next }) };
    });

  const toUpdate = (userId: string, fields: CustomFields, ctx: Ctx) => () =>
    directory.users.update({ userKey: userId, requestBody: { customSchemas: { [directorySchemaName]: fields } } }, { signal: ctx.signal });

  return {
    name: 'google-workspace',
    async authenticate(token, ctx) {
      const ticket = await verifier.verifyIdToken({ idToken: token, audience: [...audiences] }).catch((error: unknown) => {
        // Without its cause: the library puts the whole token into its messages, behind a colon or in quotes.
        const [fact] = toMessage(error).split(/:| '/);
        if (fact === unreachable)
          throw new PlaneError('unavailable', 'cannot tell who is calling: Google’s certificates cannot be read now');
        throw new PlaneError('unauthenticated', `cannot accept this Google token: ${fact}`);
      });
      const { sub, hd, email_verified: verified } = ticket.getPayload() ?? {};
      if (!sub || !verified || hd !== domain) {
        throw new PlaneError('unauthenticated', `cannot accept this Google token: it is not from a verified account of ${domain}`);
      }
      const user = await getUser(sub, ctx);
      const identity = user && toIdentity(user);
      if (!user || !identity?.active) throw new PlaneError('unauthenticated', 'cannot accept this Google token: the account is not active');
      return { ...identity, roles: await rolesOf(user, ctx) };
    },
    async rolesOf(userId, ctx) {
      const user = await getUser(userId, ctx);
      return user ? rolesOf(user, ctx) : [];
    },
    async resolveUser(key, ctx) {
      const user = await getUser(key, ctx);
      if (!user?.id) return undefined;
      const identity = toIdentity(user);
      return identity.active ? { ...identity, groups: await groupsOf(user.id, ctx) } : identity;
    },
    async *listUsers({ ou }, ctx) {
      // Not `query=`: that asks a search index which may be 36 hours behind.
      const within = (path: string) => ou === undefined || isInUnit(path, ou);
      for await (const { users } of listPages(ctx)) yield* users.filter(({ ouPath }) => within(ouPath));
    },
    listPage,
    async listOrgUnits(ctx) {
      const list = () =>
        directory.orgunits.list({ customerId: customer, orgUnitPath: '/', type: 'allIncludingParent' }, { signal: ctx.signal });
      const { data } = await calls.orThrow('list org units', ctx, list);
      return [...new Set(['/', ...(data.organizationUnits ?? []).flatMap(({ orgUnitPath }) => orgUnitPath ?? [])])];
    },
    async searchUsers(text, limit, ctx) {
      const query = `'${text.replaceAll(/[\\'*]/g, ' ').trim()}'`;
      const list = () => directory.users.list({ customer, maxResults: limit, query, ...projection }, { signal: ctx.signal });
      const { data } = await calls.orThrow('search users', ctx, list);
      return (data.users ?? []).map((user) => toIdentity(user));
    },
    examine: createExamination(directory, calls),
    async membersOf(group, ctx) {
      const what = `list members of ${group}`;
      const ids = new Set<string>();
      let absent = false;
      const pages = pagesOf(what, async (page) => {
        const request = { groupKey: group, includeDerivedMembership: true, maxResults: 200, ...page };
        const answer = await calls.orAbsent(what, ctx, () => directory.members.list(request, { signal: ctx.signal }));
        absent ||= answer === undefined;
        return answer?.data ?? {};
      });
      let everybody = false;
      for await (const { members } of pages)
        for (const { id, type } of members ?? []) {
          if (type === 'CUSTOMER') everybody = true;
          if (id && type === 'USER') ids.add(id);
        }
      if (absent) return undefined;
      // A group may hold the whole company as one member, who is listed nowhere else.
      if (everybody) for await (const { users } of listPages(ctx)) for (const { id } of users) ids.add(id);
      return [...ids];
    },
    async *activities(application, since, ctx) {
      const what = `read the audit log of ${application}`;
      const startTime = new Date(since).toISOString();
      // Without a filter: filtered queries have a quota of 250 a minute, others of 2,400.
      const pages = pagesOf(what, async (page) => {
        const request = { userKey: 'all', applicationName: application, startTime, maxResults: 1_000, ...page };
        return (await calls.orThrow(what, ctx, () => reports.activities.list(request, { signal: ctx.signal }), 'reports')).data;
      });
      for await (const { items } of pages)
        for (const item of items ?? []) {
          const activity = fromReports(item, application);
          if (activity) yield activity;
          else ctx.log.warn(`an entry of the audit log of ${application} has no time or qualifier; it is left out`);
        }
    },
    async watchEvents({ id, token, address, ttlMs }, ctx) {
      const requestBody = { id, token, type: 'web_hook', address, params: { ttl: String(Math.floor(ttlMs / 1000)) } };
      const watch = () => directory.users.watch({ customer, requestBody }, { signal: ctx.signal });
      const { data } = await calls.orThrow('watch users', ctx, watch);
      return { resourceId: data.resourceId ?? '', expiresAt: Number(data.expiration) };
    },
    async stopWatching({ id, resourceId }, ctx) {
      const stop = () => directory.channels.stop({ requestBody: { id, resourceId } }, { signal: ctx.signal });
      await calls.orAbsent(`stop channel ${id}`, ctx, stop);
    },
    publish: (userId, fields, kind, ctx) =>
      calls.orLater(`publish to user ${userId}`, ctx, toUpdate(userId, { ...fields }, ctx), kind === 'status' ? 'status' : 'heartbeats'),
    async writeRequests(userId, requests, ctx) {
      await calls.orAbsent(`write to user ${userId}`, ctx, toUpdate(userId, toCustomFields(requests), ctx), 'status');
    },
  };
}
