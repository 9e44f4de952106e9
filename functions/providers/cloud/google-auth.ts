import { auth } from '@googleapis/admin';
import { z } from 'zod';
import { PlaneError, toMessage, type ErrorCode } from '../../core/errors.ts';

/*
 * Two ways to reach Google Workspace, neither with a key file:
 *
 * `service-account`  a service account that holds an admin role itself: the runtime's own, or another one whose tokens the
 *                    runtime may create.
 * `delegation`       domain-wide delegation: a service account acts as a user (`subject`). The JWT that asks for this is
 *                    signed by the IAM Credentials API and traded at the token endpoint.
 */

export type GoogleWay =
  | { readonly way: 'service-account'; readonly scopes: readonly string[]; readonly serviceAccount?: string }
  | { readonly way: 'delegation'; readonly scopes: readonly string[]; readonly serviceAccount: string; readonly subject: string };

/** The client brings a google-auth-library of its own version; only callers of that one fit it. */
const { OAuth2, GoogleAuth } = auth;
export type GoogleCaller = InstanceType<typeof OAuth2> | InstanceType<typeof GoogleAuth>;

export interface GoogleAuthSurroundings {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly fetch?: typeof fetch;
  /** An access token of the runtime itself, good for the IAM Credentials API; by default from where the program runs. */
  readonly runtimeToken?: () => Promise<string>;
  readonly iamCredentialsUrl?: string;
  readonly tokenUrl?: string;
}

const cloudPlatform = 'https://www.googleapis.com/auth/cloud-platform';
const tokenAudience = 'https://oauth2.googleapis.com/token';
const lifetimeS = 3_600;
/** A token is replaced when it has less than this left. */
const eagerMs = 5 * 60_000;
/** The refresh is shared by callers with deadlines of their own, so it has one too. */
const refreshTimeoutMs = 10_000;

interface Token {
  readonly access_token: string;
  /** Milliseconds since 1970. */
  readonly expiry_date: number;
}

const errorSchema = z.object({
  error: z.union([z.string(), z.object({ status: z.string().optional(), message: z.string().optional() })]),
  error_description: z.string().optional(),
});

interface Refusal {
  readonly status: number;
  /** Google's word: `unauthorized_client`, `PERMISSION_DENIED`. */
  readonly reason: string;
  readonly message: string;
}

class RefusedError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(`${refusal.status} ${refusal.reason}: ${refusal.message}`);
    this.name = 'RefusedError';
    this.refusal = refusal;
  }
}

function toRefusal(status: number, body: unknown): Refusal {
  const { data } = errorSchema.safeParse(body);
  if (!data) return { status, reason: 'unknown', message: 'no reason given' };
  if (typeof data.error === 'string') return { status, reason: data.error, message: data.error_description ?? 'no reason given' };
  return { status, reason: data.error.status ?? 'unknown', message: data.error.message ?? 'no reason given' };
}

const codeOf = ({ status }: Refusal): ErrorCode => (status === 429 ? 'tooManyRequests' : status >= 500 ? 'unavailable' : 'forbidden');

/** The runtime's own token, from the metadata server or the application default credentials. */
function createRuntimeToken(): () => Promise<string> {
  const runtime = new GoogleAuth({ scopes: [cloudPlatform] });
  return async () => {
    const token = await runtime.getAccessToken();
    if (token) return token;
    throw new PlaneError(
      'unavailable',
      'cannot read the credentials of this runtime: there is no token; run on Google Cloud or log in with gcloud',
    );
  };
}

