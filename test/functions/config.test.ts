import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFunctionsConfig } from '../../functions/config-functions.ts';
import { openKeys } from '../../functions/keys.ts';
import { readMountedKeys } from '../../functions/mounted-keys.ts';

const env = {
  GOOGLE_CLOUD_PROJECT: 'acme-agents',
  REGION: 'europe-west1',
  PLANES_FILE: '/etc/planes.yaml',
  PUBLIC_URL: 'https://plane.acme.test/',
  WAKE: 'cloud-tasks',
  TASKS_QUEUE: 'hints',
  TASKS_SERVICE_ACCOUNT: 'tasks@acme-agents.iam.gserviceaccount.com',
  WORKLOAD_AUDIENCE: 'https://plane.acme.test',
  WORKLOAD_ACCOUNTS: 'tasks@acme-agents.iam.gserviceaccount.com, scheduler@acme-agents.iam.gserviceaccount.com',
  OAUTH_AUDIENCES: '1.apps.googleusercontent.com',
  KEYS_DIR: '/keys',
  WORKSPACE_ACTOR: 'plane@acme-agents.iam.gserviceaccount.com',
};
const faultsOf = (more: Record<string, string | undefined>): string => {
  try {
    parseFunctionsConfig({ ...env, ...more });
    return '';
  } catch (error) {
    return String(error);
  }
};

describe('the environment of the functions', () => {
  it('is read with its usual values', () => {
    expect(parseFunctionsConfig(env)).toEqual({
      project: 'acme-agents',
      region: 'europe-west1',
      database: '(default)',
      planeFile: '/etc/planes.yaml',
      publicUrl: 'https://plane.acme.test',
      reconcileUrl: 'https://plane.acme.test/reconcile',
      wake: {
        kind: 'cloud-tasks',
        queue: 'projects/acme-agents/locations/europe-west1/queues/hints',
        serviceAccount: 'tasks@acme-agents.iam.gserviceaccount.com',
      },
      workload: {
        audience: 'https://plane.acme.test',
        serviceAccounts: ['tasks@acme-agents.iam.gserviceaccount.com', 'scheduler@acme-agents.iam.gserviceaccount.com'],
      },
      oauthAudiences: ['1.apps.googleusercontent.com'],
      workspace: { way: 'service-account' },
      actor: 'plane@acme-agents.iam.gserviceaccount.com',
      services: [],
      keysDir: '/keys',
      upstream: { maker: 'stand-in' },
      mailDoor: false,
      forwardedHops: 1,
    });
    const delegated = {
      WORKSPACE_WAY: 'delegation',
      WORKSPACE_SERVICE_ACCOUNT: 'a@p.iam.gserviceaccount.com',
      WORKSPACE_SUBJECT: 'admin@acme.test',
    };
    expect(parseFunctionsConfig({ ...env, ...delegated }).workspace).toEqual({
      way: 'delegation',
      serviceAccount: 'a@p.iam.gserviceaccount.com',
      subject: 'admin@acme.test',
    });
    expect(parseFunctionsConfig({ ...env, WAKE: 'pubsub', PUBSUB_TOPIC: 'hints' }).wake).toEqual({
      kind: 'pubsub',
      topic: 'projects/acme-agents/topics/hints',
    });
  });

  it('asks for the account whose own writes it is not to read again', () => {
    expect(faultsOf({ WORKSPACE_ACTOR: undefined })).toContain('WORKSPACE_ACTOR: found nothing');
    const named = { WORKSPACE_ACTOR: undefined, WORKSPACE_SERVICE_ACCOUNT: 'a@p.iam.gserviceaccount.com' };
    expect(parseFunctionsConfig({ ...env, ...named }).actor).toBe('a@p.iam.gserviceaccount.com');
  });

  it('names everything that is missing at once', () => {
    let message = '';
    try {
      parseFunctionsConfig({});
    } catch (error) {
      message = String(error);
    }
    for (const name of [
      'GOOGLE_CLOUD_PROJECT',
      'REGION',
      'PLANES_FILE',
      'PUBLIC_URL',
      'WAKE',
      'WORKLOAD_AUDIENCE',
      'WORKLOAD_ACCOUNTS',
      'OAUTH_AUDIENCES',
      'KEYS_DIR',
    ])
      expect(message).toContain(`${name}: found nothing; allowed: `);
  });

  it.each([
    ['PUBLIC_URL', 'http://plane.acme.test', 'allowed: an https address'],
    ['PUBLIC_URL', 'https://plane.acme.test/?x=1', 'without credentials, query and fragment'],
    ['WAKE', 'carrier pigeon', 'allowed: cloud-tasks, pubsub'],
    ['WORKLOAD_ACCOUNTS', 'everybody', 'e-mail addresses'],
    ['DIRECTORY_ROOT_URL', 'https://directory.elsewhere.test/', 'the loopback address of a Workspace emulator'],
    ['DIRECTORY_ROOT_URL', 'http://127.0.0.1.elsewhere.test/', 'the loopback address of a Workspace emulator'],
    ['FIRESTORE_EMULATOR_HOST', 'firestore.elsewhere.test:443', 'host and port of an emulator on loopback'],
    ['WORKSPACE_WAY', 'delegation', 'WORKSPACE_SUBJECT: found nothing'],
    ['MAIL_DOOR', 'on', 'beside FIRESTORE_EMULATOR_HOST alone'],
  ])('refuses %s=%s', (name, value, allowed) => {
    expect(faultsOf({ [name]: value })).toContain(allowed);
  });

  it('shows no secret in what it says is wrong', () => {
    const message = faultsOf({
      PUBLIC_URL: 'https://me:hunter2@plane.acme.test',
      OPENAI_API_KEY: 'sk-hunter2',
      OPENAI_BASE_URL: 'ftp://x',
    });
    expect(message).toContain('PUBLIC_URL: found a URL with credentials');
    expect(message).toContain('OPENAI_BASE_URL');
    expect(message).not.toContain('hunter2');
  });
});

