import { z } from 'zod';
import type { Activity, ActivityApplication } from '../core/providers.ts';

/** Which part of the audit log a service of Cloud Logging is (Cloud Logging, Workspace audit logs, read 2026-11-22). */
const applications: ReadonlyMap<string, ActivityApplication> = new Map<string, ActivityApplication>([
  ['admin.googleapis.com', 'admin'],
  ['login.googleapis.com', 'login'],
  ['cloudidentity.googleapis.com', 'groups_enterprise'],
]);

const number = z.union([z.string(), z.number()]);
const parameterSchema = z.object({
  name: z.string(),
  value: z.string().optional(),
  boolValue: z.boolean().optional(),
  intValue: number.optional(),
  multiStrValue: z.array(z.string()).optional(),
  multiIntValue: z.array(number).optional(),
});

/** An entry of admin or login: the activity as the Reports API knows it. */
const activitySchema = z.object({
  activityId: z.object({ timeUsec: z.string().regex(/^\d{1,16}$/), uniqQualifier: z.string().min(1) }),
  event: z.array(z.object({ eventName: z.string(), parameter: z.array(parameterSchema).default([]) })),
});

/**
 * An entry of Groups Enterprise has a form of its own: `google.apps.cloudidentity.groups.v1.MembershipsService.UpdateMembership` for
 * every coming and going, `…GroupsService.DeleteGroup` for a group's end, and no activity id (public samples, read 2026-11-22).
 */
const groupSchema = z.object({
  group: z.string().startsWith('group:'),
  membershipDelta: z
    .object({ member: z.string(), roleDeltas: z.array(z.object({ role: z.string(), action: z.string() })).default([]) })
    .optional(),
});

const entrySchema = z.object({
  insertId: z.string().min(1).optional(),
  timestamp: z.string().optional(),
  protoPayload: z.object({
    serviceName: z.string(),
    methodName: z.string().default(''),
    authenticationInfo: z.object({ principalEmail: z.string().optional() }).optional(),
    /** Set, with a code above 0, for an attempt that changed nothing. */
    status: z.object({ code: z.number().optional() }).optional(),
    metadata: z.unknown(),
  }),
});
type Entry = z.infer<typeof entrySchema>;

const toParameters = (parameters: readonly z.infer<typeof parameterSchema>[]): Record<string, string> =>
  Object.fromEntries(
    parameters.flatMap(({ name, value, boolValue, intValue, multiStrValue, multiIntValue }): [string, string][] => {
      const text = value ?? (boolValue ?? intValue)?.toString() ?? (multiStrValue ?? multiIntValue)?.join(',');
      return text === undefined ? [] : [[name, text]];
    }),
  );

function fromActivity(metadata: unknown): Pick<Activity, 'id' | 'at' | 'events'> | undefined {
  const { data } = activitySchema.safeParse(metadata);
  if (!data) return undefined;
  const { timeUsec, uniqQualifier } = data.activityId;
  return {
    id: `${timeUsec}/${uniqQualifier}`,
    at: Math.floor(Number(timeUsec) / 1000),
    events: data.event.map(({ eventName, parameter }) => ({ name: eventName, parameters: toParameters(parameter) })),
  };
}

const memberTypes: ReadonlyMap<string, string> = new Map([
  ['user', 'user'],
  ['group', 'group'],
  ['serviceAccount', 'service account'],
]);

/** The events that the Reports API would give for an entry; none for those that leave who is in the group as it is. */
function toGroupEvents({ group, membershipDelta }: z.infer<typeof groupSchema>, methodName: string): Activity['events'] {
  const group_id = group.slice('group:'.length);
  if (!membershipDelta) return methodName.endsWith('.DeleteGroup') ? [{ name: 'delete_group', parameters: { group_id } }] : [];
  const { member, roleDeltas } = membershipDelta;
  const colon = member.indexOf(':');
  const member_type = memberTypes.get(member.slice(0, Math.max(colon, 0))) ?? 'other';
  const parameters = { group_id, member_id: member.slice(colon + 1), member_type };
  const actions = roleDeltas.flatMap(({ role, action }) => (role === 'MEMBER' ? [action] : []));
  return actions.map((action) => ({ name: action === 'REMOVE' ? 'remove_member' : 'add_member', parameters }));
}

function fromGroup({ insertId, timestamp, protoPayload }: Entry): Pick<Activity, 'id' | 'at' | 'events'> | undefined {
  const { data } = groupSchema.safeParse(protoPayload.metadata);
  const at = Date.parse(timestamp ?? '');
  if (!data || Number.isNaN(at) || insertId === undefined) return undefined;
  return { id: `${at}000/${insertId}`, at, events: toGroupEvents(data, protoPayload.methodName) };
}

/**
 * A LogEntry of the organisation's log as an entry of the audit log; `undefined` for what is none. It has the id that the Reports
 * API gives it, but for Groups Enterprise, whose entries carry none.
 */
export function fromLogEntry(entry: unknown): Activity | undefined {
  const { data } = entrySchema.safeParse(entry);
  const application = data && applications.get(data.protoPayload.serviceName);
  if (!application || (data.protoPayload.status?.code ?? 0) !== 0) return undefined;
  const { metadata, authenticationInfo } = data.protoPayload;
  const read = fromActivity(metadata) ?? (application === 'groups_enterprise' ? fromGroup(data) : undefined);
  const actor = authenticationInfo?.principalEmail;
  return read && { ...read, application, ...(actor ? { actor } : {}) };
}
