import type { admin_directory_v1 as directory } from '@googleapis/admin';
import { z } from 'zod';
import { duplicate, invalid, notFound, readBody, unlessEmpty, withEtag } from './answers.ts';
import type { Database } from './database.ts';

/** Stored under ids and never under names, so that values of a dropped field cannot come back with a new field of its name. */
export interface StoredField {
  readonly id: string;
  readonly name: string;
  readonly displayName?: string | undefined;
  readonly type: FieldType;
  readonly multiValued: boolean;
  readonly indexed: boolean;
  readonly readAccessType: 'ADMINS_AND_SELF' | 'ALL_DOMAIN_USERS';
  readonly numericIndexingSpec?: { minValue?: number | undefined; maxValue?: number | undefined } | undefined;
}

export interface StoredSchema {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
  readonly fields: readonly StoredField[];
}

/** Each account holds at most 100 schemas and 100 fields (manage-schemas, custom_schema_limits). */
const most = 100;
const fieldTypes = ['BOOL', 'DATE', 'DOUBLE', 'EMAIL', 'INT64', 'PHONE', 'STRING'] as const;
export type FieldType = (typeof fieldTypes)[number];

const nameBody = z.string().regex(/^[\w-]+$/);
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);
const fieldBody = z.object({
  fieldId: z.string().optional(),
  fieldName: nameBody,
  displayName: z.string().optional(),
  fieldType: z.enum(fieldTypes),
  multiValued: flag.default(false),
  indexed: flag.default(true),
  readAccessType: z.enum(['ADMINS_AND_SELF', 'ALL_DOMAIN_USERS']).default('ALL_DOMAIN_USERS'),
  numericIndexingSpec: z.object({ minValue: z.number().optional(), maxValue: z.number().optional() }).optional(),
});
const insertBody = z.object({ schemaName: nameBody, displayName: z.string().optional(), fields: z.array(fieldBody).min(1) });
const updateBody = insertBody.partial();

export interface Schemas {
  /** As stored, for reading and writing users. */
  all(): StoredSchema[];
  list(): directory.Schema$Schemas;
  get(key: string): directory.Schema$Schema;
  insert(body: unknown): directory.Schema$Schema;
  /** `fields`, where given, is the whole new list: a field left out is dropped with its values. */
  update(key: string, body: unknown): directory.Schema$Schema;
  remove(key: string): void;
}

export function createSchemas({ database, createId }: { database: Database; createId: () => string }): Schemas {
  const all = () =>
    database
      .all<{ id: string; name: string; displayName: string; fields: string }>('SELECT * FROM schemas ORDER BY name')
      .map(({ fields, ...schema }): StoredSchema => ({ ...schema, fields: JSON.parse(fields) as StoredField[] }));

  const find = (key: string): StoredSchema => {
    const schema = all().find(({ id, name }) => id === key || name === key);
    if (!schema) throw notFound('schemaKey');
    return schema;
  };

  const toFields = (bodies: z.infer<typeof fieldBody>[], current: readonly StoredField[]): StoredField[] => {
    if (new Set(bodies.map(({ fieldName }) => fieldName)).size < bodies.length) throw invalid('Invalid Input: fields');
    return bodies.map(({ fieldId, fieldName, fieldType, ...rest }) => {
      const known = current.find(({ id, name }) => (fieldId === undefined ? name === fieldName : id === fieldId));
      if (fieldId !== undefined && !known) throw notFound('fieldId');
      if (known && (known.name !== fieldName || known.type !== fieldType || (known.multiValued && !rest.multiValued)))
        throw invalid(`Invalid Input: a field cannot change its name or type, nor become single-valued: ${fieldName}`);
      return { id: known?.id ?? createId(), name: fieldName, type: fieldType, ...rest };
    });
  };

  const refuseTooMany = (others: readonly StoredSchema[], fields: readonly StoredField[]) => {
    const count = others.reduce((sum, schema) => sum + schema.fields.length, fields.length);
    if (others.length >= most || count > most) throw invalid(`Invalid Input: an account holds at most ${most} schemas and ${most} fields`);
  };

  const get = (key: string) => toSchema(find(key));

  return {
    all,
    list: () => withEtag({ kind: 'admin#directory#schemas', ...unlessEmpty('schemas', all().map(toSchema)) }),
    get,
    insert: (body) =>
      database.transaction(() => {
        const { schemaName, displayName = schemaName, fields: bodies } = readBody(insertBody, body);
        const others = all();
        if (others.some(({ name }) => name === schemaName)) throw duplicate();
        const fields = toFields(bodies, []);
        refuseTooMany(others, fields);
        const values = [createId(), schemaName, displayName, JSON.stringify(fields)];
        database.run('INSERT INTO schemas (id, name, displayName, fields) VALUES (?, ?, ?, ?)', ...values);
        return get(schemaName);
      }),
    update: (key, body) =>
      database.transaction(() => {
        const current = find(key);
        const { schemaName = current.name, displayName = current.displayName, fields: bodies } = readBody(updateBody, body);
        if (schemaName !== current.name) throw invalid('Invalid Input: a schema cannot be renamed');
        const fields = bodies ? toFields(bodies, current.fields) : current.fields;
        refuseTooMany(
          all().filter(({ id }) => id !== current.id),
          fields,
        );
        database.run('UPDATE schemas SET displayName = ?, fields = ? WHERE id = ?', displayName, JSON.stringify(fields), current.id);
        return get(current.id);
      }),
    remove: (key) => void database.run('DELETE FROM schemas WHERE id = ?', find(key).id),
  };
}

/** What is at its default is left out, as Google does: no `multiValued` means single, no `indexed` means indexed. */
const toField = ({ id, name, displayName, type, multiValued, indexed, readAccessType, numericIndexingSpec }: StoredField) =>
  withEtag({
    kind: 'admin#directory#schema#fieldspec',
    fieldId: id,
    fieldName: name,
    fieldType: type,
    readAccessType,
    ...(displayName !== undefined && { displayName }),
    ...(multiValued && { multiValued }),
    ...(!indexed && { indexed }),
    ...(numericIndexingSpec && { numericIndexingSpec: JSON.parse(JSON.stringify(numericIndexingSpec)) as Record<string, number> }),
  });

const toSchema = ({ id, name, displayName, fields }: StoredSchema): directory.Schema$Schema =>
  withEtag({ kind: 'admin#directory#schema', schemaId: id, schemaName: name, displayName, fields: fields.map(toField) });
