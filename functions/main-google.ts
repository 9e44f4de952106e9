import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { http } from '@google-cloud/functions-framework';
import { GoogleAuth, OAuth2Client } from 'google-auth-library';
import { createCloudLoggingSink } from './audit/cloud-logging.ts';
import type { Plane } from '../shared/plane.ts';
import { parseFunctionsConfig, type FunctionsConfig } from './config-functions.ts';
import type { Wake } from './core/schedule.ts';
import type { Providers } from './core/providers.ts';
import type { Store } from './core/store.ts';
import type { Log } from './core/surroundings.ts';
import { createGoogleStorageBackups } from './backup/google-storage.ts';
import { PlaneError } from './core/errors.ts';
import { createQuota, googleLanes, googleQuotas } from './directory/quota.ts';
import { groupsInForce } from './directory/services.ts';
import {
  createFunctions,
  functionNames,
  reconcileBudgetMs,
  type Composition,
  type FunctionHandler,
  type FunctionName,
} from './functions.ts';
import { createWorkloadVerifier } from './http/workload-identity.ts';
import { nodeHashing, systemClock, type Keys } from './keys.ts';
import { gmailScopes, type GmailRequest } from './mail/gmail.ts';
import { openMountedLine } from './mail/mounted-line.ts';
import { readMountedKeys } from './mounted-keys.ts';
import { readPlane } from './plane-file.ts';
import { createPlane, type PlaneDeps } from './plane.ts';
import { openPlanes, type Planes } from './planes.ts';
import { createGoogleAuth } from './providers/cloud/google-auth.ts';
import { registries, type ProviderSurroundings, type Registries } from './providers/registries.ts';
import { createFirestoreStore, openFirestore } from './store/firestore.ts';
import { createCloudTasksWake } from './wake/cloud-tasks.ts';
import type { GoogleRequest } from './wake/hints.ts';
import { createPubSubWake } from './wake/pubsub.ts';

/** What tests put in place of a part of the composition. */
export interface Seams {
  readonly registries?: Partial<Registries>;
  readonly times?: Partial<PlaneDeps['times']>;
  readonly store?: Store;
  readonly wake?: Wake;
  readonly fetch?: typeof fetch;
  readonly log?: Log;
  /** Takes the lines of the audit trail instead of the standard output. */
  readonly writeAudit?: (text: string) => Promise<void>;
}

/** In milliseconds. A run, three leases long, and the budget of `reconcile` before it fit into the two minutes that a task is given. */
const times: PlaneDeps['times'] = { effectMs: 20_000, waitMs: 2_000, resyncMs: 5 * 60_000, leaseMs: 30_000, lagMs: 0 };

/** One line of JSON as Cloud Logging reads it (cloud.google.com/run/docs/logging, read 2026-11-22). */
const toLine = (severity: string, message: string, fields: Readonly<Record<string, unknown>> = {}): string =>
  `${JSON.stringify({ ...fields, severity, message }, (_key, value: unknown) => (value instanceof Error ? inspect(value) : value))}\n`;
const cloudLog: Log = {
  info: (message, fields) => void process.stdout.write(toLine('INFO', message, fields)),
  warn: (message, fields) => void process.stdout.write(toLine('WARNING', message, fields)),
};

/** As in `acme.com` → `Acme`. */
const companyOf = (domain: string): string => domain.charAt(0).toUpperCase() + (domain.split('.')[0] ?? domain).slice(1);

/** Resolves when the text has left this process. */
const writeOut = (text: string): Promise<void> =>
  new Promise((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve())));

function openRequest({ pubsubEmulator }: FunctionsConfig): GoogleRequest {
  if (pubsubEmulator === undefined) {
    const auth = new GoogleAuth({ scopes: ['https://www.googleapis.com/auth/cloud-platform'] });
    return (options) => auth.request({ ...options, retry: false });
  }
  const anybody = new OAuth2Client({ credentials: { access_token: 'owner' } });
  return (options) => anybody.request({ ...options, retry: false });
}

const cloudScopes = ['https://www.googleapis.com/auth/cloud-platform'];

/** The function's own identity, found when it is first needed. */
function lazyAuth(): { getRequestHeaders(url?: string | URL): Promise<Headers> } {
  const auth = new GoogleAuth({ scopes: cloudScopes });
  return { getRequestHeaders: async (url) => (await auth.getClient()).getRequestHeaders(url) };
}

/** Gmail is asked as the mailbox itself, by domain-wide delegation. */
function asMailbox({ workspace, actor }: FunctionsConfig, mailbox: string): GmailRequest {
  const serviceAccount = workspace.way === 'delegation' ? workspace.serviceAccount : actor;
  if (serviceAccount === undefined) throw new PlaneError('invalid', 'cannot send as Gmail: name the signing account with WORKSPACE_ACTOR');
  const auth = createGoogleAuth({ way: 'delegation', serviceAccount, subject: mailbox, scopes: gmailScopes });
  return (options) => auth.request({ ...options, retry: false });
}

function openWake(config: FunctionsConfig, store: Store, log: Log): Wake {
  const common = { store, log, clock: systemClock, request: openRequest(config) };
  if (config.wake.kind === 'cloud-tasks') {
    const { queue, serviceAccount } = config.wake;
    return createCloudTasksWake({ ...common, queue, serviceAccount, url: config.reconcileUrl, audience: config.workload.audience });
  }
  const rootUrl = config.pubsubEmulator === undefined ? {} : { rootUrl: `http://${config.pubsubEmulator}/` };
  return createPubSubWake({ ...common, topic: config.wake.topic, leadMs: reconcileBudgetMs - 5_000, ...rootUrl });
}

