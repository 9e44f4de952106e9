import { resolve } from 'node:path';
import { z } from 'zod';
import { readUpstream } from './config.ts';
import { PlaneError } from './core/errors.ts';
import type { Upstream } from './model/gateway.ts';

/** How hints travel: tasks of a queue, or messages of a topic. Both are full resource names. */
export type WakeConfig =
  | { readonly kind: 'cloud-tasks'; readonly queue: string; readonly serviceAccount: string }
  | { readonly kind: 'pubsub'; readonly topic: string };

export type WorkspaceConfig =
  | { readonly way: 'service-account'; readonly serviceAccount?: string }
  | { readonly way: 'delegation'; readonly serviceAccount: string; readonly subject: string }
  /** The Workspace emulator, which asks for no credentials. */
  | { readonly way: 'emulator'; readonly rootUrl: string };

/** What the functions on Google Cloud are told by their environment. */
export interface FunctionsConfig {
  readonly project: string;
  readonly region: string;
  readonly database: string;
  readonly planeFile: string;
  /** The address under which all functions are reached, without a trailing slash. */
  readonly publicUrl: string;
  /** Where hints are delivered. */
  readonly reconcileUrl: string;
  readonly wake: WakeConfig;
  /** Who may call reconcile, sweep and the events of Pub/Sub, and for which audience their tokens are made. */
  readonly workload: { readonly audience: string; readonly serviceAccounts: readonly string[] };
  /** OAuth client ids of the add-on and other callers of the API. */
  readonly oauthAudiences: readonly string[];
  readonly workspace: WorkspaceConfig;
  /** Under whose address the Workspace audit log shows what the plane writes itself. */
  readonly actor?: string;
  /** A JSON file that says how mail travels, and the folder where the passwords it names are mounted. */
  readonly mail?: { readonly file: string; readonly secretsDir: string };
  /** The Google Cloud Storage bucket that keeps backups. */
  readonly backupBucket?: string;
  /** Names and ids under which the Workspace audit log speaks of our app. */
  readonly services: readonly string[];
  readonly keysDir: string;
  readonly upstream: Upstream;
  /** Whether /mail/messages is served: it asks nobody who they are. */
  readonly mailDoor: boolean;
  /** How many proxies of ours add to `X-Forwarded-For`: Google's front end, and a load balancer where there is one. */
  readonly forwardedHops: number;
  /** Where the providers of one host keep their state, for planes that choose `local` or `direct`. */
  readonly localDir?: string;
  /** `127.0.0.1:8080` in place of Google. */
  readonly firestoreEmulator?: string;
  readonly pubsubEmulator?: string;
}

const host = /^(127\.0\.0\.1|localhost|\[::1\]):\d{1,5}$/;
const resource = /^[A-Za-z][\w.~%+-]{0,254}$/;
const email = (text: string): boolean => z.email().safeParse(text).success;
const oneOf = (choices: readonly string[]): string => choices.join(', ');

function isHttp(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username + url.password + url.search + url.hash === '';
}
/** Credentials travel to this address, and agents believe what it answers. */
const isSafeUrl = (text: string): boolean => isHttp(text) && (text.startsWith('https:') || isLoopback(text));
const isLoopback = (text: string): boolean => isHttp(text) && /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?\//.test(`${text}/`);

