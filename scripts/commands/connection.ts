import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import { ensureFolder, readIfPresent, writeFileAtomic } from '../../functions/files.ts';
import { readEndpoint, type Endpoint } from '../client.ts';
import type { Surroundings } from './surroundings.ts';

const contextSchema = z.strictObject({
  url: z.url(),
  /** A line of shell that writes a Google ID token. */
  tokenCommand: z.string().min(1),
  plane: z.string().optional(),
});
const contextsSchema = z.strictObject({ current: z.string().nullable(), contexts: z.record(z.string(), contextSchema) });
export type Context = z.infer<typeof contextSchema>;
export type Contexts = z.infer<typeof contextsSchema>;

const fileOf = ({ config }: Surroundings): string => join(config.contextsDir, 'contexts.json');

export function readContexts(surroundings: Surroundings): Contexts {
  const file = fileOf(surroundings);
  const found = readIfPresent(file);
  if (!found) return { current: null, contexts: {} };
  try {
    return contextsSchema.parse(JSON.parse(found.toString()));
  } catch (cause) {
    throw new PlaneError('invalid', `cannot read ${file}: ${toMessage(cause)}; mend it, or delete it and run \`planes connect\``, {
      cause,
    });
  }
}

export function writeContexts(contexts: Contexts, surroundings: Surroundings): void {
  ensureFolder(surroundings.config.contextsDir);
  const file = fileOf(surroundings);
  writeFileAtomic(file, `${JSON.stringify(contexts, null, 2)}\n`, 0o600);
  chmodSync(file, 0o600);
}

const jwtSchema = z.object({ exp: z.number() });
/** When an ID token ends, in milliseconds; 0 where it does not say. */
function endOf(token: string): number {
  try {
    return jwtSchema.parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).exp * 1000;
  } catch {
    return 0;
  }
}

const marginMs = 120_000;
const tokensSchema = z.record(z.string(), z.string());

/** An ID token lasts an hour, and gcloud takes a second for one: it is kept, for its owner alone, as long as it lasts. */
export async function mintToken({ url, tokenCommand }: Context, surroundings: Surroundings): Promise<string> {
  const file = join(surroundings.config.contextsDir, 'tokens.json');
  const parsed = tokensSchema.safeParse(JSON.parse(readIfPresent(file)?.toString() || '{}'));
  const kept = parsed.success ? parsed.data : {};
  const key = `${url} ${tokenCommand}`;
  const found = kept[key];
  if (found !== undefined && endOf(found) - marginMs > surroundings.now()) return found;
  let token: string;
  try {
    token = (await surroundings.shell(tokenCommand)).trim();
  } catch (cause) {
    const said = toMessage(cause).split('\n').slice(0, 3).join(' ');
    throw new PlaneError('unauthenticated', `cannot get a token for ${url}: \`${tokenCommand}\` failed: ${said}`, { cause });
  }
  if (token === '') throw new PlaneError('unauthenticated', `cannot get a token for ${url}: \`${tokenCommand}\` wrote nothing`);
  if (endOf(token) > surroundings.now()) {
    const living = Object.entries(kept).filter(([, one]) => endOf(one) > surroundings.now());
    ensureFolder(surroundings.config.contextsDir);
    writeFileAtomic(file, JSON.stringify({ ...Object.fromEntries(living), [key]: token }), 0o600);
  }
  return token;
}

export interface Chosen {
  readonly endpoint: Endpoint;
  /** The plane that is meant where none is named. */
  readonly plane?: string;
}

/** Which plane to talk to: what is named on the line, then the environment, then the current context, then the one in `.plane`. */
export async function choose(said: { context?: string; data?: string }, surroundings: Surroundings): Promise<Chosen> {
  const { config } = surroundings;
  const plane = config.plane === undefined ? {} : { plane: config.plane };
  if (said.data !== undefined) return { endpoint: readEndpoint(said.data), ...plane };
  if (said.context === undefined && config.url !== undefined) {
    if (config.token === undefined) throw new PlaneError('unauthenticated', 'cannot sign in: PLANES_URL is set, PLANES_TOKEN is not');
    return { endpoint: { url: config.url, token: config.token }, ...plane };
  }
  const { current, contexts } = readContexts(surroundings);
  const name = said.context ?? current;
  if (name === null) return { endpoint: readEndpoint('.plane'), ...plane };
  const context = contexts[name];
  if (!context) throw new PlaneError('notFound', `cannot find context ${name}; \`planes connect --list\` shows those there are`);
  const own = plane.plane ?? context.plane;
  return { endpoint: { url: context.url, token: await mintToken(context, surroundings) }, ...(own === undefined ? {} : { plane: own }) };
}
