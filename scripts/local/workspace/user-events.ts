import type { AuditEvent } from './activities.ts';
import { nameCustom, type CustomValues, type NamedValues } from './custom-values.ts';
import type { StoredSchema } from './schemas.ts';
import type { Profile, UserRow } from './user-records.ts';

type Parameters = AuditEvent['parameters'];

export const userEvent = (name: string, email: string, parameters: Parameters = {}): AuditEvent => ({
  application: 'admin',
  type: 'USER_SETTINGS',
  name,
  parameters: { USER_EMAIL: email, ...parameters },
});

const profileEvents: Readonly<Partial<Record<keyof Profile, string>>> = {
  addresses: 'CHANGE_USER_ADDRESS',
  changePasswordAtNextLogin: 'CHANGE_PASSWORD_ON_NEXT_LOGIN',
  externalIds: 'CHANGE_USER_EXTERNAL_ID',
  gender: 'CHANGE_USER_GENDER',
  ims: 'CHANGE_USER_IM',
  keywords: 'CHANGE_USER_KEYWORD',
  languages: 'CHANGE_USER_LANGUAGE',
  locations: 'CHANGE_USER_LOCATION',
  organizations: 'CHANGE_USER_ORGANIZATION',
  phones: 'CHANGE_USER_PHONE_NUMBER',
  recoveryEmail: 'CHANGE_RECOVERY_EMAIL',
  recoveryPhone: 'CHANGE_RECOVERY_PHONE',
  relations: 'CHANGE_USER_RELATION',
};

const toText = (value: unknown): string | undefined => {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
};

const changeOf = (before: unknown, after: unknown): Parameters | undefined => {
  const [old, current] = [toText(before), toText(after)];
  return old === current ? undefined : { OLD_VALUE: old, NEW_VALUE: current };
};

function customEvents(email: string, before: NamedValues, after: NamedValues): AuditEvent[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((schema) => {
    const [old, current] = [before[schema] ?? {}, after[schema] ?? {}];
    return [...new Set([...Object.keys(old), ...Object.keys(current)])].flatMap((field) => {
      const values = changeOf(old[field], current[field]);
      // How Google spells the field is not documented; whoever reads this has to read the user again anyway.
      return values ? [userEvent('CHANGE_USER_CUSTOM_FIELD', email, { USER_CUSTOM_FIELD: `${schema}.${field}`, ...values })] : [];
    });
  });
}

/** What the audit log says of a user's change, one entry for each thing that changed (reports appendix admin-user-settings). */
export function toUserEvents(before: UserRow, after: UserRow, schemas: readonly StoredSchema[]): AuditEvent[] {
  const { email } = after;
  const flip = (was: number, is: number, on: string, off: string) => (was === is ? [] : [userEvent(is === 1 ? on : off, email)]);
  const renamed = (name: string, from: string, to: string) => {
    const values = changeOf(from, to);
    return values ? [userEvent(name, email, values)] : [];
  };
  const [was, is] = [JSON.parse(before.profile) as Profile, JSON.parse(after.profile) as Profile];
  const named = ({ custom }: UserRow) => nameCustom(JSON.parse(custom) as CustomValues, schemas);
  return [
    ...(before.email === email ? [] : [userEvent('RENAME_USER', before.email, { NEW_VALUE: email })]),
    ...renamed('CHANGE_FIRST_NAME', before.givenName, after.givenName),
    ...renamed('CHANGE_LAST_NAME', before.familyName, after.familyName),
    ...flip(before.suspended, after.suspended, 'SUSPEND_USER', 'UNSUSPEND_USER'),
    ...flip(before.archived, after.archived, 'ARCHIVE_USER', 'UNARCHIVE_USER'),
    ...(before.orgUnitId === after.orgUnitId
      ? []
      : [userEvent('MOVE_USER_TO_ORG_UNIT', email, { ORG_UNIT_NAME: before.orgUnitPath, NEW_VALUE: after.orgUnitPath })]),
    ...Object.entries(profileEvents).flatMap(([field, name]) => {
      const values = changeOf(was[field as keyof Profile], is[field as keyof Profile]);
      return values ? [userEvent(name, email, values)] : [];
    }),
    ...customEvents(email, named(before), named(after)),
  ];
}
