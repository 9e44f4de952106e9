import type { z } from 'zod';
import { toProblems, toSentence } from '../shared/problem.ts';
import { PlaneError } from './core/errors.ts';

export interface RegistryEntry<Provider, Options> {
  readonly options: z.ZodType<Options>;
  readonly create: (options: Options) => Provider;
}

export interface Registry<Provider> {
  readonly names: readonly string[];
  /** Makes the provider of this name; throws `invalid` with the known names, or with every bad option at once. */
  create(name: string, options: unknown): Provider;
}

/** Maps the names of one provider kind to factories, so that a plane chooses its provider at run time. */
export function createRegistry<Provider, Options extends Readonly<Record<string, unknown>>>(
  kind: string,
  entries: { readonly [Name in keyof Options]: RegistryEntry<Provider, Options[Name]> },
): Registry<Provider> {
  const factories = new Map<string, (options: unknown) => Provider>();
  for (const name in entries) {
    const { options: schema, create } = entries[name];
    factories.set(name, (options) => {
      const parsed = schema.safeParse(options);
      if (parsed.success) return create(parsed.data);
      const problems = toProblems(parsed.error, options);
      throw new PlaneError('invalid', `cannot use ${kind} provider ${name}: ${problems.map(toSentence).join('; ')}`, { problems });
    });
  }
  const names = [...factories.keys()];
  return {
    names,
    create(name, options) {
      const factory = factories.get(name);
      if (factory) return factory(options);
      throw new PlaneError('invalid', `cannot use ${kind} provider ${name}: it is not known; choose one of ${names.join(', ')}`);
    },
  };
}
