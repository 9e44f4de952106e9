import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { buildAddon, bundleAddon } from '../../scripts/build-addon.ts';
import { scopes, services } from '../../scripts/addon/scopes.ts';
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
    const shown = [answerHomepage(host, {}), click(host, 'openUser', { user: '1007' }), click(host, 'openCosts', {})];
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

  it('lets the add-on fetch from the plane alone, and open links to it alone', async () => {
    const { manifest } = await buildAddon({ outDir: folder, backendUrl: 'https://plane.acme.test' });
    expect(manifest).toHaveProperty('urlFetchWhitelist', ['https://plane.acme.test/']);
    expect(manifest).toHaveProperty('addOns.common.openLinkUrlPrefixes', ['https://plane.acme.test/']);
    expect(manifest).toHaveProperty('addOns.common.homepageTrigger.runFunction', 'onHomepage');
  });

  it('refuses an address that Apps Script could not fetch', async () => {
    await expect(buildAddon({ outDir: folder, backendUrl: 'http://plane.acme.test' })).rejects.toThrow('give the https address');
  });
});

describe('permissions (REQ-WSEC-07)', () => {
  let code: string;
  let manifest: { oauthScopes: string[]; urlFetchWhitelist?: string[]; addOns: object };
  beforeAll(async () => {
    code = await bundleAddon();
    manifest = JSON.parse(await readManifest()) as typeof manifest;
  });

  it('are those that the table justifies, no more and no less', () => {
    expect(manifest.oauthScopes).toEqual(Object.keys(scopes));
    for (const { why } of Object.values(scopes)) expect(why.length).toBeGreaterThan(20);
  });

  it.each(Object.entries(scopes))('%s is used', (_scope, { usedBy }) => {
    if ('code' in usedBy) expect(code).toMatch(usedBy.code);
    else expect(JSON.stringify(manifest)).toMatch(usedBy.manifest);
  });

  it('cover every service of Apps Script that the bundle touches', () => {
    const used = new Set(code.match(/\b[A-Z][A-Za-z]*(?:App|Service|Session|Directory)\b(?=\.|,|\)|\n)/g));
    for (const name of ['Session', 'Utilities', 'Logger', 'AdminDirectory']) if (new RegExp(`\\b${name}\\.`).test(code)) used.add(name);
    expect([...used].toSorted()).toEqual(Object.keys(services));
    for (const scope of Object.values(services)) if (scope !== undefined) expect(manifest.oauthScopes).toContain(scope);
  });

  it('hand out an identity token alone, never an access token, and read nothing of a mailbox or a file', () => {
    expect(code).not.toMatch(/getOAuthToken|GmailApp|DriveApp|CalendarApp|AdminDirectory|DocumentApp|SpreadsheetApp/);
    expect(manifest.oauthScopes.filter((scope) => /admin\.directory|gmail\.(?!addons\.execute)|drive$|cloud-platform/.test(scope))).toEqual(
      [],
    );
  });
});

describe('what is fetched and opened', () => {
  it('lies on the list of addresses that the manifest allows, for every action', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'addon-'));
    const { manifest } = await buildAddon({ outDir: folder, backendUrl: 'https://plane.acme.test' });
    await rm(folder, { recursive: true });
    const { urlFetchWhitelist = [], addOns } = manifest as {
      urlFetchWhitelist?: string[];
      addOns: { common: { openLinkUrlPrefixes: string[] } };
    };
    const { host, sent } = createHost(working(30));
    const cards = (['openBulk', 'openCosts', 'openPolicies', 'openApprovals', 'openAudit', 'openSettings'] as const).map((name) =>
      click(host, name, {}),
    );
    const link = click(host, 'downloadCosts', { by: 'ou', period: '30d' }).action.link?.url ?? '';
    expect(sent.length).toBeGreaterThan(15);
    for (const { url } of sent) expect(urlFetchWhitelist.some((prefix) => url.startsWith(prefix))).toBe(true);
    for (const url of [link, ...namesIn(cards, 'url')])
      expect(addOns.common.openLinkUrlPrefixes.some((prefix) => url.startsWith(prefix))).toBe(true);
  });
});
