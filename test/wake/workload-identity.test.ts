import { inspect } from 'node:util';
import { PlaneError } from '../../functions/core/errors.ts';
import { createWorkloadVerifier } from '../../functions/http/workload-identity.ts';
import { createGoogleSigner, createKey } from './google-signer.ts';
import { closeServers, createHandClock } from './loopback.ts';

const audience = 'https://reconcile.acme.test/';
const email = 'invoker@acme-plane.iam.gserviceaccount.com';
const hourMs = 3_600_000;
afterEach(closeServers);

async function openVerifier(limits: { maxAgeSeconds?: number } = {}) {
  const google = await createGoogleSigner(limits);
  const clock = createHandClock();
  const verify = createWorkloadVerifier({ audience, serviceAccounts: [email], clock, certsUrl: google.certsUrl, fetch });
  const call = (authorization?: string) =>
    verify(new Request('http://127.0.0.1/', { method: 'POST', ...(authorization === undefined ? {} : { headers: { authorization } }) }));
  const token = (claims: object = {}, key?: Parameters<typeof google.token>[1]) => google.token({ aud: audience, email, ...claims }, key);
  const refusal = async (bearer: string): Promise<PlaneError> => {
    const error: unknown = await call(`Bearer ${bearer}`).then(
      () => 'accepted',
      (thrown: unknown) => thrown,
    );
    if (error instanceof PlaneError) return error;
    throw new Error(inspect(error));
  };
  return { google, clock, call, token, refusal };
}

describe('who sends tasks, messages and the minute’s sweep', () => {
  it('is the service account that Google signed for', async () => {
    const { call, token, google } = await openVerifier();
    expect(await call(`Bearer ${token()}`)).toEqual({ email });
    expect(await call(`bearer ${token({ iss: 'accounts.google.com' })}`)).toEqual({ email });
    expect(google.asked()).toBe(1);
  });

  it.each([
    ['for another audience', { aud: 'https://elsewhere.test/' }, 'Wrong recipient'],
    ['for no audience', { aud: undefined }, 'Wrong recipient'],
    ['of another issuer', { iss: 'https://issuer.test' }, 'Invalid issuer'],
    ['of an address that is not verified', { email_verified: false }, 'no verified account'],
    ['of an address verified in words alone', { email_verified: 'true' }, 'no verified account'],
    ['without an address', { email: undefined }, 'no verified account'],
    ['that has expired', { iat: 1_700_000_000, exp: 1_700_003_600 }, 'Token used too late'],
    ['from the future', { iat: 4_000_000_000, exp: 4_000_003_600 }, 'Expiration time too far in future'],
  ])('is not whoever shows a token %s', async (_what, claims, fact) => {
    const { refusal, token } = await openVerifier();
    const shown = token(claims);
    const error = await refusal(shown);
    expect([error.code, error.message]).toEqual(['unauthenticated', expect.stringContaining(fact)]);
    expect(inspect(error, { depth: 9 })).not.toContain(shown.split('.')[1]);
  });

  it('is not who signed with a key of their own, changed the claims or sent something else', async () => {
    const { refusal, token, call } = await openVerifier();
    const [head, , signature] = token().split('.');
    const changed = `${head}.${token({ email: 'else@acme.test' }).split('.')[1]}.${signature}`;
    const unsigned = `${Buffer.from('{"alg":"none","kid":"key-0"}').toString('base64url')}.${token().split('.')[1]}.`;
    for (const shown of [token({}, createKey().privateKey), changed, unsigned, 'a.b', 'a.b.c', token().split('.').slice(0, 2).join('.')]) {
      const error = await refusal(shown);
      expect(error.code).toBe('unauthenticated');
      expect(inspect(error, { depth: 9 })).not.toContain(token().split('.')[1]);
    }
    await expect(call()).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(call('Basic YTpi')).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('is forbidden when it is another account', async () => {
    const { refusal, token } = await openVerifier();
    const error = await refusal(token({ email: 'agent-7@acme-plane.iam.gserviceaccount.com' }));
    expect([error.code, error.message]).toEqual(['forbidden', expect.stringContaining('cannot let agent-7@')]);
    expect((await refusal(token({ email: email.toUpperCase() }))).code).toBe('forbidden');
  });

  it('stays known when Google changes keys, though certificates are kept for hours', async () => {
    const { call, token, google } = await openVerifier();
    const before = token();
    await call(`Bearer ${before}`);
    google.rotate();
    const calls = [token(), token(), before, token()].map((each) => call(`Bearer ${each}`));
    expect(await Promise.all(calls)).toEqual(calls.map(() => ({ email })));
    await call(`Bearer ${before}`);
    expect(google.asked()).toBeLessThan(2 + calls.length);
  });

  it('cannot make the plane ask for certificates at will by naming keys that do not exist', async () => {
    const { call, token, refusal, google, clock } = await openVerifier();
    await call(`Bearer ${token()}`);
    const made = `${Buffer.from('{"alg":"RS256","kid":"made-up"}').toString('base64url')}.${token().split('.').slice(1).join('.')}`;
    for (let at = 0; at < 20; at += 1) expect((await refusal(made)).message).toContain('No pem found');
    expect(google.asked()).toBe(2);
    clock.pass(hourMs);
    await refusal(made);
    expect(google.asked()).toBe(3);
  });

  it('is told apart from certificates that cannot be read', async () => {
    const { refusal, token, google, call } = await openVerifier();
    google.reachable(false);
    expect((await refusal(token())).code).toBe('unavailable');
    google.reachable(true);
    expect(await call(`Bearer ${token()}`)).toEqual({ email });
  });

  it.each([[{ audience: '' }], [{ audience: undefined as unknown as string }], [{ serviceAccounts: [] }], [{ serviceAccounts: [''] }]])(
    'has to be configured: refuses %j',
    (part) => {
      const options = { audience, serviceAccounts: [email], clock: createHandClock(), ...part };
      expect(() => createWorkloadVerifier(options)).toThrow('any Google token would pass');
    },
  );
});
