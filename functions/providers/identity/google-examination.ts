import { directorySchemaName } from '../../../shared/directory-schema.ts';
import { PlaneError, toMessage } from '../../core/errors.ts';
import type { Finding, IdentityProvider } from '../../core/providers.ts';
import type { Ctx } from '../../core/surroundings.ts';
import type { GoogleCalls } from '../cloud/google-quota.ts';
import type { Directory } from '../cloud/google.ts';
import { findRoleIds, roleNames } from './google-roles.ts';
import { toFinding } from './google-workspace-installer.ts';

const customer = 'my_customer';
const granting = 'give our account the scopes that the README lists, in the Admin console under Security > API controls';

type Examine = IdentityProvider['examine'];

/** Looks at a customer's directory as our account sees it, and changes nothing. */
export function createExamination(directory: Directory, calls: GoogleCalls): Examine {
  /** What cannot be read is a finding of its own; a failure to reach Google at all is no less. */
  async function look(name: string, ask: () => Promise<Omit<Finding, 'name'>>): Promise<Finding> {
    try {
      return { name, ...(await ask()) };
    } catch (error) {
      const refused = error instanceof PlaneError && (error.code === 'forbidden' || error.code === 'unauthenticated');
      return { name, state: 'failed', detail: toMessage(error), remedy: refused ? granting : 'wait a minute and ask again' };
    }
  }

  const users = async ({ signal, ...ctx }: Ctx) => {
    const list = () => directory.users.list({ customer, maxResults: 1 }, { signal });
    const { data } = await calls.orThrow('list users', { signal, ...ctx }, list);
    const [first] = data.users ?? [];
    return first
      ? ({ state: 'ok', detail: 'users of the directory can be read' } as const)
      : ({ state: 'failed', detail: 'the directory shows no user at all', remedy: granting } as const);
  };

  const schema = async (ctx: Ctx): Promise<Omit<Finding, 'name'>> => {
    const get = () => directory.schemas.get({ customerId: customer, schemaKey: directorySchemaName }, { signal: ctx.signal });
    const finding = toFinding((await calls.orAbsent(`read the schema ${directorySchemaName}`, ctx, get))?.data);
    const install = 'run the installer as a super admin: it creates what is missing and keeps what is there';
    switch (finding.state) {
      case 'missing':
        return { state: 'failed', detail: `the custom user schema ${directorySchemaName} is not there`, remedy: install };
      case 'lacking':
        return { state: 'failed', detail: `${directorySchemaName} lacks ${finding.lacks.join(', ')}`, remedy: install };
      case 'conflicting': {
        const [first] = finding.conflicts;
        const facts = finding.conflicts.map(({ field, found, wanted }) => `${field} is ${found} instead of ${wanted}`).join('; ');
        return { state: 'failed', detail: facts, ...(first ? { remedy: first.remedy } : {}) };
      }
      case 'complete':
        return finding.readableByAll.length === 0
          ? { state: 'ok', detail: `${directorySchemaName} has every field, of the right types` }
          : {
              state: 'warning',
              detail: `everybody in the company can read ${finding.readableByAll.join(', ')} of ${directorySchemaName}`,
              remedy: 'set these fields to "Visible to user and admin" under Manage custom attributes',
            };
    }
  };

  const roles = async (ctx: Ctx): Promise<Omit<Finding, 'name'>> => {
    const ids = await findRoleIds(directory, calls, ctx);
    const lacks = Object.entries(roleNames).flatMap(([role, name]) => (role in ids ? [] : [name]));
    if (lacks.length > 0) {
      const remedy = 'run the installer as a super admin, then assign the roles under Account > Admin roles';
      return { state: 'warning', detail: `without ${lacks.join(' and ')}: super admins alone can use the plane`, remedy };
    }
    let assigned = 0;
    for (const roleId of Object.values(ids)) {
      const list = () => directory.roleAssignments.list({ customer, roleId, maxResults: 200 }, { signal: ctx.signal });
      assigned += (await calls.orThrow('list role assignments', ctx, list)).data.items?.length ?? 0;
    }
    return assigned > 0
      ? { state: 'ok', detail: `our roles are assigned ${assigned} times` }
      : {
          state: 'warning',
          detail: 'our roles are assigned to nobody: super admins alone can use the plane',
          remedy: `assign ${Object.values(roleNames).join(' or ')} under Account > Admin roles`,
        };
  };

  return (ctx) =>
    Promise.all([look('directory', () => users(ctx)), look('directory schema', () => schema(ctx)), look('admin roles', () => roles(ctx))]);
}
