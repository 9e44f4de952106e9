import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { Hono } from 'hono';
import { z } from 'zod';
import { digest } from './answers.ts';
import type { Callers } from './callers.ts';
import type { Database } from './database.ts';
import { toUserId } from './ids.ts';
import { getUser } from './user-records.ts';

export interface Identity {
  /** Google's OAuth and OIDC endpoints. */
  readonly routes: Hono;
  idToken(email: string, audience: string): string;
  /** An ID token of a service account, as Pub/Sub, Scheduler and Tasks send it. */
  serviceToken(email: string, audience: string): string;
}

export interface IdentityDeps {
  readonly database: Database;
  readonly domain: string;
  readonly callers: Callers;
  readonly now: () => number;
  readonly random: (size: number) => Uint8Array;
}

/** How long a service's token is sent again, in milliseconds. */
const keptMs = 60_000;
const lifetimeS = 3_600;
const grantTypes = ['urn:ietf:params:oauth:grant-type:jwt-bearer', 'refresh_token', 'client_credentials'];

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The private key is written once to the emulator's file and read by the signer below alone. */
function loadKey(database: Database) {
  database.transaction(() => {
    if (database.one('SELECT 1 FROM settings WHERE name = ?', 'signingKey')) return;
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    database.run('INSERT INTO settings (name, value) VALUES (?, ?)', 'signingKey', String(pem));
  });
  const pem = database.one<{ value: string }>('SELECT value FROM settings WHERE name = ?', 'signingKey')?.value ?? '';
  const publicKey = createPublicKey(pem);
  const publicPem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  return { privateKey: createPrivateKey(pem), publicKey, publicPem, kid: digest(publicPem) };
}

export function createIdentity({ database, domain, callers, now, random }: IdentityDeps): Identity {
  const { privateKey, publicKey, publicPem, kid } = loadKey(database);

  const routes = new Hono();
  routes.use('/oauth2/*', async (c, next) => {
    await next();
    c.header('cache-control', 'public, max-age=60');
  });
  // Google sends certificates; google-auth-library takes whatever Node's verifier takes, so a public key is enough.
  routes.get('/oauth2/v1/certs', (c) => c.json({ [kid]: publicPem }));
  routes.get('/oauth2/v3/certs', (c) => c.json({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }] }));
  routes.post('/token', async (c) => {
    const form = new URLSearchParams(await c.req.text());
    if (!grantTypes.includes(form.get('grant_type') ?? ''))
      return c.json({ error: 'unsupported_grant_type', error_description: `Invalid grant_type: ${form.get('grant_type')}` }, 400);
    const accessToken = `ya29.${Buffer.from(random(32)).toString('base64url')}`;
    const email = subjectOf(form.get('assertion') ?? '');
    if (email !== undefined) callers.remember(accessToken, email);
    return c.json({ access_token: accessToken, expires_in: lifetimeS - 1, token_type: 'Bearer' });
  });

  const toToken = (claims: Record<string, unknown>, audience: string): string => {
    const iat = Math.floor(now() / 1000);
    const all = { iss: 'https://accounts.google.com', aud: audience, ...claims, email_verified: true, iat, exp: iat + lifetimeS };
    const signed = `${encode({ alg: 'RS256', kid, typ: 'JWT' })}.${encode(all)}`;
    return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), privateKey).toString('base64url')}`;
  };

  /** Pub/Sub pushes with tokens that are up to an hour old. */
  const kept = new Map<string, { readonly token: string; readonly madeAt: number }>();
  const serviceToken = (email: string, audience: string): string => {
    const key = `${email} ${audience}`;
    const known = kept.get(key);
    if (known && Math.abs(now() - known.madeAt) < keptMs) return known.token;
    const token = toToken({ azp: toUserId(email), sub: toUserId(email), email }, audience);
    kept.set(key, { token, madeAt: now() });
    return token;
  };

  return {
    routes,
    serviceToken,
    idToken(email, audience) {
      const user = getUser(database, email);
      if (user.suspended === 1 || user.archived === 1) throw new Error(`cannot sign in ${email}: the account is suspended or archived`);
      return toToken({ azp: audience, sub: user.id, hd: domain, email: user.email }, audience);
    },
  };
}

const claimsSchema = z.object({ sub: z.email().optional(), iss: z.email().optional() });

/** For whom a JWT of domain-wide delegation asks; its signature is not looked at, as the emulator refuses nobody. */
function subjectOf(assertion: string): string | undefined {
  try {
    const { sub, iss } = claimsSchema.parse(JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()));
    return sub ?? iss;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}
