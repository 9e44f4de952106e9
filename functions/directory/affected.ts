import type { Activity, ActivityApplication } from '../core/providers.ts';
import type { ServiceRecord } from '../core/records.ts';

/** What must be read again because of an entry of the audit log. */
export interface Affected {
  /** E-mail addresses, in lower case. */
  readonly users: readonly string[];
  /** Groups whose membership may have changed, as the log calls them, in lower case. */
  readonly groups: readonly string[];
  /** A group may have come into or gone out of one of `groups`: whose membership that changes cannot be told. */
  readonly nested: boolean;
  /** An org unit moved, changed its name or went: Google logs no event for the users in it. */
  readonly everybody: boolean;
  /** Switches of our own service, each as of the time of its event. */
  readonly services: readonly ServiceRecord[];
  /** Somebody's access may have ended. */
  readonly urgent: boolean;
}

export interface AffectedOptions {
  /** What the log may call our service: SERVICE_NAME, APPLICATION_NAME or APP_ID. */
  readonly services: readonly string[];
  /** The accounts that we write to the directory as. */
  readonly ownAccounts: readonly string[];
  /** What the log may call the root org unit besides `/`: on a real tenant that is often the company's name. */
  readonly rootNames?: readonly string[];
}

/** The scope of a switch for the app as a whole, added or removed: it makes every switch before it meaningless. */
export const applicationScope = 'application';

interface Source {
  readonly at: number;
  readonly actor: string;
  readonly options: AffectedOptions;
  /** A parameter, '' where it is missing. */
  readonly text: (name: string) => string;
}
type Part = Partial<Affected>;
type Read = (source: Source) => Part;

const same = (name: string): string => name.trim().toLowerCase();
const isAddress = (text: string): boolean => /^[^\s@/]+@[^\s@/]+$/.test(text) && text.length <= 320;
const addresses = (...texts: readonly string[]): string[] => texts.map(same).filter(isAddress);
const named = (...texts: readonly string[]): string[] => texts.map(same).filter((text) => text !== '');

const user: Read = ({ text }) => ({ users: addresses(text('USER_EMAIL')) });
const userLeaves: Read = (source) => ({ ...user(source), urgent: true });
const renamed: Read = ({ text }) => ({ users: addresses(text('USER_EMAIL'), text('NEW_VALUE')) });
const disabled: Read = ({ text }) => ({ users: addresses(text('affected_email_address')), urgent: true });
const unit: Read = () => ({ everybody: true });
/** Known, and nothing is kept that it could change: roles are asked for at every mutating call. */
const nothing: Read = () => ({});

/** USER_EMAIL may be the address of a group; the log does not tell, but the same event in groups_enterprise does. */
const groupMember: Read = ({ text }) => ({ users: addresses(text('USER_EMAIL')), groups: named(text('GROUP_EMAIL')) });
const group: Read = ({ text }) => ({ groups: named(text('GROUP_EMAIL')) });

const enterpriseMember: Read = ({ text }) => {
  const type = same(text('member_type'));
  const person = type === '' || type === 'user' || type === 'other';
  return {
    users: person ? addresses(text('member_id')) : [],
    groups: named(text('group_id')),
    nested: type === 'group' || type === 'other',
  };
};
/** Whoever joins does so in person: these events have no member_id (Reports API, read 2026-11-22). */
const enterpriseJoin: Read = ({ text, actor }) => ({ users: addresses(text('member_id') || actor), groups: named(text('group_id')) });
const enterpriseGroup: Read = ({ text }) => ({ groups: named(text('group_id')), nested: true });

const isOurs = ({ text, options }: Source): boolean => {
  const ours = options.services.map(same);
  return named(text('SERVICE_NAME'), text('APPLICATION_NAME'), text('APP_ID')).some((name) => ours.includes(name));
};

const toSwitch = (value: string): boolean | undefined => ({ true: true, false: false })[same(value)];

function scopeOf({ text, options }: Source): string {
  const groupEmail = same(text('GROUP_EMAIL'));
  if (groupEmail !== '') return `group:${groupEmail}`;
  const path = text('ORG_UNIT_NAME').trim().replace(/\/+$/, '');
  const rootNames = [text('DOMAIN_NAME'), ...(options.rootNames ?? [])].map(same);
  if (path === '' || rootNames.includes(same(path))) return 'organization';
  return `ou:${path.startsWith('/') ? path : `/${path}`}`;
}

