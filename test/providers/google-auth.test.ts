import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createGoogleAuth, type GoogleWay } from '../../functions/providers/cloud/google-auth.ts';
import { createDirectory, createReports } from '../../functions/providers/cloud/google.ts';
import { createGoogleWorkspace } from '../../functions/providers/identity/google-workspace.ts';
import { onClose } from '../local/workspace/open-workspace.ts';
import { openCtx, openLoopback, type Answer, type Received } from './open-identity.ts';

const serviceAccount = 'plane@acme.iam.gserviceaccount.com';
const scopes = ['https://www.googleapis.com/auth/admin.directory.user', 'https://www.googleapis.com/auth/admin.reports.audit.readonly'];
const delegation: GoogleWay = { way: 'delegation', serviceAccount, subject: 'admin@acme.test', scopes };
const impersonation: GoogleWay = { way: 'service-account', serviceAccount, scopes };
const iamPath = `/v1/projects/-/serviceAccounts/${encodeURIComponent(serviceAccount)}`;

/** IAM Credentials, token endpoint and Directory on one loopback; `answers` replaces what a path says. */
async function openGoogle(answers: Record<string, Answer> = {}) {
  let tokens = 0;
  const jwt = 'signed.by.google';
  const usual = ({ url }: Received): Answer => {
    if (url === `${iamPath}:signJwt`) return { body: { keyId: 'k', signedJwt: jwt } };
    if (url === `${iamPath}:generateAccessToken`)
      return { body: { accessToken: `ya29.made${(tokens += 1)}`, expireTime: new Date(Date.now() + 3_600_000).toISOString() } };
    if (url === '/token') return { body: { access_token: `ya29.traded${(tokens += 1)}`, expires_in: 3_599, token_type: 'Bearer' } };
    return { body: { id: '1', primaryEmail: 'bob@acme.test', suspended: true } };
  };
  const { url, received } = await openLoopback((request) => answers[request.url.split('?')[0] ?? ''] ?? usual(request));
  const surroundings = {
    ...{ fetch, runtimeToken: async () => 'runtime-token', iamCredentialsUrl: url, tokenUrl: `${url}/token` },
  };
  const open = (way: GoogleWay, more: object = {}) => {
    const client = { rootUrl: `${url}/`, fetchImplementation: fetch, auth: createGoogleAuth(way, { ...surroundings, ...more }) };
    return createGoogleWorkspace({
      ...{ directory: createDirectory(client), reports: createReports(client), domain: 'acme.test' },
      ...{ policyGroups: async () => [], audiences: ['a'] },
    });
  };
  const to = (path: string) => received.filter((request) => request.url.startsWith(path));
  return { open, to, jwt };
}

