import { randomBytes } from 'node:crypto';
import { Hono } from 'hono';
import { createAliases } from './aliases.ts';
import { createChannels } from './channels.ts';
import { openDatabase } from './database.ts';
import { createDirectoryRoutes } from './directory-routes.ts';
import { createGroups } from './groups.ts';
import { createIdentity } from './identity.ts';
import { toSchemaId } from './ids.ts';
import { createMembers } from './members.ts';
import { createOrgUnits } from './org-units.ts';
import { createPushes } from './pushes.ts';
import { createQuota } from './quota.ts';
import { createRoleAssignments } from './role-assignments.ts';
import { createRoles } from './roles.ts';
import { growCompany } from './sample-company.ts';
import { createSchemas } from './schemas.ts';
import { listUsers } from './user-list.ts';
import { createUsers } from './users.ts';

/** A Google Workspace on one machine: Directory API, push channels and sign-in, driven by Google's own client. */
export interface Workspace {
  /**
   * Handles a request whose path starts with `/google/`. It knows `/admin/directory…` as well: a client made with
   * `rootUrl: '…/google/'` keeps that path only where the root is given per call, and drops it otherwise (googleapis-common 8).
   */
  fetch(request: Request): Promise<Response>;
  /** A signed OIDC ID token such as `ScriptApp.getIdentityToken()` gives; throws for who cannot sign in. */
  idToken(email: string, audience: string): string;
  close(): void;
}

export interface WorkspaceOptions {
  /** SQLite path or `:memory:`. */
  readonly file: string;
  readonly domain: string;
  /** People in all; the sample company has nine with names of their own and never fewer. */
  readonly userCount?: number;
  readonly now: () => number;
  /** Random bytes, for ids, tokens and the gaps between message numbers. */
  readonly random?: (size: number) => Uint8Array;
  /** Carries pushes to their address. */
  readonly deliver?: typeof fetch;
  readonly pushRetryDelaysMs?: readonly number[];
  readonly queriesPerMinute?: number;
  readonly log?: (line: string) => void;
}

export function createWorkspace({
  file,
  domain,
  userCount = 0,
  now,
  random = randomBytes,
  deliver = fetch,
  pushRetryDelaysMs = [1_000, 2_000, 4_000, 8_000, 16_000],
  queriesPerMinute = 2_400,
  log = () => undefined,
}: WorkspaceOptions): Workspace {
  const database = openDatabase(file);
  growCompany({ database, domain }, userCount);

  const customerId = `C0${domain.slice(0, domain.indexOf('.'))}01`;
  const createId = () => Buffer.from(random(16)).toString('hex');
  const isOpen = (channelId: string) =>
    database.one('SELECT 1 FROM channels WHERE id = ? AND stoppedAt IS NULL AND expiresAt > ?', channelId, now()) !== undefined;

  const pushes = createPushes({ deliver, isOpen, retryDelaysMs: pushRetryDelaysMs, log });
  const channels = createChannels({ database, pushes, now, random });
  const schemas = createSchemas({ database, createId: () => toSchemaId(createId()) });
  const orgUnits = createOrgUnits({ database, createId });
  const roles = createRoles({ database, now, createId });
  const groups = createGroups({ database, domain, now, createId });
  const identity = createIdentity({ database, domain, now, random });
  const directory = createDirectoryRoutes({
    users: createUsers({ database, schemas, orgUnits, roles, channels, customerId, domain, now, createId }),
    listUsers: (query) => listUsers(query, { database, schemas, orgUnits, customerId, now }),
    aliases: createAliases({ database, channels }),
    members: createMembers({ database, groups, now }),
    roleAssignments: createRoleAssignments({ database, groups, now, createId }),
    quota: createQuota({ queriesPerMinute, now }),
    ...{ orgUnits, groups, schemas, roles, channels, customerId, domain, log },
  });
  const app = new Hono()
    .mount('/admin', (request) => directory.fetch(request))
    .mount('/google/admin', (request) => directory.fetch(request));
  app.route('/google', identity.routes);

  return {
    fetch: async (request) => app.fetch(request),
    idToken: (email, audience) => identity.idToken(email, audience),
    close() {
      pushes.close();
      database.close();
    },
  };
}
