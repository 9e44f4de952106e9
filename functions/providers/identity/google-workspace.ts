import type { admin_directory_v1 } from '@googleapis/admin';
import { OAuth2Client } from 'google-auth-library';
import { directorySchemaName, type UserRequests } from '../../../shared/directory-schema.ts';
import { PlaneError, toMessage } from '../../core/errors.ts';
import type { IdentityProvider, UserIdentity } from '../../core/providers.ts';
import type { Ctx } from '../../core/surroundings.ts';
import { orAbsent, orThrow, type Directory } from '../cloud/google.ts';

export interface GoogleWorkspaceOptions {
  readonly directory: Directory;
  readonly domain: string;
  /** Groups that policies name; membership is asked for these alone, nested membership included. */
  readonly policyGroups: readonly string[];
  /** OAuth client ids whose ID tokens are accepted; never empty. */
  readonly audiences: readonly string[];
  /** Where Google's signing certificates are, when not at Google. */
  readonly certsUrl?: string;
  readonly fetch?: typeof fetch;
}

/** The custom roles that carry our two admin roles (REQ-WSEC-02); super admins are always admins. */
const roleNames = { 'OpenClaw Agent Admin': 'admin', 'OpenClaw Agent Viewer': 'viewer' } as const;

const projection = { projection: 'custom', customFieldMask: directorySchemaName } as const;

function toIdentity(user: admin_directory_v1.Schema$User): UserIdentity {
  const fields = (user.customSchemas?.[directorySchemaName] ?? {}) as Record<string, unknown>;
  const inactiveBecause = user.suspended ? 'suspended' : user.archived ? 'archived' : undefined;
  return {
    id: user.id ?? '',
    email: user.primaryEmail ?? '',
    name: user.name?.fullName ?? user.primaryEmail ?? '',
    ouPath: user.orgUnitPath ?? '/',
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

/** Google Workspace as identity provider, over the Directory API. */
export function createGoogleWorkspace({
  directory,
  domain,
  policyGroups,
  audiences,
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

  async function groupsOf(userId: string, ctx: Ctx): Promise<string[]> {
    const member = await Promise.all(
      policyGroups.map(async (group) => {
        const answer = await orAbsent(`ask whether ${userId} is in ${group}`, () =>
          directory.members.hasMember({ groupKey: group, memberKey: userId }, { signal: ctx.signal }),
        );
        return answer?.data.isMember ? [group] : [];
      }),
    );
    return member.flat();
  }

  async function rolesOf(user: UserIdentity, isSuperAdmin: boolean, ctx: Ctx): Promise<UserIdentity['roles']> {
    if (isSuperAdmin) return ['admin'];
    const { signal } = ctx;
    const known = await orThrow('list admin roles', () => directory.roles.list({ customer: 'my_customer', maxResults: 100 }, { signal }));
    const held = new Set<string>();
    let pageToken: string | undefined;
    do {
      const request = {
        customer: 'my_customer',
        userKey: user.id,
        includeIndirectRoleAssignments: true,
        ...(pageToken ? { pageToken } : {}),
      };
      const { data } = await orThrow(`list roles of ${user.email}`, () => directory.roleAssignments.list(request, { signal }));
      for (const { roleId } of data.items ?? []) if (roleId) held.add(roleId);
      pageToken = data.nextPageToken ?? undefined;
    } while (pageToken);
    return (known.data.items ?? []).flatMap(({ roleId, roleName }) =>
      roleId && held.has(roleId) && roleName && roleName in roleNames ? [roleNames[roleName as keyof typeof roleNames]] : [],
    );
  }

  const getUser = (key: string, ctx: Ctx) =>
    orAbsent(`read user ${key}`, async () => (await directory.users.get({ userKey: key, ...projection }, { signal: ctx.signal })).data);

  async function write(userId: string, fields: CustomFields, ctx: Ctx): Promise<void> {
    const requestBody = { customSchemas: { [directorySchemaName]: fields } };
    await orAbsent(`write to user ${userId}`, () => directory.users.update({ userKey: userId, requestBody }, { signal: ctx.signal }));
  }

  return {
    name: 'google-workspace',
    async authenticate(token, ctx) {
      const ticket = await verifier.verifyIdToken({ idToken: token, audience: [...audiences] }).catch((cause: unknown) => {
        throw new PlaneError('unauthenticated', `cannot accept this Google token: ${toMessage(cause).split(':')[0]}`, { cause });
      });
      const { sub, hd, email_verified: verified } = ticket.getPayload() ?? {};
      if (!sub || !verified || hd !== domain) {
        throw new PlaneError('unauthenticated', `cannot accept this Google token: it is not from a verified account of ${domain}`);
      }
      const user = await getUser(sub, ctx);
      const identity = user && toIdentity(user);
      if (!identity?.active) throw new PlaneError('unauthenticated', 'cannot accept this Google token: the account is not active');
      return { ...identity, roles: await rolesOf(identity, user?.isAdmin ?? false, ctx) };
    },
    async resolveUser(key, ctx) {
      const user = await getUser(key, ctx);
      if (!user?.id) return undefined;
      return { ...toIdentity(user), groups: await groupsOf(user.id, ctx) };
    },
    async *listUsers({ ou }, ctx) {
      let pageToken: string | undefined;
      do {
        const query = ou === undefined ? {} : { query: `orgUnitPath='${ou}'` };
        const request = { customer: 'my_customer', maxResults: 500, ...projection, ...query, ...(pageToken ? { pageToken } : {}) };
        const { data } = await orThrow('list users', () => directory.users.list(request, { signal: ctx.signal }));
        for (const user of data.users ?? []) yield toIdentity(user);
        pageToken = data.nextPageToken ?? undefined;
      } while (pageToken);
    },
    async watchEvents({ id, token, address, ttlMs }, ctx) {
      const requestBody = { id, token, type: 'web_hook', address, params: { ttl: String(Math.floor(ttlMs / 1000)) } };
      const { data } = await orThrow('watch users', () =>
        directory.users.watch({ customer: 'my_customer', requestBody }, { signal: ctx.signal }),
      );
      return { resourceId: data.resourceId ?? '', expiresAt: Number(data.expiration) };
    },
    async stopWatching({ id, resourceId }, ctx) {
      await orAbsent(`stop channel ${id}`, () => directory.channels.stop({ requestBody: { id, resourceId } }, { signal: ctx.signal }));
    },
    publish: (userId, fields, ctx) => write(userId, { ...fields }, ctx),
    writeRequests: (userId, requests, ctx) => write(userId, toCustomFields(requests), ctx),
  };
}
