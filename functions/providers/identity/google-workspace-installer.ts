import type { admin_directory_v1 } from '@googleapis/admin';
import { largestBudgetUsd } from '../../../shared/agent.ts';
import { directorySchema, directorySchemaName } from '../../../shared/directory-schema.ts';
import { PlaneError } from '../../core/errors.ts';
import type { Ctx } from '../../core/surroundings.ts';
import { createGoogleCalls, type Quota } from '../cloud/google-quota.ts';
import type { Directory } from '../cloud/google.ts';
import { findRoleIds, planeRoles, roleNames, type PlaneRole, type RoleIds } from './google-roles.ts';

type Schema = admin_directory_v1.Schema$Schema;
type Field = admin_directory_v1.Schema$SchemaFieldSpec;

/** A field of the customer's that stands where one of ours should be. Nothing of ours can change it. */
export interface FieldConflict {
  readonly field: string;
  readonly found: string;
  readonly wanted: string;
  readonly remedy: string;
}

export type SchemaFinding =
  | { readonly state: 'missing' }
  | { readonly state: 'complete'; readonly readableByAll: readonly string[] }
  | { readonly state: 'lacking'; readonly lacks: readonly string[]; readonly readableByAll: readonly string[] }
  | { readonly state: 'conflicting'; readonly conflicts: readonly FieldConflict[]; readonly lacks: readonly string[] };

export interface Findings {
  readonly schema: SchemaFinding;
  /** The ids of our custom roles that exist. */
  readonly roles: RoleIds;
}

export interface Installed {
  /** What this run did, for people; empty when everything was there. */
  readonly done: readonly string[];
  readonly roles: Readonly<Record<PlaneRole, string>>;
}

export interface Installer {
  /** Changes nothing. */
  inspect(ctx: Ctx): Promise<Findings>;
  /** Creates what is missing and keeps what is there; throws `conflict` before any write where the schema cannot serve. */
  install(ctx: Ctx): Promise<Installed>;
}

const customer = 'my_customer';

/** A role without a privilege cannot be made: these two let its holder see names and units, which every employee sees anyway. */
const rolePrivileges = ['USERS_RETRIEVE', 'ORGANIZATION_UNITS_RETRIEVE'].map((privilegeName) => ({
  privilegeName,
  serviceId: '00haapch16h1ysv',
}));
const roleDescriptions: Readonly<Record<PlaneRole, string>> = {
  admin: 'May create, change and remove OpenClaw agents',
  viewer: 'May see OpenClaw agents',
};

/** Fields that nobody searches by stay out of the index. */
const notIndexed: ReadonlySet<string> = new Set(['toolAllowlist', 'channelRestrictions', 'lastHeartbeat']);

const wantedFields: readonly Field[] = directorySchema.fields.map(({ fieldName, displayName, fieldType }) => ({
  fieldName,
  displayName,
  fieldType,
  multiValued: false,
  indexed: !notIndexed.has(fieldName),
  readAccessType: 'ADMINS_AND_SELF',
  ...(fieldType === 'INT64' ? { numericIndexingSpec: { minValue: 0, maxValue: largestBudgetUsd } } : {}),
}));

const describe = ({ fieldType, multiValued }: Field): string => `${multiValued ? 'multi-valued' : 'single-valued'} ${fieldType ?? '?'}`;

function toConflict(found: Field, wanted: Field): FieldConflict | undefined {
  if (describe(found) === describe(wanted)) return undefined;
  const field = wanted.fieldName ?? '';
  return {
    field,
    found: describe(found),
    wanted: describe(wanted),
    remedy:
      `Google changes no field's type and renames none: save the values of ${directorySchemaName}.${field}, delete that field ` +
      'in the Admin console under Directory > Users > More options > Manage custom attributes, and install again',
  };
}

export function toFinding(schema: Schema | undefined): SchemaFinding {
  if (!schema) return { state: 'missing' };
  const known = new Map((schema.fields ?? []).map((field) => [field.fieldName, field]));
  const lacks = wantedFields.flatMap(({ fieldName }) => (fieldName && !known.has(fieldName) ? [fieldName] : []));
  const conflicts = wantedFields.flatMap((wanted) => {
    const found = known.get(wanted.fieldName);
    return (found && toConflict(found, wanted)) ?? [];
  });
  if (conflicts.length > 0) return { state: 'conflicting', conflicts, lacks };
  const readableByAll = wantedFields.flatMap(({ fieldName }) =>
    fieldName && known.get(fieldName)?.readAccessType === 'ALL_DOMAIN_USERS' ? [fieldName] : [],
  );
  return lacks.length > 0 ? { state: 'lacking', lacks, readableByAll } : { state: 'complete', readableByAll };
}

