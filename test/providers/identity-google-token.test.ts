import { inspect } from 'node:util';
import { PlaneError } from '../../functions/core/errors.ts';
import { createDirectory, createReports } from '../../functions/providers/cloud/google.ts';
import { createGoogleWorkspace } from '../../functions/providers/identity/google-workspace.ts';
import { createGoogleSigner, createKey } from '../wake/google-signer.ts';
import { closeServers } from '../wake/loopback.ts';
import { audience, openCtx } from './open-identity.ts';

afterEach(closeServers);

async function openVerifier() {
  const google = await createGoogleSigner();
  const client = { rootUrl: 'http://127.0.0.1:1/', fetchImplementation: fetch };
  const identity = createGoogleWorkspace({
    ...{ directory: createDirectory(client), reports: createReports(client), domain: 'acme.test' },
    ...{ policyGroups: async () => [], audiences: [audience], certsUrl: google.certsUrl, fetch },
  });
  const refusal = async (token: string): Promise<PlaneError> => {
    const error: unknown = await identity.authenticate(token, openCtx()).then(
      () => 'accepted',
      (thrown: unknown) => thrown,
    );
    if (error instanceof PlaneError) return error;
    throw new Error(inspect(error));
  };
  return {
    google,
    refusal,
    token: (claims: object = {}, key?: Parameters<typeof google.token>[1]) => google.token({ aud: audience, ...claims }, key),
  };
}

describe('a Google token', () => {
  it('is told apart from certificates that cannot be read', async () => {
    const { google, refusal, token } = await openVerifier();
    google.reachable(false);
    expect(await refusal(token())).toMatchObject({ code: 'unavailable' });
    google.reachable(true);
    expect(await refusal(token())).toMatchObject({
      code: 'unauthenticated',
      message: expect.stringContaining('verified account') as string,
    });
  });

  it('is in no error, neither whole nor in parts', async () => {
    const { refusal, token } = await openVerifier();
    const [head = '', payload = '', signature = ''] = token().split('.');
    const shown = [
      ...[token({}, createKey().privateKey), token({ aud: 'https://elsewhere.test/' }), token({ iat: 1_700_000_000, exp: 1_700_003_600 })],
      ...[`${head}.${payload}`, `${payload}.${payload}.${signature}`, `${head}.${signature}.${signature}`, `${head}.${payload}.${head}`],
    ];
    for (const each of shown) {
      const error = await refusal(each);
      expect(error.code).toBe('unauthenticated');
      const told = inspect(error, { depth: 9 });
      for (const part of each.split('.')) expect(told).not.toContain(part);
    }
  });
});
