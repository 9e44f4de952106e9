import type { Fields } from './providers.ts';
import { canonical, type Json } from './surroundings.ts';

/** Fields that are told member by member. */
const nested = new Set(['spec', 'policy', 'requests', 'labels']);

const isRecord = (value: unknown): value is Readonly<Record<string, Json | undefined>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function flatten(fields: Fields): Map<string, Json> {
  const flat = new Map<string, Json>();
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (!nested.has(field) || !isRecord(value)) flat.set(field, value);
    else for (const [member, inner] of Object.entries(value)) if (inner !== undefined) flat.set(`${field}.${member}`, inner);
  }
  return flat;
}

/** The policy's field of a field of the spec, and whose word it was. */
function originOf(field: string, after: ReadonlyMap<string, Json>): Json | undefined {
  const effective = after.get(field.replace(/^spec\./, 'policy.'));
  return field.startsWith('spec.') && isRecord(effective) ? effective['origin'] : undefined;
}

/**
 * What became of an agent's record, field by field: `{ field, from, to, origin? }`, `null` where there is or was nothing. A value that
 * policy decides is told once, as the spec's, with where it comes from.
 */
export function tellChanges(before: Fields, after: Fields): Json {
  const [was, is] = [flatten(before), flatten(after)];
  const fields = [...new Set([...is.keys(), ...was.keys()])];
  const changed = fields.filter((field) => canonical(was.get(field)) !== canonical(is.get(field)));
  return changed
    .filter((field) => !(field.startsWith('policy.') && changed.includes(field.replace(/^policy\./, 'spec.'))))
    .map((field) => ({ field, from: was.get(field) ?? null, to: is.get(field) ?? null, origin: originOf(field, is) }));
}
