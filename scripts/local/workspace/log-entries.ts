import type { Activity } from './activities.ts';
import type { Application } from './activity-query.ts';
import { digest } from './answers.ts';

export const organizationId = '123456789012';

const camel = (name: string): string => name.toLowerCase().replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());

/**
 * How each log arrives in Cloud Logging: admin and login as public samples show them (pypanther, Splunk's and Chronicle's tests);
 * for groups no public sample with these events was found on 2026-11-22, so its service follows the same pattern.
 */
const logs: Readonly<Record<Application, { service: string; method: string; log: string }>> = {
  admin: { service: 'admin.googleapis.com', method: 'google.admin.AdminService', log: 'activity' },
  groups_enterprise: { service: 'cloudidentity.googleapis.com', method: 'google.groups.GroupsService', log: 'activity' },
  login: { service: 'login.googleapis.com', method: 'google.login.LoginService', log: 'data_access' },
};

/** An activity as the LogEntry that an organization's sink of Workspace audit logs exports. */
export function toLogEntry(activity: Activity, receivedAt: number): object {
  const { service, method, log } = logs[activity.application];
  const methodName = `${method}.${camel(activity.name)}`;
  const resource = `organizations/${organizationId}`;
  return {
    logName: `organizations/${organizationId}/logs/cloudaudit.googleapis.com%2F${log}`,
    severity: 'NOTICE',
    insertId: digest(`${activity.time} ${activity.qualifier}`).slice(0, 12),
    resource: { type: 'audited_resource', labels: { method: methodName, service } },
    timestamp: new Date(activity.time).toISOString(),
    receiveTimestamp: new Date(receivedAt).toISOString(),
    protoPayload: {
      '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
      serviceName: service,
      methodName,
      resourceName: activity.application === 'admin' ? `${resource}/${camel(activity.type)}` : resource,
      authenticationInfo: { principalEmail: activity.actor.email },
      requestMetadata: { requestAttributes: {}, destinationAttributes: {} },
      metadata: {
        '@type': 'type.googleapis.com/ccc_hosted_reporting.ActivityProto',
        activityId: { timeUsec: String(Math.round(activity.time * 1000)), uniqQualifier: activity.qualifier },
        event: [
          {
            eventName: activity.name,
            eventType: activity.type,
            parameter: Object.entries(activity.parameters).flatMap(([name, value]) =>
              value === undefined ? [] : [{ label: 'LABEL_OPTIONAL', type: 'TYPE_STRING', name, value }],
            ),
          },
        ],
      },
    },
  };
}