describe('domain-wide delegation without a key (REQ-ID-05, REQ-WSEC-01)', () => {
  it('has Google sign who it acts for and with which scopes, trades that for a token and calls with it', async () => {
    const { open, to, jwt } = await openGoogle();
    const now = () => 1_700_000_000_500;
    await open(delegation, { now }).resolveUser('bob@acme.test', openCtx());
    const [signing] = to(iamPath);
    expect(signing).toMatchObject({ method: 'POST', url: `${iamPath}:signJwt`, headers: { authorization: 'Bearer runtime-token' } });
    const { payload } = JSON.parse(signing?.body ?? '') as { payload: string };
    expect(JSON.parse(payload)).toEqual({
      iss: serviceAccount,
      sub: 'admin@acme.test',
      scope: scopes.join(' '),
      aud: 'https://oauth2.googleapis.com/token',
      iat: 1_700_000_000,
      exp: 1_700_003_600,
    });
    const [trade] = to('/token');
    expect(trade).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    expect(Object.fromEntries(new URLSearchParams(trade?.body))).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: jwt,
    });
    expect(trade?.headers.authorization).toBeUndefined();
    expect(to('/admin')[0]?.headers.authorization).toBe('Bearer ya29.traded1');
  });

  it('shares one token among callers and keeps it until five minutes before its end', async () => {
    const { open, to } = await openGoogle();
    const identity = open(delegation);
    await Promise.all(Array.from({ length: 8 }, () => identity.resolveUser('bob@acme.test', openCtx())));
    await identity.resolveUser('bob@acme.test', openCtx());
    expect(to('/token')).toHaveLength(1);
    expect(to('/admin')).toHaveLength(9);
  });

  it('fetches another token once less than five minutes are left', async () => {
    const { open, to } = await openGoogle({ '/token': { body: { access_token: 'ya29.short', expires_in: 299 } } });
    const identity = open(delegation);
    await identity.resolveUser('bob@acme.test', openCtx());
    await identity.resolveUser('bob@acme.test', openCtx());
    expect(to('/token')).toHaveLength(2);
  });

  const refused = async (way: GoogleWay, path: string, answer: Answer) => {
    const { open, jwt } = await openGoogle({ [path]: answer });
    const identity = open(way);
    const error: unknown = await identity.resolveUser('bob@acme.test', openCtx()).catch((thrown: unknown) => thrown);
    for (const secret of [jwt, 'runtime-token', 'ya29'])
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(secret);
    return error;
  };
  const saying = (text: string) => expect.stringContaining(text) as string;

  it.each([
    [
      'Google does not sign for it',
      `${iamPath}:signJwt`,
      { status: 403, body: { error: { code: 403, message: 'Permission denied', status: 'PERMISSION_DENIED' } } },
      { code: 'forbidden', message: saying(`roles/iam.serviceAccountTokenCreator on ${serviceAccount}`) },
    ],
    [
      'the service account is not there',
      `${iamPath}:signJwt`,
      { status: 404, body: { error: { code: 404, message: 'Not found', status: 'NOT_FOUND' } } },
      { code: 'forbidden', message: saying(`name a service account that exists, not ${serviceAccount}`) },
    ],
    [
      'nobody authorised its scopes',
      '/token',
      { status: 401, body: { error: 'unauthorized_client', error_description: 'Client is unauthorized' } },
      { code: 'forbidden', message: saying(`authorise the numeric client id of ${serviceAccount}`) },
    ],
    [
      'the user it acts for is no user',
      '/token',
      { status: 400, body: { error: 'invalid_grant', error_description: 'Invalid email or User ID' } },
      { code: 'forbidden', message: saying('check that admin@acme.test is an active user') },
    ],
    ['Google is down', '/token', { status: 503, body: {} }, { code: 'unavailable', message: saying('it is tried again') }],
    [
      'the answer holds no token',
      '/token',
      { body: { token_type: 'Bearer' } },
      { code: 'unavailable', message: saying('documented form') },
    ],
  ])('says what to do when %s, and no secret', async (_, path, answer, wanted) => {
    expect(await refused(delegation, path, answer)).toMatchObject(wanted);
  });

  it('names every scope to authorise', async () => {
    const answer = { status: 401, body: { error: 'unauthorized_client' } };
    expect(await refused(delegation, '/token', answer)).toMatchObject({ message: saying(scopes.join(',')) });
  });
});

describe('a service account that is an admin itself', () => {
  it('gets a token of another service account for exactly these scopes', async () => {
    const { open, to } = await openGoogle();
    await open(impersonation).resolveUser('bob@acme.test', openCtx());
    const [request] = to(iamPath);
    expect(request).toMatchObject({ url: `${iamPath}:generateAccessToken`, headers: { authorization: 'Bearer runtime-token' } });
    expect(JSON.parse(request?.body ?? '')).toEqual({ scope: scopes, lifetime: '3600s' });
    expect(to('/admin')[0]?.headers.authorization).toBe('Bearer ya29.made1');
  });

  it('uses the runtime\u2019s own credentials from the metadata server, with these scopes', async () => {
    const { url, received } = await openLoopback(({ url: path }) => ({
      headers: { 'metadata-flavor': 'Google' },
      body: path.includes('/token') ? { access_token: 'ya29.metadata', expires_in: 3_600, token_type: 'Bearer' } : 'googleapis.com',
    }));
    const home = mkdtempSync(join(tmpdir(), 'agents-plane-auth-'));
    onClose(() => rmSync(home, { recursive: true }));
    const program = `import { createGoogleAuth } from '${join(__dirname, '../../functions/providers/cloud/google-auth.ts')}';
      console.log(await createGoogleAuth({ way: 'service-account', scopes: ${JSON.stringify(scopes)} }).getAccessToken());`;
    const env = { HOME: home, GCE_METADATA_HOST: new URL(url).host, METADATA_SERVER_DETECTION: 'assume-present' };
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { env });
    expect(stdout.trim()).toBe('ya29.metadata');
    const asked = received.map(({ url: path }) => path).find((path) => path.includes('/token')) ?? '';
    expect(new URL(asked, url).searchParams.get('scopes')).toBe(scopes.join(','));
  });

  it('asks for some scope', () => {
    expect(() => createGoogleAuth({ way: 'service-account', scopes: [] })).toThrow(/no scope is asked for/);
  });
});
