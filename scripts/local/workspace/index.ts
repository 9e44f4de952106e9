import { randomBytes } from 'node:crypto';
import { Hono } from 'hono';
import { createActivities } from './activities.ts';
import { isFiltered } from './activity-query.ts';
import { createAliases } from './aliases.ts';
import { createCallers } from './callers.ts';
import { createCalls, type CallCounts } from './calls.ts';
import { createChanges } from './changes.ts';
import { createChannels } from './channels.ts';
import { createConsoleActions, type ConsoleAction } from './console-actions.ts';
import { openDatabase } from './database.ts';
import { createDelivery } from './delivery.ts';
import { addDirectoryRoutes } from './directory-routes.ts';
import { createDoors } from './doors.ts';
import { createFaults, type Faults } from './faults.ts';
import { createApi, type ApiOptions } from './gate.ts';
import { createGroups } from './groups.ts';
import { createIdentity } from './identity.ts';
import { toSchemaId } from './ids.ts';
import { createMarketplace } from './marketplace.ts';
import { createMembers } from './members.ts';
import { createOrgUnits } from './org-units.ts';
import { createPast } from './past.ts';
import { createPushes } from './pushes.ts';
import { createQuota } from './quota.ts';
import { createRoleAssignments } from './role-assignments.ts';
import { createRoles } from './roles.ts';
import { growCompany } from './sample-company.ts';
import { createSchemas } from './schemas.ts';
import { createSink, type SinkBody } from './sink.ts';
import { listUsers } from './user-list.ts';
import { findUser } from './user-records.ts';
import { createUsers } from './users.ts';

/** A Google Workspace on one machine: Directory and Reports API, push channels, audit log and sign-in, driven by Google's own client. */
export interface Workspace {
  /**
   * Handles a request whose path starts with `/google/`. It knows `/admin/…` as well: a client made with `rootUrl: '…/google/'`
   * keeps that path only where the root is given per call, and drops it otherwise (googleapis-common 8).
   */
  fetch(request: Request): Promise<Response>;
  /** A signed OIDC ID token such as `ScriptApp.getIdentityToken()` gives; throws for who cannot sign in. */
  idToken(email: string, audience: string): string;
  /** The same for a service account, as Pub/Sub, Scheduler and Tasks send it. */
  serviceToken(email: string, audience: string): string;
  /** What goes wrong from now on. */
  readonly faults: Pick<Faults, 'set' | 'clear' | 'inForce'>;
  /** What only the Admin console or Google itself does. */
  act(action: ConsoleAction): void;
  /** Where the audit log goes from now on. */
  setSink(target: SinkBody | undefined): void;
  /** Calls of Google's APIs since the start or the last reset. */
  calls(): CallCounts;
  resetCalls(): void;
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
  /** The audit log's sink; `token` replaces the ID token that the emulator signs, and `undefined` from it sends none. */
  readonly sink?: SinkBody & { readonly token?: () => string | undefined };
  readonly sinkRetryDelaysMs?: readonly number[];
  readonly queriesPerMinute?: number;
  readonly reportsPerMinute?: number;
  readonly filteredReportsPerMinute?: number;
  readonly log?: (line: string) => void;
}

