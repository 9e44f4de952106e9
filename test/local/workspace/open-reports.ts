import { admin, type admin_reports_v1 as reports } from '@googleapis/admin';
import { transport, type OpenWorkspace } from './open-workspace.ts';

export type Application = 'admin' | 'groups_enterprise' | 'login';

/** Google's own client of the Reports API. */
export const reportsOf = ({ origin }: OpenWorkspace): reports.Admin =>
  admin({ version: 'reports_v1', rootUrl: `${origin}/google/`, ...transport });

export const listActivities = async (open: OpenWorkspace, applicationName: Application, more: object = {}) =>
  (await reportsOf(open).activities.list({ userKey: 'all', applicationName, ...more })).data;

/** Events oldest first, each as its name and parameters. */
export async function eventsOf(open: OpenWorkspace, applicationName: Application = 'admin', more: object = {}) {
  const { items = [] } = await listActivities(open, applicationName, more);
  return items.reverse().map(({ events }) => {
    const { name, parameters = [] } = events?.[0] ?? {};
    return [name, Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter.value]))] as const;
  });
}

/** Calls a door of the emulator's own. */
export const door = (open: OpenWorkspace, method: 'DELETE' | 'GET' | 'POST', path: string, body?: unknown): Promise<Response> =>
  fetch(`${open.origin}/google/emulator/${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