/** The authority of the plane over Google Workspace; tokens are kept until five minutes before they expire. */
export function createGoogleAuth(way: GoogleWay, surroundings: GoogleAuthSurroundings = {}): GoogleCaller {
  if (way.scopes.length === 0)
    throw new PlaneError('invalid', 'cannot reach Google: no scope is asked for; name those of the scopes table');
  if (way.way === 'service-account' && way.serviceAccount === undefined) return new GoogleAuth({ scopes: [...way.scopes] });

  const {
    now = Date.now,
    fetch: send = fetch,
    runtimeToken = createRuntimeToken(),
    iamCredentialsUrl = 'https://iamcredentials.googleapis.com',
    tokenUrl = tokenAudience,
  } = surroundings;
  const { serviceAccount = '', scopes } = way;
  const acting = way.way === 'delegation' ? `as ${way.subject} through ${serviceAccount}` : `as ${serviceAccount}`;

  async function post<T>(url: string, init: { headers: Record<string, string>; body: string }, schema: z.ZodType<T>): Promise<T> {
    const answer = await send(url, { method: 'POST', ...init, signal: AbortSignal.timeout(refreshTimeoutMs) });
    const body: unknown = await answer.json().catch(() => undefined);
    if (!answer.ok) throw new RefusedError(toRefusal(answer.status, body));
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    throw new RefusedError({ status: 502, reason: 'unknown', message: 'the answer is not of the documented form' });
  }

  async function callIam<T>(verb: 'signJwt' | 'generateAccessToken', body: object, schema: z.ZodType<T>): Promise<T> {
    const url = `${iamCredentialsUrl}/v1/projects/-/serviceAccounts/${encodeURIComponent(serviceAccount)}:${verb}`;
    return explain(
      async () => {
        const headers = { authorization: `Bearer ${await runtimeToken()}`, 'content-type': 'application/json' };
        return post(url, { headers, body: JSON.stringify(body) }, schema);
      },
      ({ status }) =>
        status === 404
          ? `name a service account that exists, not ${serviceAccount}`
          : `enable iamcredentials.googleapis.com and grant the runtime's service account roles/iam.serviceAccountTokenCreator on ${serviceAccount}, on itself where it is the same`,
    );
  }

  /** What Google refuses, with what an administrator can do about it. No token and no signed text is in any of it. */
  async function explain<T>(call: () => Promise<T>, remedyFor: (refusal: Refusal) => string): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof PlaneError) throw error;
      const refusal = error instanceof RefusedError ? error.refusal : undefined;
      const code = refusal ? codeOf(refusal) : 'unavailable';
      const remedy = refusal && code === 'forbidden' ? remedyFor(refusal) : 'it is tried again';
      throw new PlaneError(code, `cannot act ${acting}: ${toMessage(error)}; ${remedy}`, { cause: error });
    }
  }

  async function generateToken(): Promise<Token> {
    const schema = z.object({ accessToken: z.string().min(1), expireTime: z.iso.datetime({ offset: true }) });
    const body = { scope: scopes, lifetime: `${lifetimeS}s` };
    const { accessToken, expireTime } = await callIam('generateAccessToken', body, schema);
    return { access_token: accessToken, expiry_date: Date.parse(expireTime) };
  }

  async function delegatedToken(subject: string): Promise<Token> {
    const issuedAt = Math.floor(now() / 1_000);
    const claims = {
      iss: serviceAccount,
      sub: subject,
      scope: scopes.join(' '),
      aud: tokenAudience,
      iat: issuedAt,
      exp: issuedAt + lifetimeS,
    };
    const { signedJwt } = await callIam('signJwt', { payload: JSON.stringify(claims) }, z.object({ signedJwt: z.string().min(1) }));
    const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: signedJwt });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const schema = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });
    const answer = await explain(
      () => post(tokenUrl, { headers, body: form.toString() }, schema),
      ({ reason }) =>
        reason === 'unauthorized_client' || reason === 'access_denied'
          ? `in the Admin console under Security > API controls > Domain-wide delegation, authorise the numeric client id of ${serviceAccount} ` +
            `(gcloud iam service-accounts describe ${serviceAccount} --format='value(oauth2ClientId)') for exactly these scopes: ${scopes.join(',')}`
          : `check that ${subject} is an active user of the company, and this machine's clock`,
    );
    return { access_token: answer.access_token, expiry_date: now() + answer.expires_in * 1_000 };
  }

  let refreshing: Promise<Token> | undefined;
  const refresh = (): Promise<Token> => {
    refreshing ??= (way.way === 'delegation' ? delegatedToken(way.subject) : generateToken()).finally(() => (refreshing = undefined));
    return refreshing;
  };
  const client = new OAuth2({ eagerRefreshThresholdMillis: eagerMs, transporterOptions: { fetchImplementation: send } });
  client.refreshHandler = refresh;
  return client;
}
