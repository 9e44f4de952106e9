import { parseConfig } from '../functions/config.ts';
import { PlaneError } from '../functions/core/errors.ts';

const env = { HOME: '/home/alice' };
const upstreamOf = (more: NodeJS.ProcessEnv) => parseConfig([], { ...env, ...more })?.upstream;

function faultOf(argv: readonly string[], more: NodeJS.ProcessEnv = {}): PlaneError {
  try {
    parseConfig(argv, { ...env, ...more });
  } catch (error) {
    if (error instanceof PlaneError) return error;
    throw error;
  }
  throw new Error('no fault');
}

describe('the configuration', () => {
  it('needs nothing: every setting has a default', () => {
    expect(parseConfig([], env)).toMatchObject({ port: 8790, users: 12, upstream: { maker: 'stand-in' } });
    expect(parseConfig([], env)).toHaveProperty('keysDir', '/home/alice/.config/agents-plane');
    expect(parseConfig([], env)).not.toHaveProperty('planeFile');
  });

  it('takes flags, with paths from where it was started', () => {
    const given = parseConfig(['--port', '80', '--users', '3', '--data', '/srv/plane', '--config', '/etc/planes.yaml'], env);
    expect(given).toMatchObject({ port: 80, users: 3, dataDir: '/srv/plane', planeFile: '/etc/planes.yaml' });
    expect(parseConfig([], env)?.dataDir).toBe(`${process.cwd()}/.plane`);
  });

  it('answers nothing when help was asked for, whatever else is wrong', () => {
    expect(parseConfig(['--help', '--port', 'x'], env)).toBeUndefined();
  });

  it('says all faults at once, each with what was found and what is allowed', () => {
    const { code, message } = faultOf(['--port', '0', '--users', 'many'], { OPENAI_API_KEY: 'key', OPENAI_BASE_URL: 'proxy:80' });
    expect(code).toBe('invalid');
    expect(message).toContain('cannot start: --port: found "0"; allowed: a whole number from 1 to 65535');
    expect(message).toContain('--users: found "many"; allowed: a whole number from 1 to 100000');
    expect(message).toContain('OPENAI_BASE_URL: found "proxy:80"; allowed: an http or https URL');
    expect(message).toContain('Usage: npm start');
  });

  it('refuses a flag it does not know', () => {
    expect(faultOf(['--prot', '80']).message).toContain("Unknown option '--prot'");
  });
});

describe("the address of a model's maker", () => {
  it('is the usual one where none, or an empty one, is given', () => {
    expect(upstreamOf({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: '' })).toEqual({
      ...{ maker: 'openai', key: 'key', baseUrl: 'https://api.openai.com' },
    });
    expect(upstreamOf({ ANTHROPIC_API_KEY: 'key', OPENAI_API_KEY: 'other' })).toEqual({
      ...{ maker: 'anthropic', key: 'key', baseUrl: 'https://api.anthropic.com' },
    });
  });

  it.each([
    ['https://api.openai.com/v1', 'https://api.openai.com'],
    ['https://proxy.acme.test/', 'https://proxy.acme.test'],
    ['http://127.0.0.1:4000/openai/v1/', 'http://127.0.0.1:4000/openai'],
    ['https://proxy.acme.test/v1beta', 'https://proxy.acme.test/v1beta'],
  ])('may end as makers write it: %s', (given, baseUrl) => {
    expect(upstreamOf({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: given })).toMatchObject({ baseUrl });
    expect(upstreamOf({ ANTHROPIC_API_KEY: 'key', ANTHROPIC_BASE_URL: given })).toMatchObject({ baseUrl });
  });

  it.each(['api.openai.com', 'ftp://proxy.acme.test', '/v1', 'https://proxy.acme.test/?version=1'])('is refused: %s', (given) => {
    expect(faultOf([], { ANTHROPIC_API_KEY: 'key', ANTHROPIC_BASE_URL: given }).message).toContain(
      `ANTHROPIC_BASE_URL: found ${JSON.stringify(given)}; allowed: an http or https URL`,
    );
  });

  it('is refused with credentials, and they are not repeated', () => {
    const { message } = faultOf([], { OPENAI_API_KEY: 'key', OPENAI_BASE_URL: 'https://me:hunter2@proxy.acme.test' });
    expect(message).toContain('OPENAI_BASE_URL: found a URL with credentials');
    expect(message).not.toContain('hunter2');
  });

  it('is not looked at without a key', () => {
    expect(upstreamOf({ OPENAI_BASE_URL: 'nonsense' })).toEqual({ maker: 'stand-in' });
  });
});