const toggled: Read = (source) => {
  const enabled = toSwitch(source.text('NEW_VALUE'));
  return isOurs(source) && enabled !== undefined ? { services: [{ scope: scopeOf(source), enabled, at: source.at }] } : {};
};
const added: Read = (source) => {
  const enabled = toSwitch(source.text('APPLICATION_ENABLED'));
  return isOurs(source) && enabled !== undefined ? { services: [{ scope: applicationScope, enabled, at: source.at }] } : {};
};
const removed: Read = (source) => (isOurs(source) ? { services: [{ scope: applicationScope, enabled: false, at: source.at }] } : {});

/** Every event that says something about users, groups or org units, by the name that the Reports API gives it. */
const events: Readonly<Record<ActivityApplication, ReadonlyMap<string, Read>>> = {
  admin: new Map<string, Read>([
    ['CREATE_USER', user],
    ['DELETE_USER', userLeaves],
    ['UNDELETE_USER', user],
    ['SUSPEND_USER', userLeaves],
    ['UNSUSPEND_USER', user],
    ['ARCHIVE_USER', userLeaves],
    ['UNARCHIVE_USER', user],
    ['MOVE_USER_TO_ORG_UNIT', user],
    ['RENAME_USER', renamed],
    // The text of USER_CUSTOM_FIELD and its values is documented nowhere: the user is read again, whatever it says.
    ['CHANGE_USER_CUSTOM_FIELD', user],
    ['ADD_GROUP_MEMBER', groupMember],
    ['REMOVE_GROUP_MEMBER', groupMember],
    ['UPDATE_GROUP_MEMBER', groupMember],
    ['DELETE_GROUP', group],
    ['TOGGLE_SERVICE_ENABLED', toggled],
    ['ADD_APPLICATION', added],
    ['REMOVE_APPLICATION', removed],
    ['MOVE_ORG_UNIT', unit],
    ['EDIT_ORG_UNIT_NAME', unit],
    ['REMOVE_ORG_UNIT', unit],
    ['ASSIGN_ROLE', nothing],
    ['UNASSIGN_ROLE', nothing],
  ]),
  groups_enterprise: new Map<string, Read>([
    ['add_member', enterpriseMember],
    ['remove_member', enterpriseMember],
    ['join', enterpriseJoin],
    ['accept_invitation', enterpriseJoin],
    ['approve_join_request', enterpriseMember],
    ['ban_member_with_moderation', enterpriseMember],
    ['delete_group', enterpriseGroup],
    ['add_dynamic_group_query', enterpriseGroup],
    ['change_dynamic_group_query', enterpriseGroup],
  ]),
  login: new Map<string, Read>([
    // What Google suspends by itself is logged here and not under admin.
    ['account_disabled_generic', disabled],
    ['account_disabled_hijacked', disabled],
    ['account_disabled_spamming', disabled],
    ['account_disabled_spamming_through_relay', disabled],
    ['account_disabled_password_leak', disabled],
  ]),
};

/** The events that are known, those that change nothing included: the filter of a log sink needs no others. */
export const knownEvents = (application: ActivityApplication): readonly string[] => [...events[application].keys()];

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];

/**
 * What an entry of the audit log makes worth reading again. It carries no state with it, but for switches of our service, which no
 * API reads back. Events that are unknown, that name nobody, or that tell of nothing but our own write-back, affect nothing.
 */
export function toAffected(activity: Activity, options: AffectedOptions): Affected {
  const actor = same(activity.actor ?? '');
  const own = options.ownAccounts.map(same).includes(actor) && activity.events.every(({ name }) => name === 'CHANGE_USER_CUSTOM_FIELD');
  const parts = (own ? [] : activity.events).map(({ name, parameters }): Part => {
    const text = (parameter: string): string => parameters[parameter] ?? '';
    return events[activity.application].get(name)?.({ at: activity.at, actor, options, text }) ?? {};
  });
  return {
    users: unique(parts.flatMap(({ users = [] }) => users)),
    groups: unique(parts.flatMap(({ groups = [] }) => groups)),
    nested: parts.some(({ nested }) => nested === true),
    everybody: parts.some(({ everybody }) => everybody === true),
    services: parts.flatMap(({ services = [] }) => services),
    urgent: parts.some(({ urgent, users = [] }) => urgent === true && users.length > 0),
  };
}