function openProviders(config: FunctionsConfig, plane: Plane, planes: Planes, keys: Keys, store: Store, log: Log, seams: Seams) {
  const { identity, infrastructure, secrets, networking } = { ...registries, ...seams.registries };
  const { domain } = plane.spec.identity;
  const nap = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal });
  const quota = createQuota({ store, clock: systemClock, sleep: nap, lanes: googleLanes, quotas: googleQuotas });
  const surroundingsOf = (planeId: string): ProviderSurroundings => ({
    ...{ planeId, domain, publicUrl: config.publicUrl, log, dataKey: keys.dataKey },
    ...(config.localDir === undefined ? {} : { localDir: config.localDir }),
    ...{ workspace: config.workspace, audiences: config.oauthAudiences, policyGroups: () => groupsInForce(planes, store) },
    quota,
    ...(seams.fetch === undefined ? {} : { fetch: seams.fetch }),
  });
  const makeProviders = ({ spec, metadata }: Plane): Providers => ({
    infra: infrastructure.create(spec.infrastructure.provider, surroundingsOf(metadata.name)),
    secrets: secrets.create(spec.secrets.provider, surroundingsOf(metadata.name)),
    network: networking.create(spec.networking.provider, surroundingsOf(metadata.name)),
  });
  // What is wrong with the providers of the plane at hand ends the deployment, not its requests.
  makeProviders(plane);
  return {
    identity: identity.create(plane.spec.identity.provider, surroundingsOf(plane.metadata.name)),
    makeProviders,
    offers: {
      identity: [plane.spec.identity.provider],
      infrastructure: infrastructure.names,
      secrets: secrets.names,
      networking: networking.names,
    },
  };
}

/** Puts a plane together on Google Cloud. Reaches out to nobody: that waits for the first request that needs it, and is shared by all. */
export function compose(config: FunctionsConfig, plane: Plane, keys: Keys, log: Log, seams: Seams = {}): Composition {
  const { project, database, firestoreEmulator, workspace } = config;
  const emulator = firestoreEmulator === undefined ? {} : { emulatorHost: firestoreEmulator };
  const store =
    seams.store ?? createFirestoreStore({ firestore: openFirestore({ projectId: project, databaseId: database, ...emulator }) });
  const wake = seams.wake ?? openWake(config, store, log);
  const verify = createWorkloadVerifier({
    ...config.workload,
    clock: systemClock,
    ...(workspace.way === 'emulator' ? { certsUrl: `${workspace.rootUrl}oauth2/v1/certs` } : {}),
    ...(seams.fetch === undefined ? {} : { fetch: seams.fetch }),
  });
  const mail = config.mail && openMountedLine(config.mail, (mailbox) => asMailbox(config, mailbox));
  const bucket = config.backupBucket;
  const backupStore = bucket === undefined ? undefined : createGoogleStorageBackups({ bucket, auth: lazyAuth() });
  if (!mail) log.warn('no mail leaves this plane: owners are not introduced to their agents; say with MAIL_FILE how mail travels');
  if (!backupStore) log.warn('no backups are made: name a bucket with BACKUP_BUCKET');
  const planes = openPlanes({
    ...{ store, wake, clock: systemClock, hashing: nodeHashing, seed: { plane, from: 'file' } },
    refused: (error) => log.warn(`the plane goes on as it was: ${error.message}`),
  });
  const running = createPlane({
    ...{ plane, planes, store, wake, log, keys, clock: systemClock, hashing: nodeHashing, random: randomUUID },
    ...openProviders(config, plane, planes, keys, store, log, seams),
    upstream: config.upstream,
    company: companyOf(plane.spec.identity.domain),
    publicUrl: config.publicUrl,
    holder: `function-${randomUUID().slice(0, 8)}`,
    services: config.services,
    ownAccounts: config.actor === undefined ? [] : [config.actor],
    ...(mail ? { mail } : {}),
    ...(backupStore ? { backupStore } : {}),
    auditSink: createCloudLoggingSink(seams.writeAudit ?? writeOut),
    verifyPush: verify,
    forwardedHops: config.forwardedHops,
    times: { ...times, ...seams.times },
  });
  return { plane: running, store, wake, verify };
}

/**
 * Registers the five functions with functions-framework and answers them by name. What is wrong with environment, plane, keys or the
 * choice of providers is thrown here and now, so that a deployment fails instead of its requests.
 */
export function startFunctions(env?: NodeJS.ProcessEnv, seams: Seams = {}): Record<FunctionName, FunctionHandler> {
  const config = parseFunctionsConfig(env);
  const log = seams.log ?? cloudLog;
  const plane = readPlane(config.planeFile, 'name a planes.yaml with PLANES_FILE');
  const composition = compose(config, plane, readMountedKeys(config.keysDir), log, seams);
  const handlers = createFunctions({
    ...{ composition, clock: systemClock, log, requestId: randomUUID, mailDoor: config.mailDoor },
  });
  for (const name of functionNames) http(name, handlers[name]);
  return handlers;
}
