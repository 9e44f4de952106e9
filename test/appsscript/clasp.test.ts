import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleAddon } from '../../scripts/build-addon.ts';
import { openGoogle } from './google-stand-in.ts';

const scriptId = '1abcdefghijklmnopqrstuvwxyz0123456789';
const deploymentId = 'AKfycbx0123456789';
const secret = 'refresh-token-of-the-robot';
let folder: string;
let google: Awaited<ReturnType<typeof openGoogle>>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clasp-test-'));
  const tokens = { default: { type: 'authorized_user', client_id: 'x', client_secret: 'y', refresh_token: secret } };
  writeFileSync(join(folder, 'clasprc.json'), JSON.stringify({ tokens }));
  writeFileSync(join(folder, 'addon.json'), JSON.stringify({ scriptId, deploymentId, backendUrl: 'https://plane.acme.test' }));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await google.close();
});

/** The very command of `npm run addon:\u2026`, with clasp itself, over a stand-in of Google on loopback. */
async function addon(...args: readonly string[]): Promise<{ code: number | null; said: string }> {
  const hook = join(__dirname, 'to-stand-in.mjs');
  const child = spawn(process.execPath, ['scripts/addon/main.ts', ...args, '--auth', join(folder, 'clasprc.json')], {
    env: { ...process.env, NODE_OPTIONS: `--import ${hook}`, GOOGLE_STAND_IN: google.url, HOME: folder, TMPDIR: folder },
  });
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, said };
}
const config = (): string[] => ['--config', join(folder, 'addon.json')];

describe('clasp, run for real', () => {
  it('pushes Code.js and appsscript.json and nothing else', async () => {
    google = await openGoogle();
    expect(await addon('push', ...config())).toEqual({ code: 0, said: expect.stringContaining(`at script ${scriptId}`) as string });
    const put = google.seen.find(({ call }) => call === `PUT /v1/projects/${scriptId}/content`);
    const { files } = put?.body as { files: { name: string; type: string; source: string }[] };
    expect(files.map(({ name, type }) => [name, type]).toSorted()).toEqual([
      ['Code', 'SERVER_JS'],
      ['appsscript', 'JSON'],
    ]);
    expect(files.find(({ name }) => name === 'Code')?.source).toBe(await bundleAddon());
    const manifest = JSON.parse(files.find(({ name }) => name === 'appsscript')?.source ?? '{}') as object;
    expect(manifest).toMatchObject({ urlFetchWhitelist: ['https://plane.acme.test/'] });
    expect(google.seen.some(({ call }) => call.includes('deployments') || call.includes('versions'))).toBe(false);
    expect(new Set(google.seen.map(({ host }) => host))).toEqual(new Set(['oauth2.googleapis.com', 'script.googleapis.com']));
  }, 60_000);

  it('moves the same deployment to a new version, and leaves nothing behind', async () => {
    google = await openGoogle();
    const { code, said } = await addon('deploy', ...config(), '--description', 'Fall release');
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining(`Deployment ${deploymentId} is at version 7`) as string });
    const calls = google.seen.map(({ call }) => call).filter((call) => call.startsWith('P') && !call.endsWith('/token'));
    expect(calls).toEqual([
      `PUT /v1/projects/${scriptId}/content`,
      `POST /v1/projects/${scriptId}/versions`,
      `PUT /v1/projects/${scriptId}/deployments/${deploymentId}`,
    ]);
    expect(google.seen.at(-1)?.body).toMatchObject({ deploymentConfig: { versionNumber: 7, description: 'Fall release' } });
    expect(readdirSync(folder).filter((name) => name.startsWith('agents-plane-addon-'))).toEqual([]);
  }, 60_000);

  it('says what Google said and what to do, without a secret', async () => {
    google = await openGoogle({ refuse: 'User has not enabled the Apps Script API.' });
    const { code, said } = await addon('push', ...config());
    expect(code).toBe(1);
    expect(said).toMatch(/cannot run clasp push for script .*; sign in with/s);
    expect(said).not.toContain(secret);
  }, 60_000);
});

describe('before clasp', () => {
  it.each([
    [['push'], 'scriptId'],
    [['deploy', '--script-id', scriptId, '--backend-url', 'https://plane.acme.test'], 'no deploymentId is known'],
    [['push', '--script-id', scriptId, '--backend-url', 'http://plane.acme.test'], 'https addresses alone'],
    [['publish'], 'choose push or deploy'],
  ])(
    'refuses %j with a remedy, and calls nobody',
    async (args, words) => {
      google = await openGoogle();
      expect(await addon(...args)).toEqual({ code: 1, said: expect.stringContaining(words) as string });
      expect(google.seen).toEqual([]);
    },
    30_000,
  );
});
