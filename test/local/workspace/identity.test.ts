import { OAuth2Client } from 'google-auth-library';
import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { openWorkspace, transport } from './open-workspace.ts';

const audience = 'add-on.apps.googleusercontent.com';

const verifier = (origin: string) =>
  new OAuth2Client({
    endpoints: { oauth2FederatedSignonPemCertsUrl: `${origin}/google/oauth2/v1/certs` },
    transporterOptions: transport,
  });

test('signs an identity token that google-auth-library accepts', async () => {
  const { workspace, client, origin } = await openWorkspace();
  const { data: alice } = await client.users.get({ userKey: 'alice@acme.test' });
  const ticket = await verifier(origin).verifyIdToken({ idToken: workspace.idToken('Alice@acme.test', audience), audience });
  expect(ticket.getPayload()).toMatchObject({
    iss: 'https://accounts.google.com',
    sub: alice.id,
    email: 'alice@acme.test',
    email_verified: true,
    hd: 'acme.test',
    aud: audience,
    azp: audience,
  });
});

test('gives tokens that fail for another audience, after an hour, and when changed', async () => {
  const { workspace, origin, advance } = await openWorkspace();
  const check = (idToken: string) => verifier(origin).verifyIdToken({ idToken, audience });
  await expect(check(workspace.idToken('alice@acme.test', 'another'))).rejects.toThrow('Wrong recipient');
  const [head, , signature] = workspace.idToken('alice@acme.test', audience).split('.');
  const claims = Buffer.from(JSON.stringify({ sub: '1', aud: audience, iss: 'https://accounts.google.com' })).toString('base64url');
  await expect(check(`${head}.${claims}.${signature}`)).rejects.toThrow('Invalid token signature');
  advance(-2 * 3_600_000);
  await expect(check(workspace.idToken('alice@acme.test', audience))).rejects.toThrow('Token used too late');
});

test('publishes the same key as a JWK', async () => {
  const { workspace, origin } = await openWorkspace();
  const { keys } = (await (await fetch(`${origin}/google/oauth2/v3/certs`)).json()) as {
    keys: (JsonWebKey & { kid: string; alg: string })[];
  };
  const [head = '', claims = '', signature = ''] = workspace.idToken('bob@acme.test', audience).split('.');
  const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string };
  const key = keys.find((each) => each.kid === kid);
  expect(key).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig' });
  const publicKey = createPublicKey({ key: key ?? {}, format: 'jwk' });
  expect(verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
});

test('never answers with the private key', async () => {
  const { origin } = await openWorkspace();
  for (const path of ['v1', 'v3']) {
    const text = await (await fetch(`${origin}/google/oauth2/${path}/certs`)).text();
    expect(text).not.toMatch(/PRIVATE/);
    expect(text).not.toMatch(/"(d|p|q|dp|dq|qi)":/);
  }
});

test('signs nobody in who is unknown, suspended, archived or deleted', async () => {
  const { workspace, client } = await openWorkspace();
  await client.users.update({ userKey: 'alice@acme.test', requestBody: { suspended: true } });
  await client.users.update({ userKey: 'bob@acme.test', requestBody: { archived: true } });
  await client.users.delete({ userKey: 'carol@acme.test' });
  for (const email of ['alice', 'bob', 'carol', 'nobody'])
    expect(() => workspace.idToken(`${email}@acme.test`, audience)).toThrow(/cannot sign in|Not Found/);
});

test('hands out access tokens the way Google’s token endpoint does', async () => {
  const { origin } = await openWorkspace();
  const ask = async (grant: string) => {
    const response = await fetch(`${origin}/google/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: grant, assertion: 'x' }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const first = await ask('urn:ietf:params:oauth:grant-type:jwt-bearer');
  expect(first).toEqual({
    status: 200,
    body: { access_token: expect.stringMatching(/^ya29\./) as string, expires_in: 3599, token_type: 'Bearer' },
  });
  expect((await ask('urn:ietf:params:oauth:grant-type:jwt-bearer')).body).not.toEqual(first.body);
  expect(await ask('password')).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type' } });
});