export function createWorkspace({
  file,
  domain,
  userCount = 0,
  now: trueNow,
  random = randomBytes,
  deliver = fetch,
  pushRetryDelaysMs = [1_000, 2_000, 4_000, 8_000, 16_000],
  sink: sinkOption,
  sinkRetryDelaysMs = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000],
  queriesPerMinute = 2_400,
  reportsPerMinute = 2_400,
  filteredReportsPerMinute = 250,
  log = () => undefined,
}: WorkspaceOptions): Workspace {
  const database = openDatabase(file);
  growCompany({ database, domain }, userCount);

  const customerId = `C0${domain.slice(0, domain.indexOf('.'))}01`;
  const createId = () => Buffer.from(random(16)).toString('hex');
  const now = () => trueNow() + faults.current().clockSkewMs;
  const past = createPast({ database, now: trueNow });
  const faults = createFaults({
    random,
    changed({ searchLagMs, readLagMs, expireChannels }) {
      past.remember(Math.max(searchLagMs, readLagMs));
      if (expireChannels) channels.expireAll();
    },
  });
  const calls = createCalls();
  const callers = createCallers({ domain, idOf: (email) => findUser(database, email)?.id });
  const identity = createIdentity({ database, domain, callers, now, random });

  const isOpen = (channelId: string) =>
    database.one('SELECT 1 FROM channels WHERE id = ? AND stoppedAt IS NULL AND expiresAt > ?', channelId, now()) !== undefined;
  const delivery = createDelivery(deliver);
  const pushes = createPushes({ delivery, isOpen, retryDelaysMs: pushRetryDelaysMs, fate: () => faults.fate('pushes'), log });
  const channels = createChannels({
    ...{ database, pushes, now, random },
    mostMs: () => faults.current().channelLifetimeMs ?? Infinity,
  });
  const sink = createSink({
    ...{ database, delivery, now, random, log },
    token: sinkOption?.token ?? (({ serviceAccount, audience, address }) => identity.serviceToken(serviceAccount, audience ?? address)),
    retryDelaysMs: sinkRetryDelaysMs,
    fate: () => faults.fate('sink'),
  });
  if (sinkOption) {
    const { token: _token, ...target } = sinkOption;
    sink.set(target);
  }
  const activities = createActivities({
    ...{ database, callers, customerId, now, random },
    latenessMs: () => faults.current().reportsLateMs,
  });
  const changes = createChanges({ database, channels, pushes, activities, sink });

  const schemas = createSchemas({ database, createId: () => toSchemaId(createId()) });
  const orgUnits = createOrgUnits({ database, changes, createId });
  const roles = createRoles({ database, changes, now, createId });
  const groups = createGroups({ database, changes, domain, now, createId });
  const marketplace = createMarketplace({ database, changes, orgUnits, groups, customerId, domain });
  const act = createConsoleActions({ database, changes, marketplace, now });

  const createApiAt = (options: ApiOptions) => createApi(options, { callers, calls, faults, log });
  const quota = createQuota({ queriesPerMinute, now: trueNow });
  const reportsQuota = createQuota({ queriesPerMinute: reportsPerMinute, now: trueNow });
  const filteredQuota = createQuota({ queriesPerMinute: filteredReportsPerMinute, now: trueNow });
  const seen = () => past.usersBefore(faults.current().readLagMs);
  const searched = () => past.usersBefore(faults.current().searchLagMs);

  const directory = createApiAt({ root: '/admin', take: (caller) => quota.take(caller) });
  addDirectoryRoutes(directory, {
    users: createUsers({ database, schemas, orgUnits, roles, changes, customerId, domain, now, createId, seen }),
    listUsers: (query) =>
      listUsers(query, { database, schemas, orgUnits, customerId, now, seen: (bySearch) => (bySearch ? searched() : seen()) }),
    aliases: createAliases({ database, changes }),
    members: createMembers({ database, changes, groups, now }),
    roleAssignments: createRoleAssignments({ database, changes, groups, now, createId }),
    ...{ orgUnits, groups, schemas, roles, channels, customerId, domain },
  });

  const reports = createApiAt({
    root: '/admin',
    take: (caller, { of, query }) => (!isFiltered(of('userKey'), query) || filteredQuota.take(caller)) && reportsQuota.take(caller),
  });
  const activityPath = '/reports/v1/activity/users/:userKey/applications/:application';
  reports.route('GET', activityPath, 'reports.activities.list', ({ of, query }) =>
    activities.list(of('userKey'), of('application'), query),
  );

  const market = createApiAt({ root: '/appsmarket' });
  market.route('GET', '/v2/userLicense/:application/:userId', 'appsmarket.userLicense.get', ({ of }) =>
    marketplace.userLicense(of('application'), of('userId')),
  );
  market.route('GET', '/v2/customerLicense/:application/:customerId', 'appsmarket.customerLicense.get', ({ of }) =>
    marketplace.customerLicense(of('application'), of('customerId')),
  );

  const doors = createDoors({ faults, sink, calls, callers, act });
  const toAdmin = (request: Request) =>
    new URL(request.url).pathname.startsWith('/reports/') ? reports.app.fetch(request) : directory.app.fetch(request);
  const app = new Hono()
    .mount('/admin', toAdmin)
    .mount('/google/admin', toAdmin)
    .mount('/google/appsmarket', (request) => market.app.fetch(request))
    .mount('/google/emulator', (request) => doors.fetch(request));
  app.route('/google', identity.routes);

  return {
    fetch: async (request) => app.fetch(request),
    idToken: (email, audience) => identity.idToken(email, audience),
    serviceToken: (email, audience) => identity.serviceToken(email, audience),
    faults,
    act,
    setSink: (to) => sink.set(to),
    calls: () => calls.read(),
    resetCalls: () => calls.reset(),
    close() {
      delivery.close();
      database.close();
    },
  };
}
