import { tools } from '../../shared/agent.ts';
import { toConfig } from '../../scripts/sidecar/openclaw-config.ts';
import { grants, toToolPolicy } from '../../scripts/sidecar/tool-policy.ts';
import { assignment } from './machine-bench.ts';

const make = (more: Partial<typeof assignment> = {}) =>
  toConfig({ assignment: { ...assignment, ...more, version: 'v1' }, folder: '/m', plugin: '/m/plugin', port: 20_001 });

describe('the tool policy', () => {
  it.each(tools.map((tool) => [tool]))('gives %s what the table says, and denies nothing of it', (tool) => {
    const { alsoAllow, deny } = toToolPolicy([tool]);
    for (const name of grants[tool].allow) {
      expect(alsoAllow).toContain(name);
      expect(deny).not.toContain(name);
    }
  });

  it.each([[[]], [[...tools]]])('never gives an agent power over itself or others, with tools %j', (allowed) => {
    const { deny, profile, fs, elevated } = toToolPolicy(allowed);
    for (const name of ['gateway', 'openclaw', 'plugins', 'secrets', 'sessions_spawn', 'group:automation', 'group:nodes', 'browser']) {
      expect(deny).toContain(name);
    }
    expect({ profile, fs, elevated }).toEqual({ profile: 'minimal', fs: { workspaceOnly: true }, elevated: { enabled: false } });
  });

  it('denies programs and the web by name where they are not allowed', () => {
    const policy = toToolPolicy(['email', 'calendar']);
    expect(policy.alsoAllow).toEqual(['session_status', 'read', 'write', 'edit', 'request_capability']);
    expect(policy.deny).toEqual(expect.arrayContaining(['group:runtime', 'exec', 'process', 'web_fetch']));
    expect(policy.exec).toEqual({ security: 'deny', ask: 'always' });
  });

  it('lets programs run unasked where they are allowed', () => {
    const policy = toToolPolicy(['exec']);
    expect(policy.exec).toEqual({ security: 'full', ask: 'off' });
    expect(policy.deny).not.toContain('group:runtime');
    expect(policy.deny).toContain('code_execution');
  });
});

describe('the config', () => {
  it('binds to loopback, has no page of its own, and takes secrets by reference alone', () => {
    const { gateway, models, secrets } = make();
    const reference = (id: string) => ({ source: 'exec', provider: 'plane', id });
    expect(gateway).toMatchObject({ mode: 'local', bind: 'loopback', port: 20_001, controlUi: { enabled: false } });
    expect(gateway.auth).toEqual({ mode: 'token', token: reference('gateway/token') });
    expect(models.providers['plane']?.apiKey).toEqual(reference('model/apiKey'));
    expect(secrets.providers['plane']).toEqual({ source: 'exec', command: '/m/resolver', jsonOnly: true });
  });

  it('knows one model, the one of the assignment', () => {
    const { models, agents } = make();
    expect(models.mode).toBe('replace');
    expect(models.providers['plane']).toMatchObject({ baseUrl: assignment.model.baseUrl, api: 'openai-completions' });
    expect(agents.defaults.model).toEqual({ primary: 'plane/stand-in' });
    expect(agents.defaults.modelPolicy).toEqual({ allow: ['plane/stand-in'] });
  });

  it('avoids the traps: a deleted BOOTSTRAP.md, paid heartbeats, a shared log, updates', () => {
    const { agents, logging, update, browser } = make();
    expect(agents.defaults).toMatchObject({ skipBootstrap: true, heartbeat: { every: '0m' } });
    expect(logging.file).toBe('/m/state/logs/gateway.log');
    expect(update).toEqual({ checkOnStart: false, auto: { enabled: false } });
    expect(browser).toEqual({ enabled: false });
  });

  it('has a channel where the policy allows it and the host holds its plugin, and no word of it otherwise', () => {
    const whatsapp = { channel: 'whatsapp', openclaw: '1.0.0', folder: '/cache/whatsapp' };
    const of = (channels: typeof assignment.channels, channelPlugins = [whatsapp]) =>
      toConfig({ assignment: { ...assignment, channels, version: 'v1' }, folder: '/m', plugin: '/m/plugin', port: 1, channelPlugins });
    const allowed = of(['email', 'whatsapp']);
    expect(allowed.plugins.load.paths).toEqual(['/m/plugin', '/cache/whatsapp']);
    expect(allowed.plugins.allow).toContain('whatsapp');
    expect(allowed).toMatchObject({ channels: { whatsapp: { dmPolicy: 'allowlist', allowFrom: [], groupPolicy: 'disabled' } } });
    for (const without of [of(['email']), of(['email', 'whatsapp'], [])]) {
      expect(without).not.toHaveProperty('channels');
      expect(without.plugins.load.paths).toEqual(['/m/plugin']);
      expect(without.plugins.allow).not.toContain('whatsapp');
    }
  });
});
