import type { UserIdentity } from '../../functions/core/providers.ts';
import type { VirtualClock } from './clock.ts';
import type { Random } from './random.ts';
import { createTimeline } from './timeline.ts';

/** A user as the directory has them now. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly ouPath: string;
  readonly suspended: boolean;
  readonly archived: boolean;
  readonly deleted: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
}
interface Group {
  readonly members: ReadonlySet<string>;
  /** Addresses of groups that are members. */
  readonly nested: ReadonlySet<string>;
}

/** What the company tells of its changes. */
export interface Teller {
  push(userId: string, state: 'add' | 'delete' | 'undelete' | 'update'): void;
  entry(application: 'admin' | 'groups_enterprise' | 'login', name: string, parameters: Readonly<Record<string, string>>): void;
}

/** Nested membership lags so long at most, in milliseconds (Directory API limits, read 2026-11-22). */
const nestedLagMs = 10 * 60_000;

export const groupNames = ['leads@acme.test', 'contractors@acme.test', 'inner@acme.test'] as const;
export const isActive = ({ suspended, archived, deleted }: Person): boolean => !suspended && !archived && !deleted;
const within = (path: string, ou: string): boolean => path === ou || path.startsWith(`${ou}/`);

/** The directory of a company as it really is, and as it was a moment ago. */
export function createCompany({ clock, random, tell }: { clock: VirtualClock; random: Random; tell: Teller }) {
  const now = (): number => clock.now();
  const people = new Map<string, ReturnType<typeof createTimeline<Person>>>();
  const groups = new Map<string, ReturnType<typeof createTimeline<Group>>>();
  /** Members through other groups, each as of the time from which it shows. */
  const derived = new Map<string, ReturnType<typeof createTimeline<ReadonlySet<string>>>>();
  /** Since when each user has had no right to an agent, whatever policy says. */
  const inactiveSince = new Map<string, number>();
  const switches = new Map<string, boolean>();
  const ous = ['/', '/Sales', '/Sales/West', '/Engineering'];
  for (const name of groupNames) {
    groups.set(name, createTimeline<Group>());
    derived.set(name, createTimeline<ReadonlySet<string>>());
    groups.get(name)?.put(0, { members: new Set(), nested: new Set() });
  }

  const personAt = (id: string, at = now()): Person | undefined => people.get(id)?.at(at);
  const everybody = (at = now()): Person[] => [...people.keys()].flatMap((id) => personAt(id, at) ?? []);
  const present = (at = now()): Person[] => everybody(at).filter(({ deleted }) => !deleted);
  const byEmail = (email: string, at = now()): Person | undefined => present(at).find((person) => person.email === email);

  function put(person: Person): void {
    const timeline = people.get(person.id) ?? createTimeline<Person>();
    people.set(person.id, timeline);
    timeline.put(now(), person);
    if (isActive(person)) inactiveSince.delete(person.id);
    else if (!inactiveSince.has(person.id)) inactiveSince.set(person.id, now());
  }

  /** Who is in a group through others, really. */
  function reach(name: string, seen: ReadonlySet<string> = new Set()): Set<string> {
    const group = groups.get(name)?.at(now());
    const found = new Set<string>();
    if (!group || seen.has(name)) return found;
    for (const inner of group.nested) {
      for (const id of groups.get(inner)?.at(now())?.members ?? []) found.add(id);
      for (const id of reach(inner, new Set([...seen, name]))) found.add(id);
    }
    return found;
  }
  /** `undefined` ends a group. */
  function putGroup(name: string, group: Group | undefined): void {
    groups.get(name)?.put(now(), group);
    for (const [outer, timeline] of derived) {
      const [before, after] = [timeline.latest() ?? new Set<string>(), reach(outer)];
      if (before.size !== after.size || [...before].some((id) => !after.has(id)))
        timeline.put(now() + random.between(0, nestedLagMs), after);
    }
  }
  function membersAt(name: string, at: number): string[] | undefined {
    const group = groups.get(name)?.at(at);
    return group && [...new Set([...group.members, ...(derived.get(name)?.at(at) ?? [])])].filter((id) => !personAt(id)?.deleted);
  }
  /** Every group that somebody is really in, as if nothing lagged. */
  const groupsOf = (id: string): string[] =>
    groupNames.filter((name) => groups.get(name)?.at(now())?.members.has(id) || reach(name).has(id));

  /** Changes a user who is there; a signal that names them follows. */
  function change(id: string, next: Partial<Person>, event: string, more: Readonly<Record<string, string>> = {}): void {
    const person = personAt(id);
    if (!person || person.deleted) return;
    put({ ...person, ...next });
    tell.push(id, 'update');
    tell.entry('admin', event, { USER_EMAIL: person.email, ...more });
  }

  return {
    ...{ ous, switches, inactiveSince, personAt, everybody, present, byEmail, membersAt, groupsOf, change, putGroup, put },
    groupAt: (name: string): Group | undefined => groups.get(name)?.at(now()),
    create(id: string, email: string, ouPath: string, fields: Person['fields']): void {
      put({ id, email, ouPath, suspended: false, archived: false, deleted: false, fields });
      tell.push(id, 'add');
      tell.entry('admin', 'CREATE_USER', { USER_EMAIL: email });
    },
    remove(id: string): void {
      const person = personAt(id);
      if (!person || person.deleted) return;
      put({ ...person, deleted: true });
      for (const name of groupNames) {
        const group = groups.get(name)?.at(now());
        if (group?.members.has(id)) putGroup(name, { ...group, members: new Set([...group.members].filter((other) => other !== id)) });
      }
      tell.push(id, 'delete');
      tell.entry('admin', 'DELETE_USER', { USER_EMAIL: person.email });
    },
    restore(id: string): void {
      const person = personAt(id);
      if (!person?.deleted || byEmail(person.email)) return;
      put({ ...person, deleted: false });
      tell.push(id, 'undelete');
      tell.entry('admin', 'UNDELETE_USER', { USER_EMAIL: person.email });
    },
    /** Google logs one event for the unit and none for those in it. Units that have a switch keep their names here. */
    renameUnit(from: string, to: string): void {
      if (!ous.includes(from) || ous.includes(to) || [...switches.keys()].some((scope) => scope.startsWith('ou:'))) return;
      const renamed = (path: string): string => (within(path, from) ? `${to}${path.slice(from.length)}` : path);
      ous.splice(0, ous.length, ...ous.map(renamed));
      for (const person of everybody()) if (within(person.ouPath, from)) put({ ...person, ouPath: renamed(person.ouPath) });
      tell.entry('admin', 'EDIT_ORG_UNIT_NAME', { ORG_UNIT_NAME: from, NEW_VALUE: to });
    },
    toggle(scope: string, enabled: boolean): void {
      switches.set(scope, enabled);
      const where = scope.startsWith('group:')
        ? { GROUP_EMAIL: scope.slice(6) }
        : { ORG_UNIT_NAME: scope.startsWith('ou:') ? scope.slice(3) : '/' };
      tell.entry('admin', 'TOGGLE_SERVICE_ENABLED', { SERVICE_NAME: 'OpenClaw Agent', NEW_VALUE: String(enabled), ...where });
    },
    /** An app that is added or removed makes every switch before it meaningless. */
    install(enabled: boolean): void {
      switches.clear();
      switches.set('organization', enabled);
      tell.entry('admin', enabled ? 'ADD_APPLICATION' : 'REMOVE_APPLICATION', {
        APPLICATION_NAME: 'OpenClaw Agent',
        APPLICATION_ENABLED: String(enabled),
      });
    },
  };
}
export type Company = ReturnType<typeof createCompany>;

export function toIdentity(person: Person, groups: readonly string[]): UserIdentity {
  const { id, email, ouPath, deleted, suspended, archived, fields } = person;
  const inactiveBecause = deleted ? 'deleted' : suspended ? 'suspended' : archived ? 'archived' : undefined;
  return {
    ...{ id, email, name: `User ${id}`, ouPath, groups, roles: [], fields, active: inactiveBecause === undefined },
    ...(inactiveBecause === undefined ? {} : { inactiveBecause }),
  };
}
