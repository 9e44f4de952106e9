import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { buildAddon, bundleAddon } from '../../scripts/build-addon.ts';
import { answerHomepage } from '../../appsscript/dispatch.ts';
import { click, createHost, readManifest, working } from './sandbox.ts';

const namesIn = (value: unknown, key: string): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([name, inner]) => (name === key && typeof inner === 'string' ? [inner] : namesIn(inner, key)));

describe('the bundle', () => {
  let code: string;
  beforeAll(async () => {
    code = await bundleAddon();
  });

  it('loads where only JavaScript itself exists', () => {
    const context = createContext({});
    runInContext(code, context);
    expect(runInContext('typeof onHomepage + typeof onAction', context)).toBe('functionfunction');
  });

  it('has a top-level function for every name in the manifest and on cards', async () => {
    const { host } = createHost(working(500));
    const shown = [answerHomepage(host), click(host, 'home', { cursor: '20', back: '[""]' }), click(host, 'openUser', { user: '1007' })];
    const asked = [...namesIn(JSON.parse(await readManifest()), 'runFunction'), ...namesIn(shown, 'function')];
    const context = createContext({});
    runInContext(code, context);
    expect([...new Set(asked)].toSorted()).toEqual(['onAction', 'onHomepage']);
    for (const name of asked) expect(runInContext(`typeof ${name}`, context)).toBe('function');
  });

  it('carries no zod and stays small', () => {
    expect(code).not.toMatch(/zod|ZodType|_zod/);
    expect(Buffer.byteLength(code)).toBeLessThan(150 * 1024);
  });

  it('parses as Apps Script wants it: no modules, no private fields, no static blocks', () => {
    expect(code).not.toMatch(/^\s*(?:import|export)\b/m);
    expect(code).not.toMatch(/\bstatic\s|this\.#/);
  });
});

describe('building', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'addon-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('writes Code.js and appsscript.json, and nothing else', async () => {
    const { code, manifest } = await buildAddon({ outDir: folder, backendUrl: 'https://plane.acme.test/api' });
    expect((await readdir(folder)).toSorted()).toEqual(['Code.js', 'appsscript.json']);
    expect(await readFile(join(folder, 'Code.js'), 'utf8')).toBe(code);
    expect(JSON.parse(await readFile(join(folder, 'appsscript.json'), 'utf8'))).toEqual(manifest);
  });

  it('lets the add-on fetch from the plane alone', async () => {
    const { manifest } = await buildAddon({ outDir: folder, backendUrl: 'https://plane.acme.test' });
    expect(manifest).toHaveProperty('urlFetchWhitelist', ['https://plane.acme.test/']);
  });

  it('refuses an address that Apps Script could not fetch', async () => {
    await expect(buildAddon({ outDir: folder, backendUrl: 'http://plane.acme.test' })).rejects.toThrow('give the https address');
  });

  it('asks for no scope beyond knowing who clicks, calling the plane and showing in its hosts', async () => {
    const manifest = JSON.parse(await readManifest()) as { oauthScopes: string[] };
    expect(manifest.oauthScopes.map((scope) => scope.split('/').at(-1))).toEqual([
      'openid',
      'userinfo.email',
      'script.external_request',
      'script.locale',
      'gmail.addons.execute',
      'calendar.addons.execute',
      'drive.addons.metadata.readonly',
    ]);
  });
});
