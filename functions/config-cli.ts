import { homedir } from 'node:os';
import { join } from 'node:path';

/** What the command line takes from the environment. */
export interface CliConfig {
  /** Where `planes connect` keeps the planes it was shown. */
  readonly contextsDir: string;
  /** Instead of any context, for scripts: an address and a token. */
  readonly url?: string;
  readonly token?: string;
  /** The plane that is meant where a command names none. */
  readonly plane?: string;
  readonly colors: boolean;
}

/** https://no-color.org: any value but the empty one. */
export function readCliConfig(env: NodeJS.ProcessEnv = process.env): CliConfig {
  const [url, token, plane] = [env['PLANES_URL'], env['PLANES_TOKEN'], env['PLANES_PLANE']];
  return {
    contextsDir: join(env['XDG_CONFIG_HOME'] || join(env['HOME'] ?? homedir(), '.config'), 'agents-plane-cli'),
    ...(url ? { url } : {}),
    ...(token ? { token } : {}),
    ...(plane ? { plane } : {}),
    colors: !env['NO_COLOR'] && env['TERM'] !== 'dumb',
  };
}