/** Puts into a customer's directory what the plane needs there: the custom user schema and the two custom admin roles. */
export function createInstaller({ directory, quota }: { readonly directory: Directory; readonly quota?: Quota }): Installer {
  const calls = createGoogleCalls(quota);
  const what = `install the schema ${directorySchemaName}`;

  async function getSchema(ctx: Ctx): Promise<Schema | undefined> {
    const get = () => directory.schemas.get({ customerId: customer, schemaKey: directorySchemaName }, { signal: ctx.signal });
    return (await calls.orAbsent(`read the schema ${directorySchemaName}`, ctx, get))?.data;
  }

  /** The answer to an insertion, `undefined` when somebody else made the same just now. */
  async function make<T>(name: string, ctx: Ctx, insert: () => Promise<T>): Promise<T | undefined> {
    try {
      return await calls.orThrow(name, ctx, insert);
    } catch (error) {
      if (error instanceof PlaneError && error.code === 'conflict') return undefined;
      throw error;
    }
  }

  async function extendSchema(schema: Schema, lacks: readonly string[], ctx: Ctx): Promise<string> {
    // The list of fields is replaced as a whole: a field left out is dropped with all its values.
    const added = wantedFields.filter(({ fieldName }) => fieldName && lacks.includes(fieldName));
    const requestBody = { fields: [...(schema.fields ?? []), ...added] };
    const request = { customerId: customer, schemaKey: schema.schemaId ?? directorySchemaName, requestBody };
    await calls.orThrow(what, ctx, () => directory.schemas.update(request, { signal: ctx.signal }));
    return `added ${lacks.join(', ')} to the schema ${directorySchemaName}`;
  }

  async function installSchema(ctx: Ctx): Promise<string[]> {
    const requestBody = { schemaName: directorySchemaName, displayName: directorySchema.displayName, fields: [...wantedFields] };
    const insert = () => directory.schemas.insert({ customerId: customer, requestBody }, { signal: ctx.signal });
    let schema = await getSchema(ctx);
    if (!schema) {
      if (await make(what, ctx, insert)) return [`created the schema ${directorySchemaName}`];
      schema = await getSchema(ctx);
    }
    const finding = toFinding(schema);
    switch (finding.state) {
      case 'complete':
        return [];
      case 'lacking':
        return [await extendSchema(schema ?? {}, finding.lacks, ctx)];
      case 'conflicting':
        throw refuse(finding.conflicts);
      case 'missing':
        throw new PlaneError('unavailable', `cannot ${what}: Google says that it exists and does not show it; install again`);
    }
  }

  const refuse = (conflicts: readonly FieldConflict[]): PlaneError =>
    new PlaneError(
      'conflict',
      `cannot ${what}: ${conflicts.map(({ field, found, wanted, remedy }) => `${field} is ${found} and must be ${wanted}; ${remedy}`).join('. ')}`,
      { problems: conflicts.map(({ field, found, wanted }) => ({ path: `${directorySchemaName}.${field}`, found, allowed: wanted })) },
    );

  async function makeRole(role: PlaneRole, ctx: Ctx): Promise<string | undefined> {
    const requestBody = { roleName: roleNames[role], roleDescription: roleDescriptions[role], rolePrivileges };
    const insert = () => directory.roles.insert({ customer, requestBody }, { signal: ctx.signal });
    return (await make(`create the role ${roleNames[role]}`, ctx, insert))?.data.roleId ?? undefined;
  }

  return {
    async inspect(ctx) {
      return { schema: toFinding(await getSchema(ctx)), roles: await findRoleIds(directory, calls, ctx) };
    },
    async install(ctx) {
      const done = await installSchema(ctx);
      const ids: { [Role in PlaneRole]?: string } = { ...(await findRoleIds(directory, calls, ctx)) };
      for (const role of planeRoles) {
        if (ids[role] !== undefined) continue;
        const id = await makeRole(role, ctx);
        if (id === undefined) continue;
        ids[role] = id;
        done.push(`created the role ${roleNames[role]}`);
      }
      const { admin, viewer } = ids.admin && ids.viewer ? ids : await findRoleIds(directory, calls, ctx);
      if (admin === undefined || viewer === undefined)
        throw new PlaneError('unavailable', 'cannot install the admin roles: Google does not list them yet; install again in a minute');
      return { done, roles: { admin, viewer } };
    },
  };
}