function createReader(env: NodeJS.ProcessEnv) {
  const faults: string[] = [];
  const shown = (found: string): string =>
    found === '' ? 'nothing' : URL.parse(found)?.password ? 'a URL with credentials' : JSON.stringify(found);
  const fault = (name: string, found: string, allowed: string): void =>
    void faults.push(`${name}: found ${shown(found)}; allowed: ${allowed}`);

  function optional(name: string, allowed: string, fits: (text: string) => boolean): string | undefined {
    const found = (env[name] ?? '').trim();
    if (found === '') return undefined;
    if (!fits(found)) fault(name, found, allowed);
    return found;
  }
  function required(name: string, allowed: string, fits: (text: string) => boolean): string {
    const found = optional(name, allowed, fits);
    if (found === undefined) fault(name, '', allowed);
    return found ?? '';
  }
  function choice<T extends string>(name: string, choices: readonly T[], usual?: T): T | undefined {
    const found = (env[name] ?? '').trim() || (usual ?? '');
    const chosen = choices.find((known) => known === found);
    if (chosen === undefined) fault(name, found, oneOf(choices));
    return chosen;
  }
  function list(name: string, allowed: string, fits: (text: string) => boolean): string[] {
    const found = (env[name] ?? '').trim();
    const items = found.split(',').flatMap((item) => item.trim() || []);
    if (!items.every(fits)) fault(name, found, allowed);
    return items;
  }
  function someOf(name: string, allowed: string, fits: (text: string) => boolean): string[] {
    const items = list(name, allowed, fits);
    if (items.length === 0) fault(name, '', allowed);
    return items;
  }
  return { faults, fault, optional, required, choice, list, someOf };
}
type Reader = ReturnType<typeof createReader>;

function readWake({ choice, required, optional }: Reader, project: string, region: string): WakeConfig {
  const kind = choice('WAKE', ['cloud-tasks', 'pubsub']);
  if (kind === 'pubsub') {
    return {
      kind,
      topic: `projects/${project}/topics/${required('PUBSUB_TOPIC', 'the id of a Pub/Sub topic', (text) => resource.test(text))}`,
    };
  }
  if (kind === undefined) return { kind: 'pubsub', topic: '' };
  const location = optional('TASKS_LOCATION', 'a location such as europe-west1', (text) => /^[a-z0-9-]+$/.test(text)) ?? region;
  const queue = required('TASKS_QUEUE', 'the id of a Cloud Tasks queue', (text) => /^[A-Za-z0-9-]{1,100}$/.test(text));
  const serviceAccount = required('TASKS_SERVICE_ACCOUNT', 'the e-mail address of the service account whose token tasks carry', email);
  return { kind, queue: `projects/${project}/locations/${location}/queues/${queue}`, serviceAccount };
}

