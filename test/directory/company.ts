import { fixedPlanes } from '../../functions/planes.ts';
import { toAgentId } from '../../shared/agent.ts';
import { parsePlane, type Plane, type PolicySpec } from '../../shared/plane.ts';
import { createRunner, type Handler } from '../../functions/core/schedule.ts';
import type { Activity, ActivityApplication, IdentityProvider, UserIdentity } from '../../functions/core/providers.ts';
import { createIntake } from '../../functions/directory/intake.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

export function toPlane(policies: Plane['spec']['policies'], spec: Partial<Plane['spec']> = {}): Plane {
  const parsed = parsePlane({
    apiVersion: 'openclaw.dev/v1alpha1',
    kind: 'AgentsPlane',
    metadata: { name: 'acme' },
    spec: {
      identity: { provider: 'test', domain: 'acme.test' },
      infrastructure: { provider: 'test', region: 'r1' },
      secrets: { provider: 'test' },
      networking: { provider: 'test' },
      policies,
      ...spec,
    },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value;
}
export const inOu = (ou: string, spec: PolicySpec): Plane['spec']['policies'][number] => ({ match: { ou }, spec });

/** A directory in memory, the plane's intake over it, and time that only moves when it is told to. */
export function openCompany(plane: Plane, options: { pageSize?: number } = {}) {
  const { pageSize = 10 } = options;
  let now = Date.UTC(2026, 10, 22);
  const users = new Map<string, UserIdentity>();
  const deleted = new Map<string, UserIdentity>();
  const groups = new Map<string, Set<string>>();
  const log: Activity[] = [];
  const calls: string[] = [];
  const lines: string[] = [];
  const store = createMemoryStore();
  const clock = { now: () => now, deadline: () => new AbortController().signal };
  const wake = { wake: () => undefined, flush: async () => undefined };
  const groupsOf = (id: string) => [...groups].flatMap(([group, members]) => (members.has(id) ? [group] : []));
  /** Throws in place of the next answers, while there are any. */
  const failures: Error[] = [];
  const company = { unreadable: false };
  const call = (what: string): void => {
    calls.push(what);
    const failure = failures.shift();
    if (failure) throw failure;
  };

  const identity: IdentityProvider = {
    name: 'test',
    authenticate: () => Promise.reject(new Error('nobody signs in here')),
    rolesOf: async () => [],
    async resolveUser(key) {
      call('users.get');
      const user = users.get(key) ?? [...users.values()].find(({ email }) => email === key);
      return user && { ...user, groups: groupsOf(user.id) };
    },
    async *listUsers() {
      yield* users.values();
    },
    async listPage({ token, deleted: gone }) {
      call(gone ? 'users.list deleted' : 'users.list');
      const all = [...(gone ? deleted : users).values()].sort((a, b) => (a.email < b.email ? -1 : 1));
      const from = Number(token ?? 0);
      const next = from + pageSize < all.length ? { next: String(from + pageSize) } : {};
      return { users: all.slice(from, from + pageSize), ...next };
    },
    async membersOf(group) {
      call('members.list');
      if (company.unreadable) throw new Error('403');
      const members = groups.get(group);
      return members && [...members];
    },
    async *activities(application: ActivityApplication, since: number) {
      call(`activities ${application}`);
      yield* log.filter((entry) => entry.application === application && entry.at >= since).toReversed();
    },
    watchEvents: async ({ ttlMs }) => ({ resourceId: 'r', expiresAt: now + ttlMs }),
    stopWatching: async () => undefined,
    searchUsers: async (text, limit) => [...users.values()].filter(({ email }) => email.startsWith(text)).slice(0, limit),
    listOrgUnits: async () => [...new Set(['/', ...[...users.values()].map(({ ouPath }) => ouPath)])],
    examine: async () => [],
    publish: async () => undefined,
    writeRequests: async () => undefined,
  };
  const deps = { store, clock, hashing: nodeHashing, wake, identity, planes: fixedPlanes([plane]) };
  const intake = createIntake({
    ...{ ...deps, log: { info: () => undefined, warn: (line: string) => void lines.push(line) } },
    breathe: async () => undefined,
    ...{ address: 'http://127.0.0.1/', random: () => `id-${calls.length}`, services: ['OpenClaw Agent'], ownAccounts: ['plane@acme.test'] },
  });
  const silent = { info: () => undefined, warn: (line: string) => void lines.push(line) };
  const handlers: Record<string, Handler> = {
    ...intake.handlers,
    pass: async () => undefined,
    plane: async (name, signal) => intake.errands[name]?.({ signal, log: silent }),
  };
  const runner = createRunner({ store, clock, log: silent, handlers, runMs: 1_000 });

  async function due(key: string): Promise<void> {
    await store.transact(async (tx) => {
      const row = await tx.get('schedule', key);
      tx.set('schedule', key, { key, dueAt: now, attempts: 0, stamp: (row?.stamp ?? 0) + 1 });
    });
  }

  /** Runs what is due, in order of time, until so many milliseconds have passed. */
  async function pass(ms = 0): Promise<void> {
    const end = now + ms;
    for (let runs = 0; runs < 100_000; runs += 1) {
      const [next] = await store.query('schedule', 'byDue', { before: end + 1, limit: 1 });
      if (!next) break;
      now = Math.max(now, next.dueAt);
      await runner.run(next.key);
    }
    now = Math.max(now, end);
  }

  const runOne = (key: string): Promise<unknown> => runner.run(key);

  const agentIdOf = (id: string): string => toAgentId(plane.metadata.name, id, nodeHashing.sha256);
  return Object.assign(company, {
    ...{ users, deleted, groups, log, calls, lines, store, intake, deps, due, pass, runOne, failures, agentIdOf },
    now: () => now,
    /** Ids and addresses follow from the number, so that both sort alike. */
    hire(number: number, ouPath: string, fields: UserIdentity['fields'] = {}): UserIdentity {
      const id = String(1_000 + number);
      const user: UserIdentity = {
        ...{ id, email: `u${id}@acme.test`, name: `User ${id}`, ouPath, groups: [], active: true, roles: [], fields },
      };
      users.set(id, user);
      return user;
    },
    change(id: string, change: Partial<UserIdentity>): void {
      const user = users.get(id);
      if (user) users.set(id, { ...user, ...change });
    },
    fire(id: string): void {
      const user = users.get(id);
      if (user) deleted.set(id, { ...user, active: false, inactiveBecause: 'deleted' });
      users.delete(id);
    },
    /** Makes the standing errands due, as the start of a plane does. */
    async begin(): Promise<void> {
      for (const name of Object.keys(intake.errands)) await due(`plane/${name}`);
      await pass(5_000);
    },
    async desired(): Promise<Record<string, string>> {
      const agents = await store.query('agents', 'byPlane', { equals: [plane.metadata.name], limit: 500 });
      return Object.fromEntries(agents.map(({ ownerId, desired }) => [ownerId, desired]));
    },
  });
}
export type Company = ReturnType<typeof openCompany>;
