import { homedir, platform } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PlaneError } from './core/errors.ts';
import type { Upstream } from './model/gateway.ts';

export interface Config {
  readonly port: number;
  readonly dataDir: string;
  /** How many people the sample company has. */
  readonly users: number;
  /** A planes.yaml instead of the sample company's. */
  readonly planeFile?: string;
  /** Where OpenClaw is installed once per host. */
  readonly cacheDir: string;
  /** Where keys are kept, apart from the data. */
  readonly keysDir: string;
  /** State that all planes of this host share. */
  readonly hostDir: string;
  readonly upstream: Upstream;
  /** True where each agent has a Unix user of its own. */
  readonly separateUsers: boolean;
}

export const usage = `Usage: npm start -- [--port 8790] [--data .plane] [--users 12] [--config planes.yaml] [--cache DIR]

  --port    the one port of the plane, 1 to 65535
  --data    where the plane keeps its data
  --users   how many people the sample company acme.test has
  --config  a planes.yaml instead of the sample company's
  --cache   where OpenClaw is installed, once for all planes of this machine`;

const options = {
  port: { type: 'string', default: '8790' },
  data: { type: 'string', default: '.plane' },
  users: { type: 'string', default: '12' },
  config: { type: 'string' },
  cache: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

function readNumber(name: string, text: string, from: number, to: number, faults: string[]): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= from && value <= to) return value;
  faults.push(`--${name}: found ${JSON.stringify(text)}; allowed: a whole number from ${from} to ${to}`);
  return from;
}

/** A maker's address as the gateway needs it: its paths begin with /v1 themselves. */
function readBaseUrl(name: string, text: string, faults: string[]): string {
  const url = URL.parse(text);
  const secret = url !== null && (url.username !== '' || url.password !== '');
  if (url && /^https?:$/.test(url.protocol) && !secret && url.search === '' && url.hash === '') {
    return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
  }
  const found = secret ? 'a URL with credentials' : JSON.stringify(text);
  faults.push(`${name}: found ${found}; allowed: an http or https URL without credentials, query and fragment`);
  return '';
}

/** Which maker of models the environment names; without a key, none. */
export function readUpstream(env: NodeJS.ProcessEnv, faults: string[]): Upstream {
  const baseUrl = (name: string, usual: string): string => readBaseUrl(name, env[name] || usual, faults);
  const anthropic = env['ANTHROPIC_API_KEY'];
  if (anthropic) return { maker: 'anthropic', key: anthropic, baseUrl: baseUrl('ANTHROPIC_BASE_URL', 'https://api.anthropic.com') };
  const openai = env['OPENAI_API_KEY'];
  if (openai) return { maker: 'openai', key: openai, baseUrl: baseUrl('OPENAI_BASE_URL', 'https://api.openai.com') };
  return { maker: 'stand-in' };
}

function parse(argv: readonly string[], faults: string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: false }).values;
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
    return parseArgs({ args: [], options }).values;
  }
}

/** Reads flags and environment; all that is wrong comes at once. `undefined` when only help was asked for. */
export function parseConfig(argv: readonly string[] = process.argv.slice(2), env: NodeJS.ProcessEnv = process.env): Config | undefined {
  const faults: string[] = [];
  const values = parse(argv, faults);
  if (values.help) return undefined;
  const port = readNumber('port', values.port, 1, 65_535, faults);
  const users = readNumber('users', values.users, 1, 100_000, faults);
  const upstream = readUpstream(env, faults);
  if (faults.length > 0) throw new PlaneError('invalid', `cannot start: ${faults.join('; ')}\n\n${usage}`);
  const root = process.getuid?.() === 0;
  const home = env['HOME'] ?? homedir();
  const usualCache = root ? '/var/cache/agents-plane' : join(env['XDG_CACHE_HOME'] ?? join(home, '.cache'), 'agents-plane');
  return {
    port,
    users,
    dataDir: resolve(values.data),
    ...(values.config === undefined ? {} : { planeFile: resolve(values.config) }),
    cacheDir: values.cache === undefined ? usualCache : resolve(values.cache),
    keysDir: join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'agents-plane'),
    hostDir: root ? '/var/lib/agents-plane' : join(env['XDG_STATE_HOME'] ?? join(home, '.local', 'state'), 'agents-plane'),
    upstream,
    separateUsers: root && platform() === 'linux',
  };
}
