import { z } from 'zod';
import { invalid } from './answers.ts';
import type { FieldType, StoredField, StoredSchema } from './schemas.ts';

type Value = string | boolean | number;
interface Item {
  readonly value: Value;
  readonly type?: string | undefined;
  readonly customType?: string | undefined;
}
type Stored = Value | readonly Item[];
/** By schema id and field id. */
export type CustomValues = Readonly<Record<string, Readonly<Record<string, Stored>>>>;
/** By schema name and field name, as the API speaks. */
export type NamedValues = Record<string, Record<string, Stored>>;

export const customBody = z.record(z.string(), z.record(z.string(), z.unknown()).nullable()).nullish();

/** A single STRING holds 500 characters, a multi-valued one 50 × 500 in all (manage-schemas, custom_schema_limits). */
const longest = 500;
const longestOfAll = 50 * longest;

/** Google says no more than this about a value it refuses (GAMADV-XTD3 issue 201). */
const refusal = () => invalid('Invalid Input: custom_schema');

const text = z.string().refine((value) => [...value].length <= longest);
const valueBodies: Record<FieldType, z.ZodType<Value>> = {
  BOOL: z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')]),
  DATE: z.iso.date(),
  DOUBLE: z.union([z.number(), z.string().regex(/^-?\d+(\.\d+)?$/).transform(Number)]), // prettier-ignore
  EMAIL: z.email(),
  // INT64 is written as a number or a string and always comes back as a string.
  INT64: z
    .union([z.int(), z.string().regex(/^-?\d+$/)])
    .transform(BigInt)
    .pipe(z.int64())
    .transform(String),
  PHONE: text,
  STRING: text,
};
const itemsBody = z.array(z.object({ value: z.unknown(), type: z.string().optional(), customType: z.string().optional() }));

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw refusal();
  return result.data;
}

function readValue({ type, multiValued }: StoredField, value: unknown): Stored {
  if (!multiValued) return parse(valueBodies[type], value);
  const items = parse(itemsBody, value).map((item) => ({ ...item, value: parse(valueBodies[type], item.value) }));
  if (items.reduce((sum, item) => sum + String(item.value).length, 0) > longestOfAll) throw refusal();
  return items;
}

/** What is not named stays, `null` clears; a multi-valued field is replaced whole. */
export function mergeCustom(current: CustomValues, changes: z.infer<typeof customBody>, schemas: readonly StoredSchema[]): CustomValues {
  if (changes === undefined) return current;
  if (changes === null) return {};
  const merged: Record<string, Record<string, Stored>> = Object.fromEntries(
    Object.entries(current).map(([id, values]) => [id, { ...values }]),
  );
  for (const [schemaName, values] of Object.entries(changes)) {
    const schema = schemas.find(({ name }) => name === schemaName);
    if (!schema) throw refusal();
    if (values === null) {
      delete merged[schema.id];
      continue;
    }
    const target = (merged[schema.id] ??= {});
    for (const [fieldName, value] of Object.entries(values)) {
      const field = schema.fields.find(({ name }) => name === fieldName);
      if (!field) throw refusal();
      if (value === null) delete target[field.id];
      else target[field.id] = readValue(field, value);
    }
  }
  return merged;
}

/** The values under today's names; a field made multi-valued since shows its old value as a list of one. */
export function nameCustom(stored: CustomValues, schemas: readonly StoredSchema[]): NamedValues {
  const named: NamedValues = {};
  for (const { id, name, fields } of schemas) {
    const values = stored[id];
    if (!values) continue;
    const entries = fields.flatMap((field): [string, Stored][] => {
      const value = values[field.id];
      if (value === undefined) return [];
      return [[field.name, field.multiValued && typeof value !== 'object' ? [{ value }] : value]];
    });
    if (entries.length > 0) named[name] = Object.fromEntries(entries);
  }
  return named;
}