describe('mounted keys', () => {
  let dir: string;
  beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'mounted-keys-'))));
  afterEach(() => rmSync(dir, { recursive: true }));
  const log = { info: () => undefined, warn: () => undefined };

  it('are those of a folder, or of one folder for each as Cloud Run mounts them, readable by all', () => {
    const keys = openKeys({ dir: join(dir, 'keys'), log });
    const signed = keys.signer.sign('text');
    const check = (): void => {
      const mounted = readMountedKeys(join(dir, 'keys'));
      expect([mounted.dataKey, mounted.publicKeyPem, mounted.tokenKey.mac('x')]).toEqual([
        keys.dataKey,
        keys.publicKeyPem,
        keys.tokenKey.mac('x'),
      ]);
      expect(mounted.backupIdentity).toBe(keys.backupIdentity);
      expect(mounted.signer.verify('text', signed)).toBe(true);
    };
    check();
    for (const name of ['data.key', 'token.key', 'signing.pem', 'backup.key']) {
      const path = join(dir, 'keys', name);
      renameSync(path, join(dir, name));
      mkdirSync(path);
      renameSync(join(dir, name), join(path, name));
      chmodSync(join(path, name), 0o444);
    }
    check();
  });

  it('are never made, and all that is wrong with them is said at once without a byte of them', () => {
    expect(() => readMountedKeys(dir)).toThrow(
      'data.key is missing; token.key is missing; signing.pem is missing; backup.key is missing; mount the keys',
    );
    expect(readdirSync(dir)).toEqual([]);
    writeFileSync(join(dir, 'data.key'), 'hunter2');
    writeFileSync(join(dir, 'token.key'), randomBytes(32));
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(join(dir, 'signing.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    expect(() => readMountedKeys(dir)).toThrow(/data\.key holds 7 bytes instead of 32; signing\.pem is not an Ed25519 key/);
    writeFileSync(join(dir, 'signing.pem'), 'hunter2');
    writeFileSync(join(dir, 'backup.key'), 'hunter2');
    expect(() => readMountedKeys(dir)).toThrow(/signing\.pem is not a private key; backup\.key is not an age identity; mount/);
    expect(() => readMountedKeys(dir)).not.toThrow(/hunter2/);
  });
});