function readWorkspace({ choice, required, optional }: Reader): WorkspaceConfig {
  const rootUrl = optional('DIRECTORY_ROOT_URL', 'the loopback address of a Workspace emulator, ending in a slash', isLoopback);
  if (rootUrl !== undefined) return { way: 'emulator', rootUrl: rootUrl.replace(/\/*$/, '/') };
  const way = choice('WORKSPACE_WAY', ['service-account', 'delegation'], 'service-account');
  const address = 'the e-mail address of a service account';
  if (way === 'delegation') {
    const serviceAccount = required('WORKSPACE_SERVICE_ACCOUNT', address, email);
    return { way, serviceAccount, subject: required('WORKSPACE_SUBJECT', 'the e-mail address of the user it acts as', email) };
  }
  const serviceAccount = optional('WORKSPACE_SERVICE_ACCOUNT', `${address}; without it the function's own is used`, email);
  return { way: 'service-account', ...(serviceAccount === undefined ? {} : { serviceAccount }) };
}

/** Reads the environment of the functions; all that is wrong comes at once, and no value of a secret with it. */
export function parseFunctionsConfig(env: NodeJS.ProcessEnv = process.env): FunctionsConfig {
  const reader = createReader(env);
  const { faults, fault, optional, required, choice, list, someOf } = reader;
  const anything = (): boolean => true;
  const project = required('GOOGLE_CLOUD_PROJECT', 'the id of a Google Cloud project', (text) => /^[a-z0-9.:-]{1,63}$/.test(text));
  const region = required('REGION', 'a region such as europe-west1', (text) => /^[a-z0-9-]+$/.test(text));
  const database = optional('FIRESTORE_DATABASE', 'the id of a Firestore database; without it (default)', (text) =>
    /^[a-z(][a-z0-9()-]*$/.test(text),
  );
  const planeFile = required('PLANES_FILE', 'the path of a planes.yaml', anything);
  const address = 'an https address without credentials, query and fragment; http on loopback alone';
  const publicUrl = required('PUBLIC_URL', address, isSafeUrl).replace(/\/+$/, '');
  const reconcileUrl = optional('RECONCILE_URL', address, isSafeUrl) ?? `${publicUrl}/reconcile`;
  const wake = readWake(reader, project, region);
  const accounts = 'e-mail addresses of the service accounts of Cloud Tasks, Cloud Scheduler and Pub/Sub, separated by commas';
  const workload = {
    audience: required('WORKLOAD_AUDIENCE', 'the audience of the tokens of Cloud Tasks, Cloud Scheduler and Pub/Sub', anything),
    serviceAccounts: someOf('WORKLOAD_ACCOUNTS', accounts, email),
  };
  const oauthAudiences = someOf('OAUTH_AUDIENCES', 'OAuth client ids of the add-on, separated by commas', (text) => !/\s/.test(text));
  const workspace = readWorkspace(reader);
  const named =
    workspace.way === 'delegation' ? workspace.subject : workspace.way === 'service-account' ? workspace.serviceAccount : undefined;
  const actor =
    optional('WORKSPACE_ACTOR', 'the e-mail address that the Workspace audit log shows for what the plane writes itself', email) ?? named;
  if (actor === undefined && workspace.way !== 'emulator') {
    fault(
      'WORKSPACE_ACTOR',
      '',
      'the e-mail address of the function\u2019s own service account: without it the plane reads again after each of its own writes',
    );
  }
  const mailFile = optional('MAIL_FILE', 'the path of a JSON file that says how mail travels', anything);
  const mailSecretsDir = optional('MAIL_SECRETS_DIR', 'the folder where the passwords that MAIL_FILE names are mounted', anything);
  const backupBucket = optional('BACKUP_BUCKET', 'the name of a Cloud Storage bucket', (text) =>
    /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/.test(text),
  );
  const services = list('WORKSPACE_SERVICES', 'names or ids of our app in the Workspace audit log, separated by commas', anything);
  const keysDir = required('KEYS_DIR', 'the folder where the keys are mounted', anything);
  const localDir = optional('LOCAL_DIR', 'a folder on the host that all functions run on', anything);
  const emulator = 'host and port of an emulator on loopback, such as 127.0.0.1:8080';
  const firestoreEmulator = optional('FIRESTORE_EMULATOR_HOST', emulator, (text) => host.test(text));
  const pubsubEmulator = optional('PUBSUB_EMULATOR_HOST', emulator, (text) => host.test(text));
  const hops = optional('FORWARDED_HOPS', 'how many proxies add to X-Forwarded-For, 0 to 9; 1 without it', (text) => /^\d$/.test(text));
  const mail = choice('MAIL_DOOR', ['off', 'on'], 'off');
  if (mail === 'on' && firestoreEmulator === undefined) {
    fault('MAIL_DOOR', 'on', 'off; on beside FIRESTORE_EMULATOR_HOST alone, because whoever reaches it reads and sends all mail');
  }
  const upstream = readUpstream(env, faults);
  if (faults.length > 0) throw new PlaneError('invalid', `cannot start: ${faults.join('; ')}`);
  return {
    ...{ project, region, publicUrl, reconcileUrl, wake, workload, oauthAudiences, workspace, services, upstream },
    database: database ?? '(default)',
    planeFile: resolve(planeFile),
    keysDir: resolve(keysDir),
    mailDoor: mail === 'on',
    forwardedHops: Number(hops ?? 1),
    ...(actor === undefined ? {} : { actor }),
    ...(mailFile === undefined ? {} : { mail: { file: resolve(mailFile), secretsDir: resolve(mailSecretsDir ?? keysDir) } }),
    ...(backupBucket === undefined ? {} : { backupBucket }),
    ...(localDir === undefined ? {} : { localDir: resolve(localDir) }),
    ...(firestoreEmulator === undefined ? {} : { firestoreEmulator }),
    ...(pubsubEmulator === undefined ? {} : { pubsubEmulator }),
  };
}
