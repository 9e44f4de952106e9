import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { listen } from './loopback.ts';

export interface GoogleSigner {
  readonly certsUrl: string;
  /** How often certificates were asked for. */
  asked(): number;
  /** Publishes another key beside the former ones; new tokens are signed with it. */
  rotate(): void;
  /** Makes the certificates unreachable, or reachable again. */
  reachable(state: boolean): void;
  /** An OIDC token as Google makes them for service accounts; `undefined` leaves a claim out. */
  readonly token: (claims: Readonly<Record<string, unknown>>, key?: KeyObject) => string;
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
export const createKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 });

/** Stands where Google signs OIDC tokens, with keys that live as long as the test. */
export async function createGoogleSigner({ maxAgeSeconds = 20_000 } = {}): Promise<GoogleSigner> {
  const keys = [createKey()];
  let [asked, reachable] = [0, true];
  const origin = await listen(async () => {
    asked += 1;
    if (!reachable) return new Response('no', { status: 404 });
    const certs = keys.map(({ publicKey }, at) => [`key-${at}`, publicKey.export({ type: 'spki', format: 'pem' })] as const);
    return Response.json(Object.fromEntries(certs), { headers: { 'cache-control': `public, max-age=${maxAgeSeconds}, must-revalidate` } });
  });
  return {
    certsUrl: `${origin}/oauth2/v1/certs`,
    asked: () => asked,
    rotate: () => void keys.push(createKey()),
    reachable: (state) => void (reachable = state),
    token(claims, key = keys.at(-1)?.privateKey) {
      const now = Math.floor(Date.now() / 1000);
      const payload = { iss: 'https://accounts.google.com', sub: '104', azp: '104', iat: now, exp: now + 3600, email_verified: true };
      const signed = `${encode({ alg: 'RS256', kid: `key-${keys.length - 1}`, typ: 'JWT' })}.${encode({ ...payload, ...claims })}`;
      if (!key) throw new Error('there is no key');
      return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')}`;
    },
  };
}
