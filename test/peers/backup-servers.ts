import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Another people's object store in a process of its own, until `stop`. */
export interface ObjectServer {
  /** `http://127.0.0.1:port`. */
  readonly origin: string;
  stop(): Promise<void>;
}

const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'agents-plane');
const installMs = 600_000;
const startMs = 60_000;

/** moto and what its S3 needs, each in one version; wheels alone, so nothing of theirs runs when they are installed. */
const motoPackages = [
  ...['blinker==1.9.0', 'boto3==1.44.5', 'botocore==1.44.5', 'certifi==2026.10.18', 'cffi==2.1.1', 'charset-normalizer==3.5.2'],
  ...['click==8.5.1', 'cryptography==50.0.2', 'flask==3.1.3', 'flask-cors==6.0.5', 'idna==3.20', 'itsdangerous==2.2.0', 'jinja2==3.1.6'],
  ...['jmespath==1.1.0', 'markupsafe==3.0.4', 'moto==5.2.5', 'py-partiql-parser==0.6.3', 'pycparser==3.12'],
  ...['python-dateutil==2.9.0.post0', 'pyyaml==6.0.3', 'requests==2.34.2', 'responses==0.26.3', 's3transfer==0.19.3', 'six==1.17.0'],
  ...['urllib3==2.8.0', 'werkzeug==3.1.9', 'xmltodict==1.0.4'],
];
/** Go's checksum database vouches for what this names. */
const fakeGcs = { module: 'github.com/fsouza/fake-gcs-server', version: 'v1.56.1' };

/** Makes a folder in the cache at once: there all of it or not at all. */
function installOnce(name: string, install: (folder: string) => void): string {
  const folder = join(cache, name);
  const done = join(folder, '.complete');
  if (existsSync(done)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  install(folder);
  writeFileSync(done, '');
  return folder;
}

function installMoto(): string {
  const names = createHash('sha256').update(motoPackages.join('\n')).digest('hex').slice(0, 12);
  const folder = installOnce(`moto-${names}`, (target) => {
    execFileSync('python3', ['-m', 'venv', target], { timeout: installMs, stdio: 'pipe' });
    const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary', ':all:', ...motoPackages];
    execFileSync(join(target, 'bin', 'python'), args, { timeout: installMs, stdio: 'pipe' });
  });
  return join(folder, 'bin', 'python');
}

function installFakeGcs(): string {
  const { module, version } = fakeGcs;
  const folder = installOnce(`fake-gcs-server-${version}`, (target) => {
    const draft = mkdtempSync(join(target, 'build-'));
    const env = { ...process.env, GOBIN: draft, GOFLAGS: '-trimpath' };
    execFileSync('go', ['install', `${module}@${version}`], { cwd: draft, env, timeout: installMs, stdio: 'pipe' });
    renameSync(join(draft, 'fake-gcs-server'), join(target, 'fake-gcs-server'));
    rmSync(draft, { recursive: true });
  });
  return join(folder, 'fake-gcs-server');
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || !address) throw new Error('no free port on 127.0.0.1');
  return address.port;
}

async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

async function start(name: string, file: string, toArgs: (port: number) => readonly string[], path: string): Promise<ObjectServer> {
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(file, toArgs(port), { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const hear = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-4000));
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  let ended = false;
  const gone = new Promise<void>((resolve) => child.once('close', () => ((ended = true), resolve())));
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  async function stop(): Promise<void> {
    kill();
    await gone;
    process.removeListener('exit', kill);
  }
  const end = Date.now() + startMs;
  while (!(await answers(origin + path))) {
    if (!ended && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    await stop();
    throw new Error(`cannot start ${name}: it ${ended ? 'ended by itself' : 'did not answer'}; it said: ${output}`);
  }
  return { origin, stop };
}

/** S3 as moto plays it. */
export const startMoto = (): Promise<ObjectServer> =>
  start('moto', installMoto(), (port) => ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], '/moto-api/');

/** Cloud Storage as fake-gcs-server plays it. */
export const startFakeGcs = (): Promise<ObjectServer> =>
  start(
    'fake-gcs-server',
    installFakeGcs(),
    (port) => [
      '-scheme',
      'http',
      '-host',
      '127.0.0.1',
      '-port',
      String(port),
      '-backend',
      'memory',
      '-external-url',
      `http://127.0.0.1:${port}`,
    ],
    '/storage/v1/b?project=acme',
  );
