import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { openKeys } from '../../functions/keys.ts';
import { readMountedKeys } from '../../functions/mounted-keys.ts';
import { createDirectory } from '../../functions/providers/cloud/google.ts';
import { createWorkspace } from '../../scripts/local/workspace/index.ts';
import { close, listen, openGateway } from '../functions/gateway.ts';
import { audience, planeText, runner, workloadAudience } from '../functions/world.ts';
import { startFirestore, startPubSub } from './emulators.ts';
import { prepareFolders } from './story-providers.ts';

const root = join(__dirname, '../..');
const node = join(root, 'node_modules/.bin/node');
const framework = join(root, 'node_modules/@google-cloud/functions-framework/build/src/main.js');
const project = 'story';

export async function until<T>(
  what: string,
  withinMs: number,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  const url = await listen(probe);
  await close(probe);
  return Number(new URL(url).port);
}

/** Builds the bundles as `npm run build` does, with the story's own entry. In a process of its own: esbuild refuses jest's realm. */
async function buildBundles(outDir: string): Promise<void> {
  const script =
    `import { buildFunctions } from ${JSON.stringify(join(root, 'scripts/build-functions.ts'))};` +
    `await buildFunctions(${JSON.stringify({ root, outDir, entry: 'test/peers/story-entry.ts' })});`;
  const child = spawn(node, ['--input-type=module', '-e', script], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => void (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`cannot build the bundles: ${output}`);
}

interface Worker {
  readonly name: string;
  readonly url: string;
  readonly child: ChildProcess;
  output: string;
}

/** Google's emulators, a Workspace, and every function as a process of its own behind one address; two of `reconcile`. */
export async function openStory() {
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-story-'));
  const clouds = join(folder, 'clouds');
  const workers: Worker[] = [];
  const closers: (() => Promise<unknown> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  async function destroy(): Promise<void> {
    for (const shut of closers.toReversed()) await shut();
  }

  async function open() {
    prepareFolders(clouds);
    const log = { info: () => undefined, warn: () => undefined };
    openKeys({ dir: join(folder, 'keys'), log });
    writeFileSync(join(folder, 'planes.yaml'), planeText('files'));
    const built = buildBundles(join(folder, 'dist'));
    const [firestore, pubsub] = await Promise.all([startFirestore(), startPubSub()]);
    closers.push(
      () => firestore.stop(),
      () => pubsub.stop(),
    );
    await built;

    const workspace = createWorkspace({ file: ':memory:', domain: 'acme.test', now: () => Date.now() });
    const google = createAdaptorServer({ fetch: (request) => workspace.fetch(request), overrideGlobalObjects: false }) as Server;
    const googleUrl = await listen(google);
    closers.push(
      () => workspace.close(),
      () => close(google),
    );
    const directory = createDirectory({ rootUrl: `${googleUrl}/google/`, fetchImplementation: fetch });

    const names = ['api', 'events', 'model', 'sweep', 'reconcile', 'reconcile'];
    const ports = await Promise.all(names.map(freePort));
    const targets = (wanted: string): string[] => names.flatMap((name, at) => (name === wanted ? [`http://127.0.0.1:${ports[at]}`] : []));
    const authorization = (): string => workspace.serviceToken(runner, workloadAudience);
    const gateway = await openGateway([
      ...['/v1/', '/agent/', '/me/', '/mail/'].map((prefix) => ({ prefix, targets: targets('api') })),
      { prefix: '/events/', targets: targets('events') },
      { prefix: '/model/', targets: targets('model') },
      // Pub/Sub's emulator signs nothing: the tokens that Google puts on come from here.
      { prefix: '/sweep', targets: targets('sweep'), authorization },
      { prefix: '/reconcile', targets: targets('reconcile'), authorization },
    ]);
    closers.push(() => close(gateway.server));

    async function tell(path: string, body: object): Promise<void> {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`http://${pubsub.host}/v1/projects/${project}/${path}`, {
        method: 'PUT',
        headers,
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`Pub/Sub refuses ${path}: ${await answer.text()}`);
    }
    await tell('topics/hints', {});
    await tell('subscriptions/reconcile', {
      topic: `projects/${project}/topics/hints`,
      ackDeadlineSeconds: 120,
      pushConfig: { pushEndpoint: `${gateway.url}/reconcile` },
      retryPolicy: { minimumBackoff: '0s', maximumBackoff: '1s' },
    });

    const env = {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      GOOGLE_CLOUD_PROJECT: project,
      REGION: 'europe-west1',
      PLANES_FILE: join(folder, 'planes.yaml'),
      PUBLIC_URL: gateway.url,
      WAKE: 'pubsub',
      PUBSUB_TOPIC: 'hints',
      WORKLOAD_AUDIENCE: workloadAudience,
      WORKLOAD_ACCOUNTS: runner,
      OAUTH_AUDIENCES: audience,
      DIRECTORY_ROOT_URL: `${googleUrl}/google/`,
      KEYS_DIR: join(folder, 'keys'),
      LOCAL_DIR: clouds,
      MAIL_DOOR: 'on',
      FIRESTORE_EMULATOR_HOST: firestore.host,
      PUBSUB_EMULATOR_HOST: pubsub.host,
    };
    function start(at: number): Worker {
      const name = names[at] ?? '';
      const args = [framework, `--source=${join(folder, 'dist', name)}`, `--target=${name}`, `--port=${ports[at]}`];
      // The framework is installed beside the deployed code, and here beside the repository.
      const child = spawn(node, args, { cwd: folder, env: { ...env, NODE_PATH: join(root, 'node_modules') } });
      const worker: Worker = { name, url: `http://127.0.0.1:${ports[at]}`, child, output: '' };
      const hear = (chunk: Buffer): void => void (worker.output = (worker.output + chunk.toString()).slice(-6_000));
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      closers.push(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await gone;
      });
      return worker;
    }
    const ready = (worker: Worker): Promise<boolean> =>
      until(`${worker.name} to answer`, 30_000, async () => {
        if (worker.child.exitCode !== null) throw new Error(`${worker.name} ended: ${worker.output}`);
        return fetch(`${worker.url}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        );
      });
    workers.push(...names.map((_name, at) => start(at)));
    for (const worker of workers) await ready(worker);
    /** Starts again what was killed, as Cloud Run does. */
    async function revive(): Promise<void> {
      for (const [at, { child }] of workers.entries()) {
        if (child.signalCode === null && child.exitCode === null) continue;
        const worker = start(at);
        workers[at] = worker;
        await ready(worker);
      }
    }

    async function call(method: string, path: string, options: { token?: string; body?: unknown } = {}) {
      const headers = {
        'content-type': 'application/json',
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      };
      const body = options.body === undefined ? {} : { body: JSON.stringify(options.body) };
      const answer = await fetch(gateway.url + path, { method, headers, ...body, signal: AbortSignal.timeout(60_000) });
      const text = await answer.text();
      return { status: answer.status, body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text } };
    }
    return {
      ...{ clouds, directory, workers, call, destroy, revive },
      signer: readMountedKeys(join(folder, 'keys')).signer,
      /** What Cloud Scheduler does each minute. */
      sweep: () => call('POST', '/sweep'),
      asAdmin: (method: string, path: string, body?: unknown) =>
        call(method, path, { token: workspace.idToken('admin@acme.test', audience), ...(body === undefined ? {} : { body }) }),
      outputs: () => workers.map(({ name, child, output }) => `== ${name} ${child.pid}\n${output}`).join('\n'),
    };
  }
  try {
    return await open();
  } catch (error) {
    await destroy();
    throw error;
  }
}
export type Story = Awaited<ReturnType<typeof openStory>>;
