import { z } from 'zod';
import { PlaneError } from '../../functions/core/errors.ts';
import { createRegistry } from '../../functions/registry.ts';

const registry = createRegistry('identity', {
  'google-workspace': {
    options: z.strictObject({ domain: z.string(), subject: z.string() }),
    create: ({ domain }) => `google for ${domain}`,
  },
  ldap: { options: z.strictObject({ port: z.int() }), create: ({ port }) => `ldap on ${port + 1}` },
});

describe('a registry of providers (REQ-ID-01)', () => {
  it('makes the provider of the name that is chosen at run time, with options of its own', () => {
    expect(registry.names).toEqual(['google-workspace', 'ldap']);
    expect(registry.create('google-workspace', { domain: 'acme.test', subject: 'a' })).toBe('google for acme.test');
    expect(registry.create('ldap', { port: 1 })).toBe('ldap on 2');
  });

  it('names the known ones for a name it does not know, words of JavaScript included', () => {
    for (const name of ['okta', 'toString', '__proto__'])
      expect(() => registry.create(name, {})).toThrow(
        new PlaneError('invalid', `cannot use identity provider ${name}: it is not known; choose one of google-workspace, ldap`),
      );
  });

  it('tells of every bad option at once', () => {
    const make = () => registry.create('google-workspace', { domain: 7, colour: 'red' });
    expect(make).toThrow(/domain: found 7; allowed: a value of type string.*subject: found nothing.*colour: found an unknown key/);
  });
});
