import { OAuth2Client, type TokenPayload } from 'google-auth-library';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { Clock } from '../core/surroundings.ts';
import { bearer } from './problems.ts';

export interface WorkloadVerifierOptions {
  /** The one audience that tokens are made for, as it stands in the task, the subscription or the scheduler's job. */
  readonly audience: string;
  /** E-mail addresses of the service accounts that may call. */
  readonly serviceAccounts: readonly string[];
  readonly clock: Clock;
  /** Where Google's signing certificates are, when not at Google. */
  readonly certsUrl?: string;
  readonly fetch?: typeof fetch;
}

/** Callers can make up key ids: certificates are asked for again no more often than this because of one. */
const refreshMs = 60_000;
const mostProven = 100;
const unknownKey = 'No pem found for envelope';
const unreachable = 'Failed to retrieve verification certificates';

/**
 * Proves that Cloud Tasks, Pub/Sub push or Cloud Scheduler sent a request, by the OIDC token that Google signed for the service account
 * it acts as. Answers the account; throws `unauthenticated`, `forbidden` for an account that may not call, `unavailable` without certificates.
 */
export function createWorkloadVerifier(options: WorkloadVerifierOptions) {
  const { audience, serviceAccounts, clock, certsUrl, fetch: fetchImplementation } = options;
  // The library takes an audience that is missing for leave to skip the check.
  if (!audience || serviceAccounts.length === 0 || serviceAccounts.some((account) => !account)) {
    throw new PlaneError('invalid', 'cannot verify callers: no audience or service account is configured; any Google token would pass');
  }
  const endpoints = certsUrl === undefined ? {} : { endpoints: { oauth2FederatedSignonPemCertsUrl: certsUrl } };
  const transport = fetchImplementation === undefined ? {} : { transporterOptions: { fetchImplementation } };
  const createClient = (): OAuth2Client => new OAuth2Client({ ...endpoints, ...transport });
  let client = createClient();
  let refreshedAt = Number.NEGATIVE_INFINITY;

  /** A sender shows one token for up to an hour, and its signature is a third of a millisecond's work each time. */
  const proven = new Map<string, TokenPayload>();

  async function payloadOf(idToken: string): Promise<TokenPayload | undefined> {
    const known = proven.get(idToken);
    if (known && known.exp * 1000 > clock.now()) return known;
    const payload = await verify(idToken);
    if (proven.size >= mostProven) proven.clear();
    if (payload) proven.set(idToken, payload);
    return payload;
  }

  async function verify(idToken: string): Promise<TokenPayload | undefined> {
    const asked = client;
    try {
      return (await asked.verifyIdToken({ idToken, audience })).getPayload();
    } catch (error) {
      if (!toMessage(error).startsWith(unknownKey)) throw error;
      // The library keeps certificates as long as their max-age says, hours, and never asks again for a key it does not know.
      if (asked === client) {
        if (clock.now() - refreshedAt < refreshMs) throw error;
        refreshedAt = clock.now();
        client = createClient();
      }
      return (await client.verifyIdToken({ idToken, audience })).getPayload();
    }
  }

  return async (request: Request): Promise<{ readonly email: string }> => {
    const token = bearer(request);
    if (!token) throw new PlaneError('unauthenticated', 'cannot tell who is calling: the request carries no OIDC token');
    const payload = await payloadOf(token).catch((error: unknown) => {
      // Without its cause: the library puts the whole token into its messages, before or after a colon.
      const fact = toMessage(error).split(':')[0] ?? '';
      if (fact === unreachable) throw new PlaneError('unavailable', 'cannot verify a caller: Google’s certificates cannot be read now');
      throw new PlaneError('unauthenticated', `cannot accept this OIDC token: ${fact}`);
    });
    const { email, email_verified: verified } = payload ?? {};
    if (!email || verified !== true) throw new PlaneError('unauthenticated', 'cannot accept this OIDC token: it names no verified account');
    if (!serviceAccounts.includes(email)) {
      throw new PlaneError('forbidden', `cannot let ${email} call: it is not one of the plane’s own service accounts`);
    }
    return { email };
  };
}
